"""What `gotocloud platform cost` shows."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from gotocloud.costs.platform_cost import CostPart, StackPlace, known_total
from gotocloud.formats import usd_text
from gotocloud.platform.customer_key import key_arn
from gotocloud.platform.model import Platform

Rows = tuple[Sequence[str], list[Sequence[object]]]


def places_of(platform: Platform) -> tuple[StackPlace, ...]:
    """The stacks of a platform; the groups' stacks of a region count together."""
    home = platform.management.home_region
    shares = [
        StackPlace("RegionStack", region, {"stack": 1, "share": len(platform.shards_in(region))})
        for region in platform.regions
    ]
    groups = []
    for region in platform.regions:
        here = platform.groups_in(region)
        # A group's users, and so their secrets, are in its first region's stack only.
        users = sum(len(group.scientists) for group in here if group.home_region == region)
        # So is the trail of an audit. A copy of a multi-Region key is billed in each region.
        audits = sum(group.audit for group in here if group.home_region == region)
        keys = {key_arn(group, region) for group in here if group.kms_key}
        per = {"stack": len(here), "scientist": users, "audit": audits, "key": len(keys)}
        groups.append(StackPlace("UserStack", region, per))
    return StackPlace("ManagementStack", home, {"stack": 1}), *shares, *groups


def data(platform: Platform, lines: Sequence[CostPart]) -> dict[str, Any]:
    """The cost for a JSON report."""
    return {
        "platform": platform.name,
        "groups": len(platform.groups),
        "regions": list(platform.regions),
        "known_total_usd_per_month": round(float(known_total(lines)), 2),
        "complete": not any(line.why_unknown for line in lines),
        "parts": [line.as_dict() for line in lines],
    }


def sources(lines: Sequence[CostPart]) -> list[str]:
    """Where the prices come from, with their day, as the table numbers them."""
    found = [f"{line.price.source}, {line.price.date}" for line in lines if line.price]
    return list(dict.fromkeys(found))


def cost_table(lines: Sequence[CostPart]) -> Rows:
    """The parts as a table, the dearest first, those without a cost last."""
    numbered = sources(lines)
    columns = ("part", "of", "region", "number", "each", "USD for one", "USD a month", "source")
    ordered = sorted(
        lines, key=lambda line: (line.usd_per_month is None, -(line.usd_per_month or 0))
    )
    return columns, [
        (
            line.part,
            line.stack or "none",
            line.region,
            line.count,
            "" if line.amount is None else f"{line.amount:.2f} {line.unit}",
            "" if line.price is None else f"{line.price.usd.normalize():f}",
            _usd(line),
            ""
            if line.price is None
            else f"[{numbered.index(f'{line.price.source}, {line.price.date}') + 1}]",
        )
        for line in ordered
    ]


def headline(lines: Sequence[CostPart]) -> str:
    """The sum in words."""
    total = known_total(lines).quantize(Decimal("0.01"))
    unknown = sorted({line.part for line in lines if line.why_unknown == "not priced"})
    missing = sorted({line.part for line in lines if line.why_unknown == "amount not given"})
    text = (
        f"{'At least ' if unknown or missing else ''}USD {total} a month while no cluster exists."
    )
    if missing:
        text += f" Amount not given: {', '.join(missing)}."
    if unknown:
        text += f" Not priced: {', '.join(unknown)} (gotocloud platform prices --refresh)."
    return text


def _usd(line: CostPart) -> str:
    usd = line.usd_per_month
    return line.why_unknown if usd is None else usd_text(usd)

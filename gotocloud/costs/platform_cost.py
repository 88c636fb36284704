"""What a platform costs a month while no cluster exists: every part of every stack.

How many resources there are follows from the platform file and `platform_resources.yaml`, which a
test holds against the synthesised templates. How much is stored and copied is up to the
caller: what is not given, and what has no price, is listed and makes the sum a lower bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from gotocloud.costs.price import HOURS_PER_MONTH, Price, PriceUnit
from gotocloud.costs.prices import find_price
from gotocloud.yaml_files import load_block

TABLE = "platform_resources.yaml"

COPIES_PER_MONTH = Decimal(52) / 12
"""The replication's schedule is weekly; a test holds it against the synthesised task."""

LEAST_METERED_KIB = 4
"""EFS meters every operation on data and metadata of Elastic throughput as 4 KiB at least.

Source: https://docs.aws.amazon.com/efs/latest/ug/performance.html, "Elastic throughput".
"""

FLOW_LOG_MONTHS = Decimal(90 * 12) / 365
"""Flow logs are kept for 90 days; a test holds it against the synthesised log groups."""


@dataclass(frozen=True, kw_only=True)
class MonthlyUse:
    """What no template states, for a month; None is unknown.

    Args:
        software_gb: Size of the software on the master; each share has as much.
        software_files: Its files and folders.
        changed_gb: How much of it changes. Default: nothing.
        read_gb: What the nodes of each share, or of each group's region, read.
        flow_log_gb: Flow logs of each network.
        releases_gb: Published templates.
    """

    software_gb: Decimal | None = None
    software_files: int | None = None
    changed_gb: Decimal | None = Decimal()
    read_gb: Decimal | None = None
    flow_log_gb: Decimal | None = None
    releases_gb: Decimal | None = None

    def amount(self, name: str) -> Decimal | None:
        """An amount of `platform_resources.yaml`, for one resource; None if it is unknown."""
        hourly_usd: dict[str, Decimal | None] = {
            "one": Decimal(1),
            "hours": Decimal(HOURS_PER_MONTH),
            "software_gb": self.software_gb,
            "changed_gb": self.changed_gb,
            "read_gb": self.read_gb,
            "releases_gb": self.releases_gb,
            "looked_at_gb": self._looked_at_gb(),
            "flow_log_gb": self.flow_log_gb,
            "flow_log_kept_gb": _times(self.flow_log_gb, FLOW_LOG_MONTHS),
            # A few requests and lines at each deployment: how many is not known before.
            "deployments": None,
            "other_log_gb": None,
            # Each read and write of an object of a project is a call.
            "recorded_calls": None,
            "audit_gb": None,
        }
        return hourly_usd[name]

    def _looked_at_gb(self) -> Decimal | None:
        if self.software_files is None:
            return None
        gib_of_one_look = Decimal(LEAST_METERED_KIB) / 1024**2
        return self.software_files * gib_of_one_look * COPIES_PER_MONTH


@dataclass(frozen=True)
class StackPlace:
    """One stack, or several alike: what there is in one region of one kind of account.

    Args:
        stack: "ManagementStack", "RegionStack" or "UserStack".
        region: AWS region.
        per: How many there are, by what `platform_resources.yaml` counts with.
    """

    stack: str
    region: str
    per: Mapping[str, int]


@dataclass(frozen=True)
class CostPart:
    """One part of the cost.

    Args:
        stack: The kind of stack; empty for what no stack has.
        region: Where it is; empty for what no stack has.
        resource: Type of the resource.
        part: What of it is billed.
        count: Resources.
        amount: Of one resource, in `unit`, for a month; None if unknown.
        unit: What the price buys.
        price: None if it is not known.
    """

    stack: str
    region: str
    resource: str
    part: str
    count: int
    amount: Decimal | None
    unit: PriceUnit
    price: Price | None

    @property
    def usd_per_month(self) -> Decimal | None:
        """Its cost; None if the amount or the price is unknown."""
        if self.count == 0 or self.amount == 0:
            return Decimal()
        if self.amount is None or self.price is None:
            return None
        return self.count * self.amount * self.price.usd

    @property
    def why_unknown(self) -> str:
        """Why it has no cost; empty if it has one."""
        if self.usd_per_month is not None:
            return ""
        return "not priced" if self.price is None else "amount not given"

    def as_dict(self) -> dict[str, Any]:
        """The part for a JSON report."""
        usd = self.usd_per_month
        return {
            "stack": self.stack,
            "region": self.region,
            "resource": self.resource,
            "part": self.part,
            "count": self.count,
            "amount": None if self.amount is None else float(self.amount),
            "unit": self.unit.value,
            "price": self.price and self.price.as_dict(),
            "usd_per_month": None if usd is None else round(float(usd), 4),
            "unknown": self.why_unknown,
        }


def platform_cost(
    places: Sequence[StackPlace], home_region: str, use: MonthlyUse
) -> tuple[CostPart, ...]:
    """Every part of a platform's own cost, also those of which there is none.

    Args:
        places: Its stacks.
        home_region: Region of the master, whose prices count for reading it.
        use: What is stored and copied.
    """
    return tuple(
        line
        for resource, row in billed().items()
        for line in _lines(resource, row, places, home_region, use)
    )


def known_total(lines: Sequence[CostPart]) -> Decimal:
    """Sum of what is known, in USD a month: a lower bound while any part is unknown."""
    return sum((line.usd_per_month or Decimal() for line in lines), Decimal())


def billed() -> Mapping[str, Any]:
    """Rows of resource types that are billed, with `in` and `parts`."""
    rows: Mapping[str, Any] = _table()["billed"]
    return rows


def free() -> Mapping[str, str]:
    """Resource types without a charge, with the reason."""
    rows: Mapping[str, str] = _table()["free"]
    return rows


@cache
def _table() -> Mapping[str, Any]:
    text = files(__package__).joinpath(TABLE).read_text(encoding="utf-8")
    table: Mapping[str, Any] = load_block(text, TABLE).data
    return table


def _lines(
    resource: str,
    row: Mapping[str, Any],
    places: Sequence[StackPlace],
    home_region: str,
    use: MonthlyUse,
) -> Iterator[CostPart]:
    for part in row["parts"]:
        of_stack = [
            place
            for place in places
            if place.stack in row["in"] and part.get("only", place.stack) == place.stack
        ]
        for place in of_stack or [StackPlace("", "", {})]:
            counts = row["in"].get(place.stack, {})
            region = home_region if part.get("where") == "home" else place.region
            unit = PriceUnit(part["unit"])
            yield CostPart(
                stack=place.stack,
                region=place.region,
                resource=resource,
                part=part["name"],
                count=sum(number * place.per.get(each, 0) for each, number in counts.items()),
                amount=use.amount(part["amount"]),
                unit=unit,
                price=find_price(part["item"], region, unit),
            )


def _times(amount: Decimal | None, factor: Decimal) -> Decimal | None:
    return None if amount is None else amount * factor

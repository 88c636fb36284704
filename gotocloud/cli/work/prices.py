"""`gotocloud platform prices`: AWS's prices, their age, and reading them again."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gotocloud.cli.output import narrate, paragraph, print_json, suggest, table
from gotocloud.cli.visible import unfiltered
from gotocloud.errors import InputError
from gotocloud.files import write_file
from gotocloud.formats import rate_text
from gotocloud.origin import keep_from_aws, stated_endpoint

if TYPE_CHECKING:
    from gotocloud.costs.price import Key, Price

_DAY = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?$")


def prices_path(platform_path: Path) -> Path:
    """Where a platform's own prices lie: platform.yaml -> platform.prices.csv."""
    return platform_path.with_name(f"{platform_path.stem}.prices.csv")


def show(platform_path: Path, regions: Sequence[str], *, as_json: bool) -> None:
    """Print every price that a platform needs, with its age; unknown ones too.

    Raises:
        InputError: if the platform file or the price table cannot be used.
    """
    names = _regions(platform_path, regions)
    current = _current(platform_path)
    rows = [_row(key, current.get(key), _today()) for key in _needed(names)]
    if as_json:
        print_json(rows)
        return
    sources = list(dict.fromkeys(row["source"] for row in rows if row["source"]))
    for name in names:
        table(
            ("item", "for one", "USD", "spread", "days old", "source"),
            [
                (
                    row["item"],
                    row["unit"],
                    rate_text(row["usd"]),
                    "" if row["spread_usd"] is None else f"± {rate_text(row['spread_usd'])}",
                    row["age_days"],
                    f"[{sources.index(row['source']) + 1}]" if row["source"] else "",
                )
                for row in rows
                if row["region"] == name
            ],
            title=f"Prices in {name}",
        )
    for number, source in enumerate(sources, 1):
        typer.echo(f"[{number}] {source}")
    unknown = sum(row["usd"] is None for row in rows)
    paragraph(f"{len(rows) - unknown} of {len(rows)} prices are known.")
    suggest("gotocloud platform prices --refresh")


def refresh(platform_path: Path, regions: Sequence[str], *, dry_run: bool) -> None:
    """Ask AWS for every price that a platform needs, and keep the answers beside its file.

    A price that AWS does not tell keeps the row that it had.

    Raises:
        InputError: if the platform file, a region or the old table cannot be used.
        GoToCloudError: if AWS does not answer; nothing is written then.
    """
    from gotocloud.aws.price_list import PRICE_LIST_REGION
    from gotocloud.aws.session import stand_in
    from gotocloud.costs.price_files import dump_table, read_table
    from gotocloud.costs.prices import shipped_table

    path = prices_path(platform_path)
    own = dict(read_table(path)) if path.exists() else {}
    now = stand_in("pricing", PRICE_LIST_REGION)
    if not dry_run:
        keep_from_aws(path, (stated_endpoint(one.source) for one in own.values()), now)
    if not now:
        own = {key: one for key, one in own.items() if not stated_endpoint(one.source)}
    before = {**shipped_table(), **own}
    answers = _answers(platform_path, _regions(platform_path, regions))
    for price in answers.prices:
        _show_change(before.get(price.key), price)
    for why in answers.unknown:
        narrate(f"Unknown: {why}")
    if dry_run:
        narrate(f"Would write {path}.")
        return
    own.update({price.key: price for price in answers.prices})
    write_file(path, dump_table(own.values()))
    narrate(f"Wrote {path}: {len(answers.prices)} prices as of today.")
    elsewhere = shlex.quote(str(path.resolve()))
    narrate(f"Commands in this folder use it; elsewhere: export GOTOCLOUD_PRICES={elsewhere}")


def _answers(platform_path: Path, names: Sequence[str]) -> Any:
    from rich.console import Console
    from rich.progress import Progress

    from gotocloud.aws.price_list import Answers, listed_prices, spot_prices
    from gotocloud.cluster_configs.model import used_instance_types
    from gotocloud.costs.price_list import OTHER_PRODUCTS, instance_product
    from gotocloud.platform.zones import zone_map

    types = used_instance_types()
    products = (*(instance_product(name) for name in types), *OTHER_PRODUCTS)
    zones = zone_map(platform_path)
    places = [(name, zones.region(name).best.zone_id) for name in names]
    prices: list[Price] = []
    unknown: list[str] = []
    with Progress(console=Console(file=unfiltered(sys.stderr)), transient=True) as bar:
        work = bar.add_task("Reading AWS's prices", total=len(places) * len(products))
        for region, zone_id in places:
            for answers in (
                listed_prices(region, products, _today(), lambda: bar.advance(work)),
                spot_prices(region, zone_id, types, datetime.now(UTC)),
            ):
                prices += answers.prices
                unknown += answers.unknown
    return Answers(tuple(prices), tuple(unknown))


def _show_change(before: Price | None, now: Price) -> None:
    what = f"{now.item} in {now.region}, {now.unit}"
    if before is None:
        narrate(f"New: {what}: {now.usd} USD")
    elif before.usd != now.usd:
        percent = 100 * float(now.usd / before.usd - 1)
        narrate(f"Changed: {what}: {before.usd} ({before.date}) to {now.usd} USD, {percent:+.1f} %")


def _regions(platform_path: Path, regions: Sequence[str]) -> tuple[str, ...]:
    from gotocloud.platform.load import load_platform
    from gotocloud.platform.regions import REGIONS, region_problem

    if problems := [region_problem(name) for name in regions if name not in REGIONS]:
        raise InputError("There are no prices of these regions.", problems=problems)
    return tuple(regions) or load_platform(platform_path).regions


def _current(platform_path: Path) -> dict[Key, Price]:
    """Every price, those beside the platform file included."""
    from gotocloud.costs.price_files import read_table
    from gotocloud.costs.prices import price_table

    path = prices_path(platform_path)
    return {**price_table(), **(read_table(path) if path.exists() else {})}


def _needed(regions: Iterable[str]) -> list[Key]:
    from gotocloud.cluster_configs.model import used_instance_types
    from gotocloud.costs.price import PriceUnit
    from gotocloud.costs.price_list import OTHER_PRODUCTS

    kinds = (PriceUnit.INSTANCE_HOUR, PriceUnit.SPOT_INSTANCE_HOUR)
    items = [(name, unit) for name in used_instance_types() for unit in kinds]
    items += [(product.item, product.unit) for product in OTHER_PRODUCTS]
    return [(item, region, unit) for region in regions for item, unit in items]


def _row(key: Key, price: Price | None, today: date) -> dict[str, Any]:
    from gotocloud.costs.prices import find_price

    item, region, unit = key
    price = price or find_price(item, region, unit)
    figures = price.as_dict() if price else dict.fromkeys(("usd", "spread_usd", "date", "source"))
    return {
        "item": str(item),
        "region": region,
        "unit": unit.value,
        **{name: figures[name] for name in ("usd", "spread_usd", "date", "source")},
        "age_days": age_days(price.date, today) if price else None,
    }


def age_days(stated: str, today: date) -> int | None:
    """Days since the last day on which a price is known to have held, at least.

    Args:
        stated: A price's date: a year, month, day or `first/last` day.
    """
    match = _DAY.search(stated)
    if not match:
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None
    # A year or a month alone may mean its last day.
    latest = date(year, month or 12, day or 28)
    return max(0, (today - latest).days)


def _today() -> date:
    return datetime.now(UTC).date()

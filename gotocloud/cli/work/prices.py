"""`gotocloud platform prices`: AWS's prices, their age, and reading them again."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gotocloud.cli.ages import today
from gotocloud.cli.output import narrate, paragraph, print_json, suggest, table
from gotocloud.cli.visible import unfiltered
from gotocloud.errors import InputError
from gotocloud.files import write_file
from gotocloud.formats import rate_text
from gotocloud.origin import keep_from_aws, stated_endpoint

if TYPE_CHECKING:
    from gotocloud.costs.price import Key, Price


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
    rows = _rows(names, current)
    if as_json:
        print_json(rows)
        return
    sources = list(dict.fromkeys(row["source"] for row in rows if row["source"]))
    for name in names:
        here = [row for row in rows if row["region"] == name]
        table(
            ("item", "for one", "USD", "days old", "source"),
            [_shown(row, sources) for row in here if not row["zone_id"]] + _by_type(here, sources),
            title=f"Prices in {name}",
        )
    for number, source in enumerate(sources, 1):
        typer.echo(f"[{number}] {source}")
    priced = [row for row in rows if row["usd"] is not None]
    paragraph(f"{len(priced)} of {len(rows)} prices are known.")
    if old := sum(row["old"] for row in priced):
        paragraph(f"{old} are older than a year, or of unknown age: marked with OLD.")
    paragraph("Spot: from the cheapest zone to the dearest; each zone with --json.")
    suggest("gotocloud platform prices --refresh")


def _shown(row: Mapping[str, Any], sources: Sequence[str]) -> tuple[object, ...]:
    number = f"[{sources.index(row['source']) + 1}]" if row["source"] else ""
    return row["item"], row["unit"], rate_text(row["usd"]), _age(row), number


def _by_type(rows: Iterable[Mapping[str, Any]], sources: Sequence[str]) -> list[tuple[object, ...]]:
    """One line for the spot prices of a type."""
    zones: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["zone_id"] and row["usd"] is not None:
            zones.setdefault(row["item"], []).append(row)
    found: list[tuple[object, ...]] = []
    for item, mine in zones.items():
        low, high = (at(mine, key=lambda row: row["usd"]) for at in (min, max))
        usd = rate_text(low["usd"])
        if high["usd"] != low["usd"]:
            usd += f" to {rate_text(high['usd'])}"
        if not low["discount_seen"]:
            usd += " (as on demand: no discount seen)"
        elif not high["discount_seen"]:
            usd += " (= on demand)"
        _, _, _, age, number = _shown(low, sources)
        kind = f"spot hour, {len(mine)} zone{'s' if len(mine) > 1 else ''}"
        found.append((item, kind, usd, age, number))
    return found


def _age(row: Mapping[str, Any]) -> str:
    if row["usd"] is None:
        return ""
    days = "unknown" if row["age_days"] is None else f"{row['age_days']:,}"
    return f"{days} OLD" if row["old"] else days


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
    from gotocloud.costs.prices import newest, shipped_table

    path = prices_path(platform_path)
    own = dict(read_table(path)) if path.exists() else {}
    now = stand_in("pricing", PRICE_LIST_REGION)
    if not dry_run:
        keep_from_aws(path, (stated_endpoint(one.source) for one in own.values()), now)
    if not now:
        own = {key: one for key, one in own.items() if not stated_endpoint(one.source)}
    before = newest(shipped_table(), own.values())
    answers = _answers(_regions(platform_path, regions))
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


def _answers(names: Sequence[str]) -> Any:
    from rich.console import Console
    from rich.progress import Progress

    from gotocloud.aws.price_list import Answers, listed_prices, spot_prices
    from gotocloud.cluster_configs.instances import instance_types
    from gotocloud.costs.price_list import OTHER_PRODUCTS, instance_product

    types = tuple(instance_types())
    products = (*(instance_product(name) for name in types), *OTHER_PRODUCTS)
    prices: list[Price] = []
    unknown: list[str] = []
    with Progress(console=Console(file=unfiltered(sys.stderr)), transient=True) as bar:
        work = bar.add_task("Reading AWS's prices", total=len(names) * len(products))
        for region in names:
            for answers in (
                listed_prices(region, products, today(), lambda: bar.advance(work)),
                spot_prices(region, types, datetime.now(UTC)),
            ):
                prices += answers.prices
                unknown += answers.unknown
    return Answers(tuple(prices), tuple(unknown))


def _show_change(before: Price | None, now: Price) -> None:
    what = f"{now.item} in {now.key[1]}, {now.unit}"
    if before is None:
        narrate(f"New: {what}: {now.usd} USD")
    elif before.usd != now.usd:
        percent = 100 * float(now.usd / before.usd - 1)
        narrate(f"Changed: {what}: {before.usd} ({before.date}) to {now.usd} USD, {percent:+.1f} %")


def _regions(platform_path: Path, regions: Sequence[str]) -> tuple[str, ...]:
    from gotocloud.aws.regions import no_region
    from gotocloud.platform.load import load_platform

    if problems := [problem for name in regions if (problem := no_region(name))]:
        raise InputError("There are no prices of these regions.", problems=problems)
    return tuple(regions) or load_platform(platform_path).regions


def _current(platform_path: Path) -> dict[Key, Price]:
    """Every price, those beside the platform file included."""
    from gotocloud.costs.price_files import read_table
    from gotocloud.costs.prices import newest, price_table

    path = prices_path(platform_path)
    return newest(price_table(), read_table(path).values() if path.exists() else ())


def _rows(names: Iterable[str], current: Mapping[Key, Price]) -> list[dict[str, Any]]:
    """What a platform needs, each price known or not; spot prices by zone."""
    from gotocloud.cluster_configs.instances import instance_types
    from gotocloud.costs.price import EVERY_REGION, PriceUnit
    from gotocloud.costs.price_list import OTHER_PRODUCTS

    spot_unit = PriceUnit.SPOT_INSTANCE_HOUR
    items = [(name, PriceUnit.INSTANCE_HOUR) for name in instance_types()]
    items += [(product.item, product.unit) for product in OTHER_PRODUCTS]
    rows = []
    for region in names:
        for item, unit in items:
            price = current.get((item, region, unit)) or current.get((item, EVERY_REGION, unit))
            rows.append(_row((item, region, unit), price, ""))
        spot = [one for one in current.values() if (one.region, one.unit) == (region, spot_unit)]
        for one in sorted(spot, key=lambda price: price.key):
            full = current.get((one.item, region, PriceUnit.INSTANCE_HOUR))
            rows.append(_row((one.item, region, spot_unit), one, one.zone_id, full))
    return rows


def _row(
    key: Key, price: Price | None, zone_id: str, on_demand: Price | None = None
) -> dict[str, Any]:
    from gotocloud.costs.price import last_day
    from gotocloud.costs.prices import below

    item, region, unit = key
    figures = price.as_dict() if price else dict.fromkeys(("usd", "spread_usd", "date", "source"))
    last = last_day(price.date) if price else None
    return {
        "item": str(item),
        "region": region,
        "zone_id": zone_id,
        "unit": unit.value,
        **{name: figures[name] for name in ("usd", "spread_usd", "date", "source")},
        "age_days": None if last is None else max(0, (today() - last).days),
        "old": price is not None and price.is_old(today()),
        "discount_seen": below(price, on_demand) if price and zone_id else None,
    }

"""`gotocloud status`: what the group has, and what it costs now."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gotocloud.cli.ages import show_ages
from gotocloud.cli.options import Json
from gotocloud.cli.output import narrate, paragraph, print_json, suggest, table
from gotocloud.cli.visible import unfiltered
from gotocloud.errors import InputError
from gotocloud.waiting import looks

if TYPE_CHECKING:
    from gotocloud.aws.cloud import Cloud
    from gotocloud.aws.group_now import RegionNow
    from gotocloud.aws.projects import Place
    from gotocloud.projects.overview import ClusterRow, ProjectRow

app = typer.Typer(help="Show the group's projects and clusters.")

SHORTEST_WATCH_S = 2
CLEAR = "\x1b[2J\x1b[H"


@app.command(epilog="Example: gotocloud status --watch 30")
def status(
    as_json: Json = False,
    watch: Annotated[
        int | None, typer.Option(help="Show it again every so many seconds, until Ctrl-C.")
    ] = None,
) -> None:
    """Show the group's projects and clusters, what they cost per hour now, and what to type."""
    from gotocloud.aws.cloud import StandardCloud
    from gotocloud.aws.projects import place

    if watch is not None and watch < SHORTEST_WATCH_S:
        raise InputError(
            f"--watch {watch} is too often; {SHORTEST_WATCH_S} seconds is the shortest.",
            next_command="gotocloud status --watch 30",
        )
    cloud = StandardCloud()
    where = place(cloud)
    try:
        for _ in looks(watch or 0, tries=None if watch else 1, sleep=time.sleep):
            if watch and sys.stdout.isatty():
                unfiltered(sys.stdout).write(CLEAR)
            _show(cloud, where, as_json=as_json)
    except KeyboardInterrupt:
        # Watching changes nothing, so there is nothing to tell about ending it.
        return


def _show(cloud: Cloud, where: Place, *, as_json: bool) -> None:
    from gotocloud.aws.group_now import regions_now
    from gotocloud.cli.work.running import close_stale_desktops

    close_stale_desktops(cloud)
    regions = tuple(regions_now(cloud, where))
    if as_json:
        print_json(_as_data(regions, where))
        return
    named = ", ".join(one.region for one in regions)
    narrate(f"{where.facts.group} in {named}, account {where.caller.account}")
    rows = tuple(row for one in regions for row in one.rows)
    if rows:
        _print(rows, regional=len(regions) > 1)
    else:
        narrate("There is no project yet.")
        suggest("gotocloud setup")
    for one in regions:
        for left in one.left:
            narrate(f"Billed without a cluster in {one.region}: {left}.")
        if one.left:
            suggest("gotocloud doctor")
        for kind, why in one.unlisted.items():
            narrate(f"{kind} in {one.region}: could not be listed ({why}).")
        if one.unread:
            narrate(f"{one.region}: could not be read, and is not in the sum: {one.unread}")


def _as_data(regions: tuple[RegionNow, ...], where: Place) -> dict[str, Any]:
    from gotocloud.projects.overview import total

    rows = [row for one in regions for row in one.rows]
    cost = total(rows)
    return {
        "group": where.facts.group,
        "account": where.caller.account,
        "region": where.facts.region,
        "regions": [one.region for one in regions if not one.unread],
        "regions_unread": {one.region: one.unread for one in regions if one.unread},
        "scientist": where.caller.name,
        "known_usd_per_hour": float(cost.known_usd_per_hour),
        "unknown_prices": list(cost.unknown),
        "left_over": [f"{one.region}: {left}" for one in regions for left in one.left],
        "not_listed": {
            f"{one.region}: {kind}": why for one in regions for kind, why in one.unlisted.items()
        },
        "projects": [row.as_dict() for row in rows],
    }


def _print(rows: tuple[ProjectRow, ...], *, regional: bool) -> None:
    from gotocloud.projects.overview import total

    region = ("region",) if regional else ()
    table(
        ("project", *region, "scientist", "state", "cluster", "jobs", "pauses", "cost now", "next"),
        [
            (
                row.project,
                *((row.region,) if regional else ()),
                row.scientist,
                row.state.value,
                _described(row.cluster) if row.cluster else "none",
                row.cluster.jobs if row.cluster and row.cluster.runs else "",
                (row.cluster and row.cluster.ending) or "",
                str(row.cluster.cost) if row.cluster else "storage only",
                row.next_command,
            )
            for row in rows
        ],
    )
    for row in rows:
        if row.cluster and row.cluster.runs and row.cluster.jobs.why:
            narrate(f"Jobs of {row.project!r} could not be read: {row.cluster.jobs.why}.")
        if row.cluster and row.cluster.ending and row.cluster.ending.notice:
            narrate(f"The idle guard of {row.project!r}: {row.cluster.ending.notice}")
        if row.cluster and row.cluster.ending and row.cluster.ending.why:
            narrate(f"When {row.project!r} pauses is not known: {row.cluster.ending.why}")
    cost = total(rows)
    paragraph(f"All clusters together: {cost}.")
    if cost.unknown:
        narrate(f"Price unknown: {', '.join(cost.unknown)}.")
    show_ages(cost.prices)


def _described(cluster: ClusterRow) -> str:
    parts = [cluster.state.value, cluster.configuration or "unknown"]
    return ", ".join([*parts, "spot"] if cluster.capacity == "spot" else parts)

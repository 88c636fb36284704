"""`gotocloud status`: what the group has, and what it costs now."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from gotocloud.cli.options import Json
from gotocloud.cli.output import narrate, print_json, table
from gotocloud.errors import InputError

if TYPE_CHECKING:
    from gotocloud.aws.cloud import Cloud
    from gotocloud.aws.projects import Place
    from gotocloud.projects.standing import ClusterRow, ProjectRow

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
        while True:
            if watch and sys.stdout.isatty():
                sys.stdout.write(CLEAR)
            _show(cloud, where, as_json=as_json)
            if not watch:
                return
            time.sleep(watch)
    except KeyboardInterrupt:
        # Watching changes nothing, so there is nothing to tell about ending it.
        return


def _show(cloud: Cloud, where: Place, *, as_json: bool) -> None:
    from gotocloud.aws.billed import inventory
    from gotocloud.aws.keeping import endings
    from gotocloud.aws.live_status import group_stacks
    from gotocloud.aws.running_jobs import jobs_now
    from gotocloud.cli.work.running import close_stale_desktops
    from gotocloud.contract.group_facts import Fact
    from gotocloud.projects.standing import (
        cluster_names,
        project_rows,
        total,
        with_endings,
        with_jobs,
    )

    close_stale_desktops(cloud)
    stacks = group_stacks(cloud)
    found = inventory(cloud)
    left = found.without_cluster(where.facts[Fact.VPC_ID], *cluster_names(stacks))
    rows = project_rows(stacks, cloud.region, where.caller.name, found.nodes())
    rows = with_jobs(rows, jobs_now(cloud, stacks))
    rows = with_endings(rows, endings(cloud, stacks))
    if as_json:
        cost = total(rows)
        print_json(
            {
                "group": where.facts.group,
                "account": where.caller.account,
                "region": cloud.region,
                "scientist": where.caller.name,
                "known_usd_per_hour": float(cost.known_usd_per_hour),
                "unknown_prices": list(cost.unknown),
                "left_over": [str(one) for one in left],
                "not_listed": {str(kind): why for kind, why in found.unknown.items()},
                "projects": [row.as_dict() for row in rows],
            }
        )
        return
    narrate(f"{where.facts.group} in {cloud.region}, account {where.caller.account}")
    if rows:
        _print(rows)
    else:
        narrate("There is no project yet. Next: gotocloud setup PROJECT")
    for one in left:
        narrate(f"Billed without a cluster: {one}. Next: gotocloud doctor")
    for kind, why in found.unknown.items():
        narrate(f"{kind}: could not be listed ({why}).")


def _print(rows: tuple[ProjectRow, ...]) -> None:
    from gotocloud.projects.standing import total

    table(
        ("project", "scientist", "state", "cluster", "jobs", "pauses", "cost now", "next"),
        [
            (
                row.project,
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
        if row.cluster and row.cluster.ending and row.cluster.ending.why:
            narrate(f"When {row.project!r} pauses is not known: {row.cluster.ending.why}")
    cost = total(rows)
    narrate(f"All clusters together: {cost}.")
    if cost.unknown:
        narrate(f"Price unknown: {', '.join(cost.unknown)}.")


def _described(cluster: ClusterRow) -> str:
    parts = [cluster.state.value, cluster.configuration or "unknown"]
    return ", ".join([*parts, "spot"] if cluster.capacity == "spot" else parts)

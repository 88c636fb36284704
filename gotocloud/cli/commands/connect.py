"""`gotocloud connect`: the desktop in a browser."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gotocloud.cli.options import DryRun, Json, ProjectArgument
from gotocloud.cli.output import narrate, print_json, stoppable, suggest
from gotocloud.contract.head_node import LUSTRE_MOUNT
from gotocloud.errors import GoToCloudError, shell_line

if TYPE_CHECKING:
    from gotocloud.aws.cloud import Cloud
    from gotocloud.aws.projects import Place
    from gotocloud.cli.work.running import Running

app = typer.Typer(help="Open the desktop of a cluster.")


@app.command(epilog="Example: gotocloud connect apoferritin --hours 4")
def connect(
    project: ProjectArgument = None,
    tunnel: Annotated[
        bool, typer.Option("--tunnel", help="Through Systems Manager; opens no port at all.")
    ] = False,
    hours: Annotated[float, typer.Option(help="How long the desktop stays open to you.")] = 12,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="ADDRESS",
            help="Your public IPv4 address or network. Default: from checkip.amazonaws.com.",
        ),
    ] = None,
    close: Annotated[
        bool, typer.Option("--close", help="Close the desktop to everybody, and stop.")
    ] = False,
    browser: Annotated[bool, typer.Option(help="Open the browser when this is a terminal.")] = True,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Open the desktop to your address only, for a time, and print its one-time URL."""
    from gotocloud.aws.cloud import StandardCloud
    from gotocloud.aws.projects import place
    from gotocloud.cli.work.running import running

    cloud = StandardCloud()
    where = place(cloud)
    cluster = running(cloud, where, project, "connect", change=not dry_run)
    if close:
        _close(cloud, cluster, dry_run=dry_run)
    elif tunnel:
        _tunnel(cloud, cluster, dry_run=dry_run, browser=browser, as_json=as_json)
    else:
        _open(
            cloud,
            where,
            cluster,
            source,
            hours,
            dry_run=dry_run,
            browser=browser,
            as_json=as_json,
        )


def _open(
    cloud: Cloud,
    where: Place,
    cluster: Running,
    source: str | None,
    hours: float,
    *,
    dry_run: bool,
    browser: bool,
    as_json: bool,
) -> None:
    from datetime import UTC, datetime

    from gotocloud.aws.desktop_access import opened, own_address, session
    from gotocloud.contract.group_facts import Fact
    from gotocloud.projects.desktop_access import (
        TOKEN_S,
        checked_network,
        closing_time,
        parse_networks,
    )

    until = closing_time(hours, datetime.now(UTC))
    allowed = parse_networks(where.facts[Fact.DESKTOP_NETWORKS])
    typed = shell_line("gotocloud", "connect", cluster.names.project)
    network = checked_network(source or own_address(typed=typed), allowed)
    stated = f"desktop of {cluster.names.project!r} to {network} until {until:%Y-%m-%d %H:%M} UTC"
    if dry_run:
        narrate(f"Would open the {stated}.")
        return
    again = shell_line("gotocloud", "connect", cluster.names.project)
    with stoppable(
        "Stopped. The desktop was not opened to you. The cluster runs on, and is billed.",
        next_command=again,
    ):
        # Requested first: a desktop that does not answer is not opened.
        url = session(cluster.node).url(cluster.address)
        with opened(cloud, cluster.desktop_group, network, where.caller.name, until) as new:
            narrate(f"{'Opened' if new else 'Left open'} the {stated}.")
            if as_json:
                print_json({"url": url, "network": str(network), "until": until.isoformat()})
                return
            narrate(f"Good once, within {TOKEN_S} seconds:")
            typer.echo(url)
    _browse(url, browser)
    narrate(f'Files of the project belong in {LUSTRE_MOUNT}: "Project files" on the desktop.')
    narrate("Type it again for a new URL; close the desktop when you are done.")
    suggest(f"{again} --close")


def _tunnel(cloud: Cloud, cluster: Running, *, dry_run: bool, browser: bool, as_json: bool) -> None:
    from gotocloud.aws.desktop_access import session
    from gotocloud.aws.node_sessions import require_plugin, tunnel
    from gotocloud.contract.ports import DESKTOP_PORT
    from gotocloud.projects.desktop_access import TOKEN_S

    require_plugin()
    if dry_run:
        narrate(
            f"Would carry port {DESKTOP_PORT} of {cluster.node.instance} here, and open nothing."
        )
        return
    try:
        with tunnel(cloud, cluster.node.instance, DESKTOP_PORT) as carried:
            url = session(cluster.node).url("localhost", carried.port)
            if as_json:
                print_json({"url": url, "port": carried.port})
            else:
                narrate(f"Good once, within {TOKEN_S} seconds; the tunnel ends with Ctrl-C:")
                typer.echo(url)
            _browse(url, browser and not as_json)
            carried.wait()
    except KeyboardInterrupt:
        narrate("The tunnel is closed. The cluster runs on, and is billed.")
        suggest(shell_line("gotocloud", "pause", cluster.names.project))


def _close(cloud: Cloud, cluster: Running, *, dry_run: bool) -> None:
    from gotocloud.aws.desktop_access import close, openings

    found = openings(cloud, [cluster.desktop_group])
    for one in found:
        if not dry_run:
            close(cloud, one)
        narrate(f"{'Would close' if dry_run else 'Closed'} the desktop to {one.network}.")
    if not found:
        narrate("The desktop is closed; nothing to do.")


def _browse(url: str, browser: bool) -> None:
    if not browser or not sys.stdout.isatty():
        return
    import webbrowser

    try:
        webbrowser.open_new(url)
    except webbrowser.Error as error:
        raise GoToCloudError(f"The browser does not open: {error}.", next_command=url) from error

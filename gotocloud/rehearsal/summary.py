"""The demo's account in the terminal: what exists where, what it costs, what to type next."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from gotocloud.contract.project_bucket import PROJECT_BUCKETS
from gotocloud.contract.stacks import ClusterOutput
from gotocloud.costs.idle import IdleCost
from gotocloud.formats import rate_text
from gotocloud.rehearsal.picture import counted
from gotocloud.rehearsal.report import DemoReport
from gotocloud.rehearsal.survey_model import AccountSurvey, RegionSurvey, Survey, Vpc

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.tree import Tree

PIPE_WIDTH = 110


def show(report: DemoReport, page_url: str, console: Console | None = None) -> None:
    """Print the account of a demo on stdout.

    Args:
        report: What the demo has to tell.
        page_url: Where the page is.
        console: Where to print. Default: stdout, plain when it is not a terminal.
    """
    from rich.text import Text

    console = console or _console()
    console.print()
    console.print(Text("What exists now", style="bold"))
    for account in report.survey.accounts:
        console.print(_account(report.survey, account))
    console.print()
    console.print(Text(_cost_title(report), style="bold"))
    console.print(_costs(report.cost))
    console.print(_cost_words(report.cost))
    console.print(Text("Billed now, as status, pause and doctor list it", style="bold"))
    for one in report.billed:
        console.print(f"  {one}", highlight=False, soft_wrap=True)
    console.print()
    console.print(Text("What to type next", style="bold"))
    _print_next(report, console)
    console.print()
    console.print(f"The same with a picture: {page_url}", soft_wrap=True, highlight=False)
    console.print(f"Done in {report.seconds:.0f} s.", highlight=False)


def _console() -> Console:
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(width=PIPE_WIDTH, color_system=None, highlight=False)


def _account(survey: Survey, account: AccountSurvey) -> Tree:
    from rich.markup import escape
    from rich.tree import Tree

    people = f", {counted(len(account.users), 'scientist')}" if account.users else ""
    budgets = "".join(f", budget USD {b.usd:,.0f} a month" for b in account.budgets[:1])
    head = f"[bold cyan]{escape(account.name)}[/] account {account.account}{people}{budgets}"
    tree = Tree(head, guide_style="dim")
    for region in account.regions:
        if region.stacks or region.vpcs or region.buckets:
            branch = tree.add(f"[bold]{region.region}[/]")
            for line in _region_lines(survey, region):
                branch.add(line)
    return tree


def _region_lines(survey: Survey, region: RegionSurvey) -> list[str]:
    lines = [line for vpc in region.vpcs for line in _vpc_lines(survey, region, vpc)]
    for fs in region.file_systems:
        ways_in = ", ".join(target.zone_id for target in fs.mount_targets)
        lines.append(f"EFS {fs.id}" + (f" with mount targets in {ways_in}" if ways_in else ""))
    for stack in region.stacks:
        if stack.queues:
            name = stack.outputs.get(ClusterOutput.CLUSTER_NAME, stack.name)
            lines.append(f"[bold green]cluster {name}[/], {counted(len(stack.queues), 'queue')}")
    lines += [
        f"head node {head.id}, {head.type}, {head.state}, {head.public_ip or 'no public address'}"
        for head in region.instances
    ]
    lines += [
        f"Lustre {lustre.id}, {lustre.gib:,} GiB {lustre.deployment_type}, bound to "
        f"{', '.join(lustre.repositories) or 'nothing'}"
        for lustre in region.lustre
    ]
    lines += [f"NAT gateway {gateway.id}, {gateway.state}" for gateway in region.nat_gateways]
    return lines + [
        f"{'project ' * bucket.startswith(PROJECT_BUCKETS)}bucket {bucket}"
        for bucket in region.buckets
        if not bucket.startswith("cdk-")
    ]


def _vpc_lines(survey: Survey, region: RegionSurvey, vpc: Vpc) -> list[str]:
    zones = ", ".join(sorted({subnet.zone_id for subnet in vpc.subnets}))
    lines = [f"network {vpc.cidr}" + (f" in {zones}" if zones else "")]
    requested = [p for p in region.peerings if p.requester_vpc == vpc.id]
    accepted = [p for p in region.peerings if p.accepter_vpc == vpc.id]
    for peering in requested:
        both = survey.routed(peering.requester_vpc, peering.id) and survey.routed(
            peering.accepter_vpc, peering.id
        )
        words = "routes both ways" if both else "[yellow]a route is missing[/]"
        lines[0] += f", peering {peering.state}, {words}"
    if accepted:
        lines[0] += f", the software share of {counted(len(accepted), 'peering')}"
    return lines


def _cost_title(report: DemoReport) -> str:
    return (
        f"The {report.cost.configuration} cluster in {report.cost.region}, idle: "
        f"{report.cost.headline}"
    )


def _costs(cost: IdleCost) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("Item", "Quantity"):
        table.add_column(name)
    table.add_column("USD/h", justify="right")
    table.add_column("Price of")
    for item in cost.items:
        table.add_row(
            item.name,
            item.quantity,
            rate_text(item.usd_per_hour),
            item.price.date if item.price else "",
        )
    return table


def _cost_words(cost: IdleCost) -> str:
    words = "Compute nodes cost nothing while no job runs; delete the cluster and the meter stops."
    if cost.unknown:
        words += f" No price on record for: {', '.join(cost.unknown)}."
    return words + "\n"


def _print_next(report: DemoReport, console: Console) -> None:
    """Each command on a line of its own that no narrow window breaks: it is there to be copied."""
    from rich.text import Text

    for command, why in report.next_commands:
        console.print(Text(f"  {command}", style="cyan"), soft_wrap=True)
        console.print(Text(f"      {why}"))

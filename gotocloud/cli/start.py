"""`gotocloud start`: a cluster for a project."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gotocloud.cli.output import narrate, print_json, table
from gotocloud.errors import GoToCloudError, InputError, shell_line

if TYPE_CHECKING:
    from gotocloud.aws.cloud import Cloud
    from gotocloud.aws.clusters import Start
    from gotocloud.aws.projects import Place
    from gotocloud.costs.idle import IdleCost
    from gotocloud.projects.findings import Finding
    from gotocloud.projects.standing import ClusterRow

app = typer.Typer(help="Start a project's cluster.")

USUAL_CONFIGURATION = "cryoem-spa"
_SMALLEST_SHOWN = 0.01


@app.command(epilog="Example: gotocloud start apoferritin --config tutorial")
def start(
    project: Annotated[
        str | None, typer.Argument(help="The project. Default: the only one that you have.")
    ] = None,
    config: Annotated[
        str, typer.Option(help="Cluster configuration; see gotocloud cluster list.")
    ] = USUAL_CONFIGURATION,
    lustre_gib: Annotated[
        int | None,
        typer.Option(help="Working storage: 1200 or a multiple of 2400. Default: as configured."),
    ] = None,
    release: Annotated[
        str | None, typer.Option(help="Published version. Default: the newest.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, show the price, create nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Start a cluster: check everything, show what it costs, ask, and follow it until it runs."""
    from gotocloud.aws.cloud import StandardCloud
    from gotocloud.aws.clusters import Wanted, cluster_state
    from gotocloud.aws.projects import only_project, place
    from gotocloud.cli.running import close_stale_desktops
    from gotocloud.cluster_configs.model import load_configuration
    from gotocloud.projects.sizes import lustre_size_problem
    from gotocloud.projects.states import State

    load_configuration(config)
    if lustre_gib is not None and (problem := lustre_size_problem(lustre_gib)):
        raise InputError(f"{problem}.", next_command="gotocloud start --lustre-gib 2400")
    cloud = StandardCloud()
    where = place(cloud)
    if not dry_run:
        close_stale_desktops(cloud)
    name = project or only_project(cloud, where, "start")
    asked = _Asked(cloud, where, name, yes=yes, dry_run=dry_run, as_json=as_json)
    state, row = cluster_state(cloud, where, name)
    if state is State.READY and row is not None:
        asked.report(row, _stack_outputs(cloud, where, name), (), None, made=False)
        _differences(row, config, lustre_gib)
        return
    if state is State.MAKING and row is not None and (dry_run or _follow(asked)):
        outputs = {} if dry_run else _stack_outputs(cloud, where, name)
        asked.report(row, outputs, (), None, made=not dry_run)
        return
    _start(asked, Wanted(name, config, release, lustre_gib))


@dataclass(frozen=True)
class _Asked:
    """Who asks for what."""

    cloud: Cloud
    where: Place
    project: str
    yes: bool
    dry_run: bool
    as_json: bool

    @property
    def retry(self) -> str:
        return shell_line("gotocloud", "start", self.project)

    @property
    def stack(self) -> str:
        return self.where.names(self.project).cluster_stack

    def report(
        self,
        row: ClusterRow | None,
        outputs: dict[str, str],
        findings: tuple[Finding, ...],
        idle: IdleCost | None,
        *,
        made: bool,
    ) -> None:
        """Tell what stands now."""
        following = shell_line("gotocloud", "connect", self.project)
        if self.as_json:
            print_json(
                {
                    "project": self.project,
                    "stack": self.stack,
                    "region": self.cloud.region,
                    "made": made,
                    "dry_run": self.dry_run,
                    "state": row.state.value if row else None,
                    "outputs": outputs,
                    "idle_cost": idle and idle.as_dict(),
                    "findings": [one.as_dict() for one in findings],
                    "next_command": following,
                }
            )
            return
        if row is not None and not made:
            narrate(f"The cluster of {self.project!r} is {row.state.value}; nothing to do.")
        for key, value in outputs.items():
            typer.echo(f"{key:<24}{value}")
        if not self.dry_run:
            narrate(f"It is billed from now on until it is paused. Next: {following}")


def _start(asked: _Asked, wanted: Any) -> None:
    from gotocloud.aws.clusters import check_start, plan_start
    from gotocloud.cli.findings_view import refuse_problems, show
    from gotocloud.cluster_configs.model import load_configuration
    from gotocloud.costs.idle import idle_cost

    planned = plan_start(asked.cloud, asked.where, wanted)
    idle = idle_cost(
        load_configuration(wanted.configuration),
        asked.cloud.region,
        planned.lustre_gib,
        head_node_type=planned.shape.head_node,
    )
    findings = check_start(asked.cloud, planned, idle.known_total_usd_per_hour)
    show(findings, quiet=not asked.dry_run)
    if not asked.dry_run:
        refuse_problems(findings, f"Starting a cluster for {asked.project!r}", asked.retry)
    if not asked.as_json:
        _show_prices(planned, idle, asked.cloud.region)
    if asked.dry_run:
        narrate(f"Would launch stack {planned.plan.name} from {planned.plan.template_url}")
        asked.report(None, {}, findings, idle, made=False)
        return
    _confirm(asked, idle)
    outputs = _launch(asked, planned, idle)
    asked.report(None, outputs, findings, idle, made=True)


def _show_prices(planned: Start, idle: IdleCost, region: str) -> None:
    from gotocloud.costs.prices import price_usd_per_hour, spot_price_usd_per_hour

    rows = [(one.name, one.quantity, _usd(one.usd_per_hour)) for one in idle.items]
    table(("while nothing runs", "", "USD per hour"), [*rows, ("together", "", idle.headline)])
    queues = []
    dates = {one.price.date for one in idle.items if one.price}
    for queue in planned.shape.queues:
        find = spot_price_usd_per_hour if queue.spot else price_usd_per_hour
        price = find(queue.instance_type, region)
        when = f" (mean of {price.date})" if price and queue.spot else ""
        usd = _usd(price.usd if price else None) + when
        if price and not queue.spot:
            dates.add(price.date)
        queues.append((queue.name, queue.instance_type, queue.max_nodes, usd))
    table(("queue", "node", "at most", "USD per node and hour"), queues)
    if dates:
        told = f"{min(dates)} to {max(dates)}" if len(dates) > 1 else min(dates)
        narrate(f"Prices before tax, without data transfer; told {told}.")


def _usd(value: Any) -> str:
    if value is None:
        return "unknown"
    return f"{value:.2f}" if not 0 < value < _SMALLEST_SHOWN else "under 0.01"


def _confirm(asked: _Asked, idle: IdleCost) -> None:
    if asked.yes:
        return
    if not sys.stdin.isatty():
        raise InputError(
            f"Nobody can be asked whether {idle.headline} is all right; nothing was started.",
            next_command=f"{asked.retry} --yes",
        )
    if not typer.confirm(f"Start it, for {idle.headline} and its nodes?", err=True):
        raise GoToCloudError("Nothing was started.", next_command="gotocloud status")


def _launch(asked: _Asked, planned: Start, idle: IdleCost) -> dict[str, str]:
    from gotocloud.aws.clusters import launch
    from gotocloud.cli.stack_display import StackDisplay

    key = f"{planned.wanted.configuration} {asked.cloud.region}"
    try:
        with StackDisplay(len(planned.shape.resources), key=key) as display:
            return launch(asked.cloud, planned, display.told(), retry=asked.retry)
    except KeyboardInterrupt:
        raise _left_running(asked, idle.headline) from None


def _follow(asked: _Asked) -> bool:
    """Wait for a cluster that is being made; whether there was one."""
    from gotocloud.aws.clusters import follow
    from gotocloud.cli.stack_display import StackDisplay

    narrate(f"The cluster of {asked.project!r} is being made already; following it ...")
    try:
        with StackDisplay(0) as display:
            found = follow(
                asked.cloud, asked.where, asked.project, display.told(), retry=asked.retry
            )
    except KeyboardInterrupt:
        raise _left_running(asked, "what it costs per hour") from None
    return found is not None


def _left_running(asked: _Asked, price: str) -> GoToCloudError:
    """What Ctrl-C leaves: asked of AWS, because only AWS knows."""
    from gotocloud.aws.launch import stack_state
    from gotocloud.projects.states import State

    try:
        state, _ = stack_state(asked.cloud, asked.stack)
    except (GoToCloudError, KeyboardInterrupt):
        return GoToCloudError(
            f"Stopped. Whether AWS goes on with stack {asked.stack} could not be asked.",
            next_command="gotocloud status",
        )
    if state is State.ABSENT:
        return GoToCloudError("Stopped. Nothing is running and nothing is billed.")
    if state is State.ENDING:
        return GoToCloudError(
            f"Stopped watching. AWS removes stack {asked.stack}; then nothing of it is billed.",
            next_command="gotocloud status",
        )
    return GoToCloudError(
        f"Stopped watching. AWS goes on making stack {asked.stack}, and bills for it: {price} "
        "once it is complete.",
        next_command=f"{asked.retry} follows it again; gotocloud status shows what is billed",
    )


def _stack_outputs(cloud: Cloud, where: Place, project: str) -> dict[str, str]:
    from gotocloud.aws.stacks import outputs

    name = where.names(project).cluster_stack
    return outputs(name, cloud.region, cfn=cloud.client("cloudformation")) or {}


def _differences(row: ClusterRow, config: str, lustre_gib: int | None) -> None:
    """Say when what stands is not what was asked for."""
    asked_for = []
    if row.configuration and row.configuration != config and config != USUAL_CONFIGURATION:
        asked_for.append(f"configuration {config} (it is {row.configuration})")
    if lustre_gib and row.lustre_gib and lustre_gib != row.lustre_gib:
        asked_for.append(f"Lustre of {lustre_gib:,} GiB (it is {row.lustre_gib:,})")
    if asked_for:
        narrate(
            f"You asked for {' and '.join(asked_for)}. A running cluster is not changed: pause it, "
            "then start it anew."
        )

"""`gotocloud start`: a cluster for a project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from gotocloud.cli.completion import configurations
from gotocloud.cli.confirm import agree
from gotocloud.cli.options import (
    USUAL_CONFIGURATION,
    DryRun,
    Json,
    ProjectArgument,
    Release,
    Yes,
)
from gotocloud.cli.output import narrate, print_json, suggest
from gotocloud.errors import GoToCloudError, InputError, shell_line

if TYPE_CHECKING:
    from gotocloud.aws.cloud import Cloud
    from gotocloud.aws.clusters import Start, Wanted
    from gotocloud.aws.projects import Place
    from gotocloud.costs.idle import IdleCost
    from gotocloud.findings import Finding
    from gotocloud.projects.cluster_end import ClusterEnd
    from gotocloud.projects.overview import ClusterRow

app = typer.Typer(help="Start a project's cluster.")


@app.command(epilog="Example: gotocloud start apoferritin --config tutorial")
def start(
    context: typer.Context,
    project: ProjectArgument = None,
    config: Annotated[
        str | None,
        typer.Option(
            help="Cluster configuration; see gotocloud cluster list. Default: the project's last "
            f"one, at first {USUAL_CONFIGURATION}.",
            autocompletion=configurations,
        ),
    ] = None,
    lustre_gib: Annotated[
        int | None,
        typer.Option(help="Working storage: 1200 or a multiple of 2400. Default: as configured."),
    ] = None,
    spot: Annotated[
        bool,
        typer.Option(
            "--spot",
            help="Let jobs go to spot queues unless their form selects another: cheaper, and "
            "interrupted now and then. Default: on demand.",
        ),
    ] = False,
    keep_for: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=720,
            metavar="HOURS",
            help="Keep it so many hours from now, idle or not; then it waits for its jobs and "
            "pauses itself. Again for a running cluster: from now. Default: it pauses itself "
            "after two idle hours.",
        ),
    ] = None,
    release: Release = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Start a cluster: check everything, show what it costs, ask, and follow it until it runs."""
    from gotocloud.aws.cloud import StandardCloud
    from gotocloud.aws.clusters import Wanted, cluster_state
    from gotocloud.aws.last_cluster import last_cluster
    from gotocloud.aws.projects import checked_names, only_project, place
    from gotocloud.cli.typed import typed_again
    from gotocloud.cli.work.running import close_stale_desktops
    from gotocloud.projects.states import State

    cloud = StandardCloud()
    where = place(cloud)
    if not dry_run:
        close_stale_desktops(cloud)
    name = project or only_project(cloud, where, "start")
    last = None if config else last_cluster(cloud, checked_names(where, name))
    chosen = config or (last.configuration if last else USUAL_CONFIGURATION)
    size_gib = lustre_gib or (last.lustre_gib if last else None)
    wanted = Wanted(name, chosen, release, size_gib, spot=spot, keep_hours=keep_for)
    request = _Request(
        cloud,
        where,
        wanted,
        retry=typed_again(context, "start", project=name),
        resized=typed_again(context, "start", project=name, lustre_gib=2400),
        yes=yes,
        dry_run=dry_run,
        as_json=as_json,
    )
    state, row = cluster_state(cloud, where, name)
    if row is not None and state in (State.READY, State.MAKING):
        _refuse_another(row, request, configuration=config, lustre_gib=lustre_gib)
    if state is State.READY and row is not None:
        request.report(row, _stack_outputs(request), (), None, made=False, ending=_kept(request))
        return
    if state is State.MAKING and row is not None and (dry_run or _follow(request)):
        outputs = {} if dry_run else _stack_outputs(request)
        ending = None if dry_run else _kept(request, being_made=True)
        request.report(row, outputs, (), None, made=not dry_run, ending=ending)
        return
    _start(request)


@dataclass(frozen=True)
class _Request:
    """The command's arguments and surroundings."""

    cloud: Cloud
    where: Place
    wanted: Wanted
    retry: str
    resized: str
    yes: bool
    dry_run: bool
    as_json: bool

    @property
    def project(self) -> str:
        return self.wanted.project

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
        ending: ClusterEnd | None = None,
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
                    "kept_until": ending and ending.as_dict()["kept_until"],
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
            narrate(_until_when(ending))
            suggest(following)


def _until_when(ending: ClusterEnd | None) -> str:
    """What is promised about the end of a cluster, from what is on its head node."""
    if ending is None:
        return "It is billed from now on until you pause it."
    if ending.why:
        return (
            "It is billed from now on. Whether it pauses itself is not known "
            f"({ending.why}): pause it when you are done."
        )
    if not ending.guarded:
        return (
            "It is billed from now on until you pause it: its head node has no idle guard, which "
            "comes with the release and the shared software."
        )
    return f"It is billed from now on until it pauses ({ending})."


def _start(request: _Request) -> None:
    from gotocloud.aws.clusters import check_start, plan_start
    from gotocloud.cli.views.findings import show
    from gotocloud.cli.views.start import show_prices
    from gotocloud.cluster_configs.lustre_sizes import Deployment
    from gotocloud.costs.idle import idle_cost_of
    from gotocloud.findings import refuse_errors

    wanted = request.wanted
    planned = plan_start(request.cloud, request.where, wanted, resized=request.resized)
    idle = idle_cost_of(
        wanted.configuration,
        planned.shape.head_node,
        Deployment(planned.shape.lustre_type),
        request.cloud.region,
        planned.lustre_gib,
    )
    findings = check_start(request.cloud, planned, idle.known_total_usd_per_hour)
    show(findings, quiet=not request.dry_run)
    if not request.dry_run:
        refuse_errors(findings, f"Starting a cluster for {request.project!r}", request.retry)
    if not request.as_json:
        show_prices(planned, idle, request.cloud.region)
    if request.dry_run:
        narrate(f"Would launch stack {planned.plan.name} from {planned.plan.template_url}")
        request.report(None, {}, findings, idle, made=False)
        return
    agree(
        f"Start it, for {idle.headline} and its nodes?",
        yes=request.yes,
        refusal=f"This cluster costs {idle.headline}.",
        retry=f"{request.retry} --yes",
    )
    outputs = _launch(request, planned, idle)
    request.report(None, outputs, findings, idle, made=True, ending=_kept(request, being_made=True))


def _launch(request: _Request, planned: Start, idle: IdleCost) -> dict[str, str]:
    from gotocloud.aws.clusters import launch
    from gotocloud.aws.last_cluster import LastCluster, remember
    from gotocloud.cli.views.stack import StackDisplay

    wanted = planned.wanted
    last = LastCluster(wanted.configuration, wanted.lustre_gib)
    remember(request.cloud, request.where.names(request.project), last)
    key = f"{wanted.configuration} {request.cloud.region}"
    try:
        with StackDisplay(len(planned.shape.resources), key=key) as display:
            return launch(request.cloud, planned, display.listener(), retry=request.retry)
    except KeyboardInterrupt:
        raise _left_running(request, idle.headline) from None


def _follow(request: _Request) -> bool:
    """Wait for a cluster that is being made; whether there was one."""
    from gotocloud.aws.clusters import follow
    from gotocloud.cli.views.stack import StackDisplay

    narrate(f"The cluster of {request.project!r} is being made already; following it ...")
    try:
        with StackDisplay(0) as display:
            found = follow(
                request.cloud,
                request.where,
                request.project,
                display.listener(),
                retry=request.retry,
            )
    except KeyboardInterrupt:
        raise _left_running(request, "what it costs per hour") from None
    return found is not None


def _left_running(request: _Request, price: str) -> GoToCloudError:
    """What Ctrl-C leaves, as AWS reports it."""
    from gotocloud.aws.stacks import stack_of
    from gotocloud.projects.states import State

    try:
        state = stack_of(request.cloud, request.stack).state
    except (GoToCloudError, KeyboardInterrupt):
        return GoToCloudError(
            f"Stopped. Whether AWS continues with stack {request.stack} could not be read.",
            next_command="gotocloud status",
        )
    if state is State.ABSENT:
        return GoToCloudError("Stopped. Nothing is running and nothing is billed.")
    if state is State.ENDING:
        return GoToCloudError(
            f"Stopped watching. AWS removes stack {request.stack}; then nothing of it is billed.",
            next_command="gotocloud status",
        )
    return GoToCloudError(
        f"Stopped watching. AWS goes on making stack {request.stack}, and bills for it: {price} "
        "once it is complete.",
        next_command=request.retry,
    )


def _stack_outputs(request: _Request) -> dict[str, str]:
    from gotocloud.aws.stacks import outputs

    cloud = request.cloud
    return dict(outputs(request.stack, cloud.region, cfn=cloud.client("cloudformation")) or {})


def _kept(request: _Request, *, being_made: bool = False) -> ClusterEnd | None:
    """How the cluster will end by itself, now that hours may have been requested.

    Args:
        being_made: Whether it was made just now: with these hours, unless it was begun with
            others.

    Raises:
        InputError: if its release has no --keep-for.
    """
    from gotocloud.aws.cluster_end import ending, keep
    from gotocloud.aws.running_jobs import jobs_now
    from gotocloud.aws.stacks import stack_of
    from gotocloud.contract.stacks import ClusterParameter
    from gotocloud.projects.cluster_end import ClusterEnd
    from gotocloud.projects.jobs_now import UNREAD

    stack = stack_of(request.cloud, request.stack)
    if not stack.exists:
        return None
    hours = request.wanted.keep_hours
    if hours and ClusterParameter.KEEP_HOURS not in stack.parameters:
        raise InputError(
            "This cluster was started from a release without --keep-for; "
            "only `gotocloud pause` ends it.",
            next_command=shell_line("gotocloud", "pause", request.project),
        )
    begun_so = being_made and stack.parameter(ClusterParameter.KEEP_HOURS) == str(hours)
    if not hours or request.dry_run or begun_so:
        node = jobs_now(request.cloud, [stack]).get(stack.name, UNREAD)
        return ending(request.cloud, stack, node)
    until = keep(request.cloud, stack, hours, request.where.caller.name)
    narrate(f"The cluster of {request.project!r} is kept until {until:%Y-%m-%d %H:%M} UTC.")
    return ClusterEnd(until)


def _refuse_another(
    row: ClusterRow, request: _Request, *, configuration: str | None, lustre_gib: int | None
) -> None:
    """Refuse a request that a running cluster does not fulfil.

    Args:
        configuration: The one that was typed; None when none was.
        lustre_gib: The size that was typed; None when none was.

    Raises:
        InputError: if it differs in what was typed.
    """
    problems = []
    if configuration and row.configuration and row.configuration != configuration:
        problems.append(f"--config {configuration}: it has {row.configuration}")
    if lustre_gib and row.lustre_gib and lustre_gib != row.lustre_gib:
        problems.append(f"--lustre-gib {lustre_gib}: it has {row.lustre_gib:,} GiB")
    if request.wanted.spot and row.capacity != "spot":
        problems.append(f"--spot: it prefers {row.capacity or 'on demand'}")
    if problems:
        pausing = shell_line("gotocloud", "pause", request.project)
        raise InputError(
            f"The cluster of {request.project!r} is {row.state.value} with other settings, and "
            "is not changed while it exists.",
            problems=problems,
            next_command=f"{pausing} && {request.retry}",
        )

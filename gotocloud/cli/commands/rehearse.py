"""`gotocloud rehearse`: the whole platform on this machine, without an AWS account."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gotocloud.cli.needs import need_rehearsal
from gotocloud.cli.options import Json
from gotocloud.cli.output import narrate, print_json, suggest, table

if TYPE_CHECKING:
    from gotocloud.platform.model import Platform

app = typer.Typer(
    help="Try the whole platform on this machine, without an AWS account.",
    no_args_is_help=True,
    epilog="Example: gotocloud rehearse up",
)

app.callback()(need_rehearsal)

DEFAULT_STATE = Path("build/rehearsal")
State = Annotated[Path, typer.Option("--state", metavar="DIR", help="Where its state is kept.")]
BootDelay = Annotated[
    float, typer.Option(metavar="SECONDS", min=0, help="How long a node takes to start.")
]


@app.command(epilog='Example: eval "$(gotocloud rehearse up)"')
def up(
    platform: Annotated[
        Path | None,
        typer.Option(
            "--platform",
            metavar="FILE",
            help="The platform file. Default: platform.yaml, else platform.example.yaml.",
        ),
    ] = None,
    state: State = DEFAULT_STATE,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show everything that the CDK prints.")
    ] = False,
    with_slurm: Annotated[
        bool, typer.Option("--with-slurm", help="Start a cluster's Slurm as well (needs root).")
    ] = False,
    configuration: Annotated[
        str, typer.Option(metavar="NAME", help="Cluster configuration of that Slurm.")
    ] = "cryoem-spa",
    boot_delay: BootDelay = 5.0,
) -> None:
    """Start a local AWS, deploy the platform there and leave it running.

    Prints `export` lines with which any AWS tool can look at it, and with --with-slurm any
    Slurm tool and RELION. Run again after an interruption, it carries on.
    """
    from gotocloud.rehearsal.upkeep import bring_up

    if with_slurm:
        from gotocloud.rehearsal.slurm.furnishing import refuse_unfit
        from gotocloud.rehearsal.slurm.upkeep import slurm_folder

        refuse_unfit(slurm_folder(state.resolve()))
    running = bring_up(_platform_file(platform), state, verbose=verbose)
    for line in running.exports():
        typer.echo(line)
    if with_slurm:
        up_slurm(state, running.platform, configuration, boot_delay)
    narrate(f"It runs at {running.endpoint_url} until: gotocloud rehearse down{_option(state)}")
    narrate(f"Administrators' profiles: {', '.join(running.profiles)}. For example:")
    narrate(f"  aws cloudformation list-stacks --profile {running.profiles[-1]}")
    if running.scientists:
        narrate(f"Scientists' profiles: {', '.join(running.scientists)}. For example:")
        narrate(f"  export AWS_PROFILE={running.scientists[0]}; gotocloud setup apoferritin")


def up_slurm(state: Path, platform: Platform, configuration: str, boot_delay_s: float) -> None:
    """Start a platform's Slurm and print the lines that bring a shell to its head node."""
    from gotocloud.rehearsal.slurm.upkeep import bring_up_slurm, region_for

    region = region_for(platform, configuration)
    cluster = bring_up_slurm(state, configuration, region, boot_delay_s)
    for line in cluster.exports():
        typer.echo(line)
    narrate(f"The Slurm of {configuration} in {region} runs as process {cluster.pid}; see: sinfo")


@app.command(epilog="Example: gotocloud rehearse status --json")
def status(state: State = DEFAULT_STATE, as_json: Json = False) -> None:
    """Show the local AWS, its accounts and stacks, and Slurm."""
    from gotocloud.rehearsal.slurm.upkeep import look_at_slurm
    from gotocloud.rehearsal.upkeep import look

    found, slurm = look(state), look_at_slurm(state)
    if as_json:
        print_json({**found, "slurm": slurm})
        return
    if slurm["running"]:
        shown = ("queue", "instance_type", "nodes", "running")
        rows = [[str(queue[column]) for column in shown] for queue in slurm["queues"]]
        table(("queue", "instance type", "nodes at most", "nodes running"), rows)
        narrate(f"The Slurm of {slurm['configuration']} runs as process {slurm['pid']}.")
    if not found["running"]:
        narrate(f"No local AWS runs in {state}.")
        suggest(f"gotocloud rehearse up{_option(state)}")
        return
    columns = ("account", "name", "region", "stack", "status")
    table(columns, [[str(stack[column]) for column in columns] for stack in found["stacks"]])
    narrate(f"It runs at {found['endpoint_url']} (process {found['pid']}).")


@app.command(epilog="Example: gotocloud rehearse down")
def down(state: State = DEFAULT_STATE) -> None:
    """End the local AWS and the Slurm; everything in them is gone."""
    from gotocloud.rehearsal.local_aws import LocalAws
    from gotocloud.rehearsal.slurm.cluster import RehearsalCluster
    from gotocloud.rehearsal.slurm.upkeep import slurm_folder

    cluster = RehearsalCluster.running(slurm_folder(state))
    if cluster:
        cluster.stop()
        narrate(f"Ended the Slurm of {state}.")
    running = LocalAws.running(state)
    if running is None:
        if cluster:
            return
        narrate(f"Nothing to do: no local AWS runs in {state}.")
        return
    running.stop()
    narrate(f"Ended the local AWS of {state}.")


@app.command(epilog="Example: gotocloud rehearse relion build/relion")
def relion(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="New folder for RELION's project.")
    ] = Path("build/relion"),
    state: State = DEFAULT_STATE,
    particles: Annotated[int, typer.Option(help="Number of synthetic particles.")] = 120,
    box: Annotated[int, typer.Option(metavar="PIXELS", help="Edge of their images.")] = 32,
    boot_delay: BootDelay = 5.0,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the Slurm running afterwards.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run RELION on a real Slurm on this machine (needs root).

    Every job goes through `gotocloud submit` to its queue and gets the nodes and ranks that
    it would get on AWS; of the ranks, three really run.
    """
    from gotocloud.rehearsal.slurm.upkeep import show_relion

    shown = show_relion(
        directory,
        state,
        particles=particles,
        box_px=box,
        boot_delay_s=boot_delay,
        keep_running=keep,
    )
    if as_json:
        print_json(shown.as_dict())
        return
    rows = [
        (job.job, job.queue, f"{job.nodes} x {job.instance_type}", job.ranks, f"{seconds:.0f} s")
        for job, seconds in shown.jobs
    ]
    table(("job", "queue", "nodes", "ranks granted", "time here"), rows)
    narrate(
        f"Refine3D reports {shown.resolution_angstrom:.1f} Å for a made-up molecule. "
        f"At most {shown.most_ranks} ranks of a job ran on this machine, so no time here is "
        "anything about AWS."
    )
    narrate(f"Look at it with: cd {shlex.quote(str(directory))} && relion")


@app.command(epilog="Example: gotocloud rehearse demo")
def demo(
    state: State = DEFAULT_STATE,
    output: Annotated[
        Path, typer.Option("--output", metavar="DIR", help="Where report and page go.")
    ] = Path("build/demo"),
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the local AWS running afterwards.")
    ] = False,
) -> None:
    """Deploy the example platform, launch a cluster, report it."""
    from gotocloud.rehearsal.demo import run

    run(state_dir=state, output_dir=output, keep_running=keep)


@app.command(epilog="Example: gotocloud rehearse iam")
def iam(
    state: State = Path("build/iam"),
    page: Annotated[
        Path, typer.Option("--page", metavar="FILE", help="Where the page is written.")
    ] = Path("docs/rehearsal-iam.md"),
    config: Annotated[
        list[str] | None,
        typer.Option(help="Cluster configuration, once for each. Default: every one."),
    ] = None,
) -> None:
    """Count what IAM decides in the lives of clusters."""
    from gotocloud.cluster_configs.model import configuration_names, load_configuration
    from gotocloud.rehearsal.demo import EXAMPLE
    from gotocloud.rehearsal.judged import measure
    from gotocloud.rehearsal.progress import StepDisplay

    chosen = tuple(config or configuration_names())
    for name in chosen:
        load_configuration(name)  # A name that is none is an error before anything starts.
    measure(state, EXAMPLE, page, StepDisplay().step, chosen)
    narrate(f"Wrote {page}.")


def _platform_file(given: Path | None) -> Path:
    from gotocloud.errors import InputError

    if given is not None:
        if not given.is_file():
            raise InputError(
                f"There is no platform file {given}.",
                next_command="gotocloud rehearse up --platform platform.example.yaml",
            )
        return given
    for name in ("platform.yaml", "platform.example.yaml"):
        if Path(name).is_file():
            narrate(f"Using {name}.")
            return Path(name)
    raise InputError(
        "There is neither platform.yaml nor platform.example.yaml here.",
        advice="Name one with --platform.",
    )


def _option(state: Path) -> str:
    from gotocloud.errors import shell_line

    return "" if state == DEFAULT_STATE else f" {shell_line('--state', state)}"

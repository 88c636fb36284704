"""`gotocloud rehearse`: the whole platform on this machine, without an AWS account."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gotocloud.cli.output import narrate, print_json, table

app = typer.Typer(
    help="Try the whole platform on this machine, without an AWS account.",
    no_args_is_help=True,
    epilog="Example: gotocloud rehearse up",
)

DEFAULT_STATE = Path("build/rehearsal")
State = Annotated[Path, typer.Option("--state", metavar="DIR", help="Where its state is kept.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


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
        bool, typer.Option("--verbose", "-v", help="Show everything that the CDK says.")
    ] = False,
) -> None:
    """Start a local AWS, deploy the platform there and leave it running.

    Prints `export` lines with which any AWS tool can look at it. Run again after an
    interruption, it carries on.
    """
    from gotocloud.rehearsal.upkeep import bring_up

    running = bring_up(_platform_file(platform), state, verbose=verbose)
    for line in running.exports():
        typer.echo(line)
    narrate(f"It runs at {running.endpoint_url} until: gotocloud rehearse down{_option(state)}")
    narrate(f"Accounts, as profiles: {', '.join(running.profiles)}. For example:")
    narrate(f"  aws cloudformation list-stacks --profile {running.profiles[-1]}")


@app.command(epilog="Example: gotocloud rehearse status --json")
def status(state: State = DEFAULT_STATE, as_json: Json = False) -> None:
    """Show whether a local AWS runs, and the accounts and stacks in it."""
    from gotocloud.rehearsal.upkeep import look

    found = look(state)
    if as_json:
        print_json(found)
        return
    if not found["running"]:
        narrate(f"No local AWS runs in {state}. Next: gotocloud rehearse up{_option(state)}")
        return
    columns = ("account", "name", "region", "stack", "status")
    table(columns, [[str(stack[column]) for column in columns] for stack in found["stacks"]])
    narrate(f"It runs at {found['endpoint_url']} (process {found['pid']}).")


@app.command(epilog="Example: gotocloud rehearse down")
def down(state: State = DEFAULT_STATE) -> None:
    """End the local AWS; everything in it is gone."""
    from gotocloud.rehearsal.local_aws import LocalAws

    running = LocalAws.running(state)
    if running is None:
        narrate(f"Nothing to do: no local AWS runs in {state}.")
        return
    running.stop()
    narrate(f"Ended the local AWS of {state}.")


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
    """Deploy the example platform and launch a cluster on it; writes a report and a page."""
    from gotocloud.rehearsal.demo import run

    run(state_dir=state, output_dir=output, keep_running=keep)


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
        next_command="gotocloud rehearse up --platform FILE",
    )


def _option(state: Path) -> str:
    from gotocloud.errors import shell_line

    return "" if state == DEFAULT_STATE else f" {shell_line('--state', state)}"

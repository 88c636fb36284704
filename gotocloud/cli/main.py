"""The command line: families of commands loaded when they are used, one error funnel."""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
import traceback
from importlib.util import find_spec
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from gotocloud import __version__
from gotocloud.cli.needs import need_own_computer
from gotocloud.cli.visible import show_only_text
from gotocloud.errors import ExitCode, GoToCloudError

FAMILIES = {
    "advise": "Recommend machines for a job, with their time and cost.",
    "bench": "Measure which machines suit a RELION job best.",
    "cluster": "List, write, print and validate cluster configurations.",
    "platform": "Check, publish, record, prove a platform (management group).",
    "rehearse": "Try the whole platform on this machine, without an AWS account.",
    "software": "List, check and publish the software on the shared file system.",
}
"""Command family -> help; the module of the same name holds its commands."""

VERBS: dict[str, tuple[str, str]] = {
    "login": ("login", "Sign in with MFA; the first time, write your AWS profile."),
    "setup": ("setup", "Create a project: its bucket and its key pair."),
    "upload": ("transfer", "Upload a folder to the project's bucket."),
    "start": ("start", "Start a project's cluster, checked and priced first."),
    "connect": ("connect", "Open a cluster's desktop to your address, for a time."),
    "ssh": ("ssh", "Start a shell on the head node, without a key or an open port."),
    "download": ("transfer", "Download a folder of the project's bucket."),
    "pause": ("pause", "Check that all data are in the bucket, then delete the cluster."),
    "finish": ("finish", "Delete a project, with or without its data."),
    "status": ("status", "Show projects and clusters, and what they cost now."),
    "submit": ("submit", "Submit a RELION job to Slurm; RELION calls this."),
    "check": ("check", "Check a RELION job for errors and wasted money."),
    "resume": ("resume", "Restart interrupted jobs from their last iteration."),
    "jobs": ("jobs", "Show jobs: state, why they wait, iteration and cost."),
    "form": ("form", "Print RELION's Running tab for this cluster."),
    "doctor": ("doctor", "Check your setup for common problems, with remedies."),
}
"""A scientist's command -> the module that holds it, and its help; in order of use."""

HIDDEN = {"guard": "guard"}
"""A command that machines type, not people -> the module that holds it; `--help` omits it."""

CALL_AWS = frozenset(
    {
        *("setup", "transfer", "start", "connect", "ssh", "pause", "finish", "status", "doctor"),
        *("platform", "software"),
    }
)
"""Modules whose commands call AWS: each of them takes `--profile`, and `--region` unless the
platform file has the regions."""

_UNUSABLE = {errno.ENAMETOOLONG, errno.ELOOP}
"""A path that no file can have; any look at it ends so."""
_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EBADF, errno.EIO}

DEBUG_VARIABLE = "GOTOCLOUD_DEBUG"


class LazyFamilies(TyperGroup):
    """Imports a family's module only when one of its commands runs.

    The list in `--help` comes from `FAMILIES`, so that showing it imports nothing.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        modules = {name: module for name, (module, _) in VERBS.items()}
        modules |= {name: name for name in sorted(FAMILIES)}
        return [name for name, module in modules.items() if _is_here(module)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in VERBS:
            return _listed(cmd_name, VERBS[cmd_name][1])
        return _listed(cmd_name, FAMILIES[cmd_name]) if cmd_name in FAMILIES else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if name in VERBS:
            return name, _family(VERBS[name][0], name).commands[name], args[1:]
        if name in HIDDEN:
            return name, _family(HIDDEN[name], name).commands[name], args[1:]
        if name in FAMILIES:
            return name, _family(name, name), args[1:]
        return super().resolve_command(ctx, args)


def _is_here(module: str) -> bool:
    """Whether this program has a module of commands; that of head nodes has only some."""
    return find_spec(f"gotocloud.cli.commands.{module}") is not None


def _family(module: str, command: str) -> Any:
    need_own_computer(command, f"gotocloud.cli.commands.{module}")
    group = typer.main.get_group(importlib.import_module(f"gotocloud.cli.commands.{module}").app)
    if module in CALL_AWS:
        from gotocloud.cli.place import with_place

        with_place(group, region=module not in FAMILIES)
    return group


def _listed(name: str, sentence: str) -> Any:
    """A command as `--help` shows it: a name and a sentence."""
    stub = typer.Typer(help=sentence, name=name)
    stub.callback()(lambda: None)
    return typer.main.get_group(stub)


app = typer.Typer(
    cls=LazyFamilies,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: gotocloud rehearse demo",
)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"gotocloud {__version__}")
        raise typer.Exit


@app.callback(
    help="A ready-to-use cryo-EM computer on AWS, in three commands.\n\n"
    "What costs money, or ends what people use, needs a yes (--yes). What deletes data needs the "
    "project's name (--confirm NAME). Without a terminal there is no question."
)
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Options that stand before the family."""


def _submit(script: str) -> None:
    from pathlib import Path

    from gotocloud.cli.commands.submit import submit_script

    submit_script(Path(script))


def _completed() -> str | None:
    from gotocloud.cli.completion import VARIABLE, quick_answer

    return quick_answer(os.environ, [*VERBS, *FAMILIES]) if VARIABLE in os.environ else None


def main() -> None:
    """Run the command line; every error ends here, as text and an exit code."""
    _open_closed_streams()
    show_only_text()
    try:
        match sys.argv[1:]:
            case ["submit", script] if not script.startswith("-"):
                # RELION's own call: reading options takes longer than submitting.
                _submit(script)
            case [] if (answer := _completed()) is not None:
                typer.echo(answer)
            case _:
                app(prog_name="gotocloud")
    except GoToCloudError as error:
        from gotocloud.cli.output import show_error

        show_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader (`| head`) has gone; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.FAILED)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _UNUSABLE:
            shown = str(error.filename or "")[:80]
            sys.stderr.write(f"Error: The path '{shown}' cannot be used: {error.strerror}.\n")
            sys.exit(ExitCode.USAGE)
        if isinstance(error, OSError) and error.errno in _UNWRITABLE:
            sys.stderr.write(f"Error: Nothing more can be written: {error}\n")
            os._exit(ExitCode.FAILED)
        if os.environ.get(DEBUG_VARIABLE):
            traceback.print_exc()
        else:
            sys.stderr.write(
                f"Error: something unexpected happened: {type(error).__name__}: {error}\n"
                f"This is a bug. To see where: {DEBUG_VARIABLE}=1 gotocloud "
                f"{' '.join(sys.argv[1:])}\n"
            )
        sys.exit(ExitCode.FAILED)


def _open_closed_streams() -> None:
    """Let what was closed (`>&-`) swallow what is written, and every letter be written.

    Without this, the first file or connection to be opened would take a closed stream's place,
    and a child would write into it.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            # The lowest free number is this one.
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        # A terminal with few letters shows an escape for the others.
        sys.stdout.reconfigure(errors="backslashreplace")

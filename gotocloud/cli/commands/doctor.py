"""`gotocloud doctor`: everything that commonly goes wrong."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from gotocloud.cli.options import Json
from gotocloud.cli.output import narrate, number_of, paragraph, print_json
from gotocloud.errors import ExitCode

if TYPE_CHECKING:
    from gotocloud.findings import Finding

app = typer.Typer(help="Look for what commonly goes wrong.")

PROGRAMS = ("aws", "session-manager-plugin")


@app.command(epilog="Example: gotocloud doctor")
def doctor(
    as_json: Json = False,
) -> None:
    """Look at everything that commonly goes wrong; exit code 1 if something needs a remedy."""
    from gotocloud.cli.views.findings import text_of
    from gotocloud.findings import Severity, errors

    found = []
    for one in _findings():
        found.append(one)
        if not as_json:
            typer.echo(text_of(one))
    if as_json:
        print_json([one.as_dict() for one in found])
    wrong = len(errors(found))
    warnings = sum(one.severity is Severity.WARNING for one in found)
    unknown = sum(one.severity is Severity.UNKNOWN for one in found)
    (narrate if as_json else paragraph)(
        f"{number_of(wrong, 'error')}, {number_of(warnings, 'warning')}. "
        f"{number_of(unknown, 'check')} could not be made."
    )
    if wrong:
        raise typer.Exit(ExitCode.FAILED)


def _findings() -> Iterator[Finding]:
    from gotocloud import __version__
    from gotocloud.aws.checkups import findings
    from gotocloud.projects.checkup import tools

    versions: dict[str, str | None] = {
        "gotocloud": f"{__version__} on {platform.system()} {platform.machine()}",
        **{name: shutil.which(name) for name in PROGRAMS},
    }
    yield from tools(sys.version_info[:3], versions)
    yield from findings()

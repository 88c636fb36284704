"""`gotocloud platform invite`, `hand-over`, `remove-scientist`: people of a group."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gotocloud.cli.options import PLATFORM_FILE, DryRun, PlatformFile, Yes

Person = Annotated[str, typer.Argument(metavar="NAME", help="User name of the scientist.")]


def invite(
    name: Person,
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Default: invitation-NAME.txt.")
    ] = None,
    platform: PlatformFile = PLATFORM_FILE,
) -> None:
    """Write the invitation of a new scientist.

    With credentials of an administrator of the group's account.
    """
    from gotocloud.cli.work import people as work

    work.write_invitation(platform, name, to or Path(f"invitation-{name}.txt"))


def hand_over(
    project: Annotated[str, typer.Argument(help="Name of the project.")],
    owner: Annotated[str, typer.Option("--from", metavar="NAME", help="Who has it now.")],
    successor: Annotated[str, typer.Option("--to", metavar="NAME", help="Who gets it.")],
    dry_run: DryRun = False,
    platform: PlatformFile = PLATFORM_FILE,
) -> None:
    """Copy a project's data to another scientist's project.

    The successor has typed `gotocloud setup PROJECT` before. Nothing is deleted. With credentials
    of an administrator of the group's account.
    """
    from gotocloud.cli.work import people as work

    work.hand_over(platform, project, owner, successor, dry_run=dry_run)


def remove_scientist(
    name: Person,
    successor: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who has got the projects.")
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    platform: PlatformFile = PLATFORM_FILE,
) -> None:
    """End a scientist's access and check projects.

    Run it before the name leaves the platform file. Ends sessions, closes desktops, deletes keys
    and MFA devices; then checks that no project is left behind. With credentials of an
    administrator of the group's account.
    """
    from gotocloud.cli.work import people as work

    work.remove_scientist(platform, name, successor, dry_run=dry_run, yes=yes)

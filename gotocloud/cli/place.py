"""`--region` and `--profile`, which every command that calls AWS takes."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from gotocloud.cli.completion import profiles, regions

TYPED = "gotocloud.place"
"""Key of a context's `meta`: what was typed, by name of the option."""

_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def _use_region(context: typer.Context, value: str | None) -> None:
    if value is not None:
        context.meta.setdefault(TYPED, {})["region"] = value
        os.environ["AWS_REGION"] = value


def _use_profile(context: typer.Context, value: str | None) -> None:
    if value is None:
        return
    context.meta.setdefault(TYPED, {})["profile"] = value
    os.environ["AWS_PROFILE"] = value
    # As for AWS's own command line: a profile that is typed comes before keys in the environment.
    for name in _CREDENTIALS:
        os.environ.pop(name, None)


_stub = typer.Typer()


@_stub.command()
def _place(
    region: Annotated[
        str | None,
        typer.Option(
            help="AWS region. Default: that of the AWS configuration.",
            callback=_use_region,
            expose_value=False,
            autocompletion=regions,
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="Profile of the AWS configuration. Default: $AWS_PROFILE.",
            callback=_use_profile,
            expose_value=False,
            autocompletion=profiles,
        ),
    ] = None,
) -> None:
    """Holds the two options; it is no command."""


def with_place(command: Any, *, region: bool = True) -> Any:
    """Add the options to a command, or to every command of a family.

    Args:
        region: Whether `--region` is one of them; a platform has its own regions.
    """
    for one in getattr(command, "commands", {"": command}).values():
        if getattr(one, "commands", None):
            with_place(one, region=region)
            continue
        taken = {flag for param in one.params for flag in param.opts}
        for option in typer.main.get_command(_stub).params:
            if (
                option.name in ("region", "profile")
                and (region or option.name != "region")
                and not taken & set(option.opts)
            ):
                one.params.append(option)
    return command

"""The numerical libraries of the `advice` extra, and what to type when they are missing."""

from __future__ import annotations

import importlib
import shlex
from importlib.metadata import PackageNotFoundError, requires
from typing import Any

from gotocloud.errors import GoToCloudError


def install_command() -> str:
    """The command that installs the libraries of the extra.

    It names the libraries, never `gotocloud` itself: that name is not ours on a public index,
    and any person may register it there.
    """
    try:
        listed = requires("gotocloud") or []
    except PackageNotFoundError:  # the head node's program has no metadata
        return "gotocloud software publish --to /efs --extra advice"
    libraries = [
        name.strip()
        for name, _, marker in (each.partition(";") for each in listed)
        if "advice" in marker
    ]
    return shlex.join(["pip", "install", *libraries])


def library(name: str) -> Any:
    """A module of the extra, imported when it is used.

    Raises:
        GoToCloudError: if it is not installed, with the command that installs it.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = (error.name or name).partition(".")[0]
        raise GoToCloudError(
            f"Advice from measurements needs the library {missing!r}, which is not installed.",
            next_command=install_command(),
        ) from None

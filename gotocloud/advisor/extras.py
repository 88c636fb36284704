"""The numerical libraries of the `advice` extra, and what to type when they are missing."""

from __future__ import annotations

import importlib
from typing import Any

from gotocloud.errors import GoToCloudError

INSTALL = "pip install 'gotocloud[advice]'"


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
            next_command=INSTALL,
        ) from None

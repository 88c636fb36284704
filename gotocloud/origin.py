"""Whether what a file holds came from AWS, or from an endpoint that stands in for it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from gotocloud.errors import InputError

_VARIABLES = re.compile(r"AWS_ENDPOINT_URL(_[A-Z0-9_]+)?")
_STATED = re.compile(r" at (https?://\S+)")


def endpoint(environment: Mapping[str, str] | None = None) -> str:
    """The endpoint that stands in for AWS; empty where AWS itself answers.

    One for a single service counts, too: what it answers is not AWS's.

    Args:
        environment: Default: that of this process.
    """
    given = os.environ if environment is None else environment
    found = {name: value for name, value in given.items() if _VARIABLES.fullmatch(name) and value}
    return found.get("AWS_ENDPOINT_URL") or next(iter(found.values()), "")


def stated_endpoint(source: str) -> str:
    """The endpoint that a source names, as in "price list at http://…"; empty for AWS's own."""
    found = _STATED.search(source)
    return found[1] if found else ""


def require_from_aws(path: Path, found: str, command: str) -> None:
    """Refuse a file that was written from a stand-in, where AWS itself is meant.

    Args:
        found: Endpoint from which the file was written; empty for AWS.
        command: What writes it again.

    Raises:
        InputError: if the file is not AWS's, and no endpoint stands in now.
    """
    if found and not endpoint():
        raise InputError(
            f"{path} was written from {found}, not from AWS: what it holds is invented.",
            next_command=command,
        )


def keep_from_aws(path: Path, endpoints: Iterable[str], now: str) -> None:
    """Refuse to write a stand-in's answers over those of AWS.

    Args:
        endpoints: From where what is in the file now came; empty for AWS.
        now: The endpoint that answers now; empty for AWS.

    Raises:
        InputError: if the file holds AWS's answers, and an endpoint stands in now.
    """
    if now and any(not one for one in endpoints):
        raise InputError(
            f"{path} holds AWS's own answers, and those of {now} would replace them. With a copy "
            "of the platform file in another folder, nothing is lost.",
            advice="Or select a profile of AWS itself: this one may have an endpoint_url.",
            next_command="unset AWS_ENDPOINT_URL",
            again=True,
        )

"""Whether what a file holds came from AWS, or from an endpoint that stands in for it."""

from __future__ import annotations

import configparser
import os
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from gotocloud.errors import InputError, shell_line

_IGNORE = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
_VARIABLES = re.compile(r"AWS_ENDPOINT_URL(_[A-Z0-9_]+)?")
_NESTED = re.compile(r"^\s*endpoint_url\s*=\s*(\S+)", re.MULTILINE)
_STATED = re.compile(r" at (https?://\S+)")


def endpoint(environment: Mapping[str, str] | None = None) -> str:
    """The endpoint that stands in for AWS; empty where AWS itself answers.

    One for a single service counts, too: what it answers is not AWS's. Variables, the profile and
    its block of services name one:
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html

    Args:
        environment: Default: that of this process.
    """
    given = os.environ if environment is None else environment
    if given.get(_IGNORE, "").lower() == "true":
        return ""
    found = _variables(given)
    return found.get("AWS_ENDPOINT_URL") or next(iter(found.values()), "") or _of_profile(given)


def _variables(given: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in given.items() if _VARIABLES.fullmatch(name) and value}


def _of_profile(given: Mapping[str, str]) -> str:
    parser = configparser.RawConfigParser(strict=False)
    path = Path(given.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser()
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        # AWS's own tools do not read it either, and report it.
        return ""
    # A name with blanks stands in quotes, as in a shell.
    blocks = {tuple(_words(name)): dict(parser[name]) for name in parser.sections()}
    name = given.get("AWS_PROFILE") or given.get("AWS_DEFAULT_PROFILE") or "default"
    profile = blocks.get(("profile", name)) or blocks.get((name,), {})
    if profile.get("ignore_configured_endpoint_urls", "").lower() == "true":
        return ""
    services = blocks.get(("services", profile.get("services", "")), {})
    named = [found[1] for text in services.values() if (found := _NESTED.search(text))]
    return next(filter(None, [profile.get("endpoint_url"), *named]), "")


def _words(name: str) -> list[str]:
    try:
        return shlex.split(name)
    except ValueError:
        return [name]


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
        variables = sorted(_variables(os.environ))
        raise InputError(
            f"{path} holds AWS's own answers, and those of {now} would replace them. With a copy "
            "of the platform file in another folder, nothing is lost.",
            advice="" if variables else "The profile has an endpoint_url; select one of AWS.",
            next_command=shell_line("unset", *variables)
            if variables
            else "aws configure list-profiles",
            again=bool(variables),
        )

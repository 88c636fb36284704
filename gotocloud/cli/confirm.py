"""The one rule about what needs a confirmation.

- A command that costs nothing, or whose work can be taken back, needs none.
- A command that costs money, or ends what people use, has a question; `--yes` answers it.
- A command that deletes data needs the project's typed name; `--confirm NAME` answers, `--yes`
  does not.
- Without a terminal there is no question: exit code 2, nothing changed, and the same command with
  the answer is what comes next.
- `--dry-run` needs none.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from enum import StrEnum

import typer

from gotocloud.cli.output import narrate
from gotocloud.errors import GoToCloudError, InputError


class Confirmation(StrEnum):
    """What a command needs before it changes something."""

    QUESTION = "a question; --yes answers it"
    NAME = "the project's name; --confirm NAME answers"


RULES: dict[str, dict[Confirmation, str]] = {
    "bench run": {Confirmation.QUESTION: "before jobs are submitted, with what they cost"},
    "finish": {Confirmation.NAME: "always"},
    "pause": {
        Confirmation.QUESTION: "if a desktop is open, or jobs are to be cancelled",
        Confirmation.NAME: "with --without-proof",
    },
    "platform prove": {Confirmation.QUESTION: "before each stage that costs money, with its price"},
    "platform remove-scientist": {Confirmation.QUESTION: "always"},
    "start": {Confirmation.QUESTION: "always, with the price"},
}
"""Command -> the confirmation that it needs, and when. All others need none."""


def agree(
    question: str,
    *,
    yes: bool,
    refusal: str,
    retry: str,
    details: Iterable[str] = (),
    otherwise: str = "gotocloud status",
) -> None:
    """Go on only after a yes to a question.

    Args:
        question: For a terminal.
        yes: Whether `--yes` was given.
        refusal: What would happen, for an error where there is no terminal.
        retry: The command with `--yes`.
        details: What it is about, a line each.
        otherwise: What to type after a no.

    Raises:
        InputError: if there is no terminal; nothing was changed.
        GoToCloudError: if the answer is no.
    """
    if yes:
        return
    listed = tuple(details)
    if not sys.stdin.isatty():
        raise InputError(
            f"{refusal} No terminal to confirm: add --yes. Nothing was changed.",
            problems=listed,
            next_command=retry,
        )
    for line in listed:
        narrate(f"  {line}")
    if not typer.confirm(question, err=True):
        raise GoToCloudError("Nothing was changed.", next_command=otherwise)


def agree_by_name(name: str, given: str | None, *, losing: str, retry: str) -> None:
    """Take a project's name as the key to deleting data of it.

    Args:
        name: The project's.
        given: What `--confirm` gave.
        losing: What is deleted, as in "… needs its name".
        retry: The command with `--confirm`.

    Raises:
        InputError: if it is another name, or there is no terminal to type it.
    """
    if given is None:
        if not sys.stdin.isatty():
            raise InputError(
                f"{losing} needs the project's name. No terminal to type it: add --confirm. "
                "Nothing was changed.",
                next_command=retry,
            )
        given = str(
            typer.prompt(
                "Type the project's name to delete it", err=True, default="", show_default=False
            )
        )
    if given.strip() != name:
        raise InputError(f"{given!r} is not {name!r}. Nothing was deleted.", next_command=retry)

"""The errors that reach people, and the exit codes that reach programs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from difflib import get_close_matches
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of commands."""

    DONE = 0
    FAILED = 1
    USAGE = 2


class GoToCloudError(Exception):
    """Something a person can put right.

    Args:
        message: One sentence: what happened, with the value that was given.
        problems: Every single finding, when there are several.
        advice: What to do, as a sentence, where a command alone does not do it.
        next_command: What to type next, as a shell takes it. Default: nothing is suggested.
        again: Whether the command that was typed is to be typed again: after `next_command`, or
            alone.
        exit_code: What the shell gets. Default: 1, the work failed.
    """

    exit_code = ExitCode.FAILED

    def __init__(
        self,
        message: str,
        *,
        problems: Sequence[str] = (),
        advice: str = "",
        next_command: str | None = None,
        again: bool = False,
        exit_code: ExitCode | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems)
        self.advice = advice
        self.next_command = next_command
        self.again = again
        if exit_code is not None:
            self.exit_code = exit_code

    def __str__(self) -> str:
        return self.text()

    def text(self, typed: str = "") -> str:
        """What happened and what to do.

        Args:
            typed: The command that was typed, where that is known.
        """
        lines = [self.message, *(f"  - {problem}" for problem in self.problems)]
        if self.advice:
            lines.append(self.advice)
        if following := self.following(typed):
            lines.append(f"Next: {following}")
        return "\n".join(lines)

    def following(self, typed: str = "") -> str:
        """What to type next, the command that was typed included; empty if nothing."""
        commands = [self.next_command, typed if self.again else ""]
        return " && ".join(command for command in commands if command)

    @property
    def remedy(self) -> str:
        """What to do, in one line."""
        command = f"type: {self.next_command}" if self.next_command else ""
        return " ".join(part for part in (self.advice, command) if part)


TELL_MANAGEMENT = "Tell the management group."
"""What is left to people who are allowed more."""


class InputError(GoToCloudError):
    """What was given cannot be used: exit code 2, and nothing was done."""

    exit_code = ExitCode.USAGE


def shell_line(*words: object) -> str:
    """A command as it can be pasted into a shell, whatever is in its words.

    >>> shell_line("gotocloud", "pause", "Anna's sample")
    'gotocloud pause \'Anna\'"\'"\'s sample\''
    """
    return shlex.join(str(word) for word in words)


def unknown_name(
    kind: str,
    name: str,
    available: Sequence[str],
    *,
    advice: str = "",
    next_command: str | None = None,
) -> InputError:
    """The error for a name that is not in a known list.

    Args:
        kind: What the name should have been, for example "group".
        name: What was given.
        available: Every allowed name.
        advice: What to do, as a sentence.
        next_command: The command that lists them.
    """
    close = get_close_matches(name, available, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    listed = ", ".join(sorted(available)) or "none"
    return InputError(
        f"No {kind} named {name!r}.{hint} Available: {listed}.",
        advice=advice,
        next_command=next_command,
    )

"""The errors that reach people."""

from __future__ import annotations

import shlex
from collections.abc import Sequence


class LocalAwsError(Exception):
    """Something a person can put right.

    Args:
        message: One sentence: what happened, with the value that was given.
        problems: Every single finding, when there are several.
        next_command: What to type next. Default: nothing is suggested.
    """

    def __init__(
        self, message: str, *, problems: Sequence[str] = (), next_command: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems)
        self.next_command = next_command

    def __str__(self) -> str:
        lines = [self.message, *(f"  - {problem}" for problem in self.problems)]
        if self.next_command:
            lines.append(f"Next: {self.next_command}")
        return "\n".join(lines)


class InTheWayError(LocalAwsError):
    """A local AWS that runs already, or no longer answers, has the state folder."""


class EvaluatorMissingError(LocalAwsError):
    """Node.js or the npm package that decides about permissions is not there."""


def shell_line(*words: object) -> str:
    """A command as it can be pasted into a shell, whatever is in its words."""
    return shlex.join(str(word) for word in words)

"""Which names a transfer leaves aside: the patterns of `--exclude`, with the rules of rsync.

Source: rsync(1), "PATTERN MATCHING RULES", read 2026-11-30. The patterns that people type for
`s5cmd --exclude`, such as `*.tmp` or `raw/*`, select the same files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gotocloud.errors import InputError

_WILD = re.compile(r"[*?\[]")


class Exclusion:
    """Names that match one of several patterns.

    Args:
        patterns: `*.tmp` matches a name at any depth, `/raw/*.tmp` only from the folder on,
            `scratch/` only folders. `*` and `?` match no slash, `**` does. With a folder goes
            all that is in it.

    Raises:
        InputError: with every pattern that cannot be used.
    """

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        problems = []
        compiled = []
        for pattern in patterns:
            try:
                compiled.append((re.compile(_expression(pattern), re.DOTALL), _folders(pattern)))
            except (ValueError, re.error) as error:
                problems.append(f"{pattern!r}: {error}")
        if problems:
            raise InputError(
                f"--exclude cannot use {'this pattern' if len(problems) == 1 else 'these patterns'}"
                ".",
                problems=problems,
                next_command="gotocloud upload --help",
            )
        self._compiled = tuple(compiled)

    def __bool__(self) -> bool:
        return bool(self._compiled)

    def matches(self, path: str, *, folder: bool) -> bool:
        """Whether a pattern matches this name itself, whatever it lies in."""
        return any(
            (folder or not folders_only) and expression.fullmatch(path)
            for expression, folders_only in self._compiled
        )

    def covers(self, path: str, *, folder: bool) -> bool:
        """Whether a pattern matches this name, or a folder that it lies in."""
        if not self._compiled or not path:
            return False
        end = path.find("/")
        while end != -1:
            if self.matches(path[:end], folder=True):
                return True
            end = path.find("/", end + 1)
        return self.matches(path, folder=folder)


def _folders(pattern: str) -> bool:
    return pattern.endswith(("/", "/***"))


def _expression(pattern: str) -> str:
    body = pattern.removesuffix("***").removesuffix("/") if _folders(pattern) else pattern
    if not body.strip("/"):
        raise ValueError("it names nothing")
    start = "" if body.startswith("/") else "(?:.*/)?"
    body = body.removeprefix("/")
    # Without a wildcard rsync compares text, in which a backslash is a letter.
    return start + (_translated(body) if _WILD.search(body) else re.escape(body))


def _translated(body: str) -> str:
    made = []
    at = 0
    while at < len(body):
        letter = body[at]
        if body.startswith("**", at):
            made.append(".*")
            at += len(body[at:]) - len(body[at:].lstrip("*"))
            continue
        if letter == "*":
            made.append("[^/]*")
        elif letter == "?":
            made.append("[^/]")
        elif letter == "[":
            end = _end_of_class(body, at)
            inner = body[at + 1 : end]
            negated = inner[0] in "!^"
            letters = re.sub(r"([\[&|~])", r"\\\1", inner[1:] if negated else inner)
            made.append(f"(?!/)[{'^' if negated else ''}{letters.replace('^', chr(92) + '^')}]")
            at = end
        elif letter == "\\" and at + 1 < len(body):
            at += 1
            made.append(re.escape(body[at]))
        else:
            made.append(re.escape(letter))
        at += 1
    return "".join(made)


def _end_of_class(body: str, start: int) -> int:
    # A bracket that comes first is a letter of the class.
    first = start + 1 + (body[start + 1 : start + 2] in {"!", "^"})
    end = body.find("]", first + 1)
    if end == -1:
        raise ValueError("a '[' has no ']'")
    if "[:" in body[start + 1 : end + 1]:
        raise ValueError("classes such as [:digit:] are not supported; write [0-9]")
    return end

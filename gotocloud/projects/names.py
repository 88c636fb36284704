"""Which names of people and projects the published templates take."""

from __future__ import annotations

import re

MAX_PROJECT = 128
MAX_SCIENTIST = 64
_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.:/=+@-]*")
_NOBODY = re.compile(r"botocore-session-\d+|i-[0-9a-f]{8,17}|AWSCLI-Session|.*AssumeRoleSession")
_SCIENTIST = re.compile(r"[A-Za-z0-9_+=.@-]+")


def name_problems(scientist: str, project: str) -> tuple[str, ...]:
    """Why these names cannot be used; empty when they can.

    The templates put both into tags, which take fewer characters than IAM does.
    """
    problems = []
    if _NOBODY.fullmatch(scientist):
        problems.append(
            f"session {scientist!r} does not say whose it is; put role_session_name = "
            "YOUR_USER_NAME beside role_arn in ~/.aws/config"
        )
    if not _SCIENTIST.fullmatch(scientist) or len(scientist) > MAX_SCIENTIST:
        problems.append(
            f"user name {scientist!r}: 1 to {MAX_SCIENTIST} letters, digits and _ + = . @ - "
            "are taken, because it becomes a tag; ask the management group for another"
        )
    if not _PROJECT.fullmatch(project) or len(project) > MAX_PROJECT:
        problems.append(
            f"project name {project!r}: 1 to {MAX_PROJECT} letters, digits, spaces and "
            "_ . : / = + @ - are taken, the first a letter or digit, for example apoferritin-2026"
        )
    return tuple(problems)


def version_order(version: str) -> tuple[tuple[tuple[int, int, str], ...], bool, str]:
    """A key that sorts versions: 0.10.0 after 0.9.0, and 1.0.0 after 1.0.0-rc1."""
    base, _, rest = version.partition("-")
    return _parts(base), not rest, rest


def _parts(text: str) -> tuple[tuple[int, int, str], ...]:
    return tuple(
        (1, int(part), "") if part.isascii() and part.isdigit() else (0, 0, part)
        for part in text.split(".")
    )

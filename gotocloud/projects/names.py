"""Which names of people and projects can be used; nearly all."""

from __future__ import annotations

import re
import unicodedata

from gotocloud.contract.project_bucket import PROJECT_BUCKETS
from gotocloud.contract.tag_text import MAX_TAG_VALUE, as_tag
from gotocloud.formats import whole_number

_NOT_A_PERSON = re.compile(
    r"botocore-session-\d{1,20}|i-[0-9a-f]{8,17}|AWSCLI-Session|.*AssumeRoleSession"
)
_SHOWN = 40
_NO_TEXT = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode's categories of controls, halves of characters, and separators of lines."""


def name_problems(scientist: str, project: str) -> tuple[str, ...]:
    """Why these names cannot be used; empty when they can.

    Any script and any punctuation will do: what a tag does not take is escaped, and has to
    fit into it.
    """
    problems = []
    if _NOT_A_PERSON.fullmatch(scientist):
        problems.append(
            f"session {scientist!r} does not state whose it is; put role_session_name = "
            "YOUR_USER_NAME beside role_arn in ~/.aws/config"
        )
    if stated := _unusable(scientist):
        problems.append(f"user name {_short(scientist)} {stated}; ask the management group")
    if stated := _unusable(project):
        problems.append(
            f"project name {_short(project)} {stated}; take apoferritin-2026, for example"
        )
    return tuple(problems)


def _unusable(name: str) -> str:
    """What is wrong with a name; nothing is the usual case."""
    if not name.strip():
        return "is empty"
    if name.startswith("-"):
        return "begins with a hyphen, as options do"
    if odd := sorted({char for char in name if unicodedata.category(char) in _NO_TEXT}):
        return f"holds line breaks or controls: {', '.join(map(ascii, odd[:5]))}"
    if len(as_tag(name)) > MAX_TAG_VALUE:
        return (
            f"is too long: as a tag it has {len(as_tag(name))} characters, and AWS takes "
            f"{MAX_TAG_VALUE}. Letters outside ASCII count 6 to 12 each"
        )
    return ""


def _short(name: str) -> str:
    return repr(name) if len(name) <= _SHOWN else f"{name[:_SHOWN]!r}…"


def earlier_bucket_note(bucket: str) -> str:
    """What it means that a bucket has a name of an earlier release; empty when it has not."""
    if not bucket or bucket.startswith(PROJECT_BUCKETS):
        return ""
    return (
        f"bucket {bucket} was named by an earlier release, without {PROJECT_BUCKETS!r}: once the "
        "group's stack is deployed again, only an administrator reaches it"
    )


def version_order(version: str) -> tuple[tuple[tuple[int, int, str], ...], bool, str]:
    """A key that sorts versions: 0.10.0 after 0.9.0, and 1.0.0 after 1.0.0-rc1."""
    base, _, rest = version.partition("-")
    return _parts(base), not rest, rest


def _parts(text: str) -> tuple[tuple[int, int, str], ...]:
    return tuple(
        (0, 0, part) if (number := whole_number(part)) is None else (1, number, "")
        for part in text.split(".")
    )

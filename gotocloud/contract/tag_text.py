"""Any text as a tag's value and as a template's parameter, and back again.

AWS takes letters, digits, blanks and `_.:/=+-@` in the tags of every service; what else a
service takes differs. CloudFormation reads letters outside ASCII back as question marks
(https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/814), so that two
projects with Japanese names could not be distinguished. Whatever is outside of ASCII or of that
list is therefore written as `=` and two hexadecimal digits for each byte of its UTF-8, as in
quoted-printable mail. Usual names stay as they are.
"""

from __future__ import annotations

import re

MAX_TAG_VALUE = 256
"""AWS's limit, and that of the templates' parameters."""

TAG_TEXT_PATTERN = "^[A-Za-z0-9=][A-Za-z0-9 _.:/=+@-]*$"
"""What `as_tag` makes, for templates."""

# An equals sign that reads as an escape already has to be escaped itself; blanks at the end
# and a first character that is neither letter nor digit are trimmed or misread by some services,
# and `aws:` is reserved.
_ESCAPED = re.compile(
    r"\A[aA](?=[wW][sS]:)|\A[^A-Za-z0-9]|[^A-Za-z0-9 _.:/=+@-]|=(?=[0-9A-F]{2})| (?=\Z)"
)
_ESCAPES = re.compile(r"(?:=[0-9A-F]{2})+")


def as_tag(text: str) -> str:
    """A text as a tag's value: itself, or with what tags do not take escaped.

    No two texts have the same value. It may be longer than a tag takes; see `MAX_TAG_VALUE`.
    """
    return _ESCAPED.sub(lambda found: _bytes(found[0]), text)


def from_tag(value: str) -> str:
    """The text of which `as_tag` made a value; what it did not make stays as it is."""
    return _ESCAPES.sub(_text, value)


def _bytes(character: str) -> str:
    return "".join(f"={byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def _text(found: re.Match[str]) -> str:
    try:
        return bytes.fromhex(found[0].replace("=", "")).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return found[0]

"""What a person has accepted to be left out of a data set, as its folder's object remembers it.

S3 keeps it with the data set, so that it counts on every machine. Lustre shows no metadata of
ours, and no scientist needs a further permission to write it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from gotocloud.transfer.tree import TransferProblem

NAME = "gotocloud-left-out"
"""Name of the user metadata, without `x-amz-meta-`."""

_BYTES = 6
_LETTERS = 8
_MOST = 180
"""Hashes of single names, of 8 letters each: S3 takes 2 KB of user metadata in all (S3 User
Guide, "Working with object metadata", read 2026-11-30), and POSIX metadata need 300 bytes."""
_ALL = "all."


@dataclass(frozen=True)
class AcceptedOmissions:
    """Names that may be left out, each with its reason.

    Args:
        text: The metadata; empty for none.
    """

    text: str = ""

    @classmethod
    def of(cls, left_out: Iterable[TransferProblem]) -> AcceptedOmissions:
        """Accept these.

        Of more than 180 names only one hash fits, of all together: one name more or fewer, and
        they have to be accepted again.
        """
        hashes = sorted({_hash(one) for one in left_out})
        if len(hashes) > _MOST:
            return cls(_ALL + hashlib.sha256("".join(hashes).encode()).hexdigest())
        return cls("".join(hashes))

    def new_in(self, left_out: Iterable[TransferProblem]) -> list[TransferProblem]:
        """Those that are not accepted yet, or for another reason."""
        found = list(left_out)
        if self.text.startswith(_ALL):
            return [] if AcceptedOmissions.of(found) == self else found
        figures = {
            self.text[at : at + _LETTERS]
            for at in range(0, min(len(self.text), _MOST * _LETTERS), _LETTERS)
        }
        return [one for one in found if _hash(one) not in figures]


def _hash(problem: TransferProblem) -> str:
    named = f"{problem.path}\0{problem.text}".encode("utf-8", "surrogateescape")
    return base64.urlsafe_b64encode(hashlib.sha256(named).digest()[:_BYTES]).decode()

"""Puts what is on Lustre beside what is in the bucket, as two streams in one order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gotocloud.contract.project_bucket import RESERVED, UNPROVEN
from gotocloud.projects.inventory import Entry, EntryKind
from gotocloud.projects.proof import Tally
from gotocloud.projects.stored import BucketObject, Flaw, Pair, Problem


def align(
    entries: Iterable[Entry], objects: Iterable[BucketObject], tally: Tally | None = None
) -> Iterator[Pair]:
    """Put each entry beside its object; both come in the order of the keys' bytes.

    Args:
        tally: Counts objects that Lustre does not have.

    Raises:
        ValueError: if the objects are out of order.
    """
    left = _ordered(one for one in objects if _is_proven(one.key))
    current = next(left, None)
    names = _Names(tally or Tally())
    for entry in entries:
        while current is not None and current.key.encode() < entry.path:
            names.only_in_bucket(current.key)
            current = next(left, None)
        names.on_lustre(entry)
        mine = None
        if current is not None and current.key.encode() == entry.path:
            mine, current = current, next(left, None)
        below = entry.kind is EntryKind.FOLDER and current is not None
        populated = below and current is not None and current.key.encode().startswith(entry.path)
        yield Pair(entry, mine, populated)
    while current is not None:
        names.only_in_bucket(current.key)
        current = next(left, None)


def _is_proven(key: str) -> bool:
    return not (key == RESERVED or key.startswith(UNPROVEN))


class _Names:
    """Finds objects that would take the place of what Lustre has.

    S3 keeps `a` beside `a/b`; a file system makes one of them when it imports both. What may yet
    collide begins with the same characters, so no more is remembered than a name is long.
    """

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.objects: list[bytes] = []
        self.leaves: list[Entry] = []

    def only_in_bucket(self, key: str) -> None:
        """Take an object that Lustre does not have."""
        self.tally.only_in_bucket += 1
        name = key.encode()
        while self.leaves and _is_past(self.leaves[-1].path, name):
            self.leaves.pop()
        for leaf in self.leaves:
            if name.startswith(leaf.path + b"/"):
                self.tally.add(Problem(leaf.path, Flaw.COLLISION, f"the object {key!r}"))
        _drop_past(self.objects, name)
        if not name.endswith(b"/"):
            self.objects.append(name)

    def on_lustre(self, entry: Entry) -> None:
        """Take an entry of Lustre."""
        _drop_past(self.objects, entry.path)
        if entry.kind is EntryKind.FOLDER:
            if entry.path.rstrip(b"/") in self.objects:
                stated = f"the object {entry.name.rstrip('/')!r}"
                self.tally.add(Problem(entry.path, Flaw.COLLISION, stated))
            return
        while self.leaves and _is_past(self.leaves[-1].path, entry.path):
            self.leaves.pop()
        self.leaves.append(entry)


def _is_past(name: bytes, now: bytes) -> bool:
    """Whether everything below a name comes before where both streams are; "0" follows "/"."""
    return name + b"0" <= now


def _drop_past(names: list[bytes], now: bytes) -> None:
    while names and _is_past(names[-1], now):
        names.pop()


def _ordered(objects: Iterable[BucketObject]) -> Iterator[BucketObject]:
    last = b""
    for one in objects:
        key = one.key.encode()
        if key <= last:
            raise ValueError(f"the listing of the bucket is out of order at {one.key!r}")
        last = key
        yield one

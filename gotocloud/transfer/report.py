"""Progress messages while files move, and the result."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from gotocloud.transfer.accepted import AcceptedOmissions
from gotocloud.transfer.exclusion import Exclusion
from gotocloud.transfer.tree import TransferProblem


class Watch(Protocol):
    """Receives the progress of a transfer; called from many threads."""

    def expect(self, files: int, size: int) -> None:
        """So much is to be looked at: names, and bytes in them."""

    def sent(self, size: int) -> None:
        """So many bytes have gone over the line."""

    def present(self, size: int) -> None:
        """So many bytes were there already."""

    def message(self, text: str) -> None:
        """Something worth a line."""


@dataclass(frozen=True)
class Options:
    """How a transfer decides.

    Args:
        dry_run: Decide everything, copy nothing.
        verify: Compare checksums even where size and time show that nothing has changed.
        overwrite: Replace what another side has changed.
        exclude: What is left aside.
        accept_left_out: Remember with the data set what is left out, and accept it.
    """

    dry_run: bool = False
    verify: bool = False
    overwrite: bool = False
    exclude: Exclusion = field(default_factory=Exclusion)
    accept_left_out: bool = False


@dataclass(frozen=True, order=True)
class Copy:
    """One name that was copied, or would be."""

    path: str
    kind: str
    size: int
    reason: str


@dataclass
class TransferOutcome:
    """What came of a transfer.

    Args:
        unchanged: Names that were there already.
        resumed_size: Bytes of big files that an interrupted run had brought already.
        aborted: Unfinished multipart uploads that were cleared away.
        excluded: Names that `--exclude` matched.
        accepted: What may be left out.
    """

    _copies: dict[str, Copy] = field(default_factory=dict)
    _problems: dict[str, str] = field(default_factory=dict)
    _left_out: dict[str, str] = field(default_factory=dict)
    unchanged: int = 0
    unchanged_size: int = 0
    resumed_size: int = 0
    aborted: int = 0
    excluded: int = 0
    accepted: AcceptedOmissions = field(default_factory=AcceptedOmissions)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def copies(self) -> list[Copy]:
        """What was copied, by path; in a dry run, what would be."""
        return sorted(self._copies.values())

    @property
    def problems(self) -> list[TransferProblem]:
        """What could not be done, by path."""
        return sorted(TransferProblem(path, text) for path, text in self._problems.items())

    @property
    def left_out(self) -> list[TransferProblem]:
        """What cannot be transferred as long as the data set is as it is, by path."""
        return sorted(TransferProblem(path, text) for path, text in self._left_out.items())

    @property
    def newly_left_out(self) -> list[TransferProblem]:
        """What is left out and not accepted."""
        return self.accepted.new_in(self.left_out)

    @property
    def copied_size(self) -> int:
        """Bytes of everything that was copied."""
        return sum(one.size for one in self._copies.values())

    def copied(self, one: Copy) -> None:
        """Note what was copied; what is copied again, because it changed, counts once."""
        with self.lock:
            self._copies[one.path] = one
            self._problems.pop(one.path, None)
            self._left_out.pop(one.path, None)

    def same(self, size: int) -> None:
        """Note what was there already."""
        with self.lock:
            self.unchanged += 1
            self.unchanged_size += size

    def resumed(self, size: int) -> None:
        """Note what an interrupted run had brought already."""
        with self.lock:
            self.resumed_size += size

    def cleared(self) -> None:
        """Note an unfinished upload that was cleared away."""
        with self.lock:
            self.aborted += 1

    def problem(self, path: str, text: str) -> None:
        """Note something that could not be done; the last word on a path counts."""
        with self.lock:
            self._problems[path] = text

    def leave_out(self, path: str, text: str) -> None:
        """Note something that cannot be transferred, now or later."""
        with self.lock:
            self._left_out[path] = text

    def as_data(self) -> dict[str, Any]:
        """For programs."""
        new = set(self.newly_left_out)
        return {
            "copied": len(self._copies),
            "copied_bytes": self.copied_size,
            "unchanged": self.unchanged,
            "unchanged_bytes": self.unchanged_size,
            "resumed_bytes": self.resumed_size,
            "cleared_uploads": self.aborted,
            "excluded": self.excluded,
            "copies": [
                {"path": m.path, "kind": m.kind, "bytes": m.size, "reason": m.reason}
                for m in self.copies
            ],
            "left_out": [
                {"path": p.path, "text": p.text, "accepted": p not in new} for p in self.left_out
            ],
            "problems": [{"path": p.path, "text": p.text} for p in self.problems],
        }


MEMORY = 64 << 20
"""Bytes of files that are in memory at once: read and not yet stored, or the other way round."""


class MemoryLimit:
    """Bytes that may be in memory at once."""

    def __init__(self, size: int) -> None:
        self._free = self._size = size
        self._changed = threading.Condition()

    def take(self, size: int) -> None:
        """Wait until so many bytes are free; more than all of them waits for all."""
        size = min(size, self._size)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= size)
            self._free -= size

    def give(self, size: int) -> None:
        """Return what was taken."""
        with self._changed:
            self._free += min(size, self._size)
            self._changed.notify_all()

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """Hold so many bytes."""
        self.take(size)
        try:
            yield
        finally:
            self.give(size)

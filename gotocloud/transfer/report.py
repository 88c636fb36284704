"""Progress messages while files move, and the result."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

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


class Unwatched:
    """A watch for those who do not look."""

    def expect(self, files: int, size: int) -> None:
        """Nothing."""

    def sent(self, size: int) -> None:
        """Nothing."""

    def present(self, size: int) -> None:
        """Nothing."""

    def message(self, text: str) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Options:
    """How a transfer decides.

    Args:
        dry_run: Decide everything, move nothing.
        verify: Compare checksums even where size and time say that nothing has changed.
        overwrite: Replace what another side has changed.
    """

    dry_run: bool = False
    verify: bool = False
    overwrite: bool = False


@dataclass(frozen=True, order=True)
class Move:
    """One name that was moved, or would be."""

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
    """

    _moves: dict[str, Move] = field(default_factory=dict)
    _problems: dict[str, str] = field(default_factory=dict)
    unchanged: int = 0
    unchanged_size: int = 0
    resumed_size: int = 0
    aborted: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def moves(self) -> list[Move]:
        """What was moved, by path; in a dry run, what would be."""
        return sorted(self._moves.values())

    @property
    def problems(self) -> list[TransferProblem]:
        """What could not be done, by path."""
        return sorted(TransferProblem(path, text) for path, text in self._problems.items())

    @property
    def moved_size(self) -> int:
        """Bytes of everything that was moved."""
        return sum(move.size for move in self._moves.values())

    def moved(self, move: Move) -> None:
        """Note what was moved; what is moved again, because it changed, counts once."""
        with self.lock:
            self._moves[move.path] = move
            self._problems.pop(move.path, None)

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

    def as_data(self) -> dict[str, Any]:
        """For programs."""
        return {
            "moved": len(self._moves),
            "moved_bytes": self.moved_size,
            "unchanged": self.unchanged,
            "unchanged_bytes": self.unchanged_size,
            "resumed_bytes": self.resumed_size,
            "cleared_uploads": self.aborted,
            "moves": [
                {"path": m.path, "kind": m.kind, "bytes": m.size, "reason": m.reason}
                for m in self.moves
            ],
            "problems": [{"path": p.path, "text": p.text} for p in self.problems],
        }


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

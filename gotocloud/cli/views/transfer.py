"""Shows how a transfer comes on: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Any

from gotocloud.cli.output import narrate
from gotocloud.cli.visible import unfiltered, visible
from gotocloud.formats import duration_text, size_text

LINE_EVERY_S = 30.0


class TransferWatch:
    """A watch of a transfer; use it as a context.

    Args:
        quiet: Print nothing, for a dry run.
        line_every_s: Seconds between two lines where there is no terminal.
    """

    def __init__(self, *, quiet: bool = False, line_every_s: float = LINE_EVERY_S) -> None:
        self._quiet = quiet
        self._every_s = line_every_s
        self._lock = threading.Lock()
        self._total = self._sent = self._present = 0
        self._started = self._last = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> TransferWatch:
        if not self._quiet and sys.stderr.isatty():
            self._bar = _bar()
            self._task = self._bar.add_task("", total=None)
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def expect(self, files: int, size: int) -> None:
        """So much is to be looked at: names, and bytes in them."""
        with self._lock:
            self._total += size
            if self._bar is not None:
                self._bar.update(self._task, total=self._total)
        self.message(f"{files} names, {size_text(size)}.")

    def sent(self, size: int) -> None:
        """So many bytes have gone over the line."""
        with self._lock:
            self._sent += size
            if self._bar is not None:
                self._bar.update(self._task, advance=size)
        self._maybe_line()

    def present(self, size: int) -> None:
        """So many bytes were there already: they show nothing about the line's speed."""
        with self._lock:
            self._present += size
            if self._bar is not None:
                self._bar.update(self._task, total=self._total - self._present)
        self._maybe_line()

    def message(self, text: str) -> None:
        """Something worth a line."""
        if self._quiet:
            return
        if self._bar is not None:
            self._bar.console.print(visible(text), markup=False, highlight=False)
        else:
            narrate(text)

    def line(self) -> str:
        """How far it has come, how fast, and how long it takes still."""
        rate = self._sent / max(time.monotonic() - self._started, 1e-9)
        left = self._total - self._sent - self._present
        text = f"{size_text(self._sent)} moved, {size_text(left)} left, {size_text(rate)}/s"
        if rate > 0:
            text += f", about {duration_text(left / rate)} to go"
        return text

    def _maybe_line(self) -> None:
        if self._quiet or self._bar is not None:
            return
        with self._lock:
            now = time.monotonic()
            if now - self._last < self._every_s:
                return
            self._last = now
            text = self.line()
        narrate(text)


def _bar() -> Any:
    from rich import progress
    from rich.console import Console

    return progress.Progress(
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
        console=Console(file=unfiltered(sys.stderr)),
    )

"""What is being done, and how long it took: on stderr, and kept for the report."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from gotocloud.rehearsal.report import Step


@dataclass
class StepDisplay:
    """Shows steps while they run.

    In a terminal the running step has a moving sign and a running time; in a pipe every
    step is one plain line when it is done.

    Args:
        stream: Where to write. Default: stderr.
        log: A file that gets every detail. Default: none is kept.
        clock: Seconds that only grow.
    """

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    log: Path | None = None
    clock: Callable[[], float] = time.perf_counter
    steps: list[Step] = field(default_factory=list)
    running: str = ""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A step; it counts when it did not fail."""
        self.running = name
        self.detail(f"== {name}")
        began = self.clock()
        with self._shown(name):
            yield
        seconds = self.clock() - began
        self.steps.append(Step(name, seconds))
        self.detail(f"== {name}: {seconds:.1f} s")
        self._line(f"{seconds:6.1f} s  {name}")
        self.running = ""

    def done(self, name: str, seconds: float) -> None:
        """A step that another program has timed."""
        self.steps.append(Step(name, seconds))
        self.detail(f"== {name}: {seconds:.1f} s")
        self._line(f"{seconds:6.1f} s  {name}")

    def detail(self, text: str) -> None:
        """Something for the log only."""
        if self.log:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(text.rstrip("\n") + "\n")

    @contextmanager
    def _shown(self, name: str) -> Iterator[None]:
        if not self.stream.isatty():
            yield
            return
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=Console(file=self.stream), transient=True) as bar:
            bar.add_task(name, total=None)
            yield

    def _line(self, text: str) -> None:
        self.stream.write(text + "\n")
        self.stream.flush()

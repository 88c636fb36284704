"""How far a stack is, in the terminal; and what Ctrl-C leaves behind."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from gotocloud.cli.output import narrate
from gotocloud.cli.visible import unfiltered, visible
from gotocloud.files import write_whole
from gotocloud.origin import endpoint
from gotocloud.projects.progress import Making, advance, line, remember, remembered

if TYPE_CHECKING:
    from gotocloud.aws.listener import Listener
    from gotocloud.aws.stacks import StackEvent


class StackDisplay:
    """Shows a stack being made: a bar in a terminal, a line for each new part in a pipe.

    Args:
        total: Resources in its template.
        key: What the time it takes is remembered under. Default: it is not remembered.
        clock: Seconds that only grow.
    """

    def __init__(
        self, total: int, *, key: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._making = Making(total)
        self._total = total
        # The time of one endpoint is no measure for another.
        where = endpoint()
        self._key = key = f"{key} {where}".strip() if key else ""
        self._clock = clock
        self._began = clock()
        self._earlier: Sequence[float] = remembered(_read()).get(key, ()) if key else ()
        self._stated = ""
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

            self._bar = Progress(
                SpinnerColumn(),
                BarColumn(bar_width=24),
                TextColumn("{task.description}"),
                console=Console(file=unfiltered(sys.stderr)),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("", total=self._total or None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()
        if kind is None and self._key:
            _write(remember(remembered(_read()), self._key, self._clock() - self._began))

    def listener(self) -> Listener:
        """What shows here how far AWS is."""
        from gotocloud.aws.listener import Listener

        return Listener(event=self.event, step=self.step, sleep=self.sleep)

    def step(self, text: str) -> None:
        """A sentence about what is done next; the count begins again."""
        narrate(f"{text} ...")
        self._making = Making(self._total)
        self._stated = ""

    def event(self, event: StackEvent) -> None:
        """One event of the stack."""
        self._making = advance(self._making, event.resource, event.resource_type, event.status)
        self._show()

    def sleep(self, seconds: float) -> None:
        """Wait, with the time going on."""
        time.sleep(seconds)
        self._show()

    def _show(self) -> None:
        text = line(self._making, self._clock() - self._began, self._earlier)
        if self._bar:
            self._bar.update(
                self._task, description=visible(text), completed=len(self._making.done)
            )
        elif self._making.current and self._making.what != self._stated:
            self._stated = self._making.what
            narrate(f"  {text}")


def _path() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return Path(base) / "gotocloud" / "durations.json"


def _read() -> str:
    try:
        return _path().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, RuntimeError):
        return ""


def _write(text: str) -> None:
    # A machine without a home keeps nothing, and nothing depends on it.
    with suppress(OSError, RuntimeError):
        path = _path()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)

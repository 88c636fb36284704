"""The one loop that waits: look, pause, look again, until the time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")
Sleep = Callable[[float], None]
Clock = Callable[[], float]


def looks(
    pause_s: float | Callable[[float], float],
    *,
    within_s: float | None = None,
    tries: int | None = None,
    sleep: Sleep = time.sleep,
    clock: Clock = time.monotonic,
) -> Iterator[float]:
    """The seconds waited at each look; the first is at once, and the last when the time is up.

    Args:
        pause_s: Seconds between two looks, or a function of the seconds waited.
        within_s: How long to look; None without limit.
        tries: How often to look; None without limit.
        sleep: Waits; seconds.
        clock: Seconds that only grow. Pauses count as time even where this clock stands still.
    """
    began, paused_s, waited_s, looked = clock(), 0.0, 0.0, 0
    while True:
        yield waited_s
        looked += 1
        if looked == tries or (within_s is not None and waited_s >= within_s):
            return
        wait_s = pause_s(waited_s) if callable(pause_s) else pause_s
        sleep(wait_s)
        paused_s += wait_s
        waited_s = max(paused_s, clock() - began)


def poll(
    look: Callable[[], T | None],
    *,
    pause_s: float,
    tries: int | None = None,
    within_s: float | None = None,
) -> T | None:
    """What a look finds, as soon as it finds something; None if every look was in vain.

    Args:
        look: Returns None as long as there is nothing.
        pause_s: Seconds between two looks.
        tries: How often to look; None without limit.
        within_s: How long to look; None without limit.
    """
    for _ in looks(pause_s, tries=tries, within_s=within_s):
        if (found := look()) is not None:
            return found
    return None

"""The one loop that waits: look, pause, look again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def poll(look: Callable[[], T | None], *, pause_s: float, tries: int | None) -> T | None:
    """What a look finds, as soon as it finds something.

    Args:
        look: Returns None as long as there is nothing.
        pause_s: Seconds between two looks.
        tries: How often to look; None without limit.

    Returns:
        None if every look was in vain.
    """
    looked = 0
    while (found := look()) is None:
        looked += 1
        if looked == tries:
            return None
        time.sleep(pause_s)
    return found

"""Receives how far AWS is with a stack, an export or the end of a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from gotocloud.aws.stacks import TIMEOUT_S, StackEvent
from gotocloud.projects.pausing import ExportRun, UnfinishedJob
from gotocloud.waiting import Sleep


def _ignored(*_: object) -> None:
    """The default of every callback."""


@dataclass(frozen=True)
class Listener:
    """Callbacks for what happens while AWS works, and the one way to wait for it.

    Args:
        step: A sentence about what is done next.
        event: Every event of a stack, the oldest first.
        jobs: The jobs that are waited for.
        exported: How far an export is, and the seconds that it has taken.
        compared: Entries that are compared, and of how many.
        left: What is still billed.
        counted: Entries of a bucket counted so far.
        deleted: Entries of a bucket deleted so far.
        sleep: Waits; seconds.
        stack_timeout_s: How long to wait for one state of a stack.
    """

    step: Callable[[str], None] = _ignored
    event: Callable[[StackEvent], None] = _ignored
    jobs: Callable[[tuple[UnfinishedJob, ...]], None] = _ignored
    exported: Callable[[ExportRun, float], None] = _ignored
    compared: Callable[[int, int], None] = _ignored
    left: Callable[[list[str]], None] = _ignored
    counted: Callable[[int], None] = _ignored
    deleted: Callable[[int], None] = _ignored
    sleep: Sleep = time.sleep
    stack_timeout_s: float = TIMEOUT_S

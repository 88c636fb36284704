"""What machines signal to CloudFormation while a stack waits for them (`cfn-signal`)."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Signal:
    """One signal.

    Args:
        success: Whether the machine is ready.
        reason: The text that it gives.
    """

    success: bool
    reason: str = ""


class Signals:
    """The signals of all stacks."""

    def __init__(self) -> None:
        self._received: dict[str, list[Signal]] = {}
        self._changed = threading.Condition()

    def send(self, stack_id: str, signal: Signal) -> None:
        """Take a signal for a stack."""
        with self._changed:
            self._received.setdefault(stack_id, []).append(signal)
            self._changed.notify_all()

    def wait(self, stack_id: str, count: int, timeout_s: float) -> list[Signal]:
        """The signals of a stack: as soon as there are `count` or one is a failure.

        Fewer are returned when the time is over.
        """

        def enough() -> bool:
            found = self._received.get(stack_id, [])
            return len(found) >= count or any(not one.success for one in found)

        with self._changed:
            self._changed.wait_for(enough, timeout_s)
            return list(self._received.pop(stack_id, []))


SIGNALS = Signals()

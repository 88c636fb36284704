"""Many files at once: Ctrl-C at any moment, and errors of what hands the files out."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from gotocloud.aws.transfer.engine import CONNECTIONS
from gotocloud.aws.transfer.work import Workers
from gotocloud.transfer.report import TransferOutcome

SERVER = ThreadPoolExecutor(8)


def answered_later(_: int) -> Future[Any]:
    """A request that is answered after a moment, by another thread."""
    return SERVER.submit(time.sleep, 0.001)


def ctrl_c() -> None:
    """What the terminal sends; only a signal interrupts a wait for a lock."""
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGINT)


def endless(given: list[int], after_s: float) -> Iterator[tuple[str, bool, int]]:
    """Files without end; Ctrl-C comes so long after the first."""
    threading.Timer(after_s, ctrl_c).start()
    while True:
        given.append(len(given))
        yield str(len(given)), False, len(given)


@pytest.mark.parametrize("after_s", [0.0, 0.002, 0.01, 0.03, 0.1])
def test_ctrl_c_at_any_moment_ends_the_work_and_completes_what_is_under_way(
    after_s: float,
) -> None:
    given: list[int] = []
    answered: list[int] = []

    def work(item: int) -> Future[Any]:
        sent = answered_later(item)
        sent.add_done_callback(lambda _: answered.append(item))
        return sent

    with pytest.raises(KeyboardInterrupt):
        Workers("upload", TransferOutcome()).run(endless(given, after_s), work)
    before = len(answered)
    time.sleep(0.02)
    assert len(answered) == before
    assert len(given) - CONNECTIONS <= before <= len(given)


def test_an_error_of_what_hands_out_the_files_is_shown_and_no_place_stays_taken() -> None:
    def broken() -> Iterator[tuple[str, bool, int]]:
        yield "a", False, 1
        raise RuntimeError("the folder is gone")

    workers = Workers("upload", TransferOutcome())
    with pytest.raises(RuntimeError, match="the folder is gone"):
        workers.run(broken(), answered_later)
    assert workers.stopped()

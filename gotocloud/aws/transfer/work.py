"""Works through many files at once; one error that concerns them all ends the work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from gotocloud.aws.session import error_code, explained
from gotocloud.aws.transfer.engine import CONNECTIONS, THREADS, MismatchError, crc64, crc64_text
from gotocloud.aws.transfer.multipart import FileChangedError, StoppedError
from gotocloud.transfer.plan import SINGLE_PUT_LIMIT
from gotocloud.transfer.report import TransferOutcome

T = TypeVar("T")

BIG_FILES_AT_ONCE = 4
"""So that a killed run leaves few files half done; their parts fill the line all the same."""

# Errors of S3 about one object, or one moment; all others concern every object.
_ABOUT_ONE = {
    "BadDigest",
    "EntityTooLarge",
    "InvalidObjectState",
    "InternalError",
    "InvalidPart",
    "KeyTooLongError",
    "MetadataTooLarge",
    "NoSuchKey",
    "NoSuchUpload",
    "PreconditionFailed",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "404",
    "412",
    "500",
    "503",
}


class Workers:
    """Threads that work on small and big files side by side.

    Args:
        doing: What is being done, as in "Cannot …".
        outcome: Takes in what goes wrong with single files.
    """

    def __init__(self, doing: str, outcome: TransferOutcome) -> None:
        self._doing = doing
        self._outcome = outcome
        self._stop = threading.Event()
        self._error: Exception | None = None

    def stopped(self) -> bool:
        """Whether the work ends now."""
        return self._stop.is_set()

    def run(
        self, items: Iterable[tuple[str, bool, T]], work: Callable[[T], Future[Any] | None]
    ) -> None:
        """Work on all items; a bounded number of them is in memory at any moment.

        Args:
            items: Path, whether it is a big file, and what `work` takes.
            work: Deals with an item, or begins to and returns what completes it.

        Raises:
            GoToCloudError: for an error that concerns all of them.
            KeyboardInterrupt: if the user stops the work; what is under way is completed.
        """
        small = ThreadPoolExecutor(THREADS, thread_name_prefix="small")
        # Of their own: what ends an item gives back the memory for which all others may wait.
        last = self._last = ThreadPoolExecutor(THREADS, thread_name_prefix="last")
        big = ThreadPoolExecutor(BIG_FILES_AT_ONCE, thread_name_prefix="big")
        at_once = threading.Semaphore(CONNECTIONS)

        def hand_out() -> None:
            try:
                for path, is_big, item in items:
                    if self.stopped():
                        break
                    if is_big:
                        big.submit(self._guarded, path, item, work, _nothing)
                        continue
                    at_once.acquire()
                    small.submit(self._guarded, path, item, work, at_once.release)
            finally:
                for _ in range(CONNECTIONS):
                    at_once.acquire()

        # In a thread of its own, which Ctrl-C does not reach: between taking a place and handing
        # it on, it would leave the place taken for ever.
        aside = ThreadPoolExecutor(1, thread_name_prefix="hand out")
        try:
            aside.submit(hand_out).result()
        except BaseException:
            self._stop.set()
            raise
        finally:
            for pool in (aside, small, big, last):
                pool.shutdown(wait=True)
        if self._error is not None:
            with explained(self._doing):
                raise self._error

    def then(self, first: Future[T], work: Callable[[T], None]) -> Future[Any]:
        """Go on with work on the result in another thread."""
        done: Future[Any] = Future()

        def go_on() -> None:
            try:
                work(first.result())
            except BaseException as error:
                done.set_exception(error)
            else:
                done.set_result(None)

        first.add_done_callback(lambda _: self._last.submit(go_on))
        return done

    def _guarded(
        self,
        path: str,
        item: T,
        work: Callable[[T], Future[Any] | None],
        release: Callable[[], None],
    ) -> None:
        rest = None
        if not self.stopped():
            try:
                rest = work(item)
            except Exception as error:
                self._judge(path, error)
        if rest is None:
            release()
            return

        def end(done: Future[Any]) -> None:
            if error := done.exception():
                self._judge(path, error)
            release()

        rest.add_done_callback(end)

    def _judge(self, path: str, problem: BaseException) -> None:
        """Note what went wrong with one item, or end the work where it concerns all of them."""
        from botocore.exceptions import ClientError

        try:
            raise problem
        except StoppedError:
            return
        except FileChangedError:
            self._outcome.problem(path, "is being written to; run this again when it is complete")
        except MismatchError:
            self._outcome.problem(path, "did not arrive as it is here; run this again")
        except PermissionError as error:
            self._outcome.leave_out(path, f"cannot be read or written here ({error.strerror})")
        except OSError as error:
            self._outcome.problem(path, f"cannot be used here ({error.strerror or error})")
        except ClientError as error:
            if error_code(error) not in _ABOUT_ONE:
                self._end(error)
                return
            reported = error.response["Error"].get("Message") or error_code(error)
            self._outcome.problem(path, f"S3's message: {reported}; run this again")
        except Exception as error:
            self._end(error)

    def _end(self, error: Exception) -> None:
        if not self._stop.is_set():
            self._error = error
            self._stop.set()


def _nothing() -> None:
    """A big file holds no place among the small ones."""


def checksum_of(path: Path) -> str:
    """CRC64NVME of a file, as S3 writes it.

    Raises:
        OSError: if it cannot be read.
    """
    value = 0
    with path.open("rb", buffering=0) as file:
        while piece := file.read(SINGLE_PUT_LIMIT):
            value = crc64(piece, value)
    return crc64_text(value)

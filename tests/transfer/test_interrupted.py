"""Uploads that were killed, and what the next run does."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gotocloud.aws.transfer.engine import Bucket
from gotocloud.aws.transfer.upload import Upload
from gotocloud.transfer.plan import SINGLE_PUT_LIMIT
from gotocloud.transfer.posix import metadata
from gotocloud.transfer.report import Options, TransferOutcome
from gotocloud.transfer.tree import entry_of
from tests.transfer.store import BUCKET, Store
from tests.transfer.unwatched import Unwatched

FILES = 60


def upload(folder: Path) -> TransferOutcome:
    bucket = Bucket(BUCKET, "us-east-1")
    return Upload(bucket, folder, "session", Options(), Unwatched()).run()


def started(folder: Path) -> subprocess.Popen[bytes]:
    """An upload in a process of its own."""
    command = [sys.executable, "-m", "gotocloud", "upload", str(folder), "--bucket", BUCKET]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_after(puts: int, store: Store, folder: Path) -> None:
    """Kill an upload with SIGKILL when the store has seen so many uploads of objects and parts."""
    reached = threading.Event()
    seen = Counter[str]()

    def count(_: str) -> None:
        seen["puts"] += 1
        if seen["puts"] >= puts:
            reached.set()
            time.sleep(0.4)

    store.on_put = count
    process = started(folder)
    try:
        assert reached.wait(30), "the upload never came so far"
    finally:
        process.kill()
        process.wait(10)
        time.sleep(0.6)
        store.on_put = lambda _: None


@pytest.mark.parametrize("puts", [1, 15, 28])
def test_a_killed_upload_is_carried_on_and_nothing_complete_is_sent_again(
    store: Store, folder: Path, puts: int
) -> None:
    contents = {f"{number:03}.tif": os.urandom(1000) for number in range(FILES)}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    kill_after(puts, store, folder)
    complete = set(store.names())
    assert len(complete) < FILES + 1
    store.puts.clear()
    outcome = upload(folder)
    assert outcome.problems == []
    assert complete & set(store.puts) == set()
    assert {name: store.body(f"session/{name}") for name in contents} == contents
    store.puts.clear()
    assert upload(folder).copies == []
    assert store.puts == []


def test_parts_of_a_killed_upload_are_not_sent_again(store: Store, folder: Path) -> None:
    content = os.urandom(6 * SINGLE_PUT_LIMIT + 7)
    (folder / "big.tif").write_bytes(content)
    store.delay_s = 0.1
    kill_after(4, store, folder)
    store.delay_s = 0.0
    assert store.open_uploads() == ["session/big.tif"]
    store.puts.clear()
    outcome = upload(folder)
    assert outcome.problems == []
    assert outcome.resumed_size >= SINGLE_PUT_LIMIT
    resumed = -(-outcome.resumed_size // SINGLE_PUT_LIMIT)
    assert Counter(store.puts)["session/big.tif"] == 7 - resumed
    assert store.body("session/big.tif") == content
    assert store.open_uploads() == []


def begin(store: Store, folder: Path, part: bytes) -> str:
    """A multipart upload of `big.tif` of which one part has arrived."""
    entry = entry_of(folder / "big.tif", "big.tif")
    assert entry is not None
    upload_id = store.s3.create_multipart_upload(
        Bucket=BUCKET,
        Key="session/big.tif",
        Metadata=metadata(entry),
        ChecksumAlgorithm="CRC64NVME",
    )["UploadId"]
    store.s3.upload_part(
        Bucket=BUCKET, Key="session/big.tif", UploadId=upload_id, PartNumber=1, Body=part
    )
    return str(upload_id)


def test_a_part_of_another_content_is_sent_again(store: Store, folder: Path) -> None:
    content = os.urandom(2 * SINGLE_PUT_LIMIT)
    (folder / "big.tif").write_bytes(content)
    begin(store, folder, bytes(SINGLE_PUT_LIMIT))
    outcome = upload(folder)
    assert (outcome.problems, outcome.resumed_size) == ([], 0)
    assert store.body("session/big.tif") == content


def test_an_upload_of_an_older_state_is_aborted(store: Store, folder: Path) -> None:
    content = os.urandom(2 * SINGLE_PUT_LIMIT)
    movie = folder / "big.tif"
    movie.write_bytes(content)
    begin(store, folder, content[:SINGLE_PUT_LIMIT])
    later = time.time_ns() + 10**12
    os.utime(movie, ns=(later, later))
    outcome = upload(folder)
    assert (outcome.aborted, outcome.resumed_size) == (1, 0)
    assert store.open_uploads() == []
    assert store.head("session/big.tif")["Metadata"]["file-mtime"] == f"{later}ns"


def test_of_several_unfinished_uploads_one_is_carried_on_and_the_rest_aborted(
    store: Store, folder: Path
) -> None:
    content = os.urandom(2 * SINGLE_PUT_LIMIT)
    (folder / "big.tif").write_bytes(content)
    for _ in range(3):
        begin(store, folder, content[:SINGLE_PUT_LIMIT])
    outcome = upload(folder)
    assert (outcome.aborted, outcome.resumed_size) == (2, SINGLE_PUT_LIMIT)
    assert store.open_uploads() == []


def test_leftovers_of_a_complete_file_are_cleared_and_those_of_others_left(
    store: Store, folder: Path
) -> None:
    content = os.urandom(2 * SINGLE_PUT_LIMIT)
    (folder / "big.tif").write_bytes(content)
    begin(store, folder, content[:SINGLE_PUT_LIMIT])
    store.s3.create_multipart_upload(Bucket=BUCKET, Key="session/elsewhere.tif")
    store.s3.put_object(
        Bucket=BUCKET, Key="session/big.tif", Body=content, ChecksumAlgorithm="CRC64NVME"
    )
    store.began = datetime.now(UTC) - timedelta(hours=1)
    outcome = upload(folder)
    assert (outcome.problems, outcome.aborted) == ([], 1)
    assert store.open_uploads() == ["session/elsewhere.tif"]


def test_an_upload_that_began_after_a_file_was_complete_is_left(store: Store, folder: Path) -> None:
    """It may be an export from Lustre, under way right now."""
    (folder / "a.tif").write_bytes(b"movie")
    upload(folder)
    store.s3.create_multipart_upload(Bucket=BUCKET, Key="session/a.tif")
    store.began = datetime.now(UTC) + timedelta(hours=1)
    assert upload(folder).aborted == 0
    assert store.open_uploads() == ["session/a.tif"]


def test_ctrl_c_ends_with_the_command_that_carries_on(store: Store, folder: Path) -> None:
    for number in range(FILES):
        (folder / f"{number}.tif").write_bytes(b"movie")
    store.delay_s = 0.5
    command = [sys.executable, "-m", "gotocloud", "upload", str(folder), "--bucket", BUCKET]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not store.puts:
        time.sleep(0.05)
    process.send_signal(2)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Stopped. What is complete stays" in said
    assert f"Next: gotocloud upload {folder} --bucket {BUCKET}\n" in said
    assert "Traceback" not in said

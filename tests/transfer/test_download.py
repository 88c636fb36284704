"""Downloads: what arrives, what is left alone, what is refused."""

from __future__ import annotations

import hashlib
import os
import resource
from pathlib import Path
from typing import Any

import pytest

from gotocloud.aws.transfer.download import Download
from gotocloud.aws.transfer.engine import THREADS, Bucket
from gotocloud.aws.transfer.upload import Upload
from gotocloud.errors import GoToCloudError
from gotocloud.transfer.plan import SINGLE_PUT_LIMIT
from gotocloud.transfer.report import Options, TransferOutcome
from tests.transfer.store import BUCKET, Store
from tests.transfer.unwatched import Unwatched


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "here"


def download(target: Path, prefix: str = "session/", **options: Any) -> TransferOutcome:
    bucket = Bucket(BUCKET, "us-east-1")
    return Download(bucket, target, prefix, Options(**options), Unwatched()).run()


def put(store: Store, key: str, data: bytes, **metadata: str) -> None:
    names = {name.replace("_", "-"): value for name, value in metadata.items()}
    store.s3.put_object(
        Bucket=BUCKET, Key=key, Body=data, Metadata=names, ChecksumAlgorithm="CRC64NVME"
    )


def seen(root: Path) -> dict[str, object]:
    """Everything below a folder, by path."""
    return {
        str(path.relative_to(root)): (
            str(path.readlink()) if path.is_symlink() else path.is_dir() or path.read_bytes()
        )
        for path in root.rglob("*")
    }


def test_what_was_uploaded_comes_back_as_it_was(store: Store, folder: Path, target: Path) -> None:
    (folder / "a b" / "empty").mkdir(parents=True)
    (folder / "a b" / "new\nline é.tif").write_bytes(b"movie")
    (folder / "big.tif").write_bytes(os.urandom(SINGLE_PUT_LIMIT * 3 + 5))
    (folder / "none").touch()
    (folder / "link").symlink_to("a b")
    (folder / "none").chmod(0o640)
    os.utime(folder / "big.tif", ns=(1_600_000_000_000_000_001, 1_500_000_000_000_000_002))
    Upload(Bucket(BUCKET, "us-east-1"), folder, "session", Options(), Unwatched()).run()
    outcome = download(target)
    assert outcome.problems == []
    assert seen(target) == seen(folder)
    assert (target / "big.tif").stat().st_mtime_ns == 1_500_000_000_000_000_002
    assert (target / "none").stat().st_mode & 0o777 == 0o640
    again = download(target)
    assert (again.copies, again.problems) == ([], [])


def test_results_of_the_cluster_arrive(store: Store, target: Path) -> None:
    put(store, "session/run_data.star", b"data", user_agent="aws-fsx-lustre")
    put(store, "session/by-hand", b"no metadata at all")
    assert download(target).problems == []
    assert seen(target) == {"run_data.star": b"data", "by-hand": b"no metadata at all"}


def test_another_content_here_is_not_replaced_without_a_confirmation(
    store: Store, target: Path
) -> None:
    put(store, "session/a.star", b"cloud")
    target.mkdir()
    (target / "a.star").write_bytes(b"local")
    outcome = download(target)
    assert [one.path for one in outcome.problems] == ["a.star"]
    assert (target / "a.star").read_bytes() == b"local"
    assert download(target, overwrite=True).problems == []
    assert (target / "a.star").read_bytes() == b"cloud"


def test_the_same_content_with_another_time_is_not_fetched(store: Store, target: Path) -> None:
    put(store, "session/a.star", b"model")
    target.mkdir()
    (target / "a.star").write_bytes(b"model")
    outcome = download(target)
    assert (outcome.copies, outcome.unchanged) == ([], 1)


@pytest.mark.parametrize("key", ["session/../out", "session//x", "session/./x", "session/a/.."])
def test_names_that_lead_outside_are_refused(store: Store, target: Path, key: str) -> None:
    put(store, key, b"evil")
    put(store, "session/good", b"good")
    outcome = download(target)
    assert [one.path for one in outcome.problems] == [key]
    assert seen(target.parent) == {"here": True, "here/good": b"good"}


def test_nothing_is_written_through_a_link(store: Store, target: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    target.mkdir()
    (target / "sub").symlink_to(outside)
    put(store, "session/sub/a", b"evil")
    put(store, "session/esc", str(outside).encode(), file_permissions="0120777")
    put(store, "session/esc2/b", b"fine")
    outcome = download(target)
    assert [one.path for one in outcome.problems] == ["sub/a"]
    assert list(outside.iterdir()) == []
    assert (target / "esc").readlink() == outside


def test_a_leftover_of_a_killed_download_is_replaced(store: Store, target: Path) -> None:
    put(store, "session/a.tif", b"movie")
    target.mkdir()
    (target / f".{hashlib.sha256(b'a.tif').hexdigest()[:16]}.gotocloud-download").write_bytes(b"mo")
    assert download(target).problems == []
    assert seen(target) == {"a.tif": b"movie"}


@pytest.mark.parametrize("size", [5, SINGLE_PUT_LIMIT + 1])
def test_a_content_that_is_not_its_checksum_never_takes_its_place(
    store: Store, target: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    put(store, "session/a.tif", bytes(size))
    monkeypatch.setattr("gotocloud.aws.transfer.download.checksum_of", lambda _: "other")
    monkeypatch.setattr("gotocloud.aws.transfer.download.crc64_text", lambda _: "other")
    outcome = download(target)
    assert "did not arrive" in outcome.problems[0].text
    assert seen(target) == {}


def test_a_disk_that_is_too_small_is_reported_before_anything_moves(
    store: Store, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, "session/a.tif", b"movie")
    free = type("Usage", (), {"free": 3})
    monkeypatch.setattr("gotocloud.aws.transfer.download.shutil.disk_usage", lambda _: free)
    with pytest.raises(GoToCloudError, match="there is room for"):
        download(target)
    assert not target.exists()


def test_a_dry_run_fetches_nothing(store: Store, target: Path) -> None:
    put(store, "session/a.tif", b"movie")
    assert [move.path for move in download(target, dry_run=True).copies] == ["a.tif"]
    assert not target.exists()


def test_more_than_memory_holds_arrives(
    store: Store, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All threads wait for memory, which only a thread that writes what came can give back."""
    monkeypatch.setattr("gotocloud.aws.transfer.download.MEMORY", 10)
    for number in range(THREADS * 2):
        put(store, f"session/{number}", b"12345")
    outcome = download(target)
    assert (len(outcome.copies), outcome.problems) == (THREADS * 2, [])


def test_a_disk_that_takes_a_part_only_keeps_no_part(store: Store, target: Path) -> None:
    put(store, "session/a.tif", bytes(3_000_000))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        outcome = download(target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [one.path for one in outcome.problems] == ["a.tif"]
    assert seen(target) == {}

"""Uploads against an S3 that checks: what arrives, what is skipped, what is noticed."""

from __future__ import annotations

import base64
import os
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from awscrt.checksums import crc64nvme
from botocore.exceptions import ClientError

from gotocloud.aws.transfer.engine import Answer, Bucket
from gotocloud.aws.transfer.upload import STILL_CHANGING, Upload
from gotocloud.errors import GoToCloudError
from gotocloud.transfer.plan import SINGLE_PUT_LIMIT
from gotocloud.transfer.report import Options, TransferOutcome
from tests.transfer.store import BUCKET, RefusalError, Store
from tests.transfer.unwatched import Unwatched

BIG = 2 * SINGLE_PUT_LIMIT + 12345


def upload(folder: Path, **options: Any) -> TransferOutcome:
    bucket = Bucket(BUCKET, "us-east-1")
    return Upload(bucket, folder, "session", Options(**options), Unwatched()).run()


def texts(outcome: TransferOutcome) -> dict[str, str]:
    return {one.path: one.text for one in (*outcome.problems, *outcome.left_out)}


def checksum(data: bytes) -> str:
    return base64.b64encode(crc64nvme(data).to_bytes(8, "big")).decode()


def by_lustre(store: Store, key: str, data: bytes) -> None:
    """Write an object as an export from Lustre does."""
    metadata = {"user-agent": "aws-fsx-lustre", "file-permissions": "0100644"}
    store.s3.put_object(
        Bucket=BUCKET, Key=key, Body=data, Metadata=metadata, ChecksumAlgorithm="CRC64NVME"
    )


def test_files_folders_and_links_arrive_under_the_folders_name(store: Store, folder: Path) -> None:
    (folder / "raw" / "empty").mkdir(parents=True)
    (folder / "raw" / "a.tif").write_bytes(b"movie")
    (folder / "none").touch()
    (folder / "gain.mrc").symlink_to("raw/a.tif")
    outcome = upload(folder)
    assert outcome.problems == []
    assert store.names() == [
        "session/",
        "session/gain.mrc",
        "session/none",
        "session/raw/",
        "session/raw/a.tif",
        "session/raw/empty/",
    ]
    assert store.body("session/raw/a.tif") == b"movie"
    assert store.body("session/gain.mrc") == b"raw/a.tif"


def test_lustre_finds_owner_permissions_and_times(store: Store, folder: Path) -> None:
    movie = folder / "a.tif"
    movie.write_bytes(b"movie")
    movie.chmod(0o4440)
    os.utime(movie, ns=(1_600_000_000_123_456_789, 1_500_000_000_987_654_321))
    folder.chmod(0o755)
    (folder / "link").symlink_to("a.tif")
    upload(folder)
    assert store.head("session/a.tif")["Metadata"] == {
        "user-agent": "gotocloud",
        "file-permissions": "0100640",
        "file-owner": "1000",
        "file-group": "1000",
        "file-atime": "1600000000123456789ns",
        "file-mtime": "1500000000987654321ns",
    }
    assert store.head("session/")["Metadata"]["file-permissions"] == "040755"
    assert store.head("session/link")["Metadata"]["file-permissions"] == "0120777"


@pytest.mark.parametrize("size", [0, 1, SINGLE_PUT_LIMIT, SINGLE_PUT_LIMIT + 1, BIG])
def test_every_size_arrives_with_its_checksum(store: Store, folder: Path, size: int) -> None:
    data = os.urandom(size)
    (folder / "a.tif").write_bytes(data)
    assert upload(folder).problems == []
    assert store.body("session/a.tif") == data
    assert store.head("session/a.tif")["ChecksumCRC64NVME"] == checksum(data)
    assert store.open_uploads() == []


@pytest.mark.parametrize("name", ["a b", "new\nline", "Übung-試料", "%41+&=?#", "'\"\\`$x", "."])
def test_any_name_arrives_as_it_is(store: Store, folder: Path, name: str) -> None:
    (folder / f"{name}.tif").write_bytes(b"movie")
    (folder / f"{name}.big").write_bytes(bytes(SINGLE_PUT_LIMIT + 1))
    assert upload(folder).problems == []
    assert store.body(f"session/{name}.tif") == b"movie"
    assert f"session/{name}.big" in store.names()
    store.puts.clear()
    assert upload(folder).unchanged == 3
    assert store.puts == []


def test_a_second_run_sends_nothing(store: Store, folder: Path) -> None:
    for number in range(20):
        (folder / f"{number}.tif").write_bytes(os.urandom(100))
    (folder / "big.tif").write_bytes(os.urandom(BIG))
    (folder / "link").symlink_to("1.tif")
    upload(folder)
    store.puts.clear()
    outcome = upload(folder)
    assert (outcome.copies, outcome.unchanged, store.puts) == ([], 23, [])


def test_a_new_time_alone_sends_nothing(store: Store, folder: Path) -> None:
    (folder / "a.tif").write_bytes(b"movie")
    upload(folder)
    store.puts.clear()
    os.utime(folder / "a.tif", ns=(1, 1))
    assert upload(folder).unchanged == 2
    assert store.puts == []


def test_changed_files_are_sent_again_and_nothing_is_deleted(store: Store, folder: Path) -> None:
    (folder / "longer").write_bytes(b"movie")
    (folder / "other").write_bytes(b"movie")
    (folder / "gone").write_bytes(b"movie")
    upload(folder)
    (folder / "longer").write_bytes(b"longer movie")
    (folder / "other").write_bytes(b"MOVIE")
    (folder / "gone").unlink()
    outcome = upload(folder)
    assert [(m.path, m.reason) for m in outcome.copies] == [
        ("longer", "changed"),
        ("other", "changed"),
    ]
    assert store.body("session/other") == b"MOVIE"
    assert store.body("session/gone") == b"movie"


def test_verify_finds_what_size_and_time_hide(store: Store, folder: Path) -> None:
    movie = folder / "a.tif"
    movie.write_bytes(b"movie")
    upload(folder)
    times = movie.stat()
    movie.write_bytes(b"MOVIE")
    os.utime(movie, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert upload(folder).copies == []
    assert [m.path for m in upload(folder, verify=True).copies] == ["a.tif"]
    assert store.body("session/a.tif") == b"MOVIE"


def test_a_dry_run_shows_and_sends_nothing(store: Store, folder: Path) -> None:
    (folder / "a.tif").write_bytes(b"movie")
    outcome = upload(folder, dry_run=True)
    assert [(m.path, m.reason) for m in outcome.copies] == [("", "new"), ("a.tif", "new")]
    assert store.names() == []


def test_what_the_cluster_has_written_is_not_replaced_without_a_confirmation(
    store: Store, folder: Path
) -> None:
    (folder / "same.star").write_bytes(b"model")
    (folder / "other.star").write_bytes(b"older")
    by_lustre(store, "session/same.star", b"model")
    by_lustre(store, "session/other.star", b"newer")
    outcome = upload(folder)
    assert list(texts(outcome)) == ["other.star"]
    assert "the cluster has written" in texts(outcome)["other.star"]
    assert store.body("session/other.star") == b"newer"
    assert upload(folder, overwrite=True).problems == []
    assert store.body("session/other.star") == b"older"


@pytest.mark.parametrize("size", [100, BIG])
def test_a_content_spoiled_on_its_way_is_noticed(store: Store, folder: Path, size: int) -> None:
    (folder / "a.tif").write_bytes(bytes(size))
    (folder / "b.tif").write_bytes(b"well")
    store.spoil = lambda key, body: b"X" + body[1:] if key.endswith("a.tif") else body
    outcome = upload(folder)
    assert list(texts(outcome)) == ["a.tif"]
    assert "checksum" in texts(outcome)["a.tif"]
    store.reset()
    assert upload(folder).problems == []
    assert store.body("session/a.tif") == bytes(size)


def test_a_store_that_keeps_something_else_is_noticed(store: Store, folder: Path) -> None:
    (folder / "a.tif").write_bytes(b"movie")
    store.spoil = lambda _, body: body and b"X" + body[1:]
    store.silent = True
    assert "did not arrive" in texts(upload(folder))["a.tif"]


def test_what_cannot_be_read_or_stored_is_reported_and_the_rest_goes(
    store: Store, folder: Path
) -> None:
    (folder / "good.tif").write_bytes(b"movie")
    os.mkfifo(folder / "pipe")
    os.close(os.open(os.fsencode(folder) + b"/\xff.tif", os.O_CREAT | os.O_WRONLY))
    (folder / "outside").symlink_to("/etc/passwd")
    (folder / "above").symlink_to("../elsewhere")
    (folder / ("n" * 200)).mkdir()
    deep = folder
    for _ in range(6):
        deep = deep / ("n" * 200)
        deep.mkdir(exist_ok=True)
    store.s3.put_object(Bucket=BUCKET, Key="session/was-a-folder/x", Body=b"")
    (folder / "was-a-folder").write_bytes(b"")
    found = texts(upload(folder))
    assert "neither a file" in found["pipe"]
    assert "not UTF-8" in found["\udcff.tif"]
    assert "which the cluster does not have" in found["outside"]
    assert "outside of the folder" in found["above"]
    assert "folder in the bucket" in found["was-a-folder"]
    assert any("1024" in text for text in found.values())
    assert "session/good.tif" in store.names()
    assert "session/outside" in store.names()


def test_a_download_that_was_killed_leaves_nothing_that_is_uploaded(
    store: Store, folder: Path
) -> None:
    (folder / ".0123456789abcdef.gotocloud-download").write_bytes(b"mo")
    assert upload(folder).left_out == []
    assert store.names() == ["session/"]


def test_an_unreadable_file_is_reported(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.tif").write_bytes(b"movie")
    (folder / "secret.tif").write_bytes(b"movie")
    opened = os.open

    def refuse(path: Path, *arguments: int) -> int:
        if str(path).endswith("secret.tif"):
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments)

    # Root reads everything, whatever its permissions.
    monkeypatch.setattr("gotocloud.aws.transfer.upload.os.open", refuse)
    found = texts(upload(folder))
    assert found == {"secret.tif": "cannot be read or written here (Permission denied)"}


def test_a_file_that_came_or_changed_meanwhile_is_uploaded_too(store: Store, folder: Path) -> None:
    (folder / "a.tif").write_bytes(b"first")

    def microscope(key: str) -> None:
        if key.endswith("a.tif"):
            store.on_put = lambda _: None
            (folder / "a.tif").write_bytes(b"second look")
            (folder / "b.tif").write_bytes(b"next movie")

    store.on_put = microscope
    outcome = upload(folder)
    assert outcome.problems == []
    assert store.body("session/a.tif") == b"second look"
    assert store.body("session/b.tif") == b"next movie"


@pytest.mark.parametrize("size", [100, BIG])
def test_a_file_that_grows_all_the_time_is_reported(store: Store, folder: Path, size: int) -> None:
    movie = folder / "a.tif"
    movie.write_bytes(bytes(size))

    def grow(_: str) -> None:
        with movie.open("ab") as file:
            file.write(b"more")

    store.on_put = grow
    found = texts(upload(folder))
    assert list(found) == ["a.tif"]
    assert "written to" in found["a.tif"]
    assert store.open_uploads() == []
    assert size > 100 or found["a.tif"] == STILL_CHANGING


def test_a_missing_bucket_names_setup(store: Store, folder: Path) -> None:
    with pytest.raises(GoToCloudError, match="There is no bucket") as raised:
        Bucket("no-such-bucket", "us-east-1")
    assert raised.value.next_command == "gotocloud status"


def test_an_error_that_concerns_everything_ends_the_run(store: Store, folder: Path) -> None:
    for number in range(200):
        (folder / f"{number}.tif").write_bytes(b"movie")
    bucket = Bucket(BUCKET, "us-east-1")
    work = Upload(bucket, folder, "session", Options(), Unwatched())
    calls = []

    def vanish(key: str) -> None:
        calls.append(key)
        raise RefusalError("ExpiredToken", "The provided token has expired.")

    store.on_put = vanish
    with pytest.raises(GoToCloudError, match="expired") as raised:
        work.run()
    assert "gotocloud login" in (raised.value.next_command or "")
    assert len(calls) < 200


def test_a_head_without_a_reason_is_explained_by_a_listing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = Bucket(BUCKET, "us-east-1")

    def refused(*_: object, **__: object) -> Future[Answer]:
        answer: Future[Answer] = Future()
        answer.set_exception(ClientError({"Error": {"Code": "400"}}, "HeadObject"))
        return answer

    def listed(**_: object) -> None:
        raise ClientError({"Error": {"Code": "ExpiredToken"}}, "ListObjectsV2")

    monkeypatch.setattr(bucket, "send", refused)
    monkeypatch.setattr(bucket.s3, "list_objects_v2", listed)
    with pytest.raises(ClientError, match="ExpiredToken"):
        bucket.head("a")

"""Data repositories of the local FSx: what an export task copies, and what is imported."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

import pytest
from awscrt import checksums
from botocore.exceptions import ClientError

from local_aws.process import LocalAws
from local_aws.services.data_repository_bucket import PART_BYTES
from local_aws.testing import MEMBER, VIRGINIA, until
from lustres import EVENTS, Linked, state

NAMES = ("plain.mrc", "with space.mrc", "new\nline.mrc", "Ångström-電顕.mrc", "@at", 'quo"te,comma')


def test_an_export_copies_files_directories_and_links_with_their_metadata(local: LocalAws) -> None:
    fs = Linked(local)
    (fs.root / "a/b").mkdir(parents=True)
    (fs.root / "a/b/movie.tiff").write_bytes(b"movie")
    (fs.root / "a/b/movie.tiff").chmod(0o640)
    os.utime(fs.root / "a/b/movie.tiff", ns=(1_600_000_000_123_456_789, 1_500_000_000_987_654_321))
    (fs.root / "latest").symlink_to("a/./b//movie.tiff")
    task = fs.export()
    assert task["Lifecycle"] == "SUCCEEDED"
    assert fs.counts(task) == (4, 4, 0)
    assert fs.keys() == {"a/", "a/b/", "a/b/movie.tiff", "latest"}
    head = fs.head("a/b/movie.tiff")
    own = (fs.root / "a/b/movie.tiff").stat()
    assert head["Metadata"] == {
        "user-agent": "aws-fsx-lustre",
        "file-permissions": "0100640",
        "file-owner": str(own.st_uid),
        "file-group": str(own.st_gid),
        "file-atime": "1600000000123456789ns",
        "file-mtime": "1500000000987654321ns",
    }
    assert fs.head("a/b/")["Metadata"]["file-permissions"] == "0040755"
    assert fs.head("a/b/")["ContentLength"] == 0
    assert fs.head("latest")["Metadata"]["file-permissions"] == "0120777"
    assert fs.content("latest") == b"a/./b//movie.tiff"


def test_a_new_file_system_shows_the_same_files(local: LocalAws) -> None:
    first = Linked(local)
    for name in NAMES:
        (first.root / "run" / name).parent.mkdir(exist_ok=True)
        (first.root / "run" / name).write_text(name)
    (first.root / "run/link").symlink_to("no/such target")
    (first.root / "run/tool").write_text("#!/bin/sh\n")
    (first.root / "run/tool").chmod(0o750)
    (first.root / "empty").mkdir(mode=0o2770)
    os.utime(first.root / "run", ns=(5, 1_111_111_111_000_000_001))
    assert first.export()["Lifecycle"] == "SUCCEEDED"
    assert state(Linked(local, bucket=first.bucket).root) == state(first.root)


def test_what_did_not_change_is_not_exported_again(local: LocalAws) -> None:
    fs = Linked(local)
    for name in ("one", "two"):
        (fs.root / name).write_text(name)
    fs.export()
    before = fs.head("one")["LastModified"], fs.head("one")["ETag"]
    (fs.root / "two").write_text("two again")
    (fs.root / "one").read_text()
    assert fs.counts(fs.export()) == (1, 1, 0)
    assert (fs.head("one")["LastModified"], fs.head("one")["ETag"]) == before
    assert fs.content("two") == b"two again"
    (fs.root / "one").chmod(0o600)
    assert fs.counts(fs.export()) == (1, 1, 0)
    assert fs.head("one")["Metadata"]["file-permissions"] == "0100600"


def test_an_export_of_paths_leaves_the_rest(local: LocalAws) -> None:
    fs = Linked(local)
    for name in ("in/one", "in/two", "out/three"):
        (fs.root / name).parent.mkdir(exist_ok=True)
        (fs.root / name).write_text(name)
    assert fs.counts(fs.export("/in/")) == (3, 3, 0)
    assert fs.keys() == {"in/", "in/one", "in/two"}
    failed = fs.export("in", "nowhere")
    assert failed["Lifecycle"] == "FAILED"
    assert "nowhere" in failed["FailureDetails"]["Message"]


def test_an_association_of_a_directory_and_a_prefix_keeps_to_them(local: LocalAws) -> None:
    fs = Linked(local, place="/data/", prefix="kept/here")
    (fs.root / "data/file").write_text("in")
    (fs.root / "outside").write_text("out")
    fs.s3.put_object(Bucket=fs.bucket, Key="elsewhere", Body=b"no")
    fs.s3.put_object(Bucket=fs.bucket, Key="kept/here/put", Body=b"yes")
    assert fs.counts(fs.export()) == (1, 1, 0)
    again = Linked(local, bucket=fs.bucket, place="/other", prefix="kept/here/")
    assert set(state(again.root)) == {"other", "other/file", "other/put"}


def test_objects_without_metadata_belong_to_root_and_may_be_read_by_all(local: LocalAws) -> None:
    first = Linked(local)
    first.s3.put_object(Bucket=first.bucket, Key="deep/down/movie.mrc", Body=b"movie")
    fs = Linked(local, bucket=first.bucket)
    seen = (fs.root / "deep/down/movie.mrc").stat()
    assert (seen.st_mode & 0o7777, seen.st_uid, seen.st_gid) == (0o755, os.geteuid(), os.getegid())


@pytest.mark.parametrize("key", ["../escape", "a//b", "/root", "a/./b", "x" * 256])
def test_a_key_that_is_no_path_is_not_imported(local: LocalAws, key: str) -> None:
    first = Linked(local)
    first.s3.put_object(Bucket=first.bucket, Key="good", Body=b"")
    first.s3.put_object(Bucket=first.bucket, Key=key, Body=b"")
    fs = Linked(local, bucket=first.bucket)
    assert set(state(fs.root)) == {"good"}
    assert not (fs.root.parent / "escape").exists()


def test_nothing_is_imported_through_a_link_out_of_the_file_system(
    local: LocalAws, tmp_path: Path
) -> None:
    first = Linked(local)
    (first.root / "way").symlink_to(tmp_path)
    first.export()
    first.s3.put_object(Bucket=first.bucket, Key="way/out", Body=b"out")
    fs = Linked(local, bucket=first.bucket)
    assert (fs.root / "way").is_symlink()
    assert list(tmp_path.iterdir()) == []


def test_objects_carry_the_checksum_that_s3_adds(local: LocalAws) -> None:
    fs = Linked(local)
    small, large = b"small", bytes(range(256)) * (PART_BYTES // 256) + b"more"
    (fs.root / "small").write_bytes(small)
    (fs.root / "large").write_bytes(large)
    fs.export()
    for name, content in (("small", small), ("large", large)):
        expected = base64.b64encode(checksums.crc64nvme(content).to_bytes(8, "big")).decode()
        assert fs.head(name)["ChecksumCRC64NVME"] == expected
    # As on AWS, where large files go up in parts, an ETag is not always an MD5.
    assert binascii.unhexlify(fs.head("small")["ETag"].strip('"'))
    assert fs.head("large")["ETag"].strip('"').endswith("-2")


def test_changes_are_exported_by_themselves(local: LocalAws) -> None:
    fs = Linked(local, auto_export=EVENTS)
    (fs.root / "dir").mkdir()
    (fs.root / "dir/file").write_text("first")
    until(lambda: {"dir/", "dir/file"} <= fs.keys())
    (fs.root / "dir/file").write_text("second")
    until(lambda: fs.content("dir/file") == b"second")
    (fs.root / "dir/file").rename(fs.root / "moved")
    until(lambda: fs.keys() == {"dir/", "moved"})
    (fs.root / "dir").rmdir()
    until(lambda: fs.keys() == {"moved"})


def test_events_that_are_not_requested_are_not_exported(local: LocalAws) -> None:
    fs = Linked(local, auto_export=("NEW",))
    (fs.root / "file").write_text("first")
    until(lambda: fs.keys() == {"file"})
    (fs.root / "file").write_text("second")
    (fs.root / "other").write_text("other")
    until(lambda: fs.keys() >= {"other"})
    assert fs.content("file") == b"first"


def test_changes_of_the_bucket_are_imported_by_themselves(local: LocalAws) -> None:
    fs = Linked(local, auto_import=EVENTS)
    fs.s3.put_object(Bucket=fs.bucket, Key="new/file", Body=b"first")
    until((fs.root / "new/file").exists)
    fs.s3.put_object(
        Bucket=fs.bucket, Key="new/file", Body=b"second", Metadata={"file-permissions": "0100600"}
    )
    until(lambda: (fs.root / "new/file").read_bytes() == b"second")
    assert (fs.root / "new/file").stat().st_mode & 0o777 == 0o600
    fs.s3.delete_object(Bucket=fs.bucket, Key="new/file")
    until(lambda: not (fs.root / "new/file").exists())


def test_what_changed_on_both_sides_stays_as_the_scientist_wrote_it(local: LocalAws) -> None:
    fs = Linked(local, auto_import=EVENTS)
    (fs.root / "kept").write_text("first")
    (fs.root / "gone").write_text("first")
    fs.export()
    (fs.root / "kept").write_text("by the scientist")
    (fs.root / "gone").write_text("by the scientist")
    fs.s3.put_object(Bucket=fs.bucket, Key="kept", Body=b"by another")
    fs.s3.delete_object(Bucket=fs.bucket, Key="gone")
    fs.s3.put_object(Bucket=fs.bucket, Key="mark", Body=b"")
    until((fs.root / "mark").exists)
    assert (fs.root / "kept").read_text() == "by the scientist"
    assert (fs.root / "gone").read_text() == "by the scientist"
    fs.export()
    assert fs.content("kept") == fs.content("gone") == b"by the scientist"


def test_an_export_task_needs_automatic_export_to_be_off(local: LocalAws) -> None:
    fs = Linked(local, auto_export=EVENTS, auto_import=("NEW",))
    with pytest.raises(ClientError) as caught:
        fs.export()
    assert caught.value.response["Error"]["Code"] == "BadRequest"
    assert "automatic export" in str(caught.value)
    updated = fs.fsx.update_data_repository_association(
        AssociationId=fs.association, S3={"AutoExportPolicy": {"Events": []}}
    )["Association"]
    assert updated["S3"]["AutoImportPolicy"] == {"Events": ["NEW"]}
    (fs.root / "file").write_text("late")
    assert fs.counts(fs.export()) == (1, 1, 0)


def test_deleting_a_file_system_deletes_its_files_and_no_object(local: LocalAws) -> None:
    fs = Linked(local, auto_export=EVENTS)
    (fs.root / "file").write_text("kept")
    until(lambda: fs.keys() == {"file"})
    fs.fsx.delete_data_repository_association(AssociationId=fs.association)
    assert (fs.root / "file").exists()
    fs.fsx.delete_file_system(FileSystemId=fs.id)
    assert not fs.root.exists()
    assert fs.content("file") == b"kept"


def test_directories_that_overlap_are_not_linked_twice(local: LocalAws) -> None:
    fs = Linked(local, place="/data")
    for place in ("/", "/data", "/data/deeper"):
        with pytest.raises(ClientError, match="overlaps"):
            fs.fsx.create_data_repository_association(
                FileSystemId=fs.id, FileSystemPath=place, DataRepositoryPath=f"s3://{fs.bucket}"
            )


def test_unknown_names_are_reported_as_fsx_does(local: LocalAws) -> None:
    fsx = local.client("fsx", MEMBER, VIRGINIA)
    with pytest.raises(fsx.exceptions.DataRepositoryTaskNotFound):
        fsx.describe_data_repository_tasks(TaskIds=["task-0123456789abcdef0"])
    with pytest.raises(fsx.exceptions.FileSystemNotFound):
        fsx.create_data_repository_task(
            FileSystemId="fs-0123456789abcdef0",
            Type="EXPORT_TO_REPOSITORY",
            Report={"Enabled": False},
        )

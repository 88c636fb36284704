"""`gotocloud pause`, against a Lustre that exports and a head node that runs commands."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from gotocloud.aws import pausing
from gotocloud.aws.cloud import StandardCloud
from gotocloud.aws.lustre_export.proof import UnprovenError
from gotocloud.cli import main
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.projects.desktop_access import description
from gotocloud.rehearsal.local_aws import LocalAws
from local_aws.testing import until
from tests.cli.local_project import LocalProject

pytestmark = [pytest.mark.rehearsal, pytest.mark.usefixtures("local_scientist")]
JOB = {"job_id": 7, "name": "a|b", "user": "ubuntu", "partition": "refine3d", "state": "RUNNING"}
_numbers = count(1)


@pytest.fixture
def project(local: LocalAws) -> Iterator[LocalProject]:
    made = LocalProject(local, f"p{next(_numbers)}").start()
    yield made
    made.control.clear()


def pause(project: LocalProject, *arguments: str) -> None:
    main.app(
        ["pause", project.names.project, *arguments], standalone_mode=False, prog_name="gotocloud"
    )


def test_a_paused_cluster_leaves_everything_in_the_bucket_and_a_proof(
    project: LocalProject, capsys: pytest.CaptureFixture[str]
) -> None:
    content = project.fill()
    pause(project, "--json")
    told = json.loads(capsys.readouterr().out)
    stored = project.stored()
    assert not project.running
    assert stored["movies/link"] == b"../empty"
    assert {name: stored[name] for name in content} == content
    # One more is the archive of /home.
    assert told["proof"]["counted"]["files"] == 5
    assert told["proof"]["counted"]["links"] == 1
    assert told["proof"]["counted"]["checksums"] == 5
    assert len(project.proofs()) == 1


def test_an_open_desktop_is_not_deleted_without_a_confirmation(project: LocalProject) -> None:
    until = datetime.now(UTC) + timedelta(hours=2)
    project.stacks.client("ec2").authorize_security_group_ingress(
        GroupId=project.outputs["DesktopSecurityGroupId"],
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 8443,
                "ToPort": 8443,
                "IpRanges": [
                    {"CidrIp": "203.0.113.7/32", "Description": description("ann", until)}
                ],
            }
        ],
    )
    with pytest.raises(InputError, match="The desktop of") as caught:
        pause(project, "--checksum-gib", "1")
    named = project.names.project
    assert caught.value.next_command == f"gotocloud pause {named} --checksum-gib 1 --yes"
    assert project.running
    pause(project, "--yes")
    assert not project.running


def upload_in_parts(project: LocalProject, key: str, parts: list[bytes]) -> None:
    """As `gotocloud upload` does with a large file, with what Lustre wants to know."""
    place = {"Bucket": project.names.bucket, "Key": key}
    metadata = {"file-permissions": "0100644", "file-owner": "1000", "file-group": "1000"}
    made = project.s3.create_multipart_upload(
        **place, Metadata={**metadata, "file-mtime": "1700000000000000000ns"}
    )
    upload = {**place, "UploadId": made["UploadId"]}
    tags = [
        project.s3.upload_part(**upload, PartNumber=number, Body=part)["ETag"]
        for number, part in enumerate(parts, 1)
    ]
    listed = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
    project.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": listed})


MIB = 1024 * 1024


@pytest.mark.parametrize("cut", [(5, 5, 1), (5, 6, 1)])
def test_files_uploaded_in_parts_are_compared_by_the_checksums_of_even_parts(
    project: LocalProject, capsys: pytest.CaptureFixture[str], cut: tuple[int, ...]
) -> None:
    parts = [bytes([number]) * (mib * MIB) for number, mib in enumerate(cut)]
    upload_in_parts(project, "movie.mrc", parts)
    until((project.lustre / "movie.mrc").exists)
    pause(project, "--json")
    told = json.loads(capsys.readouterr().out)["proof"]["counted"]
    assert (told["files"], told["flaws"]) == (2, {})
    assert told["checksums"] == (2 if cut == (5, 5, 1) else 1)


def test_a_changed_part_of_a_large_file_is_found(project: LocalProject) -> None:
    parts = [b"a" * (5 * MIB), b"b" * MIB]
    upload_in_parts(project, "movie.mrc", parts)
    until((project.lustre / "movie.mrc").exists)
    with project.control.during("auto-import-stalls"):
        upload_in_parts(project, "movie.mrc", [parts[0], b"c" * MIB])
        with pytest.raises(UnprovenError, match=r"movie\.mrc.*checksum of its parts"):
            pause(project)


def test_pausing_twice_is_nothing_to_do(
    project: LocalProject, capsys: pytest.CaptureFixture[str]
) -> None:
    pause(project)
    pause(project)
    assert "nothing to do" in capsys.readouterr().err


def test_a_cluster_that_is_started_again_has_the_same_files(project: LocalProject) -> None:
    content = project.fill()
    pause(project)
    project.start()
    from local_aws.testing import until

    until((project.lustre / "empty").exists)
    found = {name: (project.lustre / name).read_bytes() for name in content}
    assert found == content
    assert (project.lustre / "movies/link").readlink() == Path("../empty")
    assert (project.lustre / "movies").stat().st_mode & 0o777 == 0o750
    pause(project)


def test_a_proof_that_another_pause_withdrew_deletes_nothing(
    project: LocalProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one failed, and gave the cluster back to its users."""
    from gotocloud.aws.lustre_export import proof as lustre_export_proof

    original = lustre_export_proof._keep

    def keep(*given: Any) -> None:
        original(*given)
        pausing.reopen(StandardCloud(), pausing.cluster_state(StandardCloud(), project.names))

    monkeypatch.setattr(lustre_export_proof, "_keep", keep)
    with pytest.raises(GoToCloudError, match="there is no proof"):
        pause(project)
    assert project.running


def test_running_jobs_keep_the_cluster_and_are_listed(project: LocalProject) -> None:
    project.control.set_jobs(project.instance, [JOB])
    with pytest.raises(GoToCloudError, match=r"7 'a\|b' of ubuntu"):
        pause(project)
    assert project.running


def test_jobs_are_cancelled_when_that_is_requested(project: LocalProject) -> None:
    project.control.set_jobs(project.instance, [JOB])
    pause(project, "--cancel-jobs", "--yes")
    assert not project.running


def test_without_a_terminal_nothing_is_cancelled(project: LocalProject) -> None:
    project.control.set_jobs(project.instance, [JOB])
    with pytest.raises(GoToCloudError, match="No terminal to confirm"):
        pause(project, "--cancel-jobs")
    assert project.running


def test_a_slurm_that_does_not_answer_keeps_the_cluster(project: LocalProject) -> None:
    project.control.set_jobs(project.instance, [], down=True)
    with pytest.raises(GoToCloudError, match="Slurm"):
        pause(project)
    assert project.running


def test_a_dry_run_changes_nothing(
    project: LocalProject, capsys: pytest.CaptureFixture[str]
) -> None:
    project.fill()
    pause(project, "--dry-run")
    assert project.running
    assert project.proofs() == []
    assert "Would export" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("export-skips", "missing in the bucket"),
        ("export-truncates", "another size"),
        ("export-corrupts", "another content"),
        ("export-forgets-metadata", "other"),
        ("export-file-fails", "failed"),
    ],
)
def test_a_bad_export_of_one_file_keeps_the_cluster_and_names_it(
    project: LocalProject, fault: str, said: str
) -> None:
    with (
        project.control.during("auto-export-stalls"),
        project.control.during(fault, path="movies/a.mrc"),
    ):
        project.fill()
        with pytest.raises(UnprovenError, match=said) as caught:
            pause(project)
    assert "movies/a.mrc" in str(caught.value)
    assert project.running
    assert project.proofs() == []


def test_an_export_task_that_fails_keeps_the_cluster(project: LocalProject) -> None:
    with project.control.during("auto-export-stalls"), project.control.during("export-task-fails"):
        project.fill()
        with pytest.raises(UnprovenError, match="FAILED"):
            pause(project)
    assert project.running


def test_an_export_task_that_hides_its_failures_keeps_the_cluster(project: LocalProject) -> None:
    control = project.control
    with (
        control.during("auto-export-stalls"),
        control.during("export-task-lies"),
        control.during("export-file-fails", path="movies/link"),
    ):
        project.fill()
        with pytest.raises(UnprovenError, match="movies/link"):
            pause(project)
    assert project.running


def queues(project: LocalProject) -> list[str]:
    state = project.control.node(project.instance) / "opt/slurm/etc/rehearsal.json"
    return [one.get("avail", "up") for one in json.loads(state.read_text())["partitions"]]


def test_no_job_gets_into_a_queue_while_data_are_exported(
    project: LocalProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gotocloud.aws.lustre_export import proof as lustre_export_proof

    seen: list[str] = []
    original = lustre_export_proof._compare

    def compare(*given: Any) -> None:
        seen.extend(queues(project))
        original(*given)

    monkeypatch.setattr(lustre_export_proof, "_compare", compare)
    pause(project)
    assert seen == ["drain"]


def test_a_failed_pause_gives_the_cluster_back_as_it_was(project: LocalProject) -> None:
    with project.control.during("export-task-fails"), pytest.raises(UnprovenError):
        pause(project)
    fsx = project.stacks.client("fsx")
    link = fsx.describe_data_repository_associations(
        Filters=[{"Name": "file-system-id", "Values": [project.file_system]}]
    )["Associations"][0]
    assert link["S3"]["AutoExportPolicy"]["Events"] == ["NEW", "CHANGED", "DELETED"]
    assert queues(project) == ["up"]
    pause(project)
    assert not project.running


def test_a_file_written_during_the_export_is_exported_too(
    project: LocalProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gotocloud.aws.lustre_export import proof as lustre_export_proof

    project.fill()
    original = lustre_export_proof._compare
    written: list[int] = []

    def compare(*given: Any) -> None:
        if not written:
            written.append((project.lustre / "late").write_bytes(b"late"))
        original(*given)

    monkeypatch.setattr(lustre_export_proof, "_compare", compare)
    pause(project)
    assert project.stored()["late"] == b"late"


def test_a_file_that_changes_all_the_time_keeps_the_cluster(
    project: LocalProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gotocloud.aws.lustre_export import proof as lustre_export_proof

    project.fill()
    original: Callable[..., None] = lustre_export_proof._compare

    def compare(*given: Any) -> None:
        with (project.lustre / "log").open("a") as log:
            log.write("more\n")
        original(*given)

    monkeypatch.setattr(lustre_export_proof, "_compare", compare)
    with pytest.raises(UnprovenError, match="written, renamed or removed"):
        pause(project)
    assert project.running


def test_what_was_deleted_half_way_is_deleted_only_with_a_proof(project: LocalProject) -> None:
    project.fill()
    with project.control.during("resource-fails", logical_id="Address", phase="delete"):
        with pytest.raises(GoToCloudError, match="could not be removed"):
            pause(project)
        stack = project.stacks.settled(project.names.cluster_stack)
        assert stack["StackStatus"] == "DELETE_FAILED"
    pause(project)
    assert not project.running


def test_what_was_deleted_by_hand_half_way_is_kept_without_a_proof(
    project: LocalProject,
) -> None:
    with project.control.during("resource-fails", logical_id="Address", phase="delete"):
        project.stacks.cfn.delete_stack(StackName=project.names.cluster_stack)
        project.stacks.settled(project.names.cluster_stack)
    with pytest.raises(GoToCloudError, match="cannot be proven to be in its bucket"):
        pause(project)
    assert project.running


def test_files_to_be_summed_are_spread_over_commands_that_systems_manager_takes() -> None:
    from gotocloud.aws.lustre_export.proof import PART_NAMES_BYTES, _in_commands

    parts = [("n" * 1024, 1, "e")] * 45 + [("s", 1, "e")] * 450
    chunks = list(_in_commands(parts))
    assert [one for chunk in chunks for one in chunk] == parts
    assert max(len(chunk) for chunk in chunks) <= 200
    assert max(sum(len(one[0]) for one in chunk) for chunk in chunks) <= PART_NAMES_BYTES


def test_a_proof_is_withdrawn_when_the_cluster_is_worked_on_after_all(
    project: LocalProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(pausing, "remove", cut_off)
        with pytest.raises(GoToCloudError, match="Stopped"):
            pause(project)
    now = pausing.cluster_state(StandardCloud(), project.names)
    assert pausing.proof_of(StandardCloud(), now)
    pause(project, "--reopen")
    assert pausing.proof_of(StandardCloud(), now) is None
    assert queues(project) == ["up"]

"""`gotocloud finish`, against a bucket with versions."""

from __future__ import annotations

import json
from itertools import count

import pytest
from botocore.exceptions import ClientError

from gotocloud.aws import project_removal
from gotocloud.cli import main
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.rehearsal.local_aws import LocalAws
from tests.cli.local_project import LocalProject, write_facts

pytestmark = [pytest.mark.rehearsal, pytest.mark.usefixtures("local_scientist")]
_numbers = count(1)
TOKYO = "ap-northeast-1"


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_removal, "BATCH", 2)


@pytest.fixture
def project(local: LocalAws) -> LocalProject:
    made = LocalProject(local, f"f{next(_numbers)}")
    put(made, "a", b"1")
    put(made, "a", b"22")
    put(made, "Größe\n1", b"333")
    made.s3.delete_object(Bucket=made.names.bucket, Key="Größe\n1")
    made.s3.create_multipart_upload(Bucket=made.names.bucket, Key="never ended")
    return made


def put(project: LocalProject, key: str, data: bytes) -> None:
    project.s3.put_object(Bucket=project.names.bucket, Key=key, Body=data)


def finish(project: LocalProject, *arguments: str) -> None:
    main.app(
        ["finish", project.names.project, *arguments], standalone_mode=False, prog_name="gotocloud"
    )


def bucket_stands(project: LocalProject) -> bool:
    try:
        project.s3.head_bucket(Bucket=project.names.bucket)
    except ClientError:
        return False
    return True


def stack_stands(project: LocalProject) -> bool:
    stacks = project.stacks.cfn.describe_stacks()["Stacks"]
    return project.names.project_stack in {one["StackName"] for one in stacks}


def test_everything_of_a_project_goes_and_other_projects_stay(
    local: LocalAws, project: LocalProject, capsys: pytest.CaptureFixture[str]
) -> None:
    other = LocalProject(local, f"f{next(_numbers)}")
    put(other, "kept", b"1")
    finish(project, "--confirm", project.names.project, "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["objects"], told["versions"], told["delete_markers"]) == (1, 3, 1)
    assert (told["unfinished_uploads"], told["size_bytes"], told["finished"]) == (1, 6, True)
    assert told["spent_usd"] is None
    assert not bucket_stands(project)
    assert not stack_stands(project)
    pairs = project.stacks.client("ec2").describe_key_pairs()["KeyPairs"]
    assert {pair["KeyName"] for pair in pairs} == {
        pair["KeyName"] for pair in pairs if pair["KeyName"] != project.names.base
    }
    assert other.stored() == {"kept": b"1"}
    assert stack_stands(other)


def test_what_is_finished_is_a_project_no_more(project: LocalProject) -> None:
    finish(project, "--confirm", project.names.project)
    with pytest.raises(InputError, match=f"No project of yours named '{project.names.project}'"):
        finish(project, "--confirm", project.names.project)


def test_a_project_of_another_region_keeps_its_bucket_and_its_stack(
    project: LocalProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", TOKYO)
    write_facts(project.local, region=TOKYO)
    with pytest.raises(InputError, match="is in us-east-1") as caught:
        finish(project, "--confirm", project.names.project)
    assert (
        caught.value.next_command
        == f"AWS_REGION=us-east-1 gotocloud finish {project.names.project}"
    )
    assert bucket_stands(project)
    assert stack_stands(project)


def test_data_are_kept_when_that_is_requested_and_can_go_later(project: LocalProject) -> None:
    finish(project, "--keep-data", "--confirm", project.names.project)
    assert project.stored() == {"a": b"22"}
    assert not stack_stands(project)
    finish(project, "--confirm", project.names.project)
    assert not bucket_stands(project)


@pytest.mark.parametrize("typed", ["", "f", "F1", "yes"])
def test_another_name_deletes_nothing(project: LocalProject, typed: str) -> None:
    with pytest.raises(InputError, match="Nothing was deleted"):
        finish(project, "--confirm", typed)
    assert project.stored() == {"a": b"22"}
    assert stack_stands(project)


def test_without_a_terminal_nothing_is_deleted(project: LocalProject) -> None:
    with pytest.raises(InputError, match="No terminal"):
        finish(project)
    assert bucket_stands(project)


def test_a_dry_run_shows_what_exists_and_deletes_nothing(
    project: LocalProject, capsys: pytest.CaptureFixture[str]
) -> None:
    finish(project, "--dry-run")
    assert "1 objects, 3 versions, 6 bytes, 1 unfinished uploads" in capsys.readouterr().err
    assert bucket_stands(project)


def test_a_project_with_a_cluster_is_not_finished(project: LocalProject) -> None:
    project.start()
    with pytest.raises(GoToCloudError, match="still has a cluster") as caught:
        finish(project, "--confirm", project.names.project)
    assert "gotocloud pause" in str(caught.value)
    assert bucket_stands(project)
    project.stacks.delete(project.names.cluster_stack)


def test_a_project_with_a_volume_that_is_still_billed_is_not_finished(
    project: LocalProject,
) -> None:
    ec2 = project.stacks.client("ec2")
    zone = ec2.describe_availability_zones()["AvailabilityZones"][0]["ZoneName"]
    tags = [{"Key": key, "Value": text} for key, text in project.names.tags.items()]
    volume = ec2.create_volume(
        AvailabilityZone=zone,
        Size=8,
        TagSpecifications=[{"ResourceType": "volume", "Tags": tags}],
    )["VolumeId"]
    with pytest.raises(GoToCloudError, match="still billed") as caught:
        finish(project, "--confirm", project.names.project)
    assert volume in str(caught.value)
    assert bucket_stands(project)
    ec2.delete_volume(VolumeId=volume)

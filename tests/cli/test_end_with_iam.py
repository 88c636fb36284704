"""Connect, pause and finish with IAM deciding: the synthesised policies, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gotocloud.aws import head_node, pausing, removal
from gotocloud.aws.lustre_export import export as lustre_export
from gotocloud.aws.lustre_export import link as lustre_export_link
from gotocloud.cli import main
from tests.cli.local_project import LocalProject, write_facts
from tests.rehearsal.iam.site import GROUP, OTHER_GROUP, REGION, SCIENTIST, Site, started

pytestmark = [pytest.mark.rehearsal, pytest.mark.cdk]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    yield from started(tmp_path_factory.mktemp("iam"))


@pytest.fixture
def scientist(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    keys = site.scientist().keys
    for name, value in {
        **site.aws.environment(GROUP, REGION),
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }.items():
        monkeypatch.setenv(name, value)
    for module in (head_node, lustre_export, lustre_export_link, removal):
        monkeypatch.setattr(module, "POLL_S", 0.05)
    monkeypatch.setattr(pausing, "BILLS_POLL_S", 0.05)


def run(*arguments: str) -> None:
    main.app(list(arguments), standalone_mode=False, prog_name="gotocloud")


def test_a_scientist_connects_pauses_and_finishes_with_the_synthesised_permissions(
    site: Site, scientist: None
) -> None:
    write_facts(site.aws, GROUP, REGION)
    own = {"account": GROUP, "region": REGION, "scientist": SCIENTIST}
    project = LocalProject(site.aws, "mine", **own).start()
    content = project.fill()
    run("connect", "mine", "--from", "8.8.8.8")
    run("connect", "mine", "--close")
    run("pause", "mine")
    stored = project.stored()
    assert {name: stored[name] for name in content} == content
    assert not project.running
    run("finish", "mine", "--confirm", "mine")
    buckets = site.admin("s3").list_buckets()["Buckets"]
    assert project.names.bucket not in {bucket["Name"] for bucket in buckets}


def test_a_scientist_reaches_no_machine_and_no_data_of_another_group(site: Site) -> None:
    other = LocalProject(
        site.aws, "theirs", account=OTHER_GROUP, region=REGION, scientist="stranger"
    )
    put = other.s3.put_object(Bucket=other.names.bucket, Key="x", Body=b"1")
    me = site.scientist()
    theirs = {"Bucket": other.names.bucket}
    version = {**theirs, "Key": "x", "VersionId": put["VersionId"]}
    assert me.refusal("s3", "delete_object", **version)
    assert me.refusal("s3", "delete_bucket", **theirs)


def test_a_scientist_runs_commands_on_tagged_machines_only(site: Site) -> None:
    ec2 = site.admin("ec2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    bare = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    command = {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": ["true"]}}
    assert site.scientist().refusal("ssm", "send_command", InstanceIds=[bare], **command)

from __future__ import annotations

import json
from typing import Any

import boto3
import botocore.client
import pytest

from gotocloud.aws.releases import (
    plan_release,
    publish,
    require_scripts,
    verified_template,
    verified_template_url,
)
from gotocloud.contract.releases import MANIFEST, SCRIPT_DIGESTS, distribution_bucket
from gotocloud.errors import GoToCloudError
from gotocloud.platform.release import Release, make_release, sha256, template_path

pytestmark = pytest.mark.usefixtures("aws")

REGION = "ap-northeast-1"
BUCKET = "gotocloud-distribution"
FILES = {"project.template.json": b"{}", "node/mount-software.sh": b"#!/bin/sh\n"}
RELEASE = Release("1.0", FILES)


@pytest.fixture
def s3(aws: None) -> Any:
    s3 = boto3.client("s3", REGION)
    s3.create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"}
    )
    return s3


def keys(s3: Any) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def publish_all(release: Release = RELEASE) -> list[str]:
    uploaded: list[str] = []
    publish(BUCKET, REGION, plan_release(BUCKET, REGION, release), on_upload=uploaded.append)
    return uploaded


def test_a_release_is_published_with_its_manifest_last(s3: Any) -> None:
    assert publish_all() == ["node/mount-software.sh", "project.template.json", "manifest.json"]
    assert keys(s3) == [
        "releases/1.0/manifest.json",
        "releases/1.0/node/mount-software.sh",
        "releases/1.0/project.template.json",
    ]
    manifest = json.loads(
        s3.get_object(Bucket=BUCKET, Key="releases/1.0/manifest.json")["Body"].read()
    )
    assert manifest["version"] == "1.0"
    assert manifest["files"]["project.template.json"] == {
        "path": "project.template.json",
        "sha256": sha256(b"{}"),
        "size": 2,
    }


def test_what_is_published_is_encrypted_typed_and_has_a_checksum(s3: Any) -> None:
    publish_all()
    head = s3.head_object(
        Bucket=BUCKET, Key="releases/1.0/project.template.json", ChecksumMode="ENABLED"
    )
    assert head["ServerSideEncryption"] == "AES256"
    assert head["ContentType"] == "application/json"
    assert head["ChecksumSHA256"] == "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o="


def test_publishing_the_same_again_does_nothing(s3: Any) -> None:
    publish_all()
    assert plan_release(BUCKET, REGION, RELEASE).missing == ()
    assert publish_all() == []


def test_other_content_under_a_published_version_is_refused_and_nothing_is_written(
    s3: Any,
) -> None:
    publish_all()
    before = keys(s3)
    other = Release("1.0", {**FILES, "project.template.json": b'{"a": 1}', "new.json": b"{}"})
    with pytest.raises(GoToCloudError, match="never overwritten") as caught:
        publish_all(other)
    assert caught.value.problems == ("project.template.json differs", "manifest.json differs")
    assert keys(s3) == before


@pytest.mark.parametrize("killed_after", [0, 1, 2])
def test_publishing_that_was_killed_is_finished_by_running_it_again(
    s3: Any, killed_after: int
) -> None:
    uploaded: list[str] = []

    def kill(path: str) -> None:
        uploaded.append(path)
        if len(uploaded) > killed_after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish(BUCKET, REGION, plan_release(BUCKET, REGION, RELEASE), on_upload=kill)
    complete = killed_after == len(FILES)
    assert (f"releases/1.0/{MANIFEST}" in keys(s3)) == complete
    assert uploaded + publish_all() == [*sorted(FILES), MANIFEST]
    assert plan_release(BUCKET, REGION, RELEASE).missing == ()


def test_two_who_publish_the_same_at_once_both_succeed(s3: Any) -> None:
    plan = plan_release(BUCKET, REGION, RELEASE)
    publish_all()
    publish(BUCKET, REGION, plan)


def test_the_slower_of_two_who_publish_different_content_is_refused(s3: Any) -> None:
    plan = plan_release(BUCKET, REGION, Release("1.0", {"project.template.json": b"[]"}))
    publish_all()
    with pytest.raises(GoToCloudError, match="never overwritten"):
        publish(BUCKET, REGION, plan)
    assert plan_release(BUCKET, REGION, RELEASE).missing == ()


def test_a_missing_bucket_names_the_stack_to_deploy() -> None:
    with pytest.raises(GoToCloudError, match="no distribution bucket") as caught:
        plan_release("absent-bucket", REGION, RELEASE)
    assert caught.value.next_command == "cdk deploy ManagementStack"


@pytest.mark.usefixtures("s3")
def test_a_verified_template_has_awss_own_url() -> None:
    publish_all()
    assert verified_template_url(BUCKET, REGION, "1.0", "project.template.json") == (
        "https://gotocloud-distribution.s3.ap-northeast-1.amazonaws.com"
        "/releases/1.0/project.template.json"
    )


def test_a_template_that_was_changed_later_is_not_launched(s3: Any) -> None:
    publish_all()
    s3.put_object(Bucket=BUCKET, Key="releases/1.0/project.template.json", Body=b"{ }")
    with pytest.raises(GoToCloudError, match="is not what was published"):
        verified_template_url(BUCKET, REGION, "1.0", "project.template.json")


def test_a_version_without_manifest_is_not_launched(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="releases/1.0/project.template.json", Body=b"{}")
    with pytest.raises(GoToCloudError, match="is not published"):
        verified_template_url(BUCKET, REGION, "1.0", "project.template.json")


@pytest.mark.usefixtures("s3")
def test_a_template_that_the_release_lacks_lists_what_it_has() -> None:
    publish_all()
    with pytest.raises(GoToCloudError, match=r"no file 'x.json'.*project.template.json"):
        verified_template_url(BUCKET, REGION, "1.0", "x.json")


def test_stack_ids_become_paths_of_the_release() -> None:
    assert template_path("ProjectStack") == "project.template.json"
    assert template_path("ClusterStack-cryoem-spa-us-east-1") == (
        "cluster/cryoem-spa/us-east-1.template.json"
    )
    assert template_path("UserStack-us-east-1") is None


def test_an_incomplete_release_reports_everything_that_is_wrong() -> None:
    with pytest.raises(GoToCloudError) as caught:
        make_release(
            "1",
            {"ClusterStack-tutorial-us-east-1": b"{", "ProjectStack": b" " * 1_000_001},
            {},
            expected={"cluster/spa/us-west-2.template.json": "ClusterStack-spa-us-west-2"},
        )
    assert caught.value.problems == (
        "ClusterStack-spa-us-west-2 is missing",
        "cluster/tutorial/us-east-1.template.json is not JSON",
        "project.template.json has 1,000,001 bytes; CloudFormation takes 1 MB",
        "project.template.json is not JSON",
        "there is no node script",
    )


def test_what_is_put_in_place_of_a_verified_template_is_not_launched(s3: Any) -> None:
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    publish_all()
    url = verified_template_url(BUCKET, REGION, "1.0", "project.template.json")
    key = "releases/1.0/project.template.json"
    s3.put_object(Bucket=BUCKET, Key=key, Body=b'{"planted": 1}')
    version = url.partition("?versionId=")[2]
    assert s3.get_object(Bucket=BUCKET, Key=key, VersionId=version)["Body"].read() == b"{}"


def test_a_changed_node_script_stops_the_launch(s3: Any) -> None:
    publish_all()
    require_scripts(BUCKET, REGION, "1.0")
    s3.put_object(Bucket=BUCKET, Key="releases/1.0/node/mount-software.sh", Body=b"rm -rf /\n")
    with pytest.raises(GoToCloudError, match="as root") as refused:
        require_scripts(BUCKET, REGION, "1.0")
    assert "in the manifest" in refused.value.problems[0]
    s3.delete_object(Bucket=BUCKET, Key="releases/1.0/node/mount-software.sh")
    with pytest.raises(GoToCloudError) as refused:
        require_scripts(BUCKET, REGION, "1.0")
    assert "missing in the bucket" in refused.value.problems[0]


def test_scripts_of_a_manifest_that_was_not_approved_are_not_run(s3: Any) -> None:
    publish_all()
    require_scripts(BUCKET, REGION, "1.0", approved={"1.0": sha256(RELEASE.manifest)})
    script = "node/mount-software.sh"
    planted = Release("1.0", {**FILES, script: b"rm -rf /\n"})
    for name, content in {script: planted.files[script], MANIFEST: planted.manifest}.items():
        s3.put_object(Bucket=BUCKET, Key=f"releases/1.0/{name}", Body=content)
    with pytest.raises(GoToCloudError, match="not the one that was approved"):
        require_scripts(BUCKET, REGION, "1.0", approved={"1.0": sha256(RELEASE.manifest)})


def test_a_missing_bucket_is_not_a_release_that_was_not_published() -> None:
    with pytest.raises(GoToCloudError) as refused:
        verified_template_url("absent-bucket", REGION, "1.0", "project.template.json")
    assert "is not published" not in refused.value.message


def test_every_call_names_the_account_that_must_own_the_bucket(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = distribution_bucket("123456789012", REGION)
    boto3.client("s3", REGION).create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"}
    )
    owners: dict[str, set[str]] = {}
    call = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def recorded(client: Any, operation: str, given: dict[str, Any]) -> Any:
        owners.setdefault(operation, set()).add(given.get("ExpectedBucketOwner", ""))
        return call(client, operation, given)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", recorded)
    publish(bucket, REGION, plan_release(bucket, REGION, RELEASE))
    verified_template(bucket, REGION, "1.0", "project.template.json")
    require_scripts(bucket, REGION, "1.0")
    operations = {"HeadBucket", "HeadObject", "PutObject", "GetObject"}
    assert owners == {operation: {"123456789012"} for operation in operations}


def test_a_changed_manifest_and_an_old_release_are_refused_where_releases_are_approved(
    s3: Any,
) -> None:
    publish_all()
    path, manifest = "project.template.json", sha256(RELEASE.manifest)
    assert verified_template(BUCKET, REGION, "1.0", path, approved={"1.0": manifest})
    with pytest.raises(GoToCloudError, match=r"not approved.*Approved: 2\.0"):
        verified_template(BUCKET, REGION, "1.0", path, approved={"2.0": manifest})
    # Whoever can write a template can write the manifest that fits it.
    planted = Release("1.0", {**FILES, path: b'{"planted": 1}'})
    for name, content in {path: planted.files[path], MANIFEST: planted.manifest}.items():
        s3.put_object(Bucket=BUCKET, Key=f"releases/1.0/{name}", Body=content)
    assert verified_template(BUCKET, REGION, "1.0", path)
    with pytest.raises(GoToCloudError, match="not the one that was approved"):
        verified_template(BUCKET, REGION, "1.0", path, approved={"1.0": manifest})


def test_a_cluster_template_that_names_no_scripts_is_not_published() -> None:
    template = {"ClusterStack-tutorial-us-east-1": b'{"Resources": {}}'}
    with pytest.raises(GoToCloudError) as refused:
        make_release("1", template, {"a.sh": b"two"}, expected={})
    assert refused.value.problems == (
        "cluster/tutorial/us-east-1.template.json does not name the scripts that its nodes run",
    )


def test_a_template_that_was_made_for_other_scripts_is_not_published() -> None:
    template = json.dumps({"Metadata": {SCRIPT_DIGESTS: {"node/a.sh": sha256(b"one")}}}).encode()
    with pytest.raises(GoToCloudError) as refused:
        make_release("1", {"ProjectStack": template}, {"a.sh": b"two"}, expected={})
    assert refused.value.problems == (
        "project.template.json was synthesised for another node/a.sh",
    )

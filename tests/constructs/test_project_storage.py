"""What stays of a project."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration
from aws_cdk.assertions import Match, Template

from gotocloud.constructs.project_storage import ProjectStorage
from tests.constructs.cluster_samples import only, stack

pytestmark = pytest.mark.cdk


def storage(**options: Any) -> Template:
    scope = stack()
    ProjectStorage(
        scope, "Storage", bucket_name="hanako-apoferritin", key_pair_name="hanako", **options
    )
    return Template.from_stack(scope)


def rules(template: Template) -> dict[str, dict[str, Any]]:
    _, bucket = only(template, "AWS::S3::Bucket")
    listed = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    return {rule["Id"]: rule for rule in listed}


@pytest.fixture(scope="module")
def template() -> Template:
    return storage()


def test_bucket_survives_the_deletion_of_its_stack(template: Template) -> None:
    _, bucket = only(template, "AWS::S3::Bucket")
    assert bucket["DeletionPolicy"] == "RetainExceptOnCreate"
    assert bucket["UpdateReplacePolicy"] == "Retain"


def test_a_bucket_without_its_stack_still_refuses_anything_but_tls(template: Template) -> None:
    _, policy = only(template, "AWS::S3::BucketPolicy")
    assert policy["DeletionPolicy"] == "RetainExceptOnCreate"


def test_bucket_is_versioned_encrypted_and_closed_to_the_public(template: Template) -> None:
    template.has_resource_properties(
        "AWS::S3::Bucket",
        {
            "BucketName": "hanako-apoferritin",
            "VersioningConfiguration": {"Status": "Enabled"},
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
                ]
            },
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        },
    )


@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {"aws:SecureTransport": "false"}},
        {"NumericLessThan": {"s3:TlsVersion": 1.2}},
    ],
)
def test_bucket_policy_refuses_what_is_not_sent_over_modern_tls(
    template: Template, condition: dict[str, Any]
) -> None:
    template.has_resource_properties(
        "AWS::S3::BucketPolicy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        Match.object_like(
                            {
                                "Effect": "Deny",
                                "Action": "s3:*",
                                "Principal": {"AWS": "*"},
                                "Condition": condition,
                            }
                        )
                    ]
                )
            }
        },
    )


def test_unfinished_uploads_are_dropped(template: Template) -> None:
    rule = rules(template)["drop-unfinished-uploads"]
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_replaced_objects_get_cheaper_and_go_after_90_days(template: Template) -> None:
    rule = rules(template)["drop-old-versions"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
    assert rule["NoncurrentVersionTransitions"] == [
        {"StorageClass": "STANDARD_IA", "TransitionInDays": 30}
    ]
    assert rule["ExpiredObjectDeleteMarker"] is True


def test_replaced_objects_that_live_shortly_change_no_class() -> None:
    rule = rules(storage(keep_versions_for=Duration.days(59)))["drop-old-versions"]
    assert "NoncurrentVersionTransitions" not in rule


def test_current_objects_are_never_archived_by_default(template: Template) -> None:
    assert not [rule for rule in rules(template).values() if "Transitions" in rule]


def test_current_objects_move_to_glacier_on_request_and_stay_readable_by_lustre() -> None:
    assert rules(storage(archive_after=Duration.days(180)))["archive"]["Transitions"] == [
        {"StorageClass": "GLACIER_IR", "TransitionInDays": 180}
    ]


def test_too_short_ages_are_refused_all_at_once() -> None:
    with pytest.raises(ValueError, match=r"keep_versions_for is 29 days.*archive_after is 3 days"):
        storage(keep_versions_for=Duration.days(29), archive_after=Duration.days(3))


def test_key_pair_is_made_by_aws_so_that_no_key_is_in_the_template(template: Template) -> None:
    _, key_pair = only(template, "AWS::EC2::KeyPair")
    assert key_pair["Properties"]["KeyName"] == "hanako"
    assert key_pair["Properties"]["KeyType"] == "ed25519"
    assert "PublicKeyMaterial" not in key_pair["Properties"]

from __future__ import annotations

import json

import pytest
from aws_cdk.assertions import Template

from gotocloud.constructs.distribution import Distribution
from tests.constructs.samples import only, resources, sample_stack

pytestmark = pytest.mark.cdk

ACCOUNTS = [f"{300000000000 + n}" for n in range(1000)]


def test_groups_read_what_is_published_and_nothing_else() -> None:
    stack = sample_stack()
    Distribution(stack, "Distribution", bucket_name="dist", readers=ACCOUNTS[:2])
    document = only(stack, "AWS::S3::BucketPolicy")["PolicyDocument"]
    (allowed,) = [s for s in document["Statement"] if s["Effect"] == "Allow"]
    assert allowed["Action"] == ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"]
    assert allowed["Condition"] == {"StringEquals": {"aws:PrincipalAccount": ACCOUNTS[:2]}}
    assert "/releases/*" in json.dumps(allowed["Resource"])


def test_a_thousand_accounts_fit_the_bucket_policy() -> None:
    stack = sample_stack()
    Distribution(stack, "Distribution", bucket_name="d" * 63, readers=ACCOUNTS)
    document = only(stack, "AWS::S3::BucketPolicy")["PolicyDocument"]
    assert len(json.dumps(document, separators=(",", ":"))) <= 20 * 1024


def test_more_accounts_than_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="1000 accounts at most, not 1001"):
        Distribution(
            sample_stack(), "Distribution", bucket_name="dist", readers=[*ACCOUNTS, "1" * 12]
        )


def test_the_bucket_is_private_encrypted_versioned_and_kept() -> None:
    stack = sample_stack()
    Distribution(stack, "Distribution", bucket_name="dist", readers=[])
    bucket = only(stack, "AWS::S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "BucketEncryption" in bucket
    (kept,) = Template.from_stack(stack).find_resources("AWS::S3::Bucket").values()
    assert kept["DeletionPolicy"] == "RetainExceptOnCreate"


def test_what_is_published_is_never_overwritten_or_deleted() -> None:
    stack = sample_stack()
    Distribution(stack, "Distribution", bucket_name="dist", readers=["222222222222"])
    [policy] = resources(stack, "AWS::S3::BucketPolicy")
    denied = {
        s["Sid"]: s
        for s in policy["PolicyDocument"]["Statement"]
        if s["Effect"] == "Deny" and "Sid" in s
    }
    assert denied["NothingIsOverwritten"]["Condition"] == {"Null": {"s3:if-none-match": "true"}}
    assert set(denied["NothingIsDeleted"]["Action"]) == {
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
    }
    assert all(s["Principal"] == {"AWS": "*"} for s in denied.values())

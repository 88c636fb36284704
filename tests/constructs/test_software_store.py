from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from gotocloud.constructs.software_store import SoftwareStore
from tests.constructs.samples import only, resources, sample_network, sample_stack

pytestmark = pytest.mark.cdk

WRITER = "arn:aws:iam::222222222222:role/writer"
READER = "arn:aws:iam::222222222222:role/reader"


@pytest.fixture
def stack() -> cdk.Stack:
    stack = sample_stack()

    def role(name: str, arn: str) -> iam.IRole:
        return iam.Role.from_role_arn(stack, name, arn, mutable=False)

    SoftwareStore(
        stack,
        "Store",
        name="sample",
        network=sample_network(stack),
        backed_up=True,
        writers=[role("Writer", WRITER)],
        root_readers=[role("Reader", READER)],
    )
    return stack


def policy(stack: cdk.Stack) -> dict[str, dict[str, Any]]:
    document = only(stack, "AWS::EFS::FileSystem")["FileSystemPolicy"]
    return {s["Sid"]: s for s in document["Statement"]}


def test_it_is_encrypted_backed_up_and_cheap_when_cold(stack: cdk.Stack) -> None:
    store = only(stack, "AWS::EFS::FileSystem")
    assert store["Encrypted"] is True
    assert store["BackupPolicy"] == {"Status": "ENABLED"}
    assert {"TransitionToIA": "AFTER_30_DAYS"} in store["LifecyclePolicies"]


def test_it_outlives_its_stack(stack: cdk.Stack) -> None:
    (store,) = Template.from_stack(stack).find_resources("AWS::EFS::FileSystem").values()
    # An empty one that was never finished does not outlive a stack that failed.
    assert store["DeletionPolicy"] == "RetainExceptOnCreate"
    assert store["UpdateReplacePolicy"] == "Retain"


def test_no_request_gets_in_without_tls(stack: cdk.Stack) -> None:
    refused = policy(stack)["TlsOnly"]
    assert refused["Effect"] == "Deny"
    assert refused["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_everybody_on_the_network_reads_and_only_writers_write(stack: cdk.Stack) -> None:
    found = policy(stack)
    assert found["Read"]["Action"] == ["elasticfilesystem:ClientMount"]
    assert found["ReadAll"]["Principal"] == {"AWS": [READER]}
    assert "elasticfilesystem:ClientWrite" not in found["ReadAll"]["Action"]
    assert found["Write"]["Principal"] == {"AWS": [WRITER]}
    assert "elasticfilesystem:ClientWrite" in found["Write"]["Action"]


def test_it_has_a_mount_target_in_every_zone_and_lets_no_one_in(stack: cdk.Stack) -> None:
    assert len(resources(stack, "AWS::EFS::MountTarget")) == 2
    assert "SecurityGroupIngress" not in only(stack, "AWS::EC2::SecurityGroup")

from __future__ import annotations

from typing import Any

import pytest

from gotocloud.constructs.cluster_guard import ClusterGuard, cluster_guard_arn
from tests.constructs.samples import (
    ACCOUNT,
    only,
    provider_statements,
    sample_stack,
    statements,
)

pytestmark = pytest.mark.cdk

SERVICE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/gotocloud-cluster-service"
OWN = {
    "aws:ResourceTag/gtc:iam-user": "${aws:PrincipalTag/gtc:iam-user}",
    "aws:ResourceTag/gtc:project": "${aws:PrincipalTag/gtc:project}",
    "aws:RequestedRegion": "ap-northeast-1",
}


@pytest.fixture(scope="module")
def allowed() -> dict[str, dict[str, Any]]:
    stack = sample_stack()
    ClusterGuard(stack, "Guard", service_role_arn=SERVICE_ROLE, regions=["ap-northeast-1"])
    return statements(only(stack, "AWS::IAM::ManagedPolicy"))


def actions(statement: dict[str, Any]) -> set[str]:
    given = statement["Action"]
    return {given} if isinstance(given, str) else set(given)


def test_it_is_what_a_pause_needs_and_nothing_else(allowed: dict[str, Any]) -> None:
    assert set().union(*map(actions, allowed.values())) == {
        "cloudformation:DeleteStack",
        "cloudformation:DescribeStacks",
        "fsx:CreateDataRepositoryTask",
        "fsx:DescribeDataRepositoryAssociations",
        "fsx:DescribeDataRepositoryTasks",
        "fsx:UpdateDataRepositoryAssociation",
        "iam:PassRole",
        "s3:PutObject",
    }
    assert allowed["HandOverToCloudFormation"]["Resource"] == SERVICE_ROLE


def test_what_it_changes_carries_the_head_nodes_own_project(allowed: dict[str, Any]) -> None:
    for sid in ("DeleteOwnCluster", "LookAtOwnCluster", "ExportOwnLustre", "SwitchAutomaticExport"):
        condition = allowed[sid]["Condition"]["StringEquals"]
        told = {
            key: "".join(one) if isinstance(one, list) else one for key, one in condition.items()
        }
        assert told == OWN, sid


def test_it_writes_proofs_and_its_notice_into_its_own_project_only(allowed: dict[str, Any]) -> None:
    proofs = allowed["KeepProofs"]
    own = "arn:aws:s3:::${aws:PrincipalTag/gtc:bucket}/.gotocloud"
    assert proofs["Resource"] == [f"{own}/proofs/*", f"{own}/guard-notice.json"]
    assert proofs["Condition"]["StringEquals"] == {"s3:ResourceAccount": ACCOUNT}


def test_stacks_are_deleted_with_the_role_that_made_them(allowed: dict[str, Any]) -> None:
    condition = allowed["DeleteOwnCluster"]["Condition"]
    assert condition["StringEqualsIfExists"] == {"cloudformation:RoleArn": SERVICE_ROLE}


def test_parallelcluster_may_give_it_to_head_nodes() -> None:
    found = provider_statements()
    attached = found["AttachNodePolicies"]["Condition"]["ArnEquals"]["iam:PolicyARN"]
    assert cluster_guard_arn("aws", ACCOUNT) in attached

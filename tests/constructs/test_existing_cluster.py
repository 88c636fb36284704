"""Sessions on the head node of a cluster, of this stack or one that exists already."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from gotocloud.constructs.parallel_cluster import ParallelCluster
from tests.constructs.cluster_samples import only, stack
from tests.constructs.clusters import (
    cluster,
)

pytestmark = pytest.mark.cdk


def session_policy(scope: cdk.Stack) -> dict[str, Any]:
    _, policy = only(Template.from_stack(scope), "AWS::IAM::Policy")
    [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
    return dict(statement)


def test_a_session_is_granted_on_this_head_node_only() -> None:
    scope = stack()
    cluster(scope).grant_start_session(
        iam.Role(scope, "Role", assumed_by=iam.AccountRootPrincipal())
    )
    statement = session_policy(scope)
    assert statement["Action"] == "ssm:StartSession"
    assert statement["Resource"] != "*"
    assert "headNode.instanceId" in str(statement["Resource"])
    assert "SSM-SessionManagerRunShell" in str(statement["Resource"])


def test_an_existing_cluster_grants_the_same() -> None:
    scope = stack()
    group = ec2.SecurityGroup.from_security_group_id(scope, "Group", "sg-1")
    existing = ParallelCluster.from_cluster_attributes(
        scope,
        "Existing",
        cluster_name="hanako-apoferritin",
        head_node_instance_id="i-1",
        head_node_public_ip="198.51.100.7",
        security_groups=[group],
    )
    existing.grant_start_session(iam.Role(scope, "Role", assumed_by=iam.AccountRootPrincipal()))
    assert ":instance/i-1" in str(session_policy(scope)["Resource"])
    assert existing.cluster_name == "hanako-apoferritin"
    assert existing.head_node_instance_id == "i-1"
    assert existing.head_node_public_ip == "198.51.100.7"
    assert [one.security_group_id for one in existing.connections.security_groups] == ["sg-1"]


def test_a_cluster_that_is_known_by_name_grants_sessions_on_its_head_node_by_tags() -> None:
    scope = stack()
    existing = ParallelCluster.from_cluster_name(scope, "Existing", "spa")
    existing.grant_start_session(iam.Role(scope, "Role", assumed_by=iam.AccountRootPrincipal()))
    _, policy = only(Template.from_stack(scope), "AWS::IAM::Policy")
    head_node, documents = policy["Properties"]["PolicyDocument"]["Statement"]
    assert head_node["Condition"] == {
        "StringEquals": {
            "ssm:resourceTag/parallelcluster:cluster-name": "spa",
            "ssm:resourceTag/parallelcluster:node-type": "HeadNode",
        }
    }
    assert ":instance/*" in str(head_node["Resource"])
    assert "Condition" not in documents
    assert ":document/" in str(documents["Resource"])


@pytest.mark.parametrize("name", ["head_node_instance_id", "head_node_public_ip", "connections"])
def test_what_a_name_does_not_contain_is_an_error_with_the_remedy(name: str) -> None:
    existing = ParallelCluster.from_cluster_name(stack(), "Existing", "spa")
    with pytest.raises(ValueError, match="of the cluster 'spa' is not known here: give it to"):
        getattr(existing, name)

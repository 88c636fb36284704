"""What the idle guard on a head node may do: prove and delete its own cluster, and no more."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from gotocloud.constructs.policy import PARTITION, Policy, Statement, hand_over_to_cloudformation
from gotocloud.contract.names import CLUSTER_GUARD
from gotocloud.contract.project_bucket import GUARD_NOTICE, PROOFS
from gotocloud.contract.stacks import CLUSTER_STACK_PREFIX
from gotocloud.contract.tags import BUCKET_TAG, OWNER_TAGS

CLUSTER_STACKS = f"stack/{CLUSTER_STACK_PREFIX}*/*"
OWN = {
    "StringEquals": {f"aws:ResourceTag/{key}": f"${{aws:PrincipalTag/{key}}}" for key in OWNER_TAGS}
}
"""Only what carries the project's tags: ParallelCluster gives them to the head node's role.

Without the tags on both sides a condition like this is never met.
"""


def cluster_guard_arn(partition: str, account: str) -> str:
    """ARN of the policy of an account."""
    return f"arn:{partition}:iam::{account}:policy/{CLUSTER_GUARD}"


class ClusterGuard(Construct):
    """The policy that ParallelCluster attaches to the role of every head node, beside the right
    to read its own project's bucket, which the cluster's own template gives.

    Args:
        service_role_arn: Role that CloudFormation creates and deletes clusters with.
        regions: The group's regions.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, service_role_arn: str, regions: Sequence[str]
    ) -> None:
        super().__init__(scope, construct_id)
        account = Stack.of(self).account
        self.policy: iam.IManagedPolicy = Policy(
            self,
            "Policy",
            name=CLUSTER_GUARD,
            description="A head node exports and deletes its own cluster once it is unused.",
            statements=guard_statements(PARTITION, account, service_role_arn, regions),
        )


def guard_statements(
    partition: str, account: str, service_role_arn: str, regions: Sequence[str]
) -> list[Statement]:
    """What `gotocloud guard` calls on a head node.

    Args:
        partition: AWS partition.
        account: The group's account.
        service_role_arn: The only role that CloudFormation may use.
        regions: The group's regions.
    """
    here = {"aws:RequestedRegion": list(regions)}
    own = {"StringEquals": {**OWN["StringEquals"], **here}}
    ids = "Ids are AWS's; the tags admit what belongs to the head node's own project only."

    def arn(service: str, resource: str) -> str:
        return f"arn:{partition}:{service}:*:{account}:{resource}"

    return [
        Statement(
            sid="DeleteOwnCluster",
            actions=["cloudformation:DeleteStack"],
            resources=[arn("cloudformation", CLUSTER_STACKS)],
            # Without a role named, CloudFormation uses the one that made the stack:
            # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html
            conditions={
                **own,
                "StringEqualsIfExists": {"cloudformation:RoleArn": service_role_arn},
            },
            why=ids,
        ),
        # AWS's pages contradict each other on whether deleting a stack passes its role.
        hand_over_to_cloudformation(service_role_arn),
        Statement(
            sid="LookAtOwnCluster",
            actions=["cloudformation:DescribeStacks"],
            resources=[arn("cloudformation", CLUSTER_STACKS)],
            conditions=own,
            why=ids,
        ),
        Statement(
            sid="ExportOwnLustre",
            actions=["fsx:CreateDataRepositoryTask"],
            resources=[arn("fsx", "file-system/*")],
            conditions=own,
            why=ids,
        ),
        Statement(
            sid="NameExports",
            actions=["fsx:CreateDataRepositoryTask"],
            resources=[arn("fsx", "task/*")],
            conditions={"StringEquals": here},
            why="An export gets its id when it is started; the file system that it belongs to "
            "is limited by its tags.",
        ),
        Statement(
            sid="SwitchAutomaticExport",
            actions=["fsx:UpdateDataRepositoryAssociation"],
            resources=[arn("fsx", "association/*")],
            conditions=own,
            why=ids,
        ),
        Statement(
            sid="SeeExports",
            actions=["fsx:DescribeDataRepositoryAssociations", "fsx:DescribeDataRepositoryTasks"],
            why="Read-only, and FSx has no resources for these actions.",
        ),
        Statement(
            sid="KeepProofs",
            actions=["s3:PutObject"],
            resources=[
                f"arn:{partition}:s3:::${{aws:PrincipalTag/{BUCKET_TAG}}}/{place}"
                for place in (f"{PROOFS}*", GUARD_NOTICE)
            ],
            conditions={"StringEquals": {"s3:ResourceAccount": account}},
            why="The head node's own tag names the one bucket; of that it admits its notice "
            "and proofs, whose names are not known before. Versions keep what was there.",
        ),
    ]

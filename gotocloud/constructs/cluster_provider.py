"""ParallelCluster's CloudFormation provider, with a bounded role of our own."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from gotocloud.cluster_configs.renderer import PCLUSTER_VERSION
from gotocloud.constructs.policy import PARTITION, Policy, acknowledge
from gotocloud.constructs.provider_permissions import (
    Place,
    access_statements,
    file_statements,
    machine_statements,
    stack_statements,
)

PROVIDER_ROLE = "gotocloud-cluster-provider"


def provider_template_url(region: str, url_suffix: str) -> str:
    """URL of AWS's official provider template in a region."""
    return (
        f"https://{region}-aws-parallelcluster.s3.{region}.{url_suffix}/parallelcluster/"
        f"{PCLUSTER_VERSION}/templates/custom_resource/cluster.yaml"
    )


class ClusterProvider(Construct):
    """The official provider as a nested stack, one in each region of a group.

    Left to itself, the official template makes a role that administers IAM without a
    boundary; this one hands it a role that can only make bounded roles.

    Args:
        role: Role of the provider's functions.
    """

    def __init__(self, scope: Construct, construct_id: str, *, role: iam.IRole) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        self.stack = cdk.CfnStack(
            self,
            "Provider",
            template_url=provider_template_url(stack.region, "amazonaws.com"),
            parameters={"CustomLambdaRole": role.role_arn},
        )
        acknowledge(
            self.stack,
            {
                "NIST.800.53.R5-CloudFormationStackNotification": "cdk deploy waits for the "
                "stack and shows what happens; nobody would read the notifications.",
            },
        )

    @property
    def token(self) -> str:
        """Service token for `Custom::PclusterCluster`."""
        return self.stack.get_att("Outputs.ServiceToken").to_string()


class ProviderRole(Construct):
    """The role of the provider's functions, one for all regions of an account.

    Args:
        regions: The group's regions.
        releases_bucket: Bucket of the node script, which ParallelCluster looks at.
        stack_name: Name of the stack that nests the provider.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        regions: Sequence[str],
        releases_bucket: str,
        stack_name: str,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        place = Place(stack.account, regions)
        self.role: iam.IRole = iam.Role(
            self,
            "Role",
            role_name=PROVIDER_ROLE,
            description="ParallelCluster creates and deletes clusters with it.",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        parts = {
            "Machines": machine_statements(place),
            "Stacks": stack_statements(place),
            "Access": access_statements(place),
            "Files": file_statements(place, releases_bucket, stack_name),
        }
        self.policies = tuple(
            Policy(
                self,
                part,
                description=f"ParallelCluster: {part.lower()}.",
                statements=statements,
                roles=[self.role],
            )
            for part, statements in parts.items()
        )

    @staticmethod
    def of_account(scope: Construct, construct_id: str) -> iam.IRole:
        """The role, from another region's stack."""
        stack = cdk.Stack.of(scope)
        arn = f"arn:{PARTITION}:iam::{stack.account}:role/{PROVIDER_ROLE}"
        return iam.Role.from_role_arn(scope, construct_id, arn, mutable=False)

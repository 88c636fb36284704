"""ParallelCluster's CloudFormation provider, and a role for it that can make bounded roles only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from gotocloud.cluster_configs.engine import Engine, engine_of
from gotocloud.constructs.policy import PARTITION, Policy, acknowledge
from gotocloud.constructs.provider_access import access_statements, file_statements
from gotocloud.constructs.provider_permissions import (
    ArnParts,
    machine_statements,
    stack_statements,
)
from gotocloud.contract.names import PROVIDER_ROLE


class IClusterProvider(Protocol):
    """What makes clusters.

    Args:
        engine: The ParallelCluster of the clusters.
        token: Service token for `Custom::PclusterCluster`.
    """

    @property
    def engine(self) -> Engine: ...

    @property
    def token(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class ExistingProvider:
    """A provider that exists already; its token may be a CDK token."""

    engine: Engine
    token: str


class ClusterProvider(Construct):
    """AWS's own provider of `Custom::PclusterCluster`, as a nested stack.

    Args:
        engine: The ParallelCluster of the clusters. Default: the newest that GoToCloud supports.
        role: Role of the provider's functions. Default: the template makes a role; that one
            administers IAM without a permissions boundary, so give it a role of your own in an
            account that others use.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        engine: Engine | None = None,
        role: iam.IRole | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.engine = engine or engine_of()
        self.role = role
        # The template nests IAM policies and needs a transform, for which `cdk deploy` gives
        # CAPABILITY_AUTO_EXPAND of itself and other tools do not:
        # https://docs.aws.amazon.com/parallelcluster/latest/ug/cloudformation-v3.html
        self.stack = cdk.CfnStack(
            self,
            "Provider",
            template_url=self.engine.provider_template_url(cdk.Stack.of(self).region),
            parameters={"CustomLambdaRole": role.role_arn} if role else None,
        )
        acknowledge(
            self.stack,
            {
                "NIST.800.53.R5-CloudFormationStackNotification": "cdk deploy waits for the "
                "stack and shows what happens; notifications would have no reader.",
            },
        )

    @classmethod
    def get_or_create(
        cls, scope: Construct, *, engine: Engine | None = None, role: iam.IRole | None = None
    ) -> ClusterProvider:
        """The provider of a stack for one version of ParallelCluster, made at the first call.

        Args:
            scope: Anything in the stack.
            engine: As above.
            role: As above. Default at a later call: the role of the first one.

        Raises:
            ValueError: if the stack's provider has another role.
        """
        engine = engine or engine_of()
        stack = cdk.Stack.of(scope)
        construct_id = f"ParallelClusterProvider-{engine.version}"
        made = stack.node.try_find_child(construct_id)
        if not isinstance(made, cls):
            return cls(stack, construct_id, engine=engine, role=role)
        if role is not None and role is not made.role:
            raise ValueError(
                f"{made.node.path} has another role already: give the role at the first call, or "
                "make a ClusterProvider of your own"
            )
        return made

    @staticmethod
    def from_token(token: str, *, engine: Engine | None = None) -> IClusterProvider:
        """A provider that exists already.

        Args:
            token: Its service token, the output `ServiceToken` of its stack.
            engine: The ParallelCluster that it was made from. Default: the newest that
                GoToCloud supports.
        """
        return ExistingProvider(engine=engine or engine_of(), token=token)

    @property
    def token(self) -> str:
        """Service token for `Custom::PclusterCluster`."""
        return self.stack.get_att("Outputs.ServiceToken").to_string()


class ProviderRole(Construct):
    """The role of the provider's functions, one for all regions of an account.

    Args:
        regions: The group's regions.
        releases_bucket: Bucket of the node script, which ParallelCluster looks at.
        releases_account: Account that owns it.
        stack_name: Name of the stack that nests the provider.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        regions: Sequence[str],
        releases_bucket: str,
        releases_account: str,
        stack_name: str,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        place = ArnParts(stack.account, regions)
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
            "Files": file_statements(place, releases_bucket, releases_account, stack_name),
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
        acknowledge(
            self.policies[list(parts).index("Stacks")],
            {
                "CKV_AWS_111": "AWS serves PutCompositeAlarm, PutTelemetryRecords and "
                "PutTraceSegments on * only, and a hosted zone has no ARN before it is created."
            },
        )

    @staticmethod
    def of_account(scope: Construct, construct_id: str) -> iam.IRole:
        """The role, from another region's stack."""
        stack = cdk.Stack.of(scope)
        arn = f"arn:{PARTITION}:iam::{stack.account}:role/{PROVIDER_ROLE}"
        return iam.Role.from_role_arn(scope, construct_id, arn, mutable=False)

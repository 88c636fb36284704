"""Roles with which the groups' accounts connect themselves to the software share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from gotocloud.constructs.policy import PARTITION, Policy, Statement, acknowledge
from gotocloud.contract.names import acceptor_role
from gotocloud.contract.tags import SHARE_TAG, SOFTWARE_SHARE

MAX_ACCOUNTS = 25
"""Accounts in one role: a trust policy holds 2,048 characters (AWS, "IAM and AWS STS quotas")."""


class PeeringAcceptor(Construct):
    """A role that accepts peerings of some accounts and routes back to them; nothing else.

    EC2 has no condition on a route's destination: a group's account could point another
    group's return route elsewhere, but never at anything but a peering of the share VPC.

    Args:
        chunk: Number of the role; part of its name.
        accounts: Accounts that may use it.

    Raises:
        ValueError: if there are no accounts, or more than a trust policy holds.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, chunk: int, accounts: Sequence[str]
    ) -> None:
        if not 0 < len(accounts) <= MAX_ACCOUNTS:
            raise ValueError(
                f"an acceptor role serves 1 to {MAX_ACCOUNTS} accounts, not {len(accounts)}"
            )
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        self.role = iam.Role(
            self,
            "Role",
            role_name=acceptor_role(chunk),
            description="Groups accept their peering with the software share with it.",
            assumed_by=iam.ArnPrincipal(accounts[0]),
        )
        self._trust(accounts)
        acknowledge(
            self.role,
            {
                "CKV_AWS_61": "It trusts the accounts of the groups that it serves, by their "
                "numbers; each account's own policies let the deployment role alone assume it.",
            },
        )
        Policy(
            self,
            "Policy",
            description="Accept peerings with the software share and route back to the group.",
            roles=[self.role],
            statements=acceptor_statements(PARTITION, stack.account, accounts, chunk=chunk),
        )

    def _trust(self, accounts: Sequence[str]) -> None:
        """One statement for all accounts; the CDK's principals would make one for each."""
        resource = self.role.node.default_child
        assert isinstance(resource, iam.CfnRole)
        resource.assume_role_policy_document = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": list(accounts)},
                    "Action": "sts:AssumeRole",
                }
            ],
        }


class PeeringAcceptors(Construct):
    """All acceptor roles of a platform.

    Args:
        accounts: Accounts of the groups by number of the role that serves them.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, accounts: Mapping[int, Sequence[str]]
    ) -> None:
        super().__init__(scope, construct_id)
        self.roles = {
            chunk: PeeringAcceptor(self, f"Chunk{chunk}", chunk=chunk, accounts=served).role
            for chunk, served in sorted(accounts.items())
        }


def acceptor_statements(
    partition: str, account: str, requesters: Sequence[str], *, chunk: int
) -> list[Statement]:
    """What an acceptor role may do.

    Args:
        partition: AWS partition.
        account: The management account.
        requesters: Accounts whose peerings it accepts.
        chunk: Number of the role.
    """
    ec2 = f"arn:{partition}:ec2:*:{account}"
    shared = {"StringEquals": {f"ec2:ResourceTag/{SHARE_TAG}": SOFTWARE_SHARE}}
    ids = (
        "The ids are AWS's, one for each region and share; "
        f"the tag lets role {chunk} reach share VPCs only."
    )
    return [
        Statement(
            sid="AcceptIntoShares",
            actions=["ec2:AcceptVpcPeeringConnection"],
            resources=[f"{ec2}:vpc/*"],
            conditions=shared,
            why=ids,
        ),
        Statement(
            sid="AcceptFromGroups",
            actions=["ec2:AcceptVpcPeeringConnection"],
            resources=[f"{ec2}:vpc-peering-connection/*"],
            conditions={
                "ArnLike": {
                    "ec2:RequesterVpc": [
                        f"arn:{partition}:ec2:*:{requester}:vpc/*" for requester in requesters
                    ]
                }
            },
            why="A peering gets its id while it is requested; only the "
            f"{len(requesters)} accounts that role {chunk} serves can have requested it.",
        ),
        Statement(
            sid="RouteBack",
            actions=["ec2:CreateRoute", "ec2:DeleteRoute", "ec2:ReplaceRoute"],
            resources=[f"{ec2}:route-table/*"],
            conditions=shared,
            why=ids,
        ),
    ]

"""CloudFormation's role may call what the registry says that our resources need."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

import pytest

from gotocloud.contract.names import CLUSTER_SERVICE_ROLE
from tests.security.checks.template import Template, as_list
from tests.security.handlers import needed_actions
from tests.security.principals import boundary, principals
from tests.security.site import Group

pytestmark = [pytest.mark.cdk, pytest.mark.xdist_group("security")]

UNUSED = {
    "ec2:AcceptAddressTransfer": "addresses are new, none is transferred from another account",
    "ec2:ImportKeyPair": "EC2 makes the key pair; none is imported",
    "ec2:AssignPrivateNatGatewayAddress": "the gateway is public, with one address for good",
    "ec2:AssociateNatGatewayAddress": "the gateway is public, with one address for good",
    "ec2:DisassociateNatGatewayAddress": "the gateway is public, with one address for good",
    "ec2:UnassignPrivateNatGatewayAddress": "the gateway is public, with one address for good",
    "ec2:AssociateSubnetCidrBlock": "subnets have no IPv6 network",
    "ec2:DisassociateSubnetCidrBlock": "subnets have no IPv6 network",
    "vpc-lattice:CreateServiceNetworkVpcEndpointAssociation": "the endpoint is a gateway to S3",
    "vpc-lattice:DescribeServiceNetworkVpcEndpointAssociation": "the endpoint is a gateway to S3",
    "vpce:AllowMultiRegion": "the endpoint is a gateway to S3 of its own region",
    "iam:PassRole": "a project's bucket names no role: it is not replicated",
    "s3:DeleteObject": "it would empty a bucket of deletions; ours is retained with its objects",
    "s3:PutObjectAcl": "the bucket's owner owns every object; access lists are off",
    "s3:PutBucketAcl": "the bucket's owner owns every object; access lists are off",
    "s3:GetBucketAbac": "not in the service authorization reference that the checks use",
    "s3:PutBucketAbac": "not in the service authorization reference that the checks use",
    **dict.fromkeys(
        (
            *("s3:DeleteBucketAnalyticsConfiguration", "s3:PutAnalyticsConfiguration"),
            *("s3:DeleteBucketCors", "s3:PutBucketCORS"),
            *("s3:DeleteBucketEncryption", "s3:DeleteBucketLifecycle"),
            *("s3:DeleteBucketMetricsConfiguration", "s3:PutMetricsConfiguration"),
            *("s3:DeleteBucketReplication", "s3:PutBucketReplication"),
            *("s3:DeleteBucketWebsite", "s3:PutBucketWebsite"),
            *("s3:PutAccelerateConfiguration", "s3:PutBucketLogging"),
            *("s3:PutBucketObjectLockConfiguration", "s3:PutObjectLockConfiguration"),
            *("s3:PutIntelligentTieringConfiguration", "s3:PutInventoryConfiguration"),
            "s3:PutReplicationConfiguration",
        ),
        "the template never sets this property of a bucket, or never takes it away",
    ),
    **dict.fromkeys(
        (
            *("s3:CreateBucketMetadataTableConfiguration", "s3tables:CreateNamespace"),
            *("s3:DeleteBucketMetadataTableConfiguration", "s3tables:CreateTable"),
            *("s3:GetBucketMetadataTableConfiguration", "s3tables:CreateTableBucket"),
            *("s3:UpdateBucketMetadataAnnotationTableConfiguration", "s3tables:GetTable"),
            *("s3:UpdateBucketMetadataInventoryTableConfiguration", "s3tables:PutTablePolicy"),
            *("s3:UpdateBucketMetadataJournalTableConfiguration", "s3tables:PutTableEncryption"),
            *("s3tables:GetTableMetadataLocation", "s3tables:PutTableBucketPolicy"),
            "s3tables:UpdateTableMetadataLocation",
        ),
        "project buckets have no metadata tables",
    ),
}
"""Action of a handler -> why our resources never need it."""


def allows(statements: tuple[Mapping[str, object], ...], action: str) -> bool:
    """Whether some statement allows an action on something, and none denies it everywhere."""
    return any(
        statement["Effect"] == "Allow"
        and any(
            fnmatchcase(action.lower(), str(pattern).lower())
            for pattern in as_list(statement.get("Action"))
        )
        for statement in statements
    )


def launched(example: Mapping[str, Template]) -> list[Template]:
    return [
        template
        for name, template in example.items()
        if name.startswith(("ProjectStack", "ClusterStack"))
    ]


def test_the_service_role_may_call_every_handler(
    example: Mapping[str, Template], group: Group
) -> None:
    role = principals(group.template)[CLUSTER_SERVICE_ROLE]
    edge = tuple(boundary(group.template)["Statement"])
    missing = [
        f"{kind}: {action}"
        for kind, action in needed_actions(launched(example))
        if action not in UNUSED
        if not (allows(role.statements, action) and allows(edge, action))
    ]
    assert missing == []


def test_every_exception_is_of_an_action_that_a_handler_names(
    example: Mapping[str, Template], group: Group
) -> None:
    named = set()
    role = principals(group.template)[CLUSTER_SERVICE_ROLE]
    for _, action in needed_actions(launched(example)):
        if not allows(role.statements, action):
            named.add(action)
    assert set(UNUSED) <= named

"""CloudFormation's role may call what the registry says that our resources need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

import pytest

from gotocloud.contract.names import CLUSTER_SERVICE_ROLE, PROVIDER_ROLE
from local_aws.iam.evaluator import Evaluator
from tests.security.checks.template import Template, as_list
from tests.security.handler_arns import PROVIDER, SERVICE, Maker
from tests.security.handlers import PARALLELCLUSTER, actions_of, has_handlers, needed_actions
from tests.security.principals import Principal, allowed, boundary, principals
from tests.security.site import PLACE, Group

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


NOT_IN_CLUSTERS = {
    **dict.fromkeys(
        (
            *("dynamodb:AssociateTableReplica", "dynamodb:CreateTableReplica"),
            *("dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:Scan"),
            *("dynamodb:DisableKinesisStreamingDestination", "kinesis:DescribeStream"),
            *("dynamodb:EnableKinesisStreamingDestination", "kinesis:PutRecords"),
            *("dynamodb:DescribeImport", "dynamodb:ImportTable", "logs:DescribeLogStreams"),
            *("dynamodb:PutResourcePolicy", "dynamodb:UpdateContributorInsights"),
            *("dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTimeToLive"),
            *("dynamodb:UpdateTable", "s3:GetObjectMetadata"),
        ),
        "a cluster's table has no replica, stream, import, policy, backup, insights or expiry",
    ),
    **dict.fromkeys(
        (
            *("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt"),
            *("kms:GenerateDataKey", "kms:ListAliases", "kms:RevokeGrant"),
        ),
        "tables and functions have AWS's own keys, whose policies admit every caller of the "
        "service in the account",
    ),
    "ec2:AcceptAddressTransfer": "addresses are new, none is transferred from another account",
    **dict.fromkeys(
        (
            *("ec2:AssociateIamInstanceProfile", "ec2:DisassociateIamInstanceProfile"),
            *("ec2:AttachVolume", "ec2:DetachVolume", "ec2:ModifyInstanceAttribute"),
            *("ec2:ModifyInstanceCreditSpecification", "ec2:ModifyInstancePlacement"),
            *("ec2:ModifyPrivateDnsNameOptions", "ec2:ModifyPublicIpDnsNameOptions"),
            *("ec2:MonitorInstances", "ec2:ReplaceIamInstanceProfileAssociation"),
            *("ec2:StartInstances", "ssm:CreateAssociation", "ssm:DescribeAssociation"),
            "ssm:ListAssociations",
        ),
        "the head node is as its launch template says; nothing is changed or associated later",
    ),
    **dict.fromkeys(
        (
            *("iam:DeleteGroupPolicy", "iam:GetGroupPolicy", "iam:PutGroupPolicy"),
            *("iam:DeleteUserPolicy", "iam:GetUserPolicy", "iam:PutUserPolicy"),
        ),
        "policies of a cluster belong to roles, never to people",
    ),
    **dict.fromkeys(
        (
            *("elasticfilesystem:DescribeMountTargets", "s3files:ListMountTargets"),
            *("lambda:AssociateRuntimeAlias", "lambda:GetCodeSigningConfig"),
            *("lambda:GetLayerVersion", "lambda:PassCapacityProvider"),
            *("lambda:PutFunctionConcurrency", "lambda:PutFunctionRecursionConfig"),
            *("lambda:PutFunctionScalingConfig", "lambda:PutRuntimeManagementConfig"),
        ),
        "clean-up functions mount nothing and have no layer, signing, scaling or pinned runtime",
    ),
    **dict.fromkeys(
        (
            *("firehose:TagDeliveryStream", "logs:CreateLogDelivery", "s3:REST.PUT.OBJECT"),
            *("logs:DeleteDataProtectionPolicy", "logs:PutDataProtectionPolicy"),
            *("logs:PutBearerTokenAuthentication", "logs:PutIndexPolicy"),
            "logs:PutResourcePolicy",
        ),
        "a cluster's log group has no policy, index or delivery of its own",
    ),
    **dict.fromkeys(
        (
            *("route53:AssociateVPCWithHostedZone", "route53:CreateQueryLoggingConfig"),
            *("route53:DeleteQueryLoggingConfig", "route53:UpdateHostedZoneFeatures"),
        ),
        "a cluster's zone is of one network, and its queries are not logged",
    ),
}
"""Action of a handler -> why ParallelCluster's own stacks never need it."""

NOT_OF_A_TYPE = {
    ("AWS::DynamoDB::Table", "iam:CreateServiceLinkedRole"): "for replicas and scaling, of which "
    "a cluster's table has none",
    ("AWS::DynamoDB::Table", "logs:CreateLogStream"): "for a stream to Kinesis, which it has not",
    ("AWS::DynamoDB::Table", "logs:PutLogEvents"): "for a stream to Kinesis, which it has not",
}
"""Resource type and action of its handler -> why the type never needs what others do."""

NO_CHANGE = ("create", "read", "delete")
"""ParallelCluster's provider changes no resource of a cluster: other queues are another cluster."""


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


def refused_on_resources(
    judge: Evaluator, group: Group, who: Principal, maker: Maker, needs: Iterable[tuple[str, str]]
) -> list[str]:
    """Calls of handlers on their resources that policies or the boundary refuse."""
    wanted = {str(asked): asked for need in needs for asked in maker.requests(*need)}
    return [
        text
        for text, asked in wanted.items()
        if not allowed(judge, asked, who, group.boundary, PLACE.account, PLACE.region)
    ]


def service_needs(example: Mapping[str, Template]) -> list[tuple[str, str]]:
    return [need for need in needed_actions(launched(example)) if need[1] not in UNUSED]


def provider_needs() -> list[tuple[str, str]]:
    every = actions_of(PARALLELCLUSTER, NO_CHANGE)
    return [need for need in every if need[1] not in NOT_IN_CLUSTERS and need not in NOT_OF_A_TYPE]


def test_the_service_role_may_call_every_handler_on_its_resources(
    judge: Evaluator, example: Mapping[str, Template], group: Group
) -> None:
    needs = service_needs(example)
    assert refused_on_resources(judge, group, group.named(SERVICE.role), SERVICE, needs) == []


def test_the_provider_may_call_every_handler_of_its_own_stacks_on_their_resources(
    judge: Evaluator, group: Group
) -> None:
    who = group.named(PROVIDER.role)
    assert refused_on_resources(judge, group, who, PROVIDER, provider_needs()) == []


@pytest.mark.parametrize(
    ("sid", "elsewhere", "found"),
    [
        ("KeepFleetState", "arn:aws:dynamodb:*:222222222222:table/other-*", "dynamodb:CreateTable"),
        ("NameNodes", "arn:aws:route53:::hostedzone/Z1", "route53:DeleteHostedZone"),
        (
            "ManageInstanceProfiles",
            "arn:aws:iam::*:instance-profile/x",
            "iam:CreateInstanceProfile",
        ),
    ],
)
def test_a_resource_that_a_policy_no_longer_reaches_is_found(
    judge: Evaluator, group: Group, sid: str, elsewhere: str, found: str
) -> None:
    who = group.named(PROVIDER.role)
    narrowed = [
        {**one, "Resource": elsewhere} if one.get("Sid") == sid else one for one in who.statements
    ]
    needs = [need for need in provider_needs() if need[1] == found]
    left = replace(who, statements=tuple(narrowed))
    assert needs
    assert refused_on_resources(judge, group, left, PROVIDER, needs) != []


def test_every_action_of_a_handler_is_in_the_authorization_reference(
    example: Mapping[str, Template],
) -> None:
    for maker, needs in ((SERVICE, service_needs(example)), (PROVIDER, provider_needs())):
        assert [need for need in needs if not list(maker.requests(*need))] == []


def test_every_exception_of_a_type_is_refused(judge: Evaluator, group: Group) -> None:
    who = group.named(PROVIDER.role)
    for need in NOT_OF_A_TYPE:
        assert need in set(actions_of(PARALLELCLUSTER, NO_CHANGE))
        assert refused_on_resources(judge, group, who, PROVIDER, [need]) != []


def test_every_exception_is_of_an_action_that_a_handler_names(
    example: Mapping[str, Template], group: Group
) -> None:
    named = set()
    role = principals(group.template)[CLUSTER_SERVICE_ROLE]
    for _, action in needed_actions(launched(example)):
        if not allows(role.statements, action):
            named.add(action)
    assert set(UNUSED) <= named


def refused_to_the_provider(group: Group) -> set[str]:
    """Actions of ParallelCluster's own stacks that its provider's role or the boundary refuses."""
    role = principals(group.template)[PROVIDER_ROLE]
    edge = tuple(boundary(group.template)["Statement"])
    return {
        action
        for _, action in actions_of(PARALLELCLUSTER, NO_CHANGE)
        if not (allows(role.statements, action) and allows(edge, action))
    }


def test_every_exception_of_the_provider_is_refused_to_it(group: Group) -> None:
    assert set(NOT_IN_CLUSTERS) <= refused_to_the_provider(group)


def test_every_type_of_parallelclusters_stacks_has_handlers() -> None:
    assert [kind for kind in PARALLELCLUSTER if not has_handlers(kind)] == []

"""What the constructs of a cluster stand on, for their tests."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from gotocloud.constructs.cluster_network import ClusterNetwork, GroupNetwork

REGION = "ap-northeast-1"


def stack() -> cdk.Stack:
    return cdk.Stack(
        cdk.App(analytics_reporting=False),
        "Stack",
        env=cdk.Environment(region=REGION),
        synthesizer=cdk.BootstraplessSynthesizer(),
    )


def group_network(scope: cdk.Stack) -> GroupNetwork:
    vpc = ec2.Vpc.from_vpc_attributes(
        scope,
        "Vpc",
        vpc_id="vpc-1",
        availability_zones=["apne1-az1"],
        vpc_cidr_block="10.1.0.0/20",
    )
    return GroupNetwork(
        vpc=vpc,
        cidr="10.1.0.0/20",
        zone_id="apne1-az1",
        public_subnet=ec2.Subnet.from_subnet_id(scope, "Public", "subnet-public"),
        share_cidr="10.0.0.0/24",
        peering_id="pcx-1",
    )


def cluster_network(scope: cdk.Stack) -> ClusterNetwork:
    return ClusterNetwork(scope, "Network", group=group_network(scope), compute_cidr="10.1.1.0/24")


def bucket(scope: cdk.Stack) -> s3.IBucket:
    return s3.Bucket.from_bucket_name(scope, "ProjectBucket", "hanako-apoferritin")


def only(template: Template, resource_type: str) -> tuple[str, dict[str, Any]]:
    """Logical id and definition of the one resource of a type."""
    found = template.find_resources(resource_type)
    assert len(found) == 1, f"{len(found)} of {resource_type}"
    [(logical_id, definition)] = found.items()
    return logical_id, dict(definition)

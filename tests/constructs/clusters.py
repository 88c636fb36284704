"""Clusters for the tests of the construct: with GoToCloud's extras, and bare."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from gotocloud.cluster_configs.model import load_configuration, used_instance_types
from gotocloud.cluster_configs.node_scripts import facts_script
from gotocloud.constructs.cluster_provider import ClusterProvider
from gotocloud.constructs.desktop import Desktop
from gotocloud.constructs.lustre import Lustre
from gotocloud.constructs.node_setup import NodeSetup, SoftwareMount
from gotocloud.constructs.parallel_cluster import ParallelCluster
from gotocloud.contract.head_node import FACT_KEYS
from tests.constructs.cluster_samples import bucket, cluster_network, only

BOUNDARY = "arn:aws:iam::222222222222:policy/gotocloud-boundary"
CONFIGURATION = """
Image: {Os: ubuntu2404}
HeadNode: {InstanceType: c7i.large}
Scheduling:
  Scheduler: slurm
  SlurmQueues:
    - Name: cpu
      ComputeResources: [{Name: c7i, InstanceType: c7i.4xlarge, MaxCount: 4}]
"""
GUARD = "arn:aws:iam::222222222222:policy/gotocloud-cluster-guard"
PROVIDER = "arn:aws:lambda:ap-northeast-1:222222222222:function:pcluster"


def distribution(scope: cdk.Stack) -> s3.IBucket:
    return s3.Bucket.from_bucket_name(scope, "Distribution", "distribution")


def setup(scope: cdk.Stack) -> NodeSetup:
    own = "gotocloud-data-hanako-222222222222-apoferritin"
    return NodeSetup(
        scripts=[facts_script("s3://distribution/x.sh", dict.fromkeys(FACT_KEYS, "x"))],
        readable_buckets=[s3.Bucket.from_bucket_name(scope, "Own", own)],
        managed_policies=[iam.ManagedPolicy.from_managed_policy_arn(scope, "Guard", GUARD)],
    )


def cluster(scope: cdk.Stack, **options: Any) -> ParallelCluster:
    """A cluster with all that GoToCloud's own clusters have."""
    network = cluster_network(scope)
    vpc = network.group.vpc
    defaults: dict[str, Any] = {
        "cluster_name": "hanako-apoferritin",
        "configuration": load_configuration("cryoem-spa"),
        "offered": used_instance_types(),
        "vpc": vpc,
        "head_node_subnet": network.group.public_subnet,
        "compute_subnets": [network.compute_subnet],
        "provider": ClusterProvider.from_token(PROVIDER),
        "lustre": Lustre(
            scope,
            "Lustre",
            vpc=vpc,
            subnet_id=network.subnet_id,
            size_gib=2400,
            bucket=bucket(scope),
        ),
        "desktop": Desktop(scope, "Desktop", vpc=vpc),
        "software": SoftwareMount(
            file_system_id="fs-1",
            mount_targets="apne1-az1=10.0.0.5",
            bucket=distribution(scope),
            script_url="s3://distribution/releases/1/node/mount-software.sh",
        ),
        "head_node": setup(scope),
        "boundary": iam.ManagedPolicy.from_managed_policy_arn(scope, "Boundary", BOUNDARY),
        "tags": {"gtc:project": "apoferritin"},
    }
    return ParallelCluster(scope, "Cluster", **{**defaults, **options})


def bare(scope: cdk.Stack, **options: Any) -> ParallelCluster:
    """A cluster of which only what must be given is given."""
    vpc = ec2.Vpc(scope, "Vpc", max_azs=1)
    defaults: dict[str, Any] = {
        "configuration": CONFIGURATION,
        "vpc": vpc,
        "head_node_subnet": vpc.public_subnets[0],
        "compute_subnets": vpc.private_subnets,
    }
    return ParallelCluster(scope, "Cluster", **{**defaults, **options})


def configuration_of(scope: cdk.Stack) -> dict[str, Any]:
    _, resource = only(Template.from_stack(scope), "Custom::PclusterCluster")
    return dict(resource["Properties"]["ClusterConfiguration"])

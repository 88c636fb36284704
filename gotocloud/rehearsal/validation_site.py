"""A place in the local AWS where a cluster configuration can be validated.

The validators look up what a configuration names: subnets, security groups, file
system, policy, node script. This makes the few objects of one region, in the shape
that the stacks give them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from gotocloud.cluster_configs.engine import Engine
from gotocloud.cluster_configs.node_scripts import facts_script, home_script, software_script
from gotocloud.cluster_configs.site import ClusterSite, NodeExtras
from gotocloud.contract.head_node import FACT_KEYS
from gotocloud.contract.names import BOUNDARY, CLUSTER_GUARD
from gotocloud.contract.ports import LUSTRE_PORTS
from gotocloud.contract.tags import CRYOEM, METHOD_TAG, PROJECT_TAG

BUCKET = "gotocloud-validation-distribution"
SCRIPTS = "releases/validation/node"
NODE_SCRIPTS = ("configure-head-node.sh", "home.py", "mount-software.sh")
PROJECT_BUCKET = "gotocloud-validation-project"
VPC_CIDR = "10.1.0.0/20"

ClientFor = Callable[[str, str], Any]
"""Service and region -> boto3 client."""


@dataclass(frozen=True)
class _Network:
    vpc_id: str
    public_subnet_id: str
    compute_subnet_id: str


def validation_site(client: ClientFor, *, region: str, zone_id: str, engine: Engine) -> ClusterSite:
    """Make a cluster site in one region of the local AWS.

    Args:
        client: Gives boto3 clients of one account.
        region: AWS region.
        zone_id: Availability zone by ID, where both subnets stand.
        engine: The ParallelCluster that judges.
    """
    ec2 = client("ec2", region)
    network = _network(ec2, zone_id)
    lustre_group = _lustre_security_group(ec2, network.vpc_id)
    desktop_group = _security_group(ec2, network.vpc_id, "desktop")
    file_system = client("fsx", region).create_file_system(
        FileSystemType="LUSTRE",
        StorageCapacity=2400,
        SubnetIds=[network.compute_subnet_id],
        SecurityGroupIds=[lustre_group],
        LustreConfiguration={"DeploymentType": "SCRATCH_2"},
    )["FileSystem"]
    _buckets(client("s3", "us-east-1"))
    identity = client("iam", region), client("sts", region)
    mount = software_script(
        f"s3://{BUCKET}/{SCRIPTS}/mount-software.sh",
        "fs-0123456789abcdef0",
        f"{zone_id}=10.0.0.5",
    )
    home = home_script(f"s3://{BUCKET}/{SCRIPTS}/home.py")
    facts = facts_script(
        f"s3://{BUCKET}/{SCRIPTS}/configure-head-node.sh", dict.fromkeys(FACT_KEYS, "validation")
    )
    return ClusterSite(
        engine=engine,
        region=region,
        head_subnet_id=network.public_subnet_id,
        compute_subnet_ids=[network.compute_subnet_id],
        allowed_cidr=VPC_CIDR,
        head_node=NodeExtras(
            scripts=[mount, home, facts],
            security_group_ids=[desktop_group, lustre_group],
            readable_buckets=[BUCKET, PROJECT_BUCKET],
            policy_arns=[_policy(*identity, CLUSTER_GUARD)],
        ),
        compute=NodeExtras(
            scripts=[mount], security_group_ids=[lustre_group], readable_buckets=[BUCKET]
        ),
        desktop=True,
        elastic_ip=True,
        lustre_file_system_id=file_system["FileSystemId"],
        boundary_arn=_policy(*identity, BOUNDARY),
        tags={METHOD_TAG: CRYOEM, PROJECT_TAG: "validation"},
    )


def _network(ec2: Any, zone_id: str) -> _Network:
    vpc_id = ec2.create_vpc(CidrBlock=VPC_CIDR)["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsSupport={"Value": True})
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    public = _subnet(ec2, vpc_id, "10.1.0.0/24", zone_id)
    compute = _subnet(ec2, vpc_id, "10.1.1.0/24", zone_id)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=public, AllocationId=address)["NatGateway"]
    _route_out(ec2, vpc_id, public, GatewayId=gateway)
    _route_out(ec2, vpc_id, compute, NatGatewayId=nat["NatGatewayId"])
    return _Network(vpc_id, public, compute)


def _subnet(ec2: Any, vpc_id: str, cidr: str, zone_id: str) -> str:
    made = ec2.create_subnet(VpcId=vpc_id, CidrBlock=cidr, AvailabilityZoneId=zone_id)
    return str(made["Subnet"]["SubnetId"])


def _route_out(ec2: Any, vpc_id: str, subnet_id: str, **target: str) -> None:
    table = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **target)
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet_id)


def _security_group(ec2: Any, vpc_id: str, name: str) -> str:
    made = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc_id)
    return str(made["GroupId"])


def _lustre_security_group(ec2: Any, vpc_id: str) -> str:
    group = _security_group(ec2, vpc_id, "lustre")
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": first,
                "ToPort": last,
                "UserIdGroupPairs": [{"GroupId": group}],
            }
            for first, last in LUSTRE_PORTS
        ],
    )
    return group


def _policy(iam: Any, sts: Any, name: str) -> str:
    """Managed policy that stands for one of the account's, such as the permissions boundary."""
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
    try:
        made = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityAlreadyExists":
            raise
        return f"arn:aws:iam::{sts.get_caller_identity()['Account']}:policy/{name}"
    return str(made["Policy"]["Arn"])


def _buckets(s3: Any) -> None:
    """The published node scripts, and a project's bucket that was made last."""
    try:
        s3.head_bucket(Bucket=PROJECT_BUCKET)
    except ClientError:
        s3.create_bucket(Bucket=BUCKET)
        for name in NODE_SCRIPTS:
            s3.put_object(Bucket=BUCKET, Key=f"{SCRIPTS}/{name}", Body=b"#!/bin/bash\n")
        s3.create_bucket(Bucket=PROJECT_BUCKET)

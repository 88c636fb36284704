"""What exists where, as AWS itself answers; nothing is taken from what we think we deployed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gotocloud.contract.names import OURS
from gotocloud.contract.stacks import CLUSTER_RESOURCE
from gotocloud.rehearsal.survey_model import (
    AccountSurvey,
    ClusterQueue,
    FileSystem,
    FileSystemCopy,
    Gateway,
    Instance,
    MonthlyBudget,
    MountTarget,
    Peering,
    PeeringRoute,
    RegionSurvey,
    Stack,
    Subnet,
    Survey,
    SurveyedLustre,
    Vpc,
)

Client = Callable[[str, str, str], Any]
"""(service, account, region) -> a boto3 client; `LocalAws.client` is one."""


@dataclass(frozen=True)
class SurveyedAccount:
    """An account to look into.

    Args:
        account: AWS account id.
        name: What people call it, such as the group's name.
        regions: Where to look; the first one answers for IAM and buckets.
    """

    account: str
    name: str
    regions: tuple[str, ...]


def survey(places: Iterable[SurveyedAccount], client: Client) -> Survey:
    """Ask AWS what exists in these accounts and regions.

    Args:
        places: Where to look, the management account first.
        client: Makes a boto3 client for a service, an account and a region.
    """
    return Survey(accounts=tuple(_account(place, client) for place in places))


def _account(place: SurveyedAccount, client: Client) -> AccountSurvey:
    home = place.regions[0]
    iam = client("iam", place.account, home)
    buckets = _buckets(client("s3", place.account, home))
    return AccountSurvey(
        account=place.account,
        name=place.name,
        users=_names(iam, "list_users", "Users", "UserName"),
        groups=_names(iam, "list_groups", "Groups", "GroupName"),
        roles=_names(iam, "list_roles", "Roles", "RoleName"),
        budgets=_budgets(client("budgets", place.account, "us-east-1"), place.account),
        regions=tuple(
            _region(place.account, region, buckets.get(region, ()), client)
            for region in place.regions
        ),
    )


def _region(account: str, region: str, buckets: tuple[str, ...], client: Client) -> RegionSurvey:
    ec2 = client("ec2", account, region)
    return RegionSurvey(
        region=region,
        stacks=_stacks(client("cloudformation", account, region)),
        vpcs=_vpcs(ec2),
        peerings=_peerings(ec2),
        file_systems=_file_systems(client("efs", account, region)),
        lustre=_lustre(client("fsx", account, region)),
        nat_gateways=_nat_gateways(ec2),
        instances=_instances(ec2),
        buckets=buckets,
        secrets=_names(
            client("secretsmanager", account, region), "list_secrets", "SecretList", "Name"
        ),
        copies=_copies(account, region, client),
    )


def _pages(client: Any, operation: str, key: str, **arguments: Any) -> list[Any]:
    if not client.can_paginate(operation):
        return list(getattr(client, operation)(**arguments).get(key, ()))
    pages = client.get_paginator(operation).paginate(**arguments)
    return [item for page in pages for item in page.get(key, ())]


def _names(client: Any, operation: str, key: str, name: str) -> tuple[str, ...]:
    return tuple(sorted(item[name] for item in _pages(client, operation, key)))


def _tags(tags: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags or ()}


def _buckets(s3: Any) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for bucket in s3.list_buckets()["Buckets"]:
        # us-east-1 answers null.
        where = s3.get_bucket_location(Bucket=bucket["Name"])["LocationConstraint"] or "us-east-1"
        found.setdefault(where, []).append(bucket["Name"])
    return {region: tuple(sorted(names)) for region, names in found.items()}


def _budgets(budgets: Any, account: str) -> tuple[MonthlyBudget, ...]:
    found = _pages(budgets, "describe_budgets", "Budgets", AccountId=account)
    return tuple(
        MonthlyBudget(name=item["BudgetName"], usd=float(item["BudgetLimit"]["Amount"]))
        for item in sorted(found, key=lambda item: str(item["BudgetName"]))
    )


def _stacks(cloudformation: Any) -> tuple[Stack, ...]:
    found = [
        item
        for item in _pages(cloudformation, "describe_stacks", "Stacks")
        if item["StackName"].startswith(OURS)
    ]
    return tuple(
        Stack(
            name=item["StackName"],
            status=item["StackStatus"],
            outputs={o["OutputKey"]: o["OutputValue"] for o in item.get("Outputs", ())},
            tags=_tags(item.get("Tags")),
            queues=_queues(cloudformation, item["StackName"]),
        )
        for item in sorted(found, key=lambda item: str(item["StackName"]))
    )


def _queues(cloudformation: Any, stack_name: str) -> tuple[ClusterQueue, ...]:
    template = cloudformation.get_template(StackName=stack_name)["TemplateBody"]
    if not isinstance(template, Mapping):
        return ()
    clusters = (
        resource["Properties"]["ClusterConfiguration"]
        for resource in template.get("Resources", {}).values()
        if resource["Type"] == CLUSTER_RESOURCE
    )
    return tuple(
        _queue(queue) for cluster in clusters for queue in cluster["Scheduling"]["SlurmQueues"]
    )


def _queue(queue: Mapping[str, Any]) -> ClusterQueue:
    resources = queue["ComputeResources"]
    types = [
        name
        for resource in resources
        for name in [
            *(instance["InstanceType"] for instance in resource.get("Instances", ())),
            *filter(None, [resource.get("InstanceType")]),
        ]
    ]
    return ClusterQueue(
        name=queue["Name"],
        capacity=queue.get("CapacityType", "ONDEMAND"),
        instance_types=tuple(types),
        max_nodes=sum(int(resource.get("MaxCount", 10)) for resource in resources),
        efa=any(_is_true(resource.get("Efa", {}).get("Enabled")) for resource in resources),
    )


def _is_true(value: object) -> bool:
    return str(value).lower() == "true"


def _vpcs(ec2: Any) -> tuple[Vpc, ...]:
    subnets = _pages(ec2, "describe_subnets", "Subnets")
    tables = _pages(ec2, "describe_route_tables", "RouteTables")
    # The default VPC comes with every account and region; nothing of ours is in it.
    own = [vpc for vpc in _pages(ec2, "describe_vpcs", "Vpcs") if not vpc.get("IsDefault")]
    return tuple(
        Vpc(
            id=vpc["VpcId"],
            cidr=vpc["CidrBlock"],
            name=_tags(vpc.get("Tags")).get("Name", ""),
            subnets=tuple(
                Subnet(
                    id=subnet["SubnetId"],
                    cidr=subnet["CidrBlock"],
                    zone_id=subnet["AvailabilityZoneId"],
                    public=_is_public(subnet, tables),
                )
                for subnet in sorted(subnets, key=lambda subnet: _numeric(subnet["CidrBlock"]))
                if subnet["VpcId"] == vpc["VpcId"]
            ),
            peering_routes=tuple(_peering_routes(tables, vpc["VpcId"])),
        )
        for vpc in sorted(own, key=lambda vpc: _numeric(vpc["CidrBlock"]))
    )


def _is_public(subnet: Mapping[str, Any], tables: Iterable[Any]) -> bool:
    """Whether the subnet's route table, else its VPC's main one, leads to the internet."""
    main, own = [], []
    for table in tables:
        for association in table.get("Associations", ()):
            if association.get("SubnetId") == subnet["SubnetId"]:
                own.append(table)
            elif association.get("Main") and table["VpcId"] == subnet["VpcId"]:
                main.append(table)
    return any(
        str(route.get("GatewayId", "")).startswith("igw-")
        for table in own or main
        for route in table["Routes"]
    )


def _numeric(cidr: str) -> tuple[int, ...]:
    return tuple(int(part) for part in cidr.replace("/", ".").split("."))


def _peering_routes(tables: Iterable[Any], vpc_id: str) -> Iterator[PeeringRoute]:
    for table in tables:
        for route in table["Routes"]:
            if table["VpcId"] == vpc_id and route.get("VpcPeeringConnectionId"):
                yield PeeringRoute(
                    table_id=table["RouteTableId"],
                    destination=route["DestinationCidrBlock"],
                    peering_id=route["VpcPeeringConnectionId"],
                    state=route.get("State", ""),
                )


def _peerings(ec2: Any) -> tuple[Peering, ...]:
    found = _pages(ec2, "describe_vpc_peering_connections", "VpcPeeringConnections")
    return tuple(
        Peering(
            id=item["VpcPeeringConnectionId"],
            state=item["Status"]["Code"],
            requester_account=item["RequesterVpcInfo"]["OwnerId"],
            requester_vpc=item["RequesterVpcInfo"]["VpcId"],
            accepter_account=item["AccepterVpcInfo"]["OwnerId"],
            accepter_vpc=item["AccepterVpcInfo"]["VpcId"],
        )
        for item in sorted(found, key=lambda item: str(item["VpcPeeringConnectionId"]))
    )


def _file_systems(efs: Any) -> tuple[FileSystem, ...]:
    return tuple(
        FileSystem(
            id=item["FileSystemId"],
            name=_tags(item.get("Tags")).get("Name", ""),
            encrypted=bool(item.get("Encrypted")),
            mount_targets=_mount_targets(efs, item["FileSystemId"]),
        )
        for item in _pages(efs, "describe_file_systems", "FileSystems")
    )


def _copies(account: str, region: str, client: Client) -> tuple[FileSystemCopy, ...]:
    datasync = client("datasync", account, region)

    def end(arn: str) -> tuple[str, str]:
        """Region and file system of a location, as in `efs://REGION.FILE-SYSTEM/`."""
        place = client("datasync", account, arn.split(":")[3])
        uri = place.describe_location_efs(LocationArn=arn)["LocationUri"]
        where, _, file_system = uri.removeprefix("efs://").partition("/")[0].partition(".")
        return where, file_system

    found = []
    for item in _pages(datasync, "list_tasks", "Tasks"):
        task = datasync.describe_task(TaskArn=item["TaskArn"])
        source_region, source = end(task["SourceLocationArn"])
        _, target = end(task["DestinationLocationArn"])
        found.append(FileSystemCopy(source, source_region, target))
    return tuple(sorted(found, key=lambda one: one.target))


def _mount_targets(efs: Any, file_system_id: str) -> tuple[MountTarget, ...]:
    found = _pages(efs, "describe_mount_targets", "MountTargets", FileSystemId=file_system_id)
    return tuple(
        MountTarget(
            id=item["MountTargetId"],
            zone_id=item["AvailabilityZoneId"],
            ip=item["IpAddress"],
            subnet_id=item["SubnetId"],
            vpc_id=item["VpcId"],
        )
        for item in sorted(found, key=lambda item: str(item["IpAddress"]))
    )


def _lustre(fsx: Any) -> tuple[SurveyedLustre, ...]:
    associations = _pages(fsx, "describe_data_repository_associations", "Associations")
    return tuple(
        SurveyedLustre(
            id=item["FileSystemId"],
            gib=int(item["StorageCapacity"]),
            deployment_type=item.get("LustreConfiguration", {}).get("DeploymentType", ""),
            status=item.get("Lifecycle", ""),
            vpc_id=item.get("VpcId", ""),
            subnet_ids=tuple(item.get("SubnetIds", ())),
            repositories=tuple(
                association["DataRepositoryPath"]
                for association in associations
                if association["FileSystemId"] == item["FileSystemId"]
            ),
        )
        for item in _pages(fsx, "describe_file_systems", "FileSystems")
    )


def _nat_gateways(ec2: Any) -> tuple[Gateway, ...]:
    return tuple(
        Gateway(
            id=item["NatGatewayId"],
            vpc_id=item["VpcId"],
            state=item["State"],
            public_ip=next(
                (a["PublicIp"] for a in item["NatGatewayAddresses"] if a.get("PublicIp")), None
            ),
        )
        for item in _pages(ec2, "describe_nat_gateways", "NatGateways")
        if item["State"] not in ("deleted", "deleting")
    )


def _instances(ec2: Any) -> tuple[Instance, ...]:
    return tuple(
        Instance(
            id=item["InstanceId"],
            type=item["InstanceType"],
            state=item["State"]["Name"],
            vpc_id=item.get("VpcId", ""),
            subnet_id=item.get("SubnetId", ""),
            public_ip=item.get("PublicIpAddress"),
        )
        for reservation in _pages(ec2, "describe_instances", "Reservations")
        for item in reservation["Instances"]
        if item["State"]["Name"] != "terminated"
    )

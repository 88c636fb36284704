"""Surveys made by hand: what a local AWS would answer for a small and a medium platform."""

from __future__ import annotations

from ipaddress import IPv4Network

from gotocloud.platform.addresses import group_subnets, network_of, share_network, share_subnets
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

POOL = IPv4Network("10.0.0.0/8")
MANAGEMENT = "111111111111"
ZONES = {
    "ap-northeast-1": ("apne1-az4", "apne1-az1"),
    "us-east-1": ("use1-az4", "use1-az6"),
    "eu-central-1": ("euc1-az2", "euc1-az3"),
}
QUEUES = (
    ("refine3d", "g4dn.metal", 2, True),
    ("class3d", "g5.12xlarge", 8, True),
    ("class2d", "g4dn.12xlarge", 8, True),
    ("class2d-vdam", "g5.12xlarge", 1, False),
    ("initialmodel", "g5.12xlarge", 1, False),
    ("polish", "c6i.32xlarge", 4, True),
    ("prep-cpu", "c7i.48xlarge", 4, True),
    ("prep-gpu", "g4dn.12xlarge", 4, False),
)


def small(*, peering_state: str = "active", routed: bool = True) -> Survey:
    """Two regions, two groups, one cluster: the demo's platform."""
    groups = (
        ("membrane-lab", 1, ("ap-northeast-1", "us-east-1")),
        ("virus-lab", 2, ("us-east-1",)),
    )
    return _platform(groups, peering_state=peering_state, routed=routed, clusters={(1, 0)})


def medium() -> Survey:
    """Three regions, twelve groups, three clusters."""
    regions = tuple(ZONES)
    groups = tuple(
        (f"group-{n:02d}", n, regions[n % 3 :][: 1 + n % 2] or regions[:1]) for n in range(1, 13)
    )
    return _platform(groups, clusters={(1, 0), (4, 0), (9, 0)})


def _platform(
    groups: tuple[tuple[str, int, tuple[str, ...]], ...],
    *,
    clusters: set[tuple[int, int]],
    peering_state: str = "active",
    routed: bool = True,
) -> Survey:
    regions = tuple(sorted({region for _, _, there in groups for region in there}))
    peers = {
        region: [(number, there.index(region)) for _, number, there in groups if region in there]
        for region in regions
    }
    management = AccountSurvey(
        account=MANAGEMENT,
        name="management",
        users=(),
        groups=(),
        roles=("gotocloud-datasync", "gotocloud-peering-acceptor-00"),
        budgets=(),
        regions=tuple(
            _management_region(region, peers[region], home=i == 0, state=peering_state)
            for i, region in enumerate(regions)
        ),
    )
    accounts = tuple(
        AccountSurvey(
            account=f"{number:012d}".replace("0", "2"),
            name=name,
            users=("asha", "ben"),
            groups=("gotocloud-scientists",),
            roles=("gotocloud-cluster-service", "gotocloud-scientist"),
            budgets=(MonthlyBudget("gotocloud-monthly", 1500.0),),
            regions=tuple(
                _group_region(
                    region, number, index, (number, index) in clusters, peering_state, routed
                )
                for index, region in enumerate(there)
            ),
        )
        for name, number, there in groups
    )
    return Survey(accounts=(management, *accounts))


def _peering(region: str, number: int, index: int, state: str) -> Peering:
    return Peering(
        id=f"pcx-{number:03d}{index}",
        state=state,
        requester_account=f"{number:012d}".replace("0", "2"),
        requester_vpc=f"vpc-group{number:03d}{index}",
        accepter_account=MANAGEMENT,
        accepter_vpc=f"vpc-share-{region}",
    )


def _management_region(
    region: str, peers: list[tuple[int, int]], *, home: bool, state: str
) -> RegionSurvey:
    network = share_network(POOL, region, 0)
    subnets = tuple(
        Subnet(f"subnet-share{i}", str(cidr), zone, public=False)
        for i, (cidr, zone) in enumerate(zip(share_subnets(network, 2), ZONES[region], strict=True))
    )
    share = Vpc(
        id=f"vpc-share-{region}",
        cidr=str(network),
        name="gotocloud-region/Share0/Vpc",
        subnets=subnets,
        peering_routes=tuple(
            PeeringRoute("rtb-share", str(network_of(POOL, n, k)), f"pcx-{n:03d}{k}", "active")
            for n, k in peers
        ),
    )
    targets = tuple(
        MountTarget(
            f"fsmt-{i}", subnet.zone_id, str(IPv4Network(subnet.cidr)[5]), subnet.id, share.id
        )
        for i, subnet in enumerate(subnets)
    )
    return RegionSurvey(
        region=region,
        stacks=(
            *(
                [
                    Stack(
                        "gotocloud-management",
                        "CREATE_COMPLETE",
                        {"DistributionBucketName": f"gotocloud-{MANAGEMENT}-{region}-distribution"},
                        {},
                        (),
                    )
                ]
                if home
                else []
            ),
            Stack(
                "gotocloud-region",
                "CREATE_COMPLETE",
                {"Share0VpcId": share.id, "Share0FileSystemId": f"fs-share-{region}"},
                {},
                (),
            ),
        ),
        vpcs=(
            share,
            *(
                [Vpc("vpc-master", "10.0.255.0/24", "gotocloud-management/Vpc", (), ())]
                if home
                else []
            ),
        ),
        peerings=tuple(_peering(region, n, k, state) for n, k in peers),
        file_systems=(
            FileSystem(f"fs-share-{region}", "gotocloud-share", True, targets),
            *([FileSystem("fs-master", "gotocloud-master", True, ())] if home else []),
        ),
        lustre=(),
        nat_gateways=(),
        instances=(),
        buckets=(f"gotocloud-{MANAGEMENT}-{region}-distribution",) if home else (),
        secrets=(),
        copies=(FileSystemCopy("fs-master", "ap-northeast-1", f"fs-share-{region}"),),
    )


def _group_region(
    region: str, number: int, index: int, cluster: bool, state: str, routed: bool
) -> RegionSurvey:
    network = network_of(POOL, number, index)
    plan = group_subnets(network)
    zone = ZONES[region][0]
    vpc_id = f"vpc-group{number:03d}{index}"
    compute = (Subnet("subnet-compute", str(plan.compute[0]), zone, public=False),)
    vpc = Vpc(
        id=vpc_id,
        cidr=str(network),
        name="gotocloud-user/Vpc",
        subnets=(
            Subnet("subnet-public", str(plan.public), zone, public=True),
            *(compute if cluster else ()),
        ),
        peering_routes=(
            (
                PeeringRoute(
                    "rtb-public",
                    str(share_network(POOL, region, 0)),
                    f"pcx-{number:03d}{index}",
                    "active",
                ),
            )
            if routed
            else ()
        ),
    )
    base = f"asha-{number:012d}-beta-gal"
    return RegionSurvey(
        region=region,
        stacks=(
            *([_cluster_stack(base)] if cluster else []),
            *(
                [
                    Stack(
                        f"gotocloud-project-{base}", "CREATE_COMPLETE", {"BucketName": base}, {}, ()
                    )
                ]
                if cluster
                else []
            ),
            Stack("gotocloud-user", "CREATE_COMPLETE", {}, {}, ()),
        ),
        vpcs=(vpc,),
        peerings=(_peering(region, number, index, state),),
        file_systems=(),
        lustre=(
            (
                SurveyedLustre(
                    "fs-0lustre",
                    2400,
                    "SCRATCH_2",
                    "AVAILABLE",
                    vpc_id,
                    ("subnet-compute",),
                    (f"s3://{base}",),
                ),
            )
            if cluster
            else ()
        ),
        nat_gateways=((Gateway("nat-0", vpc_id, "available", "198.51.100.7"),) if cluster else ()),
        instances=(
            (Instance("i-0head", "m5.xlarge", "running", vpc_id, "subnet-public", "198.51.100.8"),)
            if cluster
            else ()
        ),
        buckets=(base,) if cluster else (),
        secrets=("gotocloud/initial-password/asha", "gotocloud/initial-password/ben"),
    )


def _cluster_stack(base: str) -> Stack:
    return Stack(
        name=f"gotocloud-cluster-{base}",
        status="CREATE_COMPLETE",
        outputs={"ClusterName": "beta-gal", "HeadNodeInstanceId": "i-0head"},
        tags={"gtc:project": "beta-gal", "gtc:iam-user": "asha"},
        queues=tuple(
            ClusterQueue(name + suffix, capacity, (instance,), nodes, efa)
            for name, instance, nodes, efa in QUEUES
            for suffix, capacity in (("", "ONDEMAND"), ("-spot", "SPOT"))
        ),
    )

"""Clusters of the caller: what `gotocloud start` checks and launches."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from decimal import Decimal
from ipaddress import IPv4Network
from typing import Any

from gotocloud.aws.cloud import Cloud, answer_of
from gotocloud.aws.launch import LaunchError, settle
from gotocloud.aws.listener import Listener
from gotocloud.aws.live_status import group_stacks
from gotocloud.aws.projects import Place, checked_names, require_project
from gotocloud.aws.quotas import cluster_levels
from gotocloud.aws.release_choice import (
    choose_release,
    published_template,
    require_configuration,
)
from gotocloud.aws.session import error_code, explained
from gotocloud.aws.stacks import stack_of
from gotocloud.cluster_configs.lustre_sizes import Deployment, lustre_size_problem
from gotocloud.contract.group_facts import Fact
from gotocloud.contract.names import group_name
from gotocloud.contract.project_names import ProjectNames
from gotocloud.contract.releases import cluster_template
from gotocloud.contract.stacks import CAPACITIES, CLUSTER_STACK_PREFIX, ClusterParameter
from gotocloud.errors import GoToCloudError, InputError, shell_line
from gotocloud.findings import Finding, Severity, by_severity
from gotocloud.projects.blocks import free_block
from gotocloud.projects.diagnosis import Cause
from gotocloud.projects.overview import ClusterRow, project_rows
from gotocloud.projects.plans import StackPlan
from gotocloud.projects.preflight import SPOT_ROLE, Budget, Observed, preflight
from gotocloud.projects.quotas import Levels
from gotocloud.projects.shape import ClusterShape, cluster_shape
from gotocloud.projects.states import NEVER_READY, State

BUDGETS_REGION = "us-east-1"
"""Budgets are global and answered here."""

ADDRESS_ATTEMPTS = 15
"""A group's network has room for so many clusters."""


@dataclass(frozen=True)
class Wanted:
    """What a scientist requests.

    Args:
        project: The project.
        configuration: Cluster configuration.
        release: A published version. Default: the newest.
        lustre_gib: Size of Lustre. Default: the configuration's.
        spot: Whether jobs prefer spot. Default: they prefer on demand.
        keep_hours: Hours for which it is kept. Default: while it is used.
    """

    project: str
    configuration: str
    release: str | None = None
    lustre_gib: int | None = None
    spot: bool = False
    keep_hours: int | None = None


@dataclass(frozen=True)
class Surroundings:
    """What stands in the group's account around a new cluster.

    Args:
        subnets: Every subnet of the account in the region.
        taken: Networks of the group's VPC that are in use or about to be.
    """

    subnets: tuple[dict[str, Any], ...]
    taken: tuple[IPv4Network, ...]


@dataclass(frozen=True)
class Start:
    """What starting a cluster comes down to, before it is priced and judged.

    Args:
        where: Who works where.
        names: What everything of the project is called.
        wanted: The request.
        shape: What the template makes.
        lustre_gib: Size of Lustre.
        plan: What would be launched, but for the addresses.
        how: How the release was chosen.
    """

    where: Place
    names: ProjectNames
    wanted: Wanted
    shape: ClusterShape
    lustre_gib: int
    plan: StackPlan
    how: str


def cluster_state(cloud: Cloud, where: Place, project: str) -> tuple[State, ClusterRow | None]:
    """The state of a project's cluster, and what there is of it.

    Raises:
        GoToCloudError: if the project does not stand, or people must decide.
    """
    names = checked_names(where, project)
    require_project(cloud, names)
    stack = stack_of(cloud, names.cluster_stack)
    if stack.state in {State.BROKEN, State.FAILED} and stack.status not in NEVER_READY:
        raise GoToCloudError(
            f"The cluster of {project!r} is {stack.status}: its Lustre may hold files that are "
            "nowhere else. It is left as it is.",
            advice="A pause proves what is left, and deletes it.",
            next_command=shell_line("gotocloud", "pause", project),
            again=True,
        )
    if not stack.exists:
        return stack.state, None
    rows = project_rows((stack,), cloud.region, where.caller.name, None)
    return stack.state, rows[0].cluster


def plan_start(cloud: Cloud, where: Place, wanted: Wanted, *, resized: str = "") -> Start:
    """Read the template and report what would be launched from it.

    Args:
        resized: The command to type where Lustre cannot have the requested size. Default: one
            with nothing but the project and a size.

    Raises:
        InputError: if the release has no such configuration here, or not what is requested.
        GoToCloudError: if the release or its template cannot be read.
    """
    names = checked_names(where, wanted.project)
    release, how = choose_release(cloud, where.facts, wanted.release)
    require_configuration(cloud, where.facts, release, wanted.configuration)
    path = cluster_template(wanted.configuration, cloud.region)
    url, template = published_template(cloud, where.facts, release, path)
    shape = cluster_shape(template)
    gib = wanted.lustre_gib or shape.lustre_gib or 0
    if problem := lustre_size_problem(gib, Deployment(shape.lustre_type)):
        raise InputError(
            f"{problem}.",
            next_command=resized
            or shell_line("gotocloud", "start", wanted.project, "--lustre-gib", 2400),
        )
    plan = StackPlan(
        name=names.cluster_stack,
        region=cloud.region,
        release=release,
        template_url=url,
        role_arn=where.facts[Fact.CLUSTER_SERVICE_ROLE_ARN],
        parameters={
            **names.parameters,
            ClusterParameter.CLUSTER_NAME: names.cluster,
            ClusterParameter.BUCKET_NAME: names.bucket,
            ClusterParameter.LUSTRE_GIB: str(gib),
            **_choices(wanted, shape, release),
        },
        tags=where.tags(wanted.project),
    )
    return Start(where, names, wanted, shape, gib, plan, how)


def _choices(wanted: Wanted, shape: ClusterShape, release: str) -> dict[str, str]:
    """Parameters of templates of this release and later; older templates lack them."""
    requested = {
        "--spot": (ClusterParameter.CAPACITY, wanted.spot),
        "--keep-for": (ClusterParameter.KEEP_HOURS, wanted.keep_hours),
    }
    unknown = [
        option
        for option, (name, value) in requested.items()
        if value and name not in shape.parameters
    ]
    if unknown:
        raise InputError(
            f"Release {release} has no {' and no '.join(unknown)}.",
            advice="Leave out --release, or ask the management group to publish a newer one.",
            next_command=shell_line("gotocloud", "start", wanted.project),
        )
    given = {
        ClusterParameter.CAPACITY: CAPACITIES[wanted.spot],
        ClusterParameter.KEEP_HOURS: str(wanted.keep_hours or 0),
    }
    return {name: value for name, value in given.items() if name in shape.parameters}


def check_start(cloud: Cloud, start: Start, idle_usd_per_hour: Decimal) -> tuple[Finding, ...]:
    """Every finding about a start, problems first; creates nothing.

    Raises:
        GoToCloudError: if AWS does not answer at all.
    """
    observed = _observe(cloud, start)
    findings = [
        Finding(
            "Release",
            Severity.OK,
            f"{start.plan.release}, {start.how}; the template is what was published.",
        )
    ]
    if start.where.facts.tags_unknown:
        text = f"they could not be read ({start.where.facts.tags_unknown}) and are not put on it."
        findings.append(Finding("The group's own tags", Severity.UNKNOWN, text))
    findings += _facts_that_lack(start)
    found = preflight(
        start.shape,
        start.lustre_gib,
        idle_usd_per_hour,
        observed,
        cloud.region,
        spot=start.wanted.spot,
    )
    return by_severity((*findings, *found))


def _facts_that_lack(start: Start) -> list[Finding]:
    """A group that was set up for an earlier release; those this program does not know pass."""
    by_name = {fact.value: fact for fact in Fact}
    lacking = sorted(
        name
        for name in start.shape.facts
        if name in by_name and by_name[name] not in start.where.facts.values
    )
    if not lacking:
        return []
    return [
        Finding(
            "The group's facts",
            Severity.ERROR,
            f"release {start.plan.release} needs {', '.join(lacking)}, which the group's account "
            "does not have.",
            "ask the management group to deploy the group's stack again (cdk deploy UserStack), "
            "or start an earlier release with --release",
        )
    ]


def launch(cloud: Cloud, start: Start, listener: Listener, *, retry: str) -> dict[str, str]:
    """Have the cluster stand; returns the outputs of its stack.

    Addresses are chosen at the last moment. If another launch takes them first, the next ones
    are used.

    Raises:
        LaunchError: if it cannot be made; nothing of it is left.
        GoToCloudError: if every block is taken.
    """
    refused: list[str] = []
    while True:
        block = _block(start, _site(cloud, start.where), refused)
        if block is None:
            raise GoToCloudError(
                f"Every /24 of the group's network {start.where.facts.network} is taken.",
                advice="Pause an unused cluster of the group.",
                next_command="gotocloud status",
            )
        parameters = {**start.plan.parameters, ClusterParameter.COMPUTE_CIDR: str(block)}
        plan = replace(start.plan, parameters=parameters)
        try:
            return settle(cloud, plan, listener, retry=retry)
        except LaunchError as error:
            if error.cause is not Cause.ADDRESSES or len(refused) == ADDRESS_ATTEMPTS - 1:
                raise
            refused.append(str(block))
            listener.step(
                f"Another launch took {block} at the same moment; trying the next addresses"
            )


def follow(
    cloud: Cloud, where: Place, project: str, listener: Listener, *, retry: str
) -> dict[str, str] | None:
    """Wait for a cluster that is being made already; its outputs.

    None when what there was of it came to nothing: then it is to be started again.

    Raises:
        LaunchError: if it fails now; nothing of it is left.
    """
    # A plan without a template can be waited for, and never be launched.
    name = where.names(project).cluster_stack
    if stack_of(cloud, name).state is not State.MAKING:
        return None
    plan = StackPlan(name, cloud.region, "", "", "", {}, {})
    return settle(cloud, plan, listener, retry=retry)


def _site(cloud: Cloud, where: Place) -> Surroundings:
    vpc = where.facts[Fact.VPC_ID]
    with explained(f"list the subnets in {cloud.region}"):
        pages = cloud.client("ec2").get_paginator("describe_subnets").paginate()
        subnets = tuple(it for page in pages for it in page["Subnets"])
    own = [IPv4Network(it["CidrBlock"]) for it in subnets if it["VpcId"] == vpc]
    about_to_be = [
        IPv4Network(stack.parameter(ClusterParameter.COMPUTE_CIDR))
        for stack in group_stacks(cloud)
        if stack.name.startswith(CLUSTER_STACK_PREFIX)
        and stack.state in {State.MAKING, State.READY, State.BROKEN}
        and stack.parameter(ClusterParameter.COMPUTE_CIDR)
    ]
    return Surroundings(subnets, (*own, *about_to_be))


def _block(start: Start, site: Surroundings, refused: Collection[str]) -> IPv4Network | None:
    facts = start.where.facts
    return free_block(facts.network, site.taken, start.plan.name, avoid=refused)


def _observe(cloud: Cloud, start: Start) -> Observed:
    facts = start.where.facts
    zone_id = facts[Fact.ZONE_ID]
    site = _site(cloud, start.where)
    offered, no_offers = _offered(cloud, zone_id, start.shape)
    spot_role, no_role = _spot_role(cloud)
    levels: Levels = cluster_levels(cloud, zone_id, site.subnets)
    return Observed(
        levels=levels,
        offered=offered,
        zone_id=zone_id,
        block=_block(start, site, ()),
        network=facts.network,
        spot_role=spot_role,
        budget=_budget(cloud, start.where),
        unknown={"offerings": no_offers, "spot role": no_role},
    )


def _offered(cloud: Cloud, zone_id: str, shape: ClusterShape) -> tuple[set[str] | None, str]:
    ec2 = cloud.client("ec2")

    def look() -> set[str]:
        pages = ec2.get_paginator("describe_instance_type_offerings").paginate(
            LocationType="availability-zone-id",
            Filters=[
                {"Name": "location", "Values": [zone_id]},
                {"Name": "instance-type", "Values": list(shape.types)},
            ],
        )
        return {it["InstanceType"] for page in pages for it in page["InstanceTypeOfferings"]}

    return answer_of(f"ask what {zone_id} offers", look)


def _spot_role(cloud: Cloud) -> tuple[bool | None, str]:
    return answer_of(f"look at role {SPOT_ROLE}", lambda: spot_role_of(cloud) is not None)


def spot_role_of(cloud: Cloud) -> dict[str, Any] | None:
    """EC2's role for spot as IAM describes it; None if the account has none."""
    iam = cloud.client("iam")
    try:
        found: dict[str, Any] = iam.get_role(RoleName=SPOT_ROLE)["Role"]
    except iam.exceptions.ClientError as error:
        if error_code(error) == "NoSuchEntity":
            return None
        raise
    return found


def _budget(cloud: Cloud, where: Place) -> Budget:
    budgets = cloud.client("budgets", BUDGETS_REGION)
    name = group_name(where.facts.group)

    def look() -> dict[str, Any]:
        answer = budgets.describe_budget(AccountId=where.caller.account, BudgetName=name)
        found: dict[str, Any] = answer["Budget"]
        return found

    found, why = answer_of(f"look at budget {name}", look)
    if found is None:
        return Budget(why=why)
    limit = found.get("BudgetLimit", {}).get("Amount")
    spent = found.get("CalculatedSpend", {}).get("ActualSpend", {}).get("Amount")
    if limit is None or spent is None:
        return Budget(why="AWS has not added up this month's costs yet")
    return Budget(Decimal(str(limit)), Decimal(str(spent)))

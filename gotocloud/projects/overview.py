"""What a group has: its projects and clusters, put together from stacks and their tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from gotocloud.contract.stacks import (
    CLUSTER_STACK_PREFIX,
    PROJECT_STACK_PREFIX,
    ClusterParameter,
    ProjectParameter,
)
from gotocloud.contract.tag_text import from_tag
from gotocloud.contract.tags import IAM_USER_TAG, PROJECT_TAG
from gotocloud.costs.price import Price
from gotocloud.errors import shell_line
from gotocloud.formats import usd_text, whole_number
from gotocloud.projects.cluster_end import ClusterEnd
from gotocloud.projects.deployed_stack import DeployedStack
from gotocloud.projects.jobs_now import UNREAD, JobsNow
from gotocloud.projects.shape import configuration_of
from gotocloud.projects.states import NEVER_READY, State


@dataclass(frozen=True)
class Node:
    """A machine of a cluster that runs.

    Args:
        cluster: Name of the cluster.
        instance_type: EC2's name.
        head: Whether it is the head node.
        spot: Whether it is a spot instance.
    """

    cluster: str
    instance_type: str
    head: bool
    spot: bool


@dataclass(frozen=True)
class HourlyCost:
    """What something costs per hour now.

    Args:
        known_usd_per_hour: Sum of what is known.
        unknown: What has no known price.
        prices: The prices behind the sum.
    """

    known_usd_per_hour: Decimal = Decimal()
    unknown: tuple[str, ...] = ()
    prices: tuple[Price, ...] = ()

    def __str__(self) -> str:
        text = f"USD {usd_text(self.known_usd_per_hour, rounded=True)}/h"
        return f"at least {text}" if self.unknown else text


NOT_LOOKED_AT = HourlyCost(unknown=("what exists was not looked at",))


@dataclass(frozen=True)
class ClusterRow:
    """The cluster of a project."""

    name: str
    stack: str
    state: State
    configuration: str | None
    release: str | None
    lustre_gib: int | None
    nodes: tuple[Node, ...] | None
    cost: HourlyCost = NOT_LOOKED_AT
    reason: str = ""
    jobs: JobsNow = UNREAD
    capacity: str = ""
    ending: ClusterEnd | None = None
    may_hold_data: bool = False
    """It runs no more, and its Lustre may hold files that are nowhere else."""

    @property
    def runs(self) -> bool:
        """Whether jobs can run on it."""
        return self.state is State.READY


@dataclass(frozen=True)
class ProjectRow:
    """A project of the group, with its cluster if it has one."""

    project: str
    region: str
    scientist: str
    mine: bool
    stack: str
    state: State
    bucket: str
    cluster: ClusterRow | None
    next_command: str

    def as_dict(self) -> dict[str, Any]:
        """The project for a JSON report."""
        cluster = self.cluster
        return {
            "project": self.project,
            "region": self.region,
            "scientist": self.scientist,
            "mine": self.mine,
            "stack": self.stack,
            "state": self.state.value,
            "bucket": self.bucket,
            "next_command": self.next_command,
            "cluster": cluster
            and {
                "name": cluster.name,
                "stack": cluster.stack,
                "state": cluster.state.value,
                "reason": cluster.reason,
                "configuration": cluster.configuration,
                "release": cluster.release,
                "lustre_gib": cluster.lustre_gib,
                "jobs": cluster.jobs.as_dict(),
                "jobs_unknown": cluster.jobs.why,
                "capacity": cluster.capacity or None,
                "ending": cluster.ending and cluster.ending.as_dict(),
                "nodes": None
                if cluster.nodes is None
                else [
                    {"instance_type": one.instance_type, "head": one.head, "spot": one.spot}
                    for one in cluster.nodes
                ],
                "known_usd_per_hour": float(cluster.cost.known_usd_per_hour),
                "unknown_prices": list(cluster.cost.unknown),
            },
        }


def project_rows(
    stacks: Iterable[DeployedStack],
    region: str,
    scientist: str,
    nodes: Iterable[Node] | None,
) -> tuple[ProjectRow, ...]:
    """A group's projects: the caller's own first, then by name.

    Args:
        stacks: Stacks of the account.
        region: Where.
        scientist: The user of the command.
        nodes: Running machines; None if unknown.
    """
    listed = list(stacks)
    machines = None if nodes is None else tuple(nodes)
    clusters = {
        _whose(one): one
        for one in listed
        if one.name.startswith(CLUSTER_STACK_PREFIX) and one.state is not State.ABSENT
    }
    projects = {
        _whose(one): one
        for one in listed
        if one.name.startswith(PROJECT_STACK_PREFIX) and one.state is not State.ABSENT
    }
    rows = [
        _row(who, projects.get(who), clusters.get(who), region, scientist, machines)
        for who in {**projects, **clusters}
    ]
    return tuple(sorted(rows, key=lambda row: (not row.mine, row.scientist, row.project)))


def with_jobs(rows: Iterable[ProjectRow], jobs: Mapping[str, JobsNow]) -> tuple[ProjectRow, ...]:
    """Projects with the jobs of their clusters.

    Args:
        jobs: By the name of a cluster's stack.
    """
    return tuple(
        replace(row, cluster=replace(row.cluster, jobs=jobs[row.cluster.stack]))
        if row.cluster and row.cluster.stack in jobs
        else row
        for row in rows
    )


def with_endings(
    rows: Iterable[ProjectRow], endings: Mapping[str, ClusterEnd]
) -> tuple[ProjectRow, ...]:
    """Projects with how their clusters will end by themselves.

    Args:
        endings: By the name of a cluster's stack.
    """
    return tuple(
        replace(row, cluster=replace(row.cluster, ending=endings.get(row.cluster.stack)))
        if row.cluster
        else row
        for row in rows
    )


def total(rows: Iterable[ProjectRow]) -> HourlyCost:
    """What all clusters together cost per hour now."""
    costs = [row.cluster.cost for row in rows if row.cluster]
    return HourlyCost(
        sum((cost.known_usd_per_hour for cost in costs), Decimal()),
        tuple(dict.fromkeys(name for cost in costs for name in cost.unknown)),
        tuple(dict.fromkeys(price for cost in costs for price in cost.prices)),
    )


def cluster_names(stacks: Iterable[DeployedStack]) -> tuple[set[str], set[str]]:
    """Names of the clusters' stacks that exist, and names of those clusters."""
    found = [one for one in stacks if one.name.startswith(CLUSTER_STACK_PREFIX)]
    return (
        {one.name for one in found},
        {one.parameter(ClusterParameter.CLUSTER_NAME) for one in found},
    )


def _whose(stack: DeployedStack) -> tuple[str, str]:
    tags = stack.tags
    return (
        from_tag(tags.get(IAM_USER_TAG) or stack.parameter(ProjectParameter.SCIENTIST)),
        from_tag(tags.get(PROJECT_TAG) or stack.parameter(ProjectParameter.PROJECT)),
    )


def _row(
    who: tuple[str, str],
    project: DeployedStack | None,
    cluster: DeployedStack | None,
    region: str,
    caller: str,
    nodes: tuple[Node, ...] | None,
) -> ProjectRow:
    scientist, name = who
    state = project.state if project else State.ABSENT
    mine = scientist == caller
    row = None if cluster is None else _cluster(cluster, nodes)
    return ProjectRow(
        project=name,
        region=region,
        scientist=scientist,
        mine=mine,
        stack=project.name if project else "",
        state=state,
        bucket=(project.parameter(ProjectParameter.BUCKET_NAME) if project else "")
        or (cluster.parameter(ProjectParameter.BUCKET_NAME) if cluster else ""),
        cluster=row,
        next_command=_next(name, state, row) if mine else "",
    )


def _next(project: str, state: State, cluster: ClusterRow | None) -> str:
    named = shell_line(project)
    if state in {State.ABSENT, State.MAKING, State.FAILED, State.ENDING}:
        return f"gotocloud setup {named}"
    if state is State.BROKEN:
        return f"gotocloud finish {named} --keep-data"
    if cluster is not None and cluster.may_hold_data:
        return f"gotocloud pause {named}"
    if cluster is None or cluster.state in {State.MAKING, State.FAILED, State.ENDING}:
        return f"gotocloud start {named}"
    return f"gotocloud connect {named}"


def _cluster(stack: DeployedStack, nodes: tuple[Node, ...] | None) -> ClusterRow:
    described = configuration_of(stack.description)
    gib = whole_number(stack.parameter(ClusterParameter.LUSTRE_GIB))
    name = stack.parameter(ClusterParameter.CLUSTER_NAME)
    own = None if nodes is None else tuple(one for one in nodes if one.cluster == name)
    configuration = described[0] if described else None
    return ClusterRow(
        name=name,
        stack=stack.name,
        state=stack.state,
        configuration=configuration,
        release=described[1] if described else None,
        lustre_gib=gib,
        nodes=own,
        reason=stack.reason,
        may_hold_data=stack.state in {State.BROKEN, State.FAILED}
        and stack.status not in NEVER_READY,
        capacity=stack.parameter(ClusterParameter.CAPACITY),
    )

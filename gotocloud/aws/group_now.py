"""What a group has in a region now: projects, clusters, jobs, and what bills without a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from gotocloud.aws.billed import inventory
from gotocloud.aws.cloud import Cloud, StandardCloud
from gotocloud.aws.cluster_end import endings
from gotocloud.aws.group_facts import GroupFacts, read_group_facts
from gotocloud.aws.live_status import group_stacks
from gotocloud.aws.project_search import group_regions
from gotocloud.aws.projects import Place
from gotocloud.aws.running_jobs import jobs_now
from gotocloud.contract.group_facts import Fact
from gotocloud.errors import GoToCloudError
from gotocloud.projects.billed import Billed, BilledKind, with_costs
from gotocloud.projects.overview import (
    ProjectRow,
    cluster_names,
    project_rows,
    with_endings,
    with_jobs,
)


@dataclass(frozen=True)
class RegionNow:
    """A region of a group.

    Args:
        rows: Its projects and clusters.
        left: What is billed without a cluster.
        unlisted: Kinds of resources that could not be listed, with the reason.
        unread: Why the region could not be read; empty when it was.
    """

    region: str
    rows: tuple[ProjectRow, ...] = ()
    left: tuple[Billed, ...] = ()
    unlisted: Mapping[BilledKind, str] = field(default_factory=dict)
    unread: str = ""


def regions_now(cloud: Cloud, where: Place) -> Iterator[RegionNow]:
    """Every region of the group, the command's own first.

    Raises:
        GoToCloudError: if the command's own region cannot be read.
    """
    own, *others = group_regions(where.facts)
    yield _now(cloud, where, where.facts, own)
    for region in others:
        try:
            there = StandardCloud(region)
            yield _typed_from_here(_now(there, where, read_group_facts(there), region))
        except GoToCloudError as error:
            yield RegionNow(region, unread=error.message)


def _typed_from_here(there: RegionNow) -> RegionNow:
    """The commands of another region's projects, as they are typed in this one."""
    return replace(
        there,
        rows=tuple(
            replace(row, next_command=f"AWS_REGION={there.region} {row.next_command}")
            if row.next_command
            else row
            for row in there.rows
        ),
    )


def _now(cloud: Cloud, where: Place, facts: GroupFacts, region: str) -> RegionNow:
    stacks = group_stacks(cloud)
    found = inventory(cloud)
    left = found.without_cluster(facts[Fact.VPC_ID], *cluster_names(stacks))
    rows = project_rows(stacks, region, where.caller.name, found.nodes())
    rows = with_costs(rows, found, where.caller.account, region)
    jobs = jobs_now(cloud, stacks)
    rows = with_jobs(rows, jobs)
    rows = with_endings(rows, endings(cloud, stacks, jobs))
    return RegionNow(region, rows, tuple(left), found.unknown)

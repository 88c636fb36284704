"""What `gotocloud doctor` looks at; what fails early hides what comes after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gotocloud.aws.billed import inventory
from gotocloud.aws.cloud import Cloud, StandardCloud, answer_of
from gotocloud.aws.clusters import spot_role_of
from gotocloud.aws.deployed import cluster_versions
from gotocloud.aws.desktop_access import close_stale, openings
from gotocloud.aws.group_facts import GroupFacts, read_group_facts
from gotocloud.aws.identity import Caller, ahead_of_header, caller
from gotocloud.aws.live_status import group_stacks
from gotocloud.aws.node_scripts import changed_scripts
from gotocloud.aws.project_search import group_regions
from gotocloud.aws.quotas import cluster_levels
from gotocloud.aws.release_choice import choose_release, published_template
from gotocloud.aws.session import profiles
from gotocloud.contract.group_facts import NO_NETWORKS, Fact
from gotocloud.contract.releases import PROJECT_TEMPLATE
from gotocloud.errors import GoToCloudError
from gotocloud.findings import Finding, Severity, errors
from gotocloud.origin import endpoint
from gotocloud.projects import checkup
from gotocloud.projects.desktop_access import Opening, parse_networks
from gotocloud.projects.names import name_problems
from gotocloud.projects.overview import cluster_names
from gotocloud.projects.preflight import spot_role
from gotocloud.projects.profiles import judge_profile


def findings() -> Iterator[Finding]:
    """Every finding about the caller's access to AWS and the group's account, one by one."""
    if instead := endpoint():
        yield Finding("Endpoint", Severity.OK, f"{instead} stands in for AWS.")
    try:
        cloud: Cloud = StandardCloud()
    except GoToCloudError as error:
        yield _failed("Region", error)
        return
    yield Finding("Region", Severity.OK, f"{cloud.region}.")
    lines = judge_profile(*profiles())
    yield from lines
    if errors(lines):
        # Whatever comes next would fail for the same reason, or request a code in vain.
        return
    answers: list[float | None] = []
    try:
        sts = cloud.client("sts")
        sts.meta.events.register("after-call", _noting_times(answers))
        who = caller(cloud.region, sts=sts)
    except GoToCloudError as error:
        yield _failed("Credentials", error)
        yield checkup.clock(answers[-1] if answers else None)
        return
    yield _who(who)
    yield checkup.clock(answers[-1] if answers else None)
    try:
        facts = read_group_facts(cloud)
    except GoToCloudError as error:
        yield _failed("Group", error)
        return
    yield Finding("Group", Severity.OK, f"{facts.group} in {cloud.region}.")
    yield from _release(cloud, facts)
    yield from _account(cloud, who, facts)
    for region in group_regions(facts)[1:]:
        yield from _elsewhere(region, who)


def _elsewhere(region: str, who: Caller) -> Iterator[Finding]:
    """What costs money or failed in another region of the group."""
    try:
        there = StandardCloud(region)
        facts = read_group_facts(there)
    except GoToCloudError as error:
        text = f"could not be read, so what is billed there is not known: {error.message}"
        yield Finding(region, Severity.UNKNOWN, text, error.remedy)
        return
    for one in _stacks(there, who, facts):
        remedy = one.remedy
        if remedy.startswith("gotocloud "):
            remedy = f"AWS_REGION={region} {remedy}"
        yield replace(one, check=f"{one.check} in {region}", remedy=remedy)


def _release(cloud: Cloud, facts: GroupFacts) -> Iterator[Finding]:
    try:
        release, how = choose_release(cloud, facts, None)
        published_template(cloud, facts, release, PROJECT_TEMPLATE)
    except GoToCloudError as error:
        yield _failed("Release", error)
        return
    yield Finding("Release", Severity.OK, f"{release}, {how}; it can be read and is unchanged.")


def _stacks(cloud: Cloud, who: Caller, facts: GroupFacts) -> Iterator[Finding]:
    try:
        stacks = group_stacks(cloud)
    except GoToCloudError as error:
        yield _failed("Stacks", error)
        return
    yield from checkup.stacks(stacks, who.name)
    yield from _versions(cloud)
    names, clusters = cluster_names(stacks)
    for name in sorted(names):
        yield _scripts(cloud, facts, name)
    found = inventory(cloud)
    left = found.without_cluster(facts[Fact.VPC_ID], names, clusters)
    yield from checkup.leftovers(left, found.unknown, cloud.region)


def _account(cloud: Cloud, who: Caller, facts: GroupFacts) -> Iterator[Finding]:
    yield from _stacks(cloud, who, facts)
    closed, opened, why = _desktops(cloud)
    networks = parse_networks(facts.values.get(Fact.DESKTOP_NETWORKS, NO_NETWORKS))
    yield from checkup.desktops(closed, opened, why, datetime.now(UTC), networks)
    ec2 = cloud.client("ec2")
    subnets, _ = answer_of("list the subnets", lambda: ec2.describe_subnets()["Subnets"])
    levels = cluster_levels(cloud, facts[Fact.ZONE_ID], subnets or ())
    yield from checkup.quotas(levels, cloud.region)
    role, why = answer_of("look up the role for spot", lambda: spot_role_of(cloud) is not None)
    yield spot_role(role, why)


def _versions(cloud: Cloud) -> Iterator[Finding]:
    versions, why = answer_of("list the clusters", lambda: cluster_versions(cloud))
    if versions is None:
        yield Finding("ParallelCluster", Severity.UNKNOWN, f"its versions are not known ({why}).")
        return
    yield from checkup.versions(versions, datetime.now(UTC).date())


def _scripts(cloud: Cloud, facts: GroupFacts, stack: str) -> Finding:
    try:
        return checkup.node_scripts(stack, changed_scripts(cloud, facts, stack))
    except GoToCloudError as error:
        stated = f"{stack}: could not be compared ({error.message})"
        return Finding(checkup.NODE_SCRIPTS, Severity.UNKNOWN, stated, error.remedy)


def _desktops(cloud: Cloud) -> tuple[tuple[Opening, ...], tuple[Opening, ...] | None, str]:
    """Openings of desktops that were closed just now, those that are left, and why not."""
    closed = close_stale(cloud)
    left, why = answer_of("look which desktops are open", lambda: openings(cloud))
    return closed, left, why


def _failed(check: str, error: GoToCloudError) -> Finding:
    stated = "; ".join((error.message, *error.problems))
    return Finding(check, Severity.ERROR, stated, error.remedy)


def _who(who: Caller) -> Finding:
    if found := name_problems(who.name, "any"):
        return Finding("Credentials", Severity.ERROR, found[0], "sign in as yourself")
    return Finding("Credentials", Severity.OK, f"{who.name} in account {who.account}.")


def _noting_times(answers: list[float | None]) -> Callable[..., None]:
    """A listener that compares the clocks at every answer, refusals included."""

    def note(http_response: Any, **_: Any) -> None:
        answers.append(ahead_of_header(http_response.headers.get("date"), datetime.now(UTC)))

    return note

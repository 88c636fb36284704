"""Projects of the caller: what `gotocloud setup` checks and launches."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gotocloud.aws.adoption import Whose, bucket_findings, parameters, whose_bucket
from gotocloud.aws.cloud import Cloud, answer_of
from gotocloud.aws.group_facts import GroupFacts, read_group_facts
from gotocloud.aws.identity import Caller, caller
from gotocloud.aws.launch import settle
from gotocloud.aws.listener import Listener
from gotocloud.aws.live_status import group_stacks
from gotocloud.aws.quotas import project_levels
from gotocloud.aws.release_choice import choose_release, published_template
from gotocloud.aws.removal import remove
from gotocloud.aws.stacks import stack_of
from gotocloud.contract.group_facts import Fact
from gotocloud.contract.project_names import ProjectNames
from gotocloud.contract.releases import PROJECT_TEMPLATE
from gotocloud.contract.stacks import NEVER_ARCHIVED, ProjectParameter
from gotocloud.errors import TELL_MANAGEMENT, GoToCloudError, InputError, shell_line
from gotocloud.files import cache_folder, write_whole
from gotocloud.findings import Finding, Severity, by_severity
from gotocloud.formats import parse_json
from gotocloud.projects.names import name_problems
from gotocloud.projects.overview import project_rows
from gotocloud.projects.plans import StackPlan
from gotocloud.projects.quotas import Level, Quota, quota_finding
from gotocloud.projects.states import State


@dataclass(frozen=True)
class Place:
    """Who works where.

    Args:
        caller: Who is calling.
        facts: The caller's group in the caller's region.
    """

    caller: Caller
    facts: GroupFacts

    def names(self, project: str) -> ProjectNames:
        """What everything of a project is called."""
        return self.caller.names(project)

    def tags(self, project: str) -> dict[str, str]:
        """The group's tags and those of Table S4, which win."""
        return {**self.facts.tags, **self.names(project).tags}


def place(cloud: Cloud) -> Place:
    """Ask AWS who is calling, and for which group.

    Raises:
        GoToCloudError: if it cannot be read, or the account has no group here.
    """
    who = caller(cloud.region, sts=cloud.client("sts"))
    return Place(who, read_group_facts(cloud))


@dataclass(frozen=True)
class Setup:
    """What setting a project up comes down to.

    Args:
        place: Who works where.
        project: The project.
        state: The state of its stack now.
        findings: What was looked at.
        plan: What would be launched; None when the project stands already.
        resources: How many resources that makes.
        remade: Whether the stack stands without its bucket, so that it is removed first.
    """

    place: Place
    project: str
    state: State
    findings: tuple[Finding, ...]
    plan: StackPlan | None
    resources: int = 0
    remade: bool = False


def carry_out(cloud: Cloud, planned: Setup, listener: Listener, *, retry: str) -> None:
    """Have a project stand as planned.

    Raises:
        GoToCloudError: if it cannot be made; running it again goes on.
    """
    if planned.plan is None:
        return
    if planned.remade:
        listener.step(f"The bucket is gone; removing what is left of {planned.plan.name}")
        remove(cloud, stack_of(cloud, planned.plan.name), listener)
    settle(cloud, planned.plan, listener, retry=retry)


def checked_names(where: Place, project: str) -> ProjectNames:
    """What everything of a project is called.

    Raises:
        InputError: if the templates do not take the names.
    """
    if found := name_problems(where.caller.name, project):
        raise InputError(
            "These names cannot be used.",
            problems=found,
            next_command="gotocloud setup",
        )
    return where.names(project)


def plan_setup(
    cloud: Cloud,
    where: Place,
    project: str,
    release: str | None,
    *,
    adopt: bool = False,
    archive_after_days: int = NEVER_ARCHIVED,
) -> Setup:
    """Check everything that a project needs, and report what would be launched.

    Args:
        adopt: Whether to take over a bucket that was kept from before.
        archive_after_days: One of `ARCHIVE_AGES_DAYS`.

    Raises:
        InputError: if the names cannot be used, or the release cannot archive.
        GoToCloudError: if AWS does not answer, or the release cannot be read.
    """
    names = checked_names(where, project)
    state = stack_of(cloud, names.project_stack).state
    remade = state is State.READY and _stands_without_bucket(cloud, names)
    if state is State.READY and not remade:
        return Setup(where, project, state, (), None)
    version, how = choose_release(cloud, where.facts, release)
    url, template = published_template(cloud, where.facts, version, PROJECT_TEMPLATE)
    if archive_after_days and ProjectParameter.ARCHIVE_AFTER_DAYS not in template["Parameters"]:
        raise InputError(
            f"Release {version} has no --archive-after.",
            next_command=shell_line("gotocloud", "setup", project),
        )
    findings = [
        Finding("Group", Severity.OK, f"{where.facts.group} in {cloud.region}."),
        Finding("Release", Severity.OK, f"{version}, {how}; the template is what was published."),
    ]
    if where.facts.tags_unknown:
        text = f"they could not be read ({where.facts.tags_unknown}) and are not put on it."
        findings.append(Finding("The group's own tags", Severity.UNKNOWN, text))
    if remade:
        text = f"{names.bucket} does not exist any more; an empty one is made with a new stack."
        findings.append(Finding("Bucket", Severity.WARNING, text))
    if state in {State.ABSENT, State.FAILED}:
        findings += bucket_findings(cloud, names, template, adopt=adopt)
        findings += _quotas(cloud)
    extra = parameters(adopt=adopt, archive_after_days=archive_after_days)
    plan = _plan(cloud, where, names, version, url, extra)
    resources = len(template["Resources"])
    return Setup(where, project, state, by_severity(findings), plan, resources, remade)


def _require_bucket(cloud: Cloud, names: ProjectNames) -> None:
    if _stands_without_bucket(cloud, names):
        raise GoToCloudError(
            f"The bucket {names.bucket} of {names.project!r} does not exist any more.",
            advice="Setting the project up again makes an empty one.",
            next_command=shell_line("gotocloud", "setup", names.project),
            again=True,
        )


def _stands_without_bucket(cloud: Cloud, names: ProjectNames) -> bool:
    """Whether the bucket of a project that stands is gone.

    Raises:
        GoToCloudError: if it is another account's.
    """
    whose, _ = answer_of(f"look at bucket {names.bucket}", lambda: whose_bucket(cloud, names))
    if whose is Whose.OTHERS:
        raise GoToCloudError(
            f"The bucket {names.bucket} of {names.project!r} is {whose}.",
            advice=f"Use another project name. {TELL_MANAGEMENT}",
        )
    return whose is Whose.NONE


def own_projects(cloud: Cloud, where: Place) -> tuple[str, ...]:
    """The caller's projects, by name."""
    rows = project_rows(group_stacks(cloud), cloud.region, where.caller.name, None)
    found = tuple(row.project for row in rows if row.mine and row.stack)
    _remember(found)
    return found


def _remember(projects: Sequence[str]) -> None:
    """Keep the names for the shell's completion, which has no time to call AWS."""
    path = cache_folder() / "projects.json"
    try:
        try:
            kept = parse_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            kept = {}
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        held = {**kept, os.environ.get("AWS_PROFILE", ""): list(projects)}
        write_whole(path, json.dumps(held))
    except (OSError, TypeError):
        return


def only_project(cloud: Cloud, where: Place, verb: str) -> str:
    """The caller's only project, for a command that was given none.

    Raises:
        InputError: if there is none, or more than one.
    """
    found = own_projects(cloud, where)
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError(
            "You have no project yet; a project is one sample or dataset.",
            next_command="gotocloud setup",
        )
    raise InputError(
        f"You have {len(found)} projects: {', '.join(found)}. Name one of them.",
        next_command=f"gotocloud {verb} {shell_line(found[0])}",
    )


def _plan(
    cloud: Cloud,
    where: Place,
    names: ProjectNames,
    version: str,
    url: str,
    extra: Mapping[str, str],
) -> StackPlan:
    return StackPlan(
        name=names.project_stack,
        region=cloud.region,
        release=version,
        template_url=url,
        role_arn=where.facts[Fact.CLUSTER_SERVICE_ROLE_ARN],
        parameters={
            **names.parameters,
            ProjectParameter.BUCKET_NAME: names.bucket,
            ProjectParameter.KEY_PAIR_NAME: names.base,
            **extra,
        },
        tags=where.tags(names.project),
    )


def _quotas(cloud: Cloud) -> list[Finding]:
    levels = project_levels(cloud)
    return [
        quota_finding(quota, 1, levels.get(quota, Level()), cloud.region, "a project")
        for quota in (Quota.BUCKETS, Quota.STACKS)
    ]


def require_project(cloud: Cloud, names: ProjectNames) -> None:
    """Refuse to work on a project that does not stand.

    Raises:
        GoToCloudError: if it does not exist or is not ready.
    """
    state = stack_of(cloud, names.project_stack).state
    if state is State.READY:
        _require_bucket(cloud, names)
        return
    stated = "does not exist yet" if state is State.ABSENT else f"is {state.value}"
    raise GoToCloudError(
        f"The project {names.project!r} {stated}.",
        next_command=shell_line("gotocloud", "setup", names.project),
        again=True,
    )

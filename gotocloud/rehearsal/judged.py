"""How many API calls of a cluster's life IAM decides, by principal; and the page that shows it."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gotocloud import __version__
from gotocloud.cluster_configs.engine import engine_of
from gotocloud.cluster_configs.model import configuration_names
from gotocloud.errors import GoToCloudError
from gotocloud.platform.load import load_platform
from gotocloud.rehearsal.demo import launching_group
from gotocloud.rehearsal.lives import Life, live
from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.rehearsal.platform import StepContext, deploy_platform, silent_step
from gotocloud.rehearsal.signals import ended_by_signals
from gotocloud.rehearsal.upkeep import PLATFORM, claim_folder
from local_aws.iam.decisions import LOG, Decision, read_decisions

COMMAND = "gotocloud rehearse iam"
COLUMNS = ("principal", "API calls", "of these by CloudFormation", "permissions decided", "denied")
ABOUT = (
    "A scientist starts a cluster of each configuration, ParallelCluster's own library makes it, "
    "its nodes make the calls that ParallelCluster's programs are known to make "
    "([node_calls.py](../gotocloud/rehearsal/node_calls.py)), and the scientist deletes it. "
    "`@cloud-copilot/iam-simulate` decides every call ([iam.md](../local_aws/docs/iam.md)). The "
    "numbers differ a little from run to run, because programs poll."
)
_ROLE = re.compile(r"assumed-role/(?P<role>[^/]+)/")
_OF_A_STACK = re.compile(r"-(?P<logical>[A-Za-z0-9]+)-[0-9A-F]{12}$")
_IN_CLUSTERS = {
    "RoleHeadNode": "head nodes",
    "ComputeFleet": "compute nodes",
    "Cleanup": "clean-up functions",
}
"""How roles of ParallelCluster's own stacks begin; the rest is cut off to 64 characters."""


@dataclass
class IamTally:
    """What IAM decided for one principal.

    Args:
        requests: Numbers of the requests.
        by_cloudformation: Those that CloudFormation made with its permissions.
        permissions: How many actions on resources were looked at.
        denials: Reasons of denials.
    """

    requests: set[int] = field(default_factory=set)
    by_cloudformation: set[int] = field(default_factory=set)
    permissions: int = 0
    denials: list[str] = field(default_factory=list)


def measure(
    state_dir: Path,
    example: Path,
    page: Path,
    step: StepContext = silent_step,
    configurations: Sequence[str] | None = None,
) -> None:
    """Create and delete a cluster of every configuration on a local AWS, and write the page.

    Args:
        state_dir: Folder of the local AWS, which ends in any case.
        example: The platform file.
        page: The page.
        step: Opened for every step.
        configurations: Their names. Default: every one.

    Raises:
        InputError: if a folder or the platform file cannot be used.
        GoToCloudError: if a cluster cannot be made or deleted, or IAM denies a call.
    """
    page.parent.mkdir(parents=True, exist_ok=True)
    LocalAws.refuse_another(state_dir)
    claim_folder(state_dir, (LOG, PLATFORM))
    (state_dir / LOG).unlink(missing_ok=True)
    copy = Path(shutil.copyfile(example, state_dir / PLATFORM))
    platform = load_platform(copy)
    with ended_by_signals():
        local = LocalAws.start(state_dir, account=platform.management.account, iam=True)
        try:
            deploy_platform(local, copy, step=step)
            lives = [
                live(local, platform, launching_group(platform, name), name, step)
                for name in configurations or configuration_names()
            ]
        finally:
            local.stop()
    decisions = list(read_decisions(state_dir))
    refuse_denials(lives, decisions)
    page.write_text(written(lives, decisions), encoding="utf-8")


def refuse_denials(lives: Iterable[Life], decisions: Iterable[Decision]) -> None:
    """Refuse a rehearsal in which IAM denied something.

    Raises:
        GoToCloudError: with every denial.
    """
    problems = [one.reason for one in decisions if not one.allowed]
    problems += [f"{life.configuration}: {text}" for life in lives for text in life.refusals]
    if problems:
        raise GoToCloudError(
            f"IAM denied {len(problems)} calls of a cluster's life.",
            problems=tuple(dict.fromkeys(problems)),
            next_command=COMMAND,
        )


def principal_of(caller: str) -> str:
    """Who makes a call, in words, from the ARN of the caller."""
    found = _ROLE.search(caller)
    if not found:
        return "scientists as IAM users" if ":user/" in caller else caller
    role = found["role"]
    if role.startswith("cdk-"):
        return "roles of the CDK's bootstrap"
    logical = _OF_A_STACK.search(role)
    name = logical["logical"] if logical else ""
    words = [words for beginning, words in _IN_CLUSTERS.items() if name.startswith(beginning)]
    return words[0] if words else f"role `{role}`"


def tallies(decisions: Iterable[Decision]) -> dict[str, IamTally]:
    """What IAM decided, by principal, who calls most first."""
    found: defaultdict[str, IamTally] = defaultdict(IamTally)
    for one in decisions:
        tally = found[principal_of(one.caller)]
        tally.requests.add(one.request)
        tally.permissions += 1
        if one.via:
            tally.by_cloudformation.add(one.request)
        if not one.allowed:
            tally.denials.append(one.reason)
    return dict(sorted(found.items(), key=lambda item: -len(item[1].requests)))


def written(lives: Sequence[Life], decisions: Iterable[Decision]) -> str:
    """The page."""
    counted = tallies(decisions)
    total = sum(len(tally.requests) for tally in counted.values())
    day = datetime.now(UTC).strftime("%d %B %Y")
    clusters = [
        (life.configuration, str(len(life.resource_types)), str(len(life.refusals)))
        for life in lives
    ]
    rows = [
        (
            name,
            f"{len(tally.requests):,}",
            f"{len(tally.by_cloudformation):,}",
            f"{tally.permissions:,}",
            str(len(tally.denials)),
        )
        for name, tally in counted.items()
    ]
    paragraphs = (
        "# What IAM decides in the rehearsal of a cluster",
        f"Written by `{COMMAND}` on {day}, with GoToCloud {__version__} and ParallelCluster "
        f"{engine_of().version}.",
        ABOUT,
        _table(
            ("configuration", "resource types of ParallelCluster's stack", "calls denied"),
            clusters,
        ),
        f"{total:,} API calls were decided:",
        _table(COLUMNS, rows),
        "Not decided: what the CDK's own deployment role does, which may do everything.",
    )
    return "\n\n".join(paragraphs) + "\n"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)

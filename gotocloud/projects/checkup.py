"""What commonly goes wrong, judged from what was found; each finding with its remedy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from ipaddress import IPv4Network

from gotocloud.cluster_configs.engine import ENGINES, SUPPORT_POLICY
from gotocloud.contract.stacks import CLUSTER_STACK_PREFIX, ProjectParameter
from gotocloud.contract.tag_text import from_tag
from gotocloud.contract.tags import IAM_USER_TAG, PROJECT_TAG
from gotocloud.errors import shell_line
from gotocloud.findings import Finding, Severity
from gotocloud.formats import rate_text
from gotocloud.platform.service_quotas import increase_command
from gotocloud.projects.billed import Billed, BilledKind
from gotocloud.projects.deployed_stack import DeployedStack
from gotocloud.projects.desktop_access import Opening
from gotocloud.projects.names import earlier_bucket_note
from gotocloud.projects.preflight import ELASTIC_IPS
from gotocloud.projects.quotas import Levels, Quota
from gotocloud.projects.states import NEVER_READY, State

CLOCK_REFUSED_S = 300
"""Request signatures that are off by more than this are refused.

Source: AWS, "Signature Version 4": a request must reach AWS within five minutes of its time
stamp, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv4.html.
"""

_VERSION = "ParallelCluster"
NODE_SCRIPTS = "Node scripts"
CLOCK_WORTH_A_NOTE_S = 30
OLDEST_PYTHON = (3, 11)


def clock(ahead_s: float | None) -> Finding:
    """Whether this machine's clock agrees with AWS's.

    Args:
        ahead_s: How far it is ahead; None if unknown.
    """
    if ahead_s is None:
        return Finding("Clock", Severity.UNKNOWN, "AWS returned no time to compare with.")
    off = abs(ahead_s)
    way = "ahead of" if ahead_s > 0 else "behind"
    if off < CLOCK_WORTH_A_NOTE_S:
        return Finding("Clock", Severity.OK, "agrees with AWS's.")
    text = f"is {off:,.0f} s {way} AWS's"
    remedy = "set it by the network: sudo timedatectl set-ntp true"
    if off > CLOCK_REFUSED_S:
        return Finding("Clock", Severity.ERROR, f"{text}; AWS refuses requests.", remedy)
    limit = f"{CLOCK_REFUSED_S // 60} min"
    return Finding("Clock", Severity.WARNING, f"{text}; from {limit} on it refuses.", remedy)


def stacks(found: Iterable[DeployedStack], scientist: str) -> list[Finding]:
    """Projects and clusters that are neither ready nor on their way."""
    findings = []
    listed = list(found)
    for one in listed:
        if one.state not in {State.FAILED, State.BROKEN}:
            continue
        reason = f": {one.reason}" if one.reason else ""
        findings.append(
            Finding(
                f"Stack {one.name}",
                Severity.ERROR,
                f"{one.status}{reason}.",
                _stack_remedy(one, scientist),
            )
        )
    findings += [
        Finding(f"Stack {one.name}", Severity.WARNING, f"{note}.", "see docs/deploying.md")
        for one in listed
        if (note := earlier_bucket_note(one.parameter(ProjectParameter.BUCKET_NAME)))
    ]
    if findings:
        return findings
    return [Finding("Stacks", Severity.OK, f"none of {len(listed)} has failed.")]


def versions(clusters: Mapping[str, str], today: date) -> list[Finding]:
    """Clusters whose ParallelCluster AWS supports no longer, or not for long.

    Args:
        clusters: The version of each cluster.
        today: The day.
    """
    findings = []
    for name, version in sorted(clusters.items()):
        engine = ENGINES.get(version)
        if engine is None:
            text = f"{name} runs {version}, which this release of GoToCloud does not have."
            findings.append(Finding(_VERSION, Severity.WARNING, text, f"see {SUPPORT_POLICY}"))
        elif engine.ends_soon(today):
            text = f"{name} runs {version}, which AWS supports until {engine.supported_until}."
            remedy = "gotocloud pause, then start: a new cluster takes the platform's version"
            findings.append(Finding(_VERSION, Severity.WARNING, text, remedy))
        elif engine.supported_until is None:
            text = f"{name} runs {version}; until when AWS supports it is not known here."
            findings.append(Finding(_VERSION, Severity.UNKNOWN, text, f"see {SUPPORT_POLICY}"))
    if findings:
        return findings
    used = ", ".join(sorted({*clusters.values()})) or "no cluster runs"
    return [Finding(_VERSION, Severity.OK, f"{used}; dates of support: {SUPPORT_POLICY}.")]


def node_scripts(stack: str, changed: Sequence[str] | None) -> Finding:
    """Whether machines of a cluster that start from now on would run what was launched.

    Args:
        stack: The name of the cluster's stack.
        changed: Scripts that differ from its template, with why; None if it lists no sums.
    """
    if changed is None:
        text = f"{stack}: its template lists no sums to compare with."
        return Finding(NODE_SCRIPTS, Severity.UNKNOWN, text)
    if not changed:
        return Finding(NODE_SCRIPTS, Severity.OK, f"{stack}: as in its template.")
    text = f"{stack}: machines that start now run others, as root: {'; '.join(changed)}."
    remedy = "pause the cluster before it starts more machines, and tell the management group"
    return Finding(NODE_SCRIPTS, Severity.ERROR, text, remedy)


def leftovers(
    found: Iterable[Billed], unknown: Mapping[BilledKind, str], region: str
) -> list[Finding]:
    """Resources that are billed without a cluster.

    Args:
        found: Each of them.
        unknown: Kinds that could not be listed, with the reason.
        region: Where they are, for their prices.
    """
    findings = [
        Finding(
            "Left over",
            Severity.ERROR,
            f"{one} belongs to no cluster and is billed ({_price(one, region)}).",
            "tell the management group; scientists cannot remove it",
        )
        for one in found
    ]
    findings += [
        Finding("Left over", Severity.UNKNOWN, f"{kind}: could not be listed ({why}).")
        for kind, why in unknown.items()
    ]
    return findings or [Finding("Left over", Severity.OK, "nothing is billed without a cluster.")]


def _price(one: Billed, region: str) -> str:
    usd = one.usd_per_hour(region)
    return "price unknown" if usd is None else f"USD {rate_text(usd)}/h"


def desktops(
    closed: Sequence[Opening],
    left: Sequence[Opening] | None,
    why: str,
    now: datetime,
    allowed: Sequence[IPv4Network] = (),
) -> list[Finding]:
    """Who can reach a desktop of the group.

    Args:
        closed: Openings past their time that were closed just now.
        left: Openings that are there; None when they could not be looked at.
        why: Why they could not.
        now: The time.
        allowed: The group's networks.
    """
    if left is None:
        return [Finding("Desktops", Severity.UNKNOWN, f"who can reach them is not known ({why}).")]
    findings = [
        Finding(
            "Desktops",
            Severity.OK,
            f"closed to {one.network}, which was past its time or too wide "
            f"({one.description or 'by hand'}).",
        )
        for one in closed
    ]
    for one in left:
        if one.stale(now, allowed):
            text = f"open to {one.network}, past its time or too wide "
            text += f"({one.description or 'by hand'})."
            remedy = "gotocloud connect --close, or tell the management group"
            findings.append(Finding("Desktops", Severity.ERROR, text, remedy))
        elif one.until is None:
            text = f"open to {one.network}, without an end."
            remedy = "gotocloud connect --close closes it"
            findings.append(Finding("Desktops", Severity.WARNING, text, remedy))
    return findings or [
        Finding("Desktops", Severity.OK, f"open to {len(left)} network(s), each for a time.")
    ]


def quotas(levels: Levels, region: str) -> list[Finding]:
    """How much of each quota is left; a warning where not even one cluster has room."""
    needed = {Quota.ELASTIC_IPS: ELASTIC_IPS, Quota.NAT_GATEWAYS: 1, Quota.GATEWAY_ENDPOINTS: 2}
    findings = []
    for quota, level in levels.items():
        kind = quota.value
        if level.limit is None or level.left is None:
            why = f" ({level.why})" if level.why else ""
            text = f"not known how much is left{why}."
            findings.append(Finding(kind.name, Severity.UNKNOWN, text))
            continue
        text = f"{level.used or 0:,g} of {level.limit:,g} {kind.unit} used."
        least = needed.get(quota, 1)
        if level.left >= least:
            findings.append(Finding(kind.name, Severity.OK, text))
            continue
        wanted = (level.used or 0) + least
        findings.append(
            Finding(kind.name, Severity.WARNING, text, increase_command(kind, wanted, region))
        )
    return findings


def tools(python: Sequence[int], versions: Mapping[str, str | None]) -> list[Finding]:
    """Programs on this machine.

    Args:
        python: Version of Python.
        versions: Version or place of each program; None when it is not there.
    """
    shown = ".".join(map(str, python[:3]))
    findings = [Finding("Python", Severity.OK, f"{shown}.")]
    if tuple(python[:2]) < OLDEST_PYTHON:
        text = f"{shown} is too old; 3.11 is the oldest that works."
        findings = [Finding("Python", Severity.ERROR, text, "install Python 3.11 or newer")]
    for name, version in versions.items():
        if version is not None:
            findings.append(Finding(name, Severity.OK, f"{version}."))
            continue
        use, remedy = _TOOLS.get(name, ("it is not there", f"install {name}"))
        findings.append(Finding(name, Severity.WARNING, f"not installed: {use}.", remedy))
    return findings


_TOOLS = {
    "aws": (
        "signing on and quota requests need it",
        "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
    ),
    "session-manager-plugin": (
        "tunnels and shells to the head node need it",
        "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
        "session-manager-working-with-install-plugin.html",
    ),
}


def _stack_remedy(stack: DeployedStack, scientist: str) -> str:
    tags = stack.tags
    whose = from_tag(tags.get(IAM_USER_TAG, ""))
    project = from_tag(tags.get(PROJECT_TAG, "PROJECT"))
    if not stack.name.startswith(CLUSTER_STACK_PREFIX):
        remedy = f"{shell_line('gotocloud', 'setup', project)} removes it and makes it again"
        if stack.state is State.BROKEN:
            finishing = shell_line("gotocloud", "finish", project, "--keep-data")
            remedy = f"{finishing}, then setup with --adopt: the data stay"
    elif stack.status in NEVER_READY:
        remedy = f"{shell_line('gotocloud', 'start', project)} removes it and makes it again"
    else:
        remedy = f"{shell_line('gotocloud', 'pause', project)} proves what is left and deletes it"
    return remedy if whose in {scientist, ""} else f"tell {whose}: {remedy}"

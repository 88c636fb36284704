"""Everything that can stand in the way of a cluster, judged before anything is created."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from ipaddress import IPv4Network

from gotocloud.cluster_configs.instances import instance_types
from gotocloud.findings import Finding, Severity, by_severity
from gotocloud.formats import usd_text
from gotocloud.platform.service_quotas import increase_command
from gotocloud.projects.quotas import (
    Level,
    Levels,
    Quota,
    quota_finding,
    vcpu_quota,
)
from gotocloud.projects.shape import ClusterShape, QueueShape

ELASTIC_IPS = 2
"""Of a cluster: the head node's and the NAT gateway's."""

GATEWAY_ENDPOINTS = 2
"""Of a cluster: S3 and DynamoDB."""

SPOT_ROLE = "AWSServiceRoleForEC2Spot"
SPOT_ROLE_COMMAND = "aws iam create-service-linked-role --aws-service-name spot.amazonaws.com"
HOURS_OF_BUDGET = 24
"""A budget that lasts for less than this is worth a warning."""


@dataclass(frozen=True)
class Budget:
    """A group's budget of this month, in USD; None if unknown."""

    limit_usd: Decimal | None = None
    spent_usd: Decimal | None = None
    why: str = ""


@dataclass(frozen=True)
class Observed:
    """AWS's answers about a group's account before a start.

    Args:
        levels: Quotas and what is used of them.
        offered: Instance types that the zone offers; None if unknown.
        zone_id: The zone of the group's network.
        block: Free addresses for the nodes; None when there are none.
        network: The group's network.
        spot_role: Whether EC2's role for spot exists; None if unknown.
        budget: The group's budget.
        unknown: Why a fact could not be read, by its name.
    """

    levels: Levels
    offered: Collection[str] | None
    zone_id: str
    block: IPv4Network | None
    network: IPv4Network
    spot_role: bool | None
    budget: Budget
    unknown: Mapping[str, str] = field(default_factory=dict)


def preflight(
    shape: ClusterShape,
    lustre_gib: int,
    idle_usd_per_hour: Decimal,
    observed: Observed,
    region: str,
    *,
    spot: bool = False,
) -> tuple[Finding, ...]:
    """Every finding about a cluster that is to be started, problems first.

    Args:
        shape: What its template needs.
        lustre_gib: Size of its Lustre.
        idle_usd_per_hour: Known part of its price while nothing runs.
        observed: AWS's answers.
        region: Where.
        spot: Whether spot is preferred: then it must be possible, not only the rest.
    """
    return by_severity(
        [
            *_head_node(shape, observed, region),
            *_fixed_parts(shape, lustre_gib, observed, region),
            _addresses(observed),
            *_offerings(shape, observed),
            *_queues(shape, observed, region, spot=spot),
            *_spot_role(shape, observed, needed=spot),
            _budget(idle_usd_per_hour, observed.budget),
        ]
    )


def _head_node(shape: ClusterShape, observed: Observed, region: str) -> list[Finding]:
    quota, vcpus = vcpu_quota(shape.head_node, spot=False), _vcpus(shape.head_node)
    what = f"the head node ({shape.head_node})"
    if quota is None or vcpus is None:
        text = f"{what} counts against a quota that is not known here."
        return [Finding("Head node", Severity.UNKNOWN, text)]
    return [quota_finding(quota, vcpus, _level(observed, quota), region, what)]


def _fixed_parts(
    shape: ClusterShape, lustre_gib: int, observed: Observed, region: str
) -> list[Finding]:
    systems, gib = (
        (Quota.PERSISTENT_FILE_SYSTEMS, Quota.PERSISTENT_GIB)
        if shape.lustre_type.startswith("PERSISTENT")
        else (Quota.SCRATCH_FILE_SYSTEMS, Quota.SCRATCH_GIB)
    )
    wanted = {
        Quota.ELASTIC_IPS: (ELASTIC_IPS, "a cluster"),
        Quota.NAT_GATEWAYS: (1, "a cluster"),
        Quota.GATEWAY_ENDPOINTS: (GATEWAY_ENDPOINTS, "a cluster"),
        systems: (1, "Lustre"),
        gib: (lustre_gib, "Lustre"),
    }
    return [
        quota_finding(quota, count, _level(observed, quota), region, what)
        for quota, (count, what) in wanted.items()
    ]


def _addresses(observed: Observed) -> Finding:
    check = "Address block"
    if observed.block is not None:
        text = f"the nodes get {observed.block} of the group's {observed.network}."
        return Finding(check, Severity.OK, text)
    return Finding(
        check,
        Severity.ERROR,
        f"every /24 of the group's network {observed.network} is taken: fifteen clusters "
        "have room in it.",
        "pause an unused cluster of the group; gotocloud status lists them",
    )


def _offerings(shape: ClusterShape, observed: Observed) -> list[Finding]:
    check = f"Instance types in {observed.zone_id}"
    if observed.offered is None:
        why = observed.unknown.get("offerings", "EC2 gave no answer")
        return [Finding(check, Severity.UNKNOWN, f"what the zone offers is not known ({why}).")]
    if shape.head_node not in observed.offered:
        text = f"the head node's type {shape.head_node} is not offered there."
        return [Finding(check, Severity.ERROR, text, "tell the management group")]
    missing: dict[str, list[str]] = defaultdict(list)
    for queue in shape.queues:
        if queue.instance_type not in observed.offered:
            missing[queue.instance_type].append(queue.name)
    if not missing:
        return [Finding(check, Severity.OK, f"all {len(shape.types)} types are offered.")]
    listed = "; ".join(f"{kind} (queues {', '.join(names)})" for kind, names in missing.items())
    text = f"not offered any more: {listed}. Jobs in these queues cannot start."
    return [Finding(check, Severity.WARNING, text, "tell the management group")]


def _queues(shape: ClusterShape, observed: Observed, region: str, *, spot: bool) -> list[Finding]:
    families: dict[Quota, list[QueueShape]] = defaultdict(list)
    for queue in shape.queues:
        quota = vcpu_quota(queue.instance_type, spot=queue.spot)
        if quota is not None and queue.vcpus_per_node is not None:
            families[quota].append(queue)
    reserved = vcpu_quota(shape.head_node, spot=False), _vcpus(shape.head_node) or 0
    findings = []
    startable: list[bool | None] = []
    on_spot: list[bool | None] = []
    for quota, queues in families.items():
        level = _level(observed, quota)
        left = level.left
        if left is not None and quota is reserved[0]:
            left = max(left - reserved[1], 0)
        findings.append(_family(quota, queues, level, left, region))
        can = [None if left is None else left >= _one(queue) for queue in queues]
        startable += can
        on_spot += [it for it, queue in zip(can, queues, strict=True) if queue.spot]
    if startable and not any(one is not False for one in startable):
        findings.append(
            Finding(
                "Queues",
                Severity.ERROR,
                "no queue could start a single node: a cluster would cost money and compute "
                "nothing.",
                "have one of the vCPU quotas above raised first; the request takes AWS hours "
                "to days",
            )
        )
    elif spot and not any(one is not False for one in on_spot):
        findings.append(
            Finding(
                "Spot",
                Severity.ERROR,
                "--spot was given, and no spot queue could start a single node.",
                "start without --spot, or have a spot quota above raised first; the request "
                "takes AWS hours to days",
            )
        )
    return findings


def _family(
    quota: Quota, queues: list[QueueShape], level: Level, left: float | None, region: str
) -> Finding:
    """One finding for all queues that share a quota."""
    kind = quota.value
    largest = max(queue.max_nodes * _one(queue) for queue in queues)
    if left is None:
        why = f" ({level.why})" if level.why else ""
        text = f"the largest queue needs {largest:,} vCPUs; what there is is not known{why}."
        return Finding(kind.name, Severity.UNKNOWN, text)
    small = [queue for queue in queues if queue.max_nodes * _one(queue) > left]
    used = (level.limit or 0) - left
    if not small:
        text = f"{left:,g} vCPUs are left; each queue can reach its full size."
        return Finding(kind.name, Severity.OK, text)
    listed = "; ".join(
        f"{queue.name} gets {int(left // _one(queue))} of {queue.max_nodes} x "
        f"{queue.instance_type} ({queue.max_nodes * _one(queue):,} vCPUs)"
        for queue in small
    )
    return Finding(
        kind.name,
        Severity.WARNING,
        f"{left:,g} of {level.limit or 0:,g} vCPUs are left for queues; {listed}.",
        f"for the largest queue at its full size: {increase_command(kind, used + largest, region)}",
    )


def _spot_role(shape: ClusterShape, observed: Observed, *, needed: bool) -> list[Finding]:
    if not any(queue.spot for queue in shape.queues):
        return []
    why = observed.unknown.get("spot role", "IAM gave no answer")
    return [spot_role(observed.spot_role, why, needed=needed)]


def spot_role(exists: bool | None, why: str, *, needed: bool = False) -> Finding:
    """Whether the account has EC2's role for spot, which a new account lacks.

    Args:
        exists: None if it is not known.
        why: Why it is not known.
        needed: Whether nothing but spot will do.
    """
    check = "Spot role"
    if exists is None:
        text = f"whether {SPOT_ROLE} exists is not known ({why})."
        return Finding(check, Severity.UNKNOWN, text)
    if exists:
        return Finding(check, Severity.OK, f"{SPOT_ROLE} exists.")
    return Finding(
        check,
        Severity.ERROR if needed else Severity.WARNING,
        f"the account has no {SPOT_ROLE}: the first spot node may be refused.",
        f"an administrator of the account types: {SPOT_ROLE_COMMAND}",
    )


def _budget(idle_usd_per_hour: Decimal, budget: Budget) -> Finding:
    check = "Budget of this month"
    if budget.limit_usd is None or budget.spent_usd is None:
        why = f" ({budget.why})" if budget.why else ""
        return Finding(check, Severity.UNKNOWN, f"what is left of it is not known{why}.")
    left = budget.limit_usd - budget.spent_usd
    text = f"USD {usd_text(left)} of {usd_text(budget.limit_usd)} are left"
    if left <= 0:
        return Finding(
            check,
            Severity.WARNING,
            f"{text}. Nothing is stopped, but the group has spent what it meant to spend.",
            "ask the head of the group before going on",
        )
    if idle_usd_per_hour * HOURS_OF_BUDGET > left:
        hours = left / idle_usd_per_hour
        return Finding(
            check,
            Severity.WARNING,
            f"{text}: {hours:.0f} hours of this cluster while nothing runs.",
            "pause the cluster as soon as its work is done",
        )
    return Finding(check, Severity.OK, f"{text}.")


def _level(observed: Observed, quota: Quota) -> Level:
    return observed.levels.get(quota, Level(why="it is not listed"))


def _one(queue: QueueShape) -> int:
    return queue.vcpus_per_node or 0


def _vcpus(instance_type: str) -> int | None:
    machine = instance_types().get(instance_type)
    return machine.vcpus if machine else None

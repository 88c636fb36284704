"""Why a stack failed, in a scientist's words, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """What kind of failure it was."""

    ADDRESSES = "addresses"
    BOOTSTRAP = "bootstrap"
    CAPACITY = "capacity"
    CREDENTIALS = "credentials"
    EXISTS = "exists"
    PERMISSIONS = "permissions"
    QUOTA = "quota"
    UNKNOWN = "unknown"
    VALIDATION = "validation"


@dataclass(frozen=True)
class Failure:
    """One resource that could not be made.

    Args:
        resource: Its name in the template.
        resource_type: CloudFormation's type.
        reason: AWS's message.
    """

    resource: str
    resource_type: str
    reason: str


@dataclass(frozen=True)
class Diagnosis:
    """The report about a failed stack.

    Args:
        cause: The kind of failure.
        summary: One sentence.
        details: AWS's messages, a line each, without the noise.
        remedy: What to do, as a sentence.
        command: What to type after that.
    """

    cause: Cause
    summary: str
    details: tuple[str, ...]
    remedy: str
    command: str


_PATTERNS: tuple[tuple[Cause, str], ...] = (
    (Cause.ADDRESSES, r"InvalidSubnet\.Conflict|CIDR .*conflicts|conflicts with another subnet"),
    (Cause.VALIDATION, r"[A-Z]\w*Validator\b|nvalid cluster configuration|onfiguration_validation"),
    (Cause.CREDENTIALS, r"ExpiredToken|security token .* expired|InvalidClientTokenId"),
    (
        Cause.CAPACITY,
        r"Insufficient\w*Capacity|nsufficient capacity|not have sufficient|"
        r"capacity is (?:currently )?not available",
    ),
    (
        Cause.QUOTA,
        r"LimitExceeded|limit exceeded|MaxSpotInstanceCount|maximum number of|"
        r"exceed\w* .*(?:quota|limit)|(?:quota|limit)\b.*(?:exceeded|reached)",
    ),
    (
        Cause.PERMISSIONS,
        r"AccessDenied|[Aa]ccess [Dd]enied|not authorized|UnauthorizedOperation|"
        r"cannot be assumed|permissions boundary",
    ),
    (Cause.EXISTS, r"already exists|AlreadyExists|AlreadyOwned|InvalidKeyPair\.Duplicate"),
    (
        Cause.BOOTSTRAP,
        r"[Bb]ootstrap|WaitCondition|failed to signal|timed out|did not stabilize|"
        r"HeadNode.*(?:fail|tim)",
    ),
)

_EXPLANATIONS = {
    Cause.ADDRESSES: (
        "Another launch took the same addresses at the same moment.",
        "The next attempt takes the next free block.",
    ),
    Cause.BOOTSTRAP: (
        "The head node did not come up.",
        "Its log is in CloudWatch (log group /aws/parallelcluster/…, chef-client and "
        "cloud-init-output). If it fails twice, tell the management group: software or node "
        "script may be at fault.",
    ),
    Cause.CAPACITY: (
        "AWS has no such machine free in this zone at the moment.",
        "Try again in an hour, or with another configuration (gotocloud cluster list).",
    ),
    Cause.CREDENTIALS: (
        "The credentials expired on the way.",
        "Sign in again first.",
    ),
    Cause.EXISTS: (
        "Something of that name exists already, left over from before.",
        "gotocloud doctor names it; ask the management group to remove it.",
    ),
    Cause.PERMISSIONS: (
        "AWS refused a step for lack of permission.",
        "Tell the management group, with the lines above: the group's account is not set up "
        "for this release.",
    ),
    Cause.QUOTA: (
        "A quota of the account is used up.",
        "gotocloud doctor shows the quotas; pause an unused cluster or have the quota raised.",
    ),
    Cause.UNKNOWN: (
        "AWS could not make it.",
        "If it fails twice, tell the management group, with the lines above.",
    ),
    Cause.VALIDATION: (
        "ParallelCluster does not accept the configuration of this release.",
        "Choose another release with --release, and tell the management group what its "
        "validators report.",
    ),
}

# As text ("XValidator: …;") and as the provider's JSON ("type": "XValidator", "message": "…").
_VALIDATOR = re.compile(
    r"(?P<name>[A-Z]\w*Validator)\W+(?:message\W+)?(?P<text>[^;\n\"]*[^;\n\"\s])"
)
_NOISE = re.compile(
    r"\s*\((?:Service: [^)]*|RequestToken: [^)]*)\)|"
    r"\s*Encoded authorization failure message: \S+|"
    r"\s*See the details in CloudWatch Log Stream: \S+"
)
_FOLLOWS = re.compile(r"cancelled|The following resource\(s\) failed", re.IGNORECASE)


def diagnose(failures: Iterable[Failure], *, retry: str) -> Diagnosis:
    """State why a stack failed.

    Args:
        failures: Every resource that failed, the first one first.
        retry: The command that tries again.
    """
    reported = [one for one in failures if one.reason and not _FOLLOWS.search(one.reason)]
    causes = [(_cause(one.reason), one) for one in reported]
    cause = next((found for found, _ in causes if found is not Cause.UNKNOWN), Cause.UNKNOWN)
    summary, remedy = _EXPLANATIONS[cause]
    details = [line for _, one in causes for line in _lines(one)]
    return Diagnosis(
        cause=cause,
        summary=summary,
        details=tuple(dict.fromkeys(details)),
        remedy=remedy,
        command=retry,
    )


def plain_reason(reason: str) -> str:
    """AWS's message without request ids and encoded parts."""
    return _NOISE.sub("", reason).strip()


def _cause(reason: str) -> Cause:
    return next((cause for cause, text in _PATTERNS if re.search(text, reason)), Cause.UNKNOWN)


def _lines(failure: Failure) -> list[str]:
    validators = [
        f"{found['name']}: {found['text'].strip()}" for found in _VALIDATOR.finditer(failure.reason)
    ]
    where = f"{failure.resource} ({failure.resource_type})"
    return validators or [f"{where}: {plain_reason(failure.reason)}"]

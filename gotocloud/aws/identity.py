"""Who is calling: what the names of a scientist's projects follow from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from gotocloud.aws.session import WHO_AM_I, client, explained
from gotocloud.contract.project_names import ProjectNames
from gotocloud.errors import GoToCloudError


@dataclass(frozen=True)
class Caller:
    """The identity that the credentials belong to.

    Args:
        name: Name of the IAM user, or of the session when a role was assumed; the role of
            scientists takes no other session name than that of its user.
    """

    name: str
    account: str
    arn: str = ""

    def names(self, project: str) -> ProjectNames:
        """What everything of one of the caller's projects is called."""
        return ProjectNames(self.name, self.account, project)


def caller(region: str, *, sts: Any = None) -> Caller:
    """The identity of the standard configuration.

    Args:
        sts: STS client. Default: that of the standard configuration.

    Raises:
        GoToCloudError: if AWS does not answer, or the identity has no name.
    """
    sts = sts or client("sts", region)
    with explained("ask AWS who is calling"):
        found = sts.get_caller_identity()
    name = name_in(found["Arn"])
    if name is None:
        raise GoToCloudError(
            f"These credentials are not those of a scientist: {found['Arn']}.",
            next_command=WHO_AM_I,
        )
    return Caller(name, str(found["Account"]), found["Arn"])


def name_in(arn: str) -> str | None:
    """The person's name in an ARN of STS; None for the root user and AWS's services."""
    kind, _, rest = arn.split(":", 5)[-1].partition("/")
    if kind not in {"user", "assumed-role", "federated-user"}:
        return None
    return rest.rsplit("/", 1)[-1] or None


def ahead_of_header(date: str | None, now: datetime) -> float | None:
    """Seconds that `now` is ahead of a `Date` header; None if there is none to read."""
    try:
        return (now - parsedate_to_datetime(date or "")).total_seconds()
    except (TypeError, ValueError):
        return None

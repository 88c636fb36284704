"""The association of Lustre with the project's bucket: its automatic export, off and on.

FSx runs no export task while files are exported automatically. Source: FSx for Lustre User
Guide, "Exporting changes to the data repository", read 2026-11-22.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.session import explained
from gotocloud.errors import TELL_MANAGEMENT, GoToCloudError
from gotocloud.waiting import Sleep, looks

EVENTS = ("NEW", "CHANGED", "DELETED")
"""As the cluster's template sets it."""

POLL_S = 2.0
TIMEOUT_S = 1800.0


class NotLinkedError(GoToCloudError):
    """A Lustre is not associated with exactly one bucket as a whole."""


@dataclass(frozen=True)
class Link:
    """An association as FSx describes it."""

    id: str
    bucket: str
    state: str
    automatic: tuple[str, ...]


def link_of(cloud: Cloud, file_system: str) -> Link:
    """The association of a cluster's Lustre.

    Raises:
        NotLinkedError: if it has none, or more than one, or not the whole of it is associated.
        GoToCloudError: if FSx does not answer.
    """
    fsx = cloud.client("fsx")
    with explained(f"look at the association of {file_system} with its bucket"):
        try:
            found = fsx.describe_data_repository_associations(
                Filters=[{"Name": "file-system-id", "Values": [file_system]}]
            )["Associations"]
        except fsx.exceptions.FileSystemNotFound:
            found = []
    if len(found) != 1 or found[0].get("FileSystemPath", "/") != "/":
        raise NotLinkedError(
            f"Lustre {file_system} is not associated with exactly one bucket as a whole: what "
            "is on it cannot be proven to be in the bucket. The cluster is kept.",
            advice=TELL_MANAGEMENT,
            next_command="gotocloud doctor",
        )
    return _link(found[0])


def automatic_export(cloud: Cloud, link: Link, *, on: bool, sleep: Sleep = time.sleep) -> None:
    """Switch the automatic export, and wait until FSx has done it.

    Raises:
        GoToCloudError: if FSx does not, within half an hour.
    """
    wanted = EVENTS if on else ()
    fsx = cloud.client("fsx")
    doing = f"switch the automatic export of {link.id} {'on' if on else 'off'}"
    if set(link.automatic) != set(wanted):
        with explained(doing):
            fsx.update_data_repository_association(
                AssociationId=link.id, S3={"AutoExportPolicy": {"Events": list(wanted)}}
            )
    for _ in looks(POLL_S, within_s=TIMEOUT_S, sleep=sleep):
        with explained(doing):
            found = fsx.describe_data_repository_associations(AssociationIds=[link.id])
        now = _link(found["Associations"][0])
        if now.state in {"AVAILABLE", "MISCONFIGURED"} and set(now.automatic) == set(wanted):
            return
        if now.state == "FAILED":
            break
    raise GoToCloudError(
        f"Cannot {doing}: it is {now.state}. The cluster is kept.", next_command="gotocloud doctor"
    )


def _link(found: dict[str, Any]) -> Link:
    policy = (found.get("S3") or {}).get("AutoExportPolicy") or {}
    return Link(
        id=found["AssociationId"],
        bucket=found["DataRepositoryPath"].removeprefix("s3://").partition("/")[0],
        state=found["Lifecycle"],
        automatic=tuple(policy.get("Events") or ()),
    )

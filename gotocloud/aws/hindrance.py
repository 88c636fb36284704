"""What makes a proof impossible, so that a cluster could never be paused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gotocloud.aws.adoption import Whose, whose_bucket
from gotocloud.aws.cloud import Cloud
from gotocloud.aws.head_node import NodeError
from gotocloud.aws.local_node import Runner
from gotocloud.aws.lustre_export.link import NotLinkedError, link_of
from gotocloud.aws.lustre_export.proof import look
from gotocloud.contract.project_names import ProjectNames
from gotocloud.errors import GoToCloudError, shell_line

WITHOUT_PROOF = "--without-proof"


@dataclass(frozen=True)
class Hindrance:
    """Why nothing can be proven.

    Args:
        why: A sentence.
        first: What to type before the pause; empty where nothing else helps.
    """

    why: str
    first: str = ""


def hindrance(
    cloud: Cloud, names: ProjectNames, file_system: str, node: Runner | None
) -> Hindrance | None:
    """What makes a proof impossible now; None when nothing does.

    A look that AWS does not answer hides none of the others.

    Raises:
        GoToCloudError: if AWS does not answer, and no other look finds anything.
    """
    if node is None or not file_system:
        return Hindrance("It has neither its head node nor its Lustre.")
    looks: tuple[Callable[[], Hindrance | None], ...] = (
        lambda: _of_bucket(cloud, names),
        lambda: _of_link(cloud, file_system),
        lambda: _of_node(node),
    )
    unanswered: list[GoToCloudError] = []
    for find in looks:
        try:
            if found := find():
                return found
        except GoToCloudError as error:
            unanswered.append(error)
    if unanswered:
        raise unanswered[0]
    return None


def _of_bucket(cloud: Cloud, names: ProjectNames) -> Hindrance | None:
    whose = whose_bucket(cloud, names)
    if whose is Whose.OTHERS:
        return Hindrance(f"Its bucket {names.bucket} is {whose}.")
    if whose is Whose.NONE:
        making = shell_line("gotocloud", "setup", names.project)
        return Hindrance(f"Its bucket {names.bucket} does not exist any more.", making)
    return None


def _of_link(cloud: Cloud, file_system: str) -> Hindrance | None:
    try:
        link = link_of(cloud, file_system)
    except NotLinkedError as error:
        return Hindrance(error.message)
    if link.state in {"FAILED", "DELETING"}:
        return Hindrance(f"The association of its Lustre with the bucket is {link.state}.")
    return None


def _of_node(node: Runner) -> Hindrance | None:
    try:
        look(node)
    except NodeError as error:
        return Hindrance(error.message)
    return None


def unprovable(names: ProjectNames, status: str, found: Hindrance) -> GoToCloudError:
    """The error about a cluster of which nothing can be proven, with the way out."""
    retry = shell_line("gotocloud", "pause", names.project)
    if found.first:
        return GoToCloudError(
            f"The cluster of {names.project!r} cannot be proven to be in its bucket. {found.why} "
            "It is kept, and billed.",
            next_command=f"{found.first} && {retry}",
        )
    return GoToCloudError(
        f"The cluster of {names.project!r} ({status}) cannot be proven to be in its bucket. "
        f"{found.why} It is kept, and billed.",
        advice="If it stays so, only a deletion without a proof ends it: what is on its Lustre "
        "and not in the bucket is then lost.",
        next_command=f"{retry} {WITHOUT_PROOF}",
    )

"""Archives what people wrote on the head node's own disks onto Lustre, before the export."""

from __future__ import annotations

from importlib.resources import files

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.head_node import LONG_S, NodeError
from gotocloud.aws.local_node import Runner
from gotocloud.aws.session import ABSENT_OBJECT, error_code, explained
from gotocloud.contract.head_node import LUSTRE_MOUNT
from gotocloud.contract.project_bucket import HOME_ARCHIVE
from gotocloud.errors import GoToCloudError
from gotocloud.projects.home_archive import CODE_TOO_LARGE, LIMIT_GIB, HomeArchive, read_home
from gotocloud.projects.pausing import node_package

GIB = 1024**3


def archive_home(cloud: Cloud, node: Runner, bucket: str, retry: str) -> HomeArchive:
    """Write the archive onto Lustre, beside the live files.

    Raises:
        GoToCloudError: if it cannot be written; the cluster is kept.
    """
    earlier = "1" if _has_archive(cloud, bucket) else "0"
    limit = str(LIMIT_GIB * GIB)
    return _run(node, retry, "archive", LUSTRE_MOUNT, limit, earlier)


def look_at_home(node: Runner, retry: str) -> HomeArchive:
    """What an archive would hold now.

    Raises:
        GoToCloudError: if it cannot be seen; the cluster is kept.
    """
    return _run(node, retry, "look", LUSTRE_MOUNT)


def home_program(*arguments: str) -> str:
    """The program on the head node that archives, or looks."""
    folder = files("gotocloud.node")
    sources = {
        f"gotocloud/node/{name}": (folder / name).read_text()
        for name in ("home.py", "home_listing.py")
    }
    sources["__main__.py"] = (folder / "home_archive.py").read_text()
    return node_package(sources, *arguments)


def _run(node: Runner, retry: str, *arguments: str) -> HomeArchive:
    try:
        text = node.run(home_program(*arguments), "archive /home", timeout_s=LONG_S)
    except NodeError as error:
        if error.code != CODE_TOO_LARGE:
            raise
        raise GoToCloudError(
            "What is on the head node's own disks is too large to be archived. The cluster is "
            "kept, and billed.",
            problems=error.problems,
            advice=f"In a shell on the head node, move the largest to {LUSTRE_MOUNT}, or delete "
            "what is not needed; then pause again.",
            next_command="gotocloud ssh",
        ) from error
    try:
        return read_home(text)
    except ValueError as error:
        raise GoToCloudError(
            f"/home cannot be archived: {error}. The cluster is kept.", next_command=retry
        ) from error


def _has_archive(cloud: Cloud, bucket: str) -> bool:
    s3 = cloud.client("s3")
    with explained(f"look for an archive of /home in {bucket}"):
        try:
            s3.head_object(Bucket=bucket, Key=HOME_ARCHIVE)
        except s3.exceptions.ClientError as error:
            if error_code(error) in ABSENT_OBJECT:
                return False
            raise
    return True

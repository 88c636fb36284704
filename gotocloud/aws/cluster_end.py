"""Until when clusters are kept, from AWS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.session import ABSENT_BUCKET, ABSENT_OBJECT, error_code, explained
from gotocloud.contract.project_bucket import GUARD_NOTICE, KEEP_UNTIL
from gotocloud.contract.stacks import CLUSTER_STACK_PREFIX, ClusterParameter
from gotocloud.errors import GoToCloudError
from gotocloud.projects.cluster_end import ClusterEnd, guard_notice, kept_longer, kept_until
from gotocloud.projects.deployed_stack import DeployedStack
from gotocloud.projects.jobs_now import UNREAD, JobsNow
from gotocloud.projects.states import State


def endings(
    cloud: Cloud, stacks: Iterable[DeployedStack], jobs: Mapping[str, JobsNow]
) -> dict[str, ClusterEnd]:
    """How the clusters that run will end by themselves, by the name of their stack.

    Nothing is raised: what cannot be read has its reason.

    Args:
        jobs: The answers of their head nodes, which state whether they have a guard.
    """
    return {
        one.name: ending(cloud, one, jobs.get(one.name, UNREAD))
        for one in stacks
        if one.name.startswith(CLUSTER_STACK_PREFIX) and one.state is State.READY
    }


def ending(cloud: Cloud, stack: DeployedStack, node: JobsNow) -> ClusterEnd:
    """How a cluster that runs will end by itself.

    Args:
        node: The answer of its head node, which states whether it has a guard.
    """
    if not stack.parameter(ClusterParameter.KEEP_HOURS) or node.guarded is False:
        return ClusterEnd(guarded=False)
    if node.guarded is None:
        return ClusterEnd(why=f"whether it has an idle guard: {node.why}")
    try:
        notice = guard_notice(stack.stack_id, _kept(cloud, stack, GUARD_NOTICE))
        return ClusterEnd(until=deadline(cloud, stack), notice=notice)
    except GoToCloudError as error:
        return ClusterEnd(why=error.message)


def deadline(cloud: Cloud, stack: DeployedStack) -> datetime | None:
    """Until when a cluster is kept; None while only use keeps it.

    Raises:
        GoToCloudError: if it cannot be read, or its content is not valid.
    """
    try:
        return kept_until(
            stack.stack_id,
            datetime.fromisoformat(stack.created),
            stack.parameters,
            _kept(cloud, stack, KEEP_UNTIL),
        )
    except ValueError as error:
        raise GoToCloudError(
            f"Until when the cluster is kept is not known: {error}",
            advice="Another --keep-for writes it again.",
            next_command="gotocloud start --keep-for 24",
        ) from error


def keep(cloud: Cloud, stack: DeployedStack, hours: int, scientist: str) -> datetime:
    """Keep a cluster for so many hours from now; returns until when.

    Raises:
        GoToCloudError: if it cannot be written down.
    """
    body, until = kept_longer(stack.stack_id, hours, scientist, datetime.now(UTC))
    with explained(f"keep the cluster for {hours} hours"):
        cloud.client("s3").put_object(
            Bucket=stack.parameters[ClusterParameter.BUCKET_NAME],
            Key=KEEP_UNTIL,
            Body=body,
            ContentType="application/json",
        )
    return until


def _kept(cloud: Cloud, stack: DeployedStack, key: str) -> bytes | None:
    s3, bucket = cloud.client("s3"), stack.parameter(ClusterParameter.BUCKET_NAME)
    with explained(f"read s3://{bucket}/{key}"):
        try:
            content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except s3.exceptions.ClientError as error:
            if error_code(error) in ABSENT_OBJECT | ABSENT_BUCKET:
                return None
            raise
    return content

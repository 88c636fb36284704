"""Pauses a cluster: nothing of it is deleted before its data are proven to be in the bucket.

The order of the steps is what makes it safe to be killed anywhere: until the proof is kept,
nothing is deleted; from then on, everything that is left is deleted. Running it again does
what is left to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from gotocloud.aws.billed import billed_for
from gotocloud.aws.cloud import Cloud
from gotocloud.aws.head_node import HeadNode, NodeError
from gotocloud.aws.hindrance import Hindrance, hindrance, unprovable
from gotocloud.aws.listener import Listener
from gotocloud.aws.local_node import Runner
from gotocloud.aws.lustre_export.link import EVENTS, Link, automatic_export, link_of
from gotocloud.aws.lustre_export.proof import ExportSite, look, prove
from gotocloud.aws.removal import begin_removal, remove
from gotocloud.aws.session import error_code, explained
from gotocloud.aws.stacks import stack_of
from gotocloud.contract.project_bucket import PROOF, PROOFS
from gotocloud.contract.project_names import ProjectNames
from gotocloud.contract.proofs import proof_text, proves, read_proof
from gotocloud.contract.stacks import ClusterOutput, ClusterParameter
from gotocloud.errors import TELL_MANAGEMENT, GoToCloudError, InputError, shell_line
from gotocloud.projects.deployed_stack import DeployedStack
from gotocloud.projects.names import earlier_bucket_note
from gotocloud.projects.pausing import CLOSE, OPEN, Proof, UnfinishedJob, cancel_script
from gotocloud.projects.states import NEVER_READY, State
from gotocloud.waiting import Sleep, looks

JOBS_POLL_S = 15.0
BILLS_POLL_S = 5.0
BILLS_TIMEOUT_S = 1800.0


@dataclass(frozen=True)
class ClusterState:
    """A cluster as it stands before it is paused.

    Args:
        node: Its head node; None when it has none.
    """

    names: ProjectNames
    stack: DeployedStack
    file_system: str = ""
    node: Runner | None = None

    @property
    def state(self) -> State:
        """What the status of its stack means."""
        return self.stack.state

    @property
    def status(self) -> str:
        """CloudFormation's status."""
        return self.stack.status or "absent"

    @property
    def may_hold_data(self) -> bool:
        """Whether its Lustre may hold files that are nowhere else."""
        return (
            self.state in {State.READY, State.BROKEN, State.FAILED}
            and self.status not in NEVER_READY
        )

    @property
    def retry(self) -> str:
        """The command that goes on with it."""
        return shell_line("gotocloud", "pause", self.names.project)


@dataclass(frozen=True)
class PauseOptions:
    """What to do about jobs, and how much is read.

    Args:
        wait: Wait for jobs. Default: refuse while there are any.
        cancel: Cancel them.
        checksum_gib: How much of Lustre is read to compare checksums.
        in_use: Returns at the very end why the cluster should be kept after all. Default: no
            check.
        follow: Wait until everything is deleted. Default: yes; a head node that pauses its own
            cluster cannot.
        without_proof: Delete what cannot be proven. Default: it is kept.
    """

    wait: bool = False
    cancel: bool = False
    checksum_gib: int = 100
    in_use: Callable[[], tuple[str, ...]] = tuple
    follow: bool = True
    without_proof: bool = False


def cluster_state(cloud: Cloud, names: ProjectNames, *, sleep: Sleep = time.sleep) -> ClusterState:
    """The cluster of a project as it stands.

    Raises:
        GoToCloudError: if AWS does not answer.
    """
    stack = stack_of(cloud, names.cluster_stack)
    instance = stack.outputs.get(ClusterOutput.HEAD_NODE_INSTANCE_ID, "")
    return ClusterState(
        names,
        stack,
        stack.outputs.get(ClusterOutput.LUSTRE_FILE_SYSTEM_ID, ""),
        HeadNode(cloud, instance, sleep=sleep) if instance else None,
    )


def jobs_of(now: ClusterState) -> tuple[UnfinishedJob, ...] | None:
    """Jobs that are not finished; None where there is nothing to ask.

    Raises:
        GoToCloudError: if the head node does not answer.
    """
    if now.node is None or now.state not in {State.READY, State.BROKEN}:
        return None
    return look(now.node).jobs


def pause(
    cloud: Cloud, now: ClusterState, options: PauseOptions, listener: Listener
) -> Proof | None:
    """Pause a cluster; None when there was nothing to prove any more.

    Raises:
        UnprovenError: if not everything is in the bucket; the cluster is kept.
        GoToCloudError: if jobs run, or AWS does not answer.
    """
    proof = None
    if now.state is not State.ABSENT and (note := earlier_bucket_note(_bucket(now))):
        listener.step(f"Note: {note}")
    if now.state is State.MAKING:
        raise GoToCloudError(
            f"The cluster of {now.names.project!r} is just being made ({now.status}).",
            advice="Wait until it is ready.",
            next_command=f"{shell_line('gotocloud', 'start', now.names.project)} && {now.retry}",
        )
    if now.may_hold_data:
        proof = _warranted(cloud, now, options, listener)
    if now.state is not State.ABSENT:
        listener.step("Deleting the cluster")
        if not options.follow:
            begin_removal(cloud, now.stack)
            return proof
        remove(cloud, now.stack, listener)
    wait_until_nothing_bills(cloud, now.names, listener)
    return proof


def reopen(cloud: Cloud, now: ClusterState, *, sleep: Sleep = time.sleep) -> None:
    """Undo what pausing did before it deleted anything: queues open, automatic export on.

    A proof that was kept already is withdrawn: it does not cover what is written from now on.

    Raises:
        GoToCloudError: if there is no cluster, or it does not answer.
    """
    if now.node is None:
        raise GoToCloudError(
            f"The project {now.names.project!r} has no cluster that runs.",
            next_command="gotocloud status",
        )
    while key := proof_of(cloud, now):
        _withdraw(cloud, now, key)
    automatic_export(cloud, link_of(cloud, now.file_system), on=True, sleep=sleep)
    now.node.run(OPEN, "open the queues")


def interrupted(cloud: Cloud, now: ClusterState) -> bool:
    """Whether an interrupted pause left the automatic export switched off."""
    if not now.file_system or now.state is not State.READY:
        return False
    with suppress(GoToCloudError):
        return set(link_of(cloud, now.file_system).automatic) != set(EVENTS)
    return False


def hindrance_of(cloud: Cloud, now: ClusterState) -> Hindrance | None:
    """What makes it impossible to prove a cluster; None when nothing does, or nothing need be.

    Raises:
        GoToCloudError: if AWS does not answer.
    """
    if not _needs_proof(cloud, now):
        return None
    return hindrance(cloud, now.names, now.file_system, now.node)


def _needs_proof(cloud: Cloud, now: ClusterState) -> bool:
    """Whether a cluster may hold files of which no earlier pause has proven that they are kept."""
    return now.may_hold_data and not (now.state is State.FAILED and proof_of(cloud, now))


def require_unprovable(cloud: Cloud, now: ClusterState) -> Hindrance | None:
    """Why a cluster may go without a proof; None when nothing need be proven.

    Raises:
        InputError: if it can be proven.
        GoToCloudError: if AWS does not answer.
    """
    if not _needs_proof(cloud, now):
        return None
    if found := hindrance(cloud, now.names, now.file_system, now.node):
        return found
    raise InputError(
        f"The cluster of {now.names.project!r} can be proven, so it is not deleted without a "
        "proof.",
        next_command=now.retry,
    )


def _warranted(
    cloud: Cloud, now: ClusterState, options: PauseOptions, listener: Listener
) -> Proof | None:
    """Have the proof that a cluster may be deleted; None where there is none to have.

    Raises:
        GoToCloudError: if it may not be deleted.
    """
    if not _needs_proof(cloud, now):
        return None
    if options.without_proof:
        require_unprovable(cloud, now)
        if now.node:
            # A node that does not answer shows no jobs, and cannot be waited for.
            with suppress(NodeError):
                _no_jobs(now.node, options, listener, now.retry)
        return None
    if found := hindrance(cloud, now.names, now.file_system, now.node):
        raise unprovable(now.names, now.status, found)
    proof = _proven(cloud, now, options, listener)
    if not proof_of(cloud, now):
        raise GoToCloudError(
            f"Another pause gave the cluster of {now.names.project!r} back to its users meanwhile: "
            "there is no proof of what they write from now on. It is kept, and billed.",
            next_command=now.retry,
        )
    return proof


def _proven(cloud: Cloud, now: ClusterState, options: PauseOptions, listener: Listener) -> Proof:
    node = now.node
    if node is None:
        raise unprovable(now.names, now.status, Hindrance("It has no head node."))
    link = link_of(cloud, now.file_system)
    _no_jobs(node, options, listener, now.retry)
    try:
        _close(node, listener)
        # Jobs that were submitted while the queues closed are found here.
        _no_jobs(node, options, listener, now.retry)
        automatic_export(cloud, link, on=False, sleep=listener.sleep)
        return prove(_site(cloud, now, node, link, options), listener)
    except BaseException:
        _give_back(cloud, now, listener)
        raise


def _site(
    cloud: Cloud, now: ClusterState, node: Runner, link: Link, options: PauseOptions
) -> ExportSite:
    return ExportSite(
        cloud=cloud,
        node=node,
        file_system=now.file_system,
        link=link,
        stack_id=now.stack.stack_id,
        project=now.names.project,
        scientist=now.names.scientist,
        retry=now.retry,
        checksum_gib=options.checksum_gib,
        in_use=options.in_use,
    )


def _no_jobs(node: Runner, options: PauseOptions, listener: Listener, retry: str) -> None:
    cancelled: set[str] = set()
    for _ in looks(JOBS_POLL_S, sleep=listener.sleep):
        if not (jobs := look(node).jobs):
            return
        listener.jobs(jobs)
        fresh = [job for job in jobs if job.id not in cancelled]
        if options.cancel and fresh:
            node.run(cancel_script(fresh), "cancel the jobs")
            cancelled |= {job.id for job in fresh}
        elif not options.wait and not options.cancel:
            raise GoToCloudError(
                f"{len(jobs)} jobs are not finished; the cluster is kept.",
                problems=[str(job) for job in jobs],
                advice="Wait for the jobs with --wait, or cancel them with --cancel-jobs.",
                next_command=f"{retry} --wait",
            )


def _close(node: Runner, listener: Listener) -> None:
    try:
        node.run(CLOSE, "close the queues")
    except NodeError as error:
        # Not needed for the proof, which looks for jobs once more at its end.
        listener.step(f"The queues stay open: {error.message}")


def _give_back(cloud: Cloud, now: ClusterState, listener: Listener) -> None:
    try:
        reopen(cloud, now, sleep=listener.sleep)
    except GoToCloudError as error:
        listener.step(
            f"The cluster could not be given back as it was ({error.message}); once it answers: "
            f"{now.retry} --reopen"
        )


def proof_of(cloud: Cloud, now: ClusterState) -> str | None:
    """Key of a proof that was kept for exactly this stack, and not withdrawn."""
    bucket, s3 = _bucket(now), cloud.client("s3")
    with explained(f"look for a proof in {bucket}"):
        try:
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=PROOFS)
            keys = [it["Key"] for page in pages for it in page.get("Contents", ())]
            for key in sorted((key for key in keys if key.endswith(f"/{PROOF}")), reverse=True):
                # A damaged file proves nothing.
                with suppress(ValueError):
                    proof = read_proof(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
                    if proves(proof, now.stack.stack_id):
                        return str(key)
        except s3.exceptions.ClientError as error:
            if error_code(error) != "NoSuchBucket":
                raise
    return None


def _withdraw(cloud: Cloud, now: ClusterState, key: str) -> None:
    """Mark a proof as good for nothing; the bucket keeps the version without the mark."""
    bucket, s3 = _bucket(now), cloud.client("s3")
    with explained(f"withdraw the proof {key}"):
        proof = read_proof(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        proof["withdrawn"] = datetime.now(UTC).isoformat(timespec="seconds")
        s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=proof_text(proof),
            ContentType="application/json",
        )


def _bucket(now: ClusterState) -> str:
    return now.stack.parameters[ClusterParameter.BUCKET_NAME]


def wait_until_nothing_bills(cloud: Cloud, names: ProjectNames, listener: Listener) -> None:
    """Wait until nothing of a project is billed.

    Raises:
        GoToCloudError: if something is left after half an hour; names it.
    """
    for _ in looks(BILLS_POLL_S, within_s=BILLS_TIMEOUT_S, sleep=listener.sleep):
        if not (left := billed_for(cloud, names)):
            return
        listener.left(left)
    raise GoToCloudError(
        f"The cluster's stack is gone, but something of {names.project!r} is still billed.",
        problems=left,
        advice=TELL_MANAGEMENT,
        next_command="gotocloud doctor",
    )

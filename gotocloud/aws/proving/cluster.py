"""Probes of a project and its cluster, while they exist and after they are gone."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from gotocloud.aws.adoption import bucket_exists
from gotocloud.aws.billed import billed_for, inventory
from gotocloud.aws.proving.site import ProofSite
from gotocloud.aws.proving.stacks import COMPLETE, policy_status
from gotocloud.aws.session import error_code
from gotocloud.aws.stacks import stack_of
from gotocloud.contract.names import CLUSTER_SERVICE_ROLE
from gotocloud.contract.project_bucket import PROOF, PROOFS
from gotocloud.contract.stacks import ClusterOutput
from gotocloud.contract.tags import CLUSTER_TAG, HEAD_NODE, NODE_TYPE_TAG
from gotocloud.formats import parse_json, usd_text
from gotocloud.projects.billed import BilledKind
from gotocloud.proving import jobs
from gotocloud.proving.payload import FILE, FOLDER, MODE, TIME_S, content
from gotocloud.proving.stages import MPI_NODES
from gotocloud.proving.verdicts import ProbeAnswer
from gotocloud.waiting import looks

T = TypeVar("T")

IMPORT_S = 600
EXPORT_S = 900
JOB_S = 1500
POLL_S = 10.0

_ABSENT = {"404": "404", "NoSuchKey": "404", "403": "403", "AccessDenied": "403"}
_DELETED = "DELETE_COMPLETE"
_FSX_ROLE = "AWSServiceRoleForFSxS3Access_"
_FSX_PATH = "/aws-service-role/s3.data-source.lustre.fsx.amazonaws.com/"
_TAGGED = {BilledKind.MACHINE, BilledKind.LUSTRE, BilledKind.NAT_GATEWAY, BilledKind.ADDRESS}


def project_stack(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether the project's stack is complete."""
    return _stack(site, site.names.project_stack)


def cluster_stack(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether the cluster's stack is complete."""
    return _stack(site, site.names.cluster_stack)


def project_policy(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether S3 counts the project bucket's policy as public."""
    return policy_status(site.account.client("s3"), site.names.bucket)


def absent_object(site: ProofSite, _: str) -> ProbeAnswer:
    """What S3 answers a scientist who reads an object that is not there."""
    s3 = site.scientist.client("s3")
    try:
        s3.get_object(Bucket=site.names.bucket, Key="gotocloud-proof/absent")
    except s3.exceptions.ClientError as error:
        code = error_code(error)
        return ProbeAnswer(f"S3 answers {_ABSENT.get(code, code)}", code in _ABSENT)
    return ProbeAnswer("S3 returns an object", agrees=False)


def composite_alarm(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether the head node's composite alarm exists."""
    alarms = site.account.client("cloudwatch").describe_alarms(AlarmTypes=["CompositeAlarm"])
    names = [
        one["AlarmName"]
        for one in alarms.get("CompositeAlarms", ())
        if one["AlarmName"].startswith(site.names.cluster)
    ]
    return ProbeAnswer(", ".join(names) or "there is no composite alarm", bool(names))


def head_node_answers(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether a command runs on the head node."""
    shown = site.head_node().run("uname -sr", "look whether the head node answers").strip()
    return ProbeAnswer(shown, bool(shown))


def root_volume(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether the head node's root volume is deleted with it."""
    instance = site.cluster()[ClusterOutput.HEAD_NODE_INSTANCE_ID]
    found = site.account.client("ec2").describe_instances(InstanceIds=[instance])
    machine = found["Reservations"][0]["Instances"][0]
    kept = {
        one["DeviceName"]: one["Ebs"]["DeleteOnTermination"]
        for one in machine["BlockDeviceMappings"]
    }
    root = machine.get("RootDeviceName", "")
    text = f"{root} of {instance}: DeleteOnTermination {str(kept.get(root)).lower()}"
    return ProbeAnswer(text, kept.get(root) is True)


def tagged(site: ProofSite, only: str) -> ProbeAnswer:
    """Whether what the cluster is billed for carries the project's tags."""
    wanted = {BilledKind(only)} if only else _TAGGED
    kinds = {one.kind for one in inventory(site.account).of_project(site.names.tags)}
    missing = sorted(wanted - kinds)
    if missing:
        return ProbeAnswer(f"without the project's tags: {', '.join(missing)}", agrees=False)
    return ProbeAnswer(f"tagged: {', '.join(sorted(kinds))}", agrees=True)


def software_mounted(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether the head node mounts the shared software."""
    script = "findmnt -n -t nfs,nfs4 -o TARGET,SOURCE || true"
    shown = site.head_node().run(script, "look at the mounts of the head node").strip()
    return ProbeAnswer(shown or "no NFS file system is mounted", bool(shown))


def guard_runs(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether the guard's timers are active."""
    script = "systemctl is-active gotocloud-guard.timer gotocloud-recovery.timer || true"
    shown = site.head_node().run(script, "look at the guard's timers").split()
    return ProbeAnswer(f"timers: {', '.join(shown) or 'none'}", shown == ["active", "active"])


def desktop_answers(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether DCV lists its sessions as JSON."""
    shown = site.head_node().run("dcv list-sessions --json", "list the sessions of the desktop")
    try:
        agrees = isinstance(parse_json(shown), list)
    except ValueError:
        agrees = False
    return ProbeAnswer(shown.strip()[:200] or "nothing is printed", agrees)


def head_node_role(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether the head node's role has the project's tags."""
    instance = site.cluster()[ClusterOutput.HEAD_NODE_INSTANCE_ID]
    found = site.account.client("ec2").describe_instances(InstanceIds=[instance])
    profile = found["Reservations"][0]["Instances"][0]["IamInstanceProfile"]["Arn"]
    iam = site.account.client("iam")
    name = profile.rpartition("/")[2]
    roles = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]
    tags = {
        one["Key"]: one["Value"]
        for one in iam.get_role(RoleName=roles[0]["RoleName"])["Role"].get("Tags", ())
    }
    missing = [key for key, value in site.names.tags.items() if tags.get(key) != value]
    text = f"{roles[0]['RoleName']}: {f'without {missing}' if missing else 'tagged'}"
    return ProbeAnswer(text, not missing)


def nodes_tagged(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether the nodes that are left of the jobs carry the project's tags."""
    machines = [one for one in inventory(site.account).found if one.kind is BilledKind.MACHINE]
    nodes = [
        one
        for one in machines
        if one.tags.get(CLUSTER_TAG) == site.names.cluster
        and one.tags.get(NODE_TYPE_TAG) != HEAD_NODE
    ]
    if not nodes:
        return ProbeAnswer("no node is left of the jobs", None)
    wanted = site.names.tags.items()
    bare = [one.identifier for one in nodes if not wanted <= one.tags.items()]
    return ProbeAnswer(f"{len(nodes)} nodes; without tags: {', '.join(bare) or 'none'}", not bare)


def fsx_role(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether FSx has made its role for the link with the bucket."""
    name = _FSX_ROLE + site.cluster()[ClusterOutput.LUSTRE_FILE_SYSTEM_ID]
    return ProbeAnswer(f"roles: {', '.join(_fsx_roles(site)) or 'none'}", name in _fsx_roles(site))


def fsx_role_gone(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether every such role still has its file system."""
    pages = site.account.client("fsx").get_paginator("describe_file_systems").paginate()
    alive = {one["FileSystemId"] for page in pages for one in page["FileSystems"]}
    left = [name for name in _fsx_roles(site) if name.removeprefix(_FSX_ROLE) not in alive]
    if left:
        return ProbeAnswer(f"without a file system: {', '.join(left)}", agrees=False)
    return ProbeAnswer("no role is left over", agrees=True)


def spot_job(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether a job runs on a spot node."""
    job, why = _job(site, "spot")
    if job is None:
        return ProbeAnswer(f"the job has not ended: {why}", None)
    spot = "lifecycle spot" in job.lines
    return ProbeAnswer(f"exit code {job.code}; {_line(job, 'lifecycle')}", job.code == 0 and spot)


def mpi_job(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether an MPI job runs on three nodes."""
    job, why = _job(site, "mpi")
    if job is None:
        return ProbeAnswer(f"the job has not ended: {why}", None)
    hosts, sums = jobs.hosts_of(job)
    text = f"exit code {job.code}; machines: {', '.join(hosts) or 'none'}; sums: {sorted(sums)}"
    return ProbeAnswer(text, job.code == 0 and len(hosts) == MPI_NODES and sums == {MPI_NODES})


def gpus(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether each node of the MPI job sees its GPUs."""
    job, why = _job(site, "mpi")
    if job is None:
        return ProbeAnswer(f"the job has not ended: {why}", None)
    seen = jobs.gpus_of(job)
    text = ", ".join(f"{host}: {count}" for host, count in seen.items()) or "no GPU is listed"
    return ProbeAnswer(text, len(seen) == MPI_NODES)


def imported(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether the uploaded file is on Lustre as it was."""
    path = f"/fsx/{FOLDER}/{FILE}"
    script = f"[ -s {path} ] || exit 0; sha256sum {path} | cut -d' ' -f1; stat -c '%a %.0Y' {path}"
    node = site.head_node()
    wanted = [hashlib.sha256(content()).hexdigest(), f"{MODE:o} {TIME_S}"]

    def look() -> list[str]:
        return node.run(script, "look for the uploaded file").split("\n")[:2]

    found = _until(look, lambda lines: lines == wanted, IMPORT_S)
    if not any(found):
        return ProbeAnswer(f"{path} did not appear within {IMPORT_S} s", agrees=False)
    return ProbeAnswer(f"{path}: {' '.join(found)}", found == wanted)


def exported(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether a file that a node wrote comes into the bucket by itself."""
    node, s3 = site.head_node(), site.scientist.client("s3")
    key = f"gotocloud-proof/{jobs.RESULT}"
    script = f"mkdir -p {jobs.FOLDER} && date >> {jobs.FOLDER}/{jobs.RESULT}"
    node.run(script, "write a file onto Lustre")
    began = time.monotonic()

    def look() -> bool:
        listed = s3.list_objects_v2(Bucket=site.names.bucket, Prefix=key)
        return bool(listed.get("Contents"))

    if not _until(look, bool, EXPORT_S):
        return ProbeAnswer(f"{key} did not appear within {EXPORT_S} s", agrees=False)
    return ProbeAnswer(f"{key} appeared after {time.monotonic() - began:.0f} s", agrees=True)


def proof(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether a proof of the export is in the bucket."""
    s3 = site.account.client("s3")
    listed = s3.list_objects_v2(Bucket=site.names.bucket, Prefix=PROOFS).get("Contents", ())
    keys = [one["Key"] for one in listed if one["Key"].endswith(f"/{PROOF}")]
    return ProbeAnswer(keys[-1] if keys else "the bucket has no proof", bool(keys))


def deletion(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether CloudFormation deleted the newest of the cluster's stacks with the role it has."""
    name, cfn = site.names.cluster_stack, site.account.client("cloudformation")
    pages = cfn.get_paginator("list_stacks").paginate()
    made = [one for page in pages for one in page["StackSummaries"] if one["StackName"] == name]
    if not made:
        return ProbeAnswer(f"no stack {name} is listed", None)
    newest = max(made, key=lambda one: one["CreationTime"])["StackId"]
    stack = cfn.describe_stacks(StackName=newest)["Stacks"][0]
    role = stack.get("RoleARN", "no role").rpartition("/")[2]
    text = f"{name} is {stack['StackStatus']}, with {role}"
    return ProbeAnswer(text, (stack["StackStatus"], role) == (_DELETED, CLUSTER_SERVICE_ROLE))


def nothing_bills(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether nothing of the project is billed by the hour."""
    left = billed_for(site.account, site.names)
    return ProbeAnswer("; ".join(left) or "nothing is left", not left)


def project_gone(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether nothing of the project is left."""
    names = site.names
    left = [
        name
        for name in (names.project_stack, names.cluster_stack)
        if stack_of(site.account, name).exists
    ]
    if bucket_exists(site.account, names):
        left.append(names.bucket)
    pairs = site.account.client("ec2").describe_key_pairs()["KeyPairs"]
    left += [one["KeyName"] for one in pairs if one["KeyName"] == names.base]
    return ProbeAnswer(f"left: {', '.join(left)}" if left else "nothing is left", not left)


def billed_service(site: ProofSite, service: str) -> ProbeAnswer:
    """What a service costs the account, each day since the proof."""
    days, why = _costs(site, {"Dimensions": {"Key": "SERVICE", "Values": [service]}})
    if not days:
        return ProbeAnswer(why, None)
    most = max(days)
    limit = {"AWS Secrets Manager": 0.40 / 30 * len(site.group.scientists)}.get(service, 1.0)
    # Cost Explorer rounds to a cent, and months have 28 to 31 days.
    return ProbeAnswer(f"at most USD {usd_text(most)} a day", most <= limit * 1.2 + 0.005)


def billed_proof(site: ProofSite, _: str) -> ProbeAnswer:
    """What AWS billed for the proof's project."""
    tags = [{"Tags": {"Key": key, "Values": [value]}} for key, value in site.names.tags.items()]
    days, why = _costs(site, {"And": tags})
    if not days:
        return ProbeAnswer(why, None)
    total, shown = sum(days), float(site.earlier.shown_usd)
    return ProbeAnswer(
        f"USD {usd_text(total)} billed, USD {usd_text(shown)} shown", total <= shown + 0.01
    )


def _costs(site: ProofSite, filters: dict[str, object]) -> tuple[list[float], str]:
    began, ended = site.earlier.began, site.earlier.ended
    today = datetime.now(UTC).date()
    if began is None or ended is None:
        return [], "no proof that is over is in this folder"
    if today <= ended + timedelta(days=1):
        return [], f"AWS adds costs up once a day: look again after {ended + timedelta(days=1)}"
    answer = site.account.client("ce", "us-east-1").get_cost_and_usage(
        TimePeriod={
            "Start": began.isoformat(),
            "End": (ended + timedelta(days=1)).isoformat(),
        },
        Granularity="DAILY",
        Metrics=["UnblendedCost"],
        Filter=filters,
    )
    amounts = [
        float(one["Total"]["UnblendedCost"]["Amount"])
        for one in answer["ResultsByTime"]
        if one.get("Total")
    ]
    return amounts, "Cost Explorer lists no day"


def _stack(site: ProofSite, name: str) -> ProbeAnswer:
    status = stack_of(site.account, name).status or "not there"
    return ProbeAnswer(f"{name} is {status}", status in COMPLETE)


def _job(site: ProofSite, name: str) -> tuple[jobs.ProbeJobEnd | None, str]:
    node = site.head_node()
    queue = site.plan.mpi if name == "mpi" else site.plan.spot
    node.run(jobs.submit_script(name, queue), f"submit the {name} job")

    def look() -> str:
        return node.run(jobs.look_script(name), f"look at the {name} job")

    text = _until(look, lambda shown: jobs.ended(shown) is not None, JOB_S)
    return jobs.ended(text), jobs.why_it_waits(text)


def _line(job: jobs.ProbeJobEnd, beginning: str) -> str:
    return next((line for line in job.lines if line.startswith(beginning)), "")


def _fsx_roles(site: ProofSite) -> list[str]:
    pages = site.account.client("iam").get_paginator("list_roles").paginate(PathPrefix=_FSX_PATH)
    names = [one["RoleName"] for page in pages for one in page["Roles"]]
    return [name for name in names if name.startswith(_FSX_ROLE)]


def _until(look: Callable[[], T], good: Callable[[T], bool], timeout_s: float) -> T:
    """What a look shows when it is good, or when the time is up."""
    for _ in looks(POLL_S, within_s=timeout_s):
        if good(found := look()):
            break
    return found

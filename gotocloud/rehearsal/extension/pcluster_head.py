"""What ParallelCluster gives a head node besides its machine: a role, and the node scripts.

Of the role, what the configuration requests: boundary, tags, own policies and access to S3, as
`cdk_builder_utils.py` of ParallelCluster 3.16.1 writes them; its own policies are left out. Of
the scripts, the one that writes the facts of the cluster: the others mount what is not there.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from local_aws.nodes import Isolation, Node, isolation
from local_aws.resources.base import ResourceError

SCRIPT = "configure-head-node.sh"
_ACTIONS = "/opt/parallelcluster/custom-actions"
_START = f"""#!/bin/sh
here=$(dirname "$0")
PATH="$here/bin:$PATH" exec bash "$here/{SCRIPT}" """
_AWS = "arn:aws:iam::aws:"
_POLICY = "S3Access"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}

Call = Callable[..., dict[str, Any]]
"""Service, operation and parameters -> the local AWS's answer."""


def make_role(call: Call, cluster: str, configuration: Mapping[str, Any]) -> str:
    """Make the head node's role; returns its name."""
    name = f"{cluster}-RoleHeadNode-{sha256(cluster.encode()).hexdigest()[:8]}"
    call(
        "iam",
        "CreateRole",
        RoleName=name,
        Path=f"/parallelcluster/{cluster}/",
        AssumeRolePolicyDocument=json.dumps(_TRUST),
        PermissionsBoundary=configuration.get("Iam", {}).get("PermissionsBoundary"),
        Tags=list(configuration.get("Tags", ())),
    )
    given = configuration["HeadNode"].get("Iam", {})
    for policy in given.get("AdditionalIamPolicies", ()):
        if not policy["Policy"].startswith(_AWS):
            call("iam", "AttachRolePolicy", RoleName=name, PolicyArn=policy["Policy"])
    if access := given.get("S3Access"):
        document = json.dumps({"Version": "2012-10-17", "Statement": _statements(access)})
        call("iam", "PutRolePolicy", RoleName=name, PolicyName=_POLICY, PolicyDocument=document)
    return name


def remove_role(call: Call, name: str) -> None:
    """Remove a head node's role."""
    found = call("iam", "ListAttachedRolePolicies", RoleName=name)["AttachedPolicies"]
    for policy in found:
        call("iam", "DetachRolePolicy", RoleName=name, PolicyArn=policy["PolicyArn"])
    for policy in call("iam", "ListRolePolicies", RoleName=name)["PolicyNames"]:
        call("iam", "DeleteRolePolicy", RoleName=name, PolicyName=policy)
    call("iam", "DeleteRole", RoleName=name)


def _statements(access: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    read: list[str] = []
    write: list[str] = []
    for one in access:
        bucket = f"arn:aws:s3:::{one['BucketName']}"
        key = one.get("KeyName")
        writes = str(one.get("EnableWriteAccess", "")).lower() == "true"
        (write if writes else read).extend([f"{bucket}/{key}"] if key else [bucket, f"{bucket}/*"])
    return [
        {"Effect": "Allow", "Action": actions, "Resource": resources}
        for actions, resources in ((["s3:Get*", "s3:List*"], read), (["s3:*"], write))
        if resources
    ]


def configure(call: Call, node: Node, configuration: Mapping[str, Any]) -> None:
    """Run the head node's script, as it was published, on the node.

    Raises:
        ResourceError: if it fails, as ParallelCluster's bootstrap would.
    """
    actions = configuration.get("HeadNode", {}).get("CustomActions", {}).get("OnNodeConfigured", {})
    for action in actions.get("Sequence", [actions]):
        url = str(action.get("Script", ""))
        if not url.endswith(f"/{SCRIPT}"):
            continue
        bucket, _, key = url.removeprefix("s3://").partition("/")
        text = call("s3", "GetObject", Bucket=bucket, Key=key)["Body"].read().decode()
        node.install(f"{_ACTIONS}/{SCRIPT}", text)
        # A machine of this kind has no systemd.
        node.install(f"{_ACTIONS}/bin/systemctl", "#!/bin/sh\n")
        node.install(f"{_ACTIONS}/start", _START + shlex.join(map(str, action.get("Args", ()))))
        isolated = isolation() is not Isolation.REWRITTEN
        done = node.run(
            [f"{_ACTIONS}/start"],
            timeout_s=60,
            environment={"GOTOCLOUD_ROOT": "" if isolated else str(node.root)},
        )
        if done.code:
            raise ResourceError(
                f"The head node's script {SCRIPT} failed: {done.stderr.strip()[-500:]}"
            )

"""A head node's role with what a configuration adds to it, without ParallelCluster's own policies.

Of the role: boundary, tags, own policies and access to S3, as `cdk_builder_utils.py` of
ParallelCluster 3.16.1 writes them. So a test shows what our own policies alone allow.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

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

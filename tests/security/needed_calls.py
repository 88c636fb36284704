"""Calls without which no person and no cluster could work: every policy must allow them."""

from __future__ import annotations

from gotocloud.contract.names import (
    BOUNDARY,
    CLUSTER_SERVICE_ROLE,
    PROVIDER_ROLE,
    SCIENTIST_ROLE,
)
from tests.security.attacks import BUCKET, HEAD_NODE, OWN, USERS, Place, launch
from tests.security.principals import Request


def needed(at: Place, version: str) -> list[Request]:
    """Requests that each principal needs for its work."""
    project, cluster = "gotocloud-project-hanako-apo", "gotocloud-cluster-hanako-apo"
    bucket = f"arn:aws:s3:::{BUCKET}"
    log = at.arn("logs", "log-group:/aws/parallelcluster/apo-202611300732")
    with_mfa = {"aws__MultiFactorAuthPresent": "true"}
    console = {"aws__MultiFactorAuthPresent": "false"}
    stack = at.arn("cloudformation", "stack/apo/1")
    own_stack = {"aws:ResourceTag/parallelcluster:cluster-name": "apo"}
    return [
        launch(at, project, "project.template.json", version=version),
        launch(at, project, "project.template.json?versionId=abc", version=version),
        launch(at, cluster, f"cluster/tutorial/{at.region}.template.json", version=version),
        at.request(SCIENTIST_ROLE, "s3:PutObject", f"{bucket}/movie.tif"),
        at.request(SCIENTIST_ROLE, "s3:DeleteObjectVersion", f"{bucket}/movie.tif", **with_mfa),
        at.request(SCIENTIST_ROLE, "s3:ListAllMyBuckets"),
        at.request(CLUSTER_SERVICE_ROLE, "s3:CreateBucket", bucket),
        at.request(CLUSTER_SERVICE_ROLE, "s3:PutBucketPolicy", bucket),
        at.request(CLUSTER_SERVICE_ROLE, "s3:PutObject", f"{bucket}/x"),
        at.request(PROVIDER_ROLE, "s3:ListBucket", bucket),
        at.request(PROVIDER_ROLE, "s3:PutObject", "arn:aws:s3:::parallelcluster-0123-v1/x"),
        at.request(
            PROVIDER_ROLE, "cloudwatch:PutCompositeAlarm", at.arn("cloudwatch", "alarm:apo")
        ),
        at.request(
            PROVIDER_ROLE,
            "cloudformation:CreateStack",
            stack,
            aws__TagKeys=["parallelcluster:cluster-name"],
        ),
        *(
            at.request(
                PROVIDER_ROLE,
                "cloudformation:TagResource",
                stack,
                cloudformation__CreateAction=call,
            )
            for call in ("CreateStack", "UpdateStack")
        ),
        Request(PROVIDER_ROLE, "cloudformation:UpdateStack", stack, own_stack),
        Request(PROVIDER_ROLE, "cloudformation:DeleteStack", stack, own_stack),
        at.request(
            PROVIDER_ROLE,
            "iam:CreateRole",
            at.iam("role/parallelcluster/apo/x"),
            iam__PermissionsBoundary=at.iam(f"policy/{BOUNDARY}"),
        ),
        *(
            at.tagged(HEAD_NODE, f"ec2:{call}", at.arn("ec2", resource), OWN)
            for call, resource in (
                ("TerminateInstances", "instance/i-1"),
                ("AttachVolume", "volume/vol-1"),
                ("CreateTags", "instance/i-1"),
            )
        ),
        at.request(
            HEAD_NODE,
            "ec2:CreateTags",
            at.arn("ec2", "instance/i-2"),
            ec2__CreateAction="RunInstances",
        ),
        # AWS's pages contradict each other on whether deleting a stack passes the stack's role.
        *(
            at.request(
                who,
                "iam:PassRole",
                at.iam(f"role/{CLUSTER_SERVICE_ROLE}"),
                iam__PassedToService="cloudformation.amazonaws.com",
            )
            for who in (SCIENTIST_ROLE, HEAD_NODE)
        ),
        at.request(HEAD_NODE, "ec2:RunInstances", at.arn("ec2", "subnet/subnet-1")),
        at.request(HEAD_NODE, "ssm:GetParameter", at.arn("ssm", "parameter/gotocloud/group")),
        at.request(HEAD_NODE, "logs:CreateLogStream", f"{log}:log-stream:x"),
        at.request(HEAD_NODE, "logs:PutLogEvents", f"{log}:log-stream:x"),
        at.request(HEAD_NODE, "s3:GetObject", f"{bucket}/x"),
        at.request(USERS, "iam:EnableMFADevice", at.iam("user/hanako"), **console),
        at.request(USERS, "iam:CreateVirtualMFADevice", at.iam("mfa/phone"), **console),
        at.request(USERS, "iam:ChangePassword", at.iam("user/hanako"), **console),
        # The first sign-in, at which IAM requires another password: its key is not documented.
        at.request(USERS, "iam:ChangePassword", at.iam("user/hanako")),
        at.request(USERS, "sts:AssumeRole", at.iam(f"role/{SCIENTIST_ROLE}"), **with_mfa),
    ]

"""Calls that must be refused, by what an attacker wants, and calls that work needs.

The two lists hold each other: a policy that refuses everything fails the second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gotocloud.contract.names import (
    BOUNDARY,
    CLUSTER_SERVICE_ROLE,
    PROVIDER_ROLE,
    SCIENTIST_ROLE,
    audit_bucket,
)
from gotocloud.contract.releases import PREFIX as RELEASES_PREFIX
from gotocloud.contract.releases import distribution_bucket, releases_url
from tests.security.principals import Principal, Request

USERS = "gotocloud-scientists"
HEAD_NODE = "parallelcluster/apo/apo-RoleHeadNode-1"
"""A role that ParallelCluster makes; here with every permission there is, as the worst case."""

BUCKET = "gotocloud-data-hanako-{account}-apo"
NODE_TAGS = {
    "aws:PrincipalTag/gtc:bucket": BUCKET,
    "aws:PrincipalTag/gtc:project": "apo",
    "aws:PrincipalTag/gtc:iam-user": "hanako",
    "aws:PrincipalTag/parallelcluster:cluster-name": "apo",
}
OTHERS_BUCKETS = {
    "CDK bootstrap": "cdk-hnb659fds-assets-{account}-{region}",
    "CDK bootstrap with a qualifier of its own": "cdk-lab-assets-{account}-{region}",
    "CloudTrail": "aws-cloudtrail-logs-{account}-0123abcd",
    "Config": "config-bucket-{account}",
    "Athena": "aws-athena-query-results-{account}-{region}",
    "Glue": "aws-glue-assets-{account}-{region}",
    "CodePipeline": "codepipeline-{region}-{account}-1",
    "SageMaker": "sagemaker-{region}-{account}",
    "the audit's own": audit_bucket("{account}"),
    "somebody's own": "hanako-{account}-apo",
}
"""Default names of buckets that an account may hold. Sources: the CDK's bootstrap template, the
consoles of CloudTrail, Config, CodePipeline, Athena, Glue and the SageMaker SDK."""


@dataclass(frozen=True)
class Place:
    """What the requests are about."""

    account: str
    region: str
    management: str
    home: str

    def filled(self, value: str) -> str:
        """A text with account and region in it."""
        return value.replace("{account}", self.account).replace("{region}", self.region)

    def arn(self, service: str, resource: str) -> str:
        """An ARN of the group's account."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def iam(self, resource: str) -> str:
        """An ARN of IAM in the group's account."""
        return f"arn:aws:iam::{self.account}:{resource}"

    def request(
        self, who: str, action: str, resource: str = "*", /, **context: str | list[str]
    ) -> Request:
        """A request; `__` in a condition key stands for a colon."""
        given = {key.replace("__", ":").replace("_", "-"): value for key, value in context.items()}
        tags = NODE_TAGS if who == HEAD_NODE else {}
        filled = {key: self.filled(value) for key, value in tags.items()}
        return Request(who, action, self.filled(resource), {**filled, **given})

    def tagged(
        self, who: str, action: str, resource: str, tags: Mapping[str, str], **context: str
    ) -> Request:
        """A request on a resource with tags."""
        asked = self.request(who, action, resource, **context)
        resource_tags = {f"aws:ResourceTag/{key}": self.filled(tags[key]) for key in tags}
        return Request(
            asked.principal, action, asked.resource, {**(asked.context or {}), **resource_tags}
        )


def head_node() -> Principal:
    """Root on a head node whose policies allow everything."""
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return Principal(HEAD_NODE, {}, (everything,), bounded=True)


def launch(at: Place, stack: str, path: str, *, version: str, role: str = "") -> Request:
    """A scientist's launch of a published path under the name of a stack."""
    base = releases_url(at.management, at.home)
    return Request(
        SCIENTIST_ROLE,
        "cloudformation:CreateStack",
        at.arn("cloudformation", f"stack/{stack}/1"),
        {
            "cloudformation:TemplateUrl": f"{base}{version}/{path}",
            "cloudformation:RoleArn": role or at.iam(f"role/{CLUSTER_SERVICE_ROLE}"),
        },
    )


def refused(at: Place, version: str) -> dict[str, list[Request]]:
    """Requests that must be refused, by the attack."""
    return {
        "read or plant in a bucket that is not ours": _buckets(at),
        "launch what was not reviewed": _launches(at, version),
        "use machines of others": _machines(at),
        "forge tags": _tags(at),
        "read parameters and logs of others": _parameters_and_logs(at),
        "become somebody unbounded": _roles(at),
        "share data with another account": _sharing(at),
        "enrol an own MFA device": _mfa(at),
        "change what administrators deployed": _stacks(at),
        "create machines as a scientist": _creations(at),
        "run a program with another role": _programs(at),
    }


def _buckets(at: Place) -> list[Request]:
    asked = []
    for name in OTHERS_BUCKETS.values():
        bucket = f"arn:aws:s3:::{name}"
        key = f"{bucket}/{'0' * 64}.json"
        for who in (SCIENTIST_ROLE, HEAD_NODE, PROVIDER_ROLE, CLUSTER_SERVICE_ROLE):
            asked += [
                at.request(who, "s3:PutObject", key),
                at.request(who, "s3:GetObject", key),
                at.request(who, "s3:ListBucket", bucket),
                at.request(who, "s3:PutBucketPolicy", bucket),
                at.request(who, "s3:DeleteBucket", bucket, aws__MultiFactorAuthPresent="true"),
            ]
    return asked


def _launches(at: Place, version: str) -> list[Request]:
    project, cluster = "gotocloud-project-hanako-apo", "gotocloud-cluster-hanako-apo"
    template = f"cluster/tutorial/{at.region}.template.json"
    elsewhere = launch(at, project, "project.template.json", version=version)
    url = elsewhere.context or {}
    other = str(url["cloudformation:TemplateUrl"]).replace("-distribution", "-other")
    return [
        # A cluster under a project's name is kept by every command that looks for clusters.
        launch(at, project, template, version=version),
        launch(at, cluster, "project.template.json", version=version),
        launch(at, "gotocloud-user", "project.template.json", version=version),
        launch(at, "mine", "project.template.json", version=version),
        launch(at, project, "project.template.json", version=version, role=at.iam("role/x")),
        Request(
            SCIENTIST_ROLE,
            elsewhere.action,
            elsewhere.resource,
            {**url, "cloudformation:TemplateUrl": other},
        ),
        Request(SCIENTIST_ROLE, elsewhere.action, elsewhere.resource, {}),
        at.request(SCIENTIST_ROLE, "s3:PutObject", _release(at, f"{version}/manifest.json")),
        at.request(
            HEAD_NODE,
            "s3:PutObject",
            _release(at, f"{version}/manifest.json"),
            s3__ResourceAccount=at.management,
        ),
    ]


def _release(at: Place, key: str) -> str:
    bucket = distribution_bucket(at.management, at.home)
    return f"arn:aws:s3:::{bucket}/{RELEASES_PREFIX}/{key}"


FOREIGN: Mapping[str, dict[str, str]] = {
    "not of the platform": {},
    "another project's": {"gtc:bucket": "gotocloud-data-taro-{account}-apo", "gtc:project": "apo"},
}
OWN = {"gtc:bucket": BUCKET, "gtc:project": "apo", "gtc:iam-user": "hanako"}


def _machines(at: Place) -> list[Request]:
    calls = {
        "instance/i-1": ("TerminateInstances", "StopInstances", "AttachVolume", "GetConsoleOutput"),
        "volume/vol-1": ("AttachVolume", "DetachVolume", "DeleteVolume", "CreateSnapshot"),
    }
    return [
        at.tagged(HEAD_NODE, f"ec2:{call}", at.arn("ec2", resource), tags)
        for resource, names in calls.items()
        for call in names
        for tags in FOREIGN.values()
    ]


def _tags(at: Place) -> list[Request]:
    return [
        at.tagged(HEAD_NODE, f"ec2:{call}", at.arn("ec2", resource), tags)
        for resource in ("instance/i-1", "volume/vol-1", "security-group/sg-1")
        for call in ("CreateTags", "DeleteTags")
        for tags in FOREIGN.values()
    ] + [
        at.request(
            PROVIDER_ROLE, "cloudformation:TagResource", at.arn("cloudformation", "stack/x/1")
        ),
    ]


def _parameters_and_logs(at: Place) -> list[Request]:
    key = at.arn("ssm", "parameter/ec2/keypair/key-1")
    other = at.arn("ssm", "parameter/database/password")
    log = at.arn("logs", "log-group:/lab/instrument")
    neighbour = at.arn("logs", "log-group:/aws/parallelcluster/apo-b-202611300732")
    return [
        *(
            at.request(HEAD_NODE, f"ssm:{call}", parameter)
            for parameter in (key, other)
            for call in (
                "GetParameter",
                "GetParameters",
                "GetParametersByPath",
                "GetParameterHistory",
            )
        ),
        *(
            at.request(HEAD_NODE, f"logs:{call}", group)
            for group in (log, neighbour)
            for call in ("PutRetentionPolicy", "DeleteLogGroup", "CreateLogGroup")
        ),
        *(
            at.request(HEAD_NODE, f"logs:{call}", f"{group}:log-stream:x")
            for group in (log, neighbour)
            for call in ("CreateLogStream", "PutLogEvents")
        ),
        at.request(SCIENTIST_ROLE, "ssm:GetParameter", other),
    ]


def _roles(at: Place) -> list[Request]:
    cdk = at.iam(f"role/cdk-hnb659fds-deploy-role-{at.account}-{at.region}")
    execution = at.iam(f"role/cdk-hnb659fds-cfn-exec-role-{at.account}-{at.region}")
    bounded = {"iam__PermissionsBoundary": at.iam(f"policy/{BOUNDARY}")}
    return [
        at.request(HEAD_NODE, "sts:AssumeRole", cdk),
        at.request(HEAD_NODE, "sts:AssumeRole", at.iam("role/admin")),
        at.request(HEAD_NODE, "iam:PassRole", execution),
        at.request(HEAD_NODE, "iam:PassRole", at.iam("role/admin")),
        at.request(HEAD_NODE, "iam:DeleteRole", at.iam("role/admin")),
        at.request(HEAD_NODE, "iam:DeleteRole", at.iam(f"role/{SCIENTIST_ROLE}")),
        at.request(HEAD_NODE, "iam:AttachRolePolicy", at.iam(f"role/{SCIENTIST_ROLE}"), **bounded),
        at.request(HEAD_NODE, "iam:CreateRole", at.iam("role/parallelcluster/x")),
        at.request(HEAD_NODE, "iam:CreateRole", at.iam("role/x"), **bounded),
        at.request(HEAD_NODE, "iam:CreateUser", at.iam("user/x")),
        at.request(HEAD_NODE, "iam:CreateAccessKey", at.iam("user/x")),
        at.request(HEAD_NODE, "iam:CreatePolicyVersion", at.iam(f"policy/{BOUNDARY}")),
        at.request(HEAD_NODE, "iam:UpdateAssumeRolePolicy", at.iam(f"role/{SCIENTIST_ROLE}")),
        at.request(HEAD_NODE, "secretsmanager:GetSecretValue", _password(at)),
        at.request(PROVIDER_ROLE, "iam:CreateRole", at.iam("role/parallelcluster/x")),
        at.request(PROVIDER_ROLE, "iam:PassRole", at.iam(f"role/{CLUSTER_SERVICE_ROLE}")),
        at.request(SCIENTIST_ROLE, "iam:PassRole", execution),
        at.request(SCIENTIST_ROLE, "sts:AssumeRole", cdk),
        at.request(USERS, "sts:AssumeRole", cdk, aws__MultiFactorAuthPresent="true"),
        at.request(USERS, "sts:AssumeRole", at.iam(f"role/{SCIENTIST_ROLE}")),
    ]


def _password(at: Place) -> str:
    return at.arn("secretsmanager", "secret:gotocloud/initial-password/hanako-AbCdEf")


def _sharing(at: Place) -> list[Request]:
    outside = f"arn:aws:s3:::gotocloud-data-x-{at.account}-y/z"
    snapshot = f"arn:aws:ec2:{at.region}::snapshot/snap-1"
    image = f"arn:aws:ec2:{at.region}::image/ami-1"
    return [
        at.request(HEAD_NODE, "ec2:ModifySnapshotAttribute", snapshot),
        at.request(HEAD_NODE, "ec2:ModifyImageAttribute", image),
        at.request(HEAD_NODE, "ssm:ModifyDocumentPermission", at.arn("ssm", "document/x")),
        *(
            Request(who, "s3:PutObject", outside, {"s3:ResourceAccount": "999999999999"})
            for who in (HEAD_NODE, SCIENTIST_ROLE)
        ),
    ]


def _mfa(at: Place) -> list[Request]:
    me, device = at.iam("user/hanako"), at.iam("mfa/phone")
    # A leaked access key: its calls have no key of MFA at all.
    return [
        at.request(USERS, "iam:EnableMFADevice", me),
        at.request(USERS, "iam:CreateVirtualMFADevice", device),
        at.request(USERS, "iam:ResyncMFADevice", me),
        at.request(USERS, "iam:ChangePassword", at.iam("user/taro")),
        at.request(USERS, "iam:DeactivateMFADevice", me, aws__MultiFactorAuthPresent="false"),
        at.request(USERS, "s3:ListAllMyBuckets", aws__MultiFactorAuthPresent="false"),
    ]


def _stacks(at: Place) -> list[Request]:
    toolkit = at.arn("cloudformation", "stack/CDKToolkit/1")
    user = at.arn("cloudformation", "stack/gotocloud-user/1")
    institute = at.arn("cloudformation", "stack/institute-network/1")
    keys = {"aws__TagKeys": ["parallelcluster:cluster-name"]}
    return [
        *(
            at.request(HEAD_NODE, f"cloudformation:{call}", stack)
            for stack in (toolkit, user)
            for call in ("UpdateStack", "DeleteStack", "CreateChangeSet", "TagResource")
        ),
        at.request(PROVIDER_ROLE, "cloudformation:UpdateStack", institute, **keys),
        at.request(PROVIDER_ROLE, "cloudformation:DeleteStack", institute, **keys),
        at.request(PROVIDER_ROLE, "cloudformation:CreateStack", user, **keys),
        at.request(SCIENTIST_ROLE, "cloudformation:DeleteStack", user),
        *(
            at.request(SCIENTIST_ROLE, f"cloudformation:{call}", stack)
            # A cluster that is protected, or keeps its parts, could not be ended, and costs.
            for stack in (user, at.arn("cloudformation", "stack/gotocloud-cluster-hanako-apo/1"))
            for call in ("UpdateTerminationProtection", "SetStackPolicy")
        ),
    ]


def _programs(at: Place) -> list[Request]:
    foreign = at.arn("lambda", "function:institute-backup")
    calls = ("lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration")
    return [
        *(
            at.request(who, call, foreign)
            for call in (*calls, "lambda:AddPermission")
            for who in (HEAD_NODE, PROVIDER_ROLE)
        ),
        *(
            at.tagged(HEAD_NODE, f"ssm:{call}", at.arn("ec2", "instance/i-1"), {})
            for call in ("SendCommand", "StartSession")
        ),
    ]


def _creations(at: Place) -> list[Request]:
    return [
        at.request(SCIENTIST_ROLE, "ec2:RunInstances", at.arn("ec2", "instance/*")),
        at.request(SCIENTIST_ROLE, "fsx:CreateFileSystem", at.arn("fsx", "file-system/*")),
        at.request(SCIENTIST_ROLE, "iam:CreateRole", at.iam("role/x")),
        at.request(SCIENTIST_ROLE, "s3:CreateBucket", f"arn:aws:s3:::{BUCKET}"),
        at.request(SCIENTIST_ROLE, "s3:DeleteObject", f"arn:aws:s3:::{BUCKET}/movie.tif"),
        at.tagged(
            SCIENTIST_ROLE,
            "ec2:AuthorizeSecurityGroupIngress",
            at.arn("ec2", "security-group/sg-1"),
            {"gtc:method": "cryoem"},
        ),
        at.tagged(SCIENTIST_ROLE, "ssm:StartSession", at.arn("ec2", "instance/i-1"), {}),
        at.tagged(SCIENTIST_ROLE, "ssm:SendCommand", at.arn("ec2", "instance/i-1"), {}),
    ]

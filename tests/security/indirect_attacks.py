"""Calls that reach a forbidden end by a way round: CloudFormation, tags, documents, names."""

from __future__ import annotations

from gotocloud.contract.names import (
    CLUSTER_SERVICE_ROLE,
    PROVIDER_ROLE,
    SCIENTIST_ROLE,
)
from tests.security.attacks import BUCKET, HEAD_NODE, OWN, USERS, Place
from tests.security.principals import Request

PROJECT, CLUSTER = "gotocloud-project-hanako-apo", "gotocloud-cluster-hanako-apo"


def refused(at: Place) -> dict[str, list[Request]]:
    """Requests that must be refused, by the way round."""
    return {
        "change sets and imports of resources": _change_sets(at),
        "a template that is there already, and stacks of many accounts": _templates(at),
        "tags that the caller writes on itself": _own_tags(at),
        "documents of Systems Manager": _documents(at),
        "facts of the group, which launches trust": _facts(at),
        "the policy of a bucket, or a copy of it elsewhere": _buckets(at),
    }


def _stacks(at: Place) -> list[str]:
    names = (PROJECT, CLUSTER, "gotocloud-user", "mine")
    return [at.arn("cloudformation", f"stack/{name}/1") for name in names]


def _change_sets(at: Place) -> list[Request]:
    calls = ("CreateChangeSet", "ExecuteChangeSet")
    plain = [
        at.request(SCIENTIST_ROLE, f"cloudformation:{call}", stack)
        for call in calls
        for stack in _stacks(at)
    ]
    bucket = {"cloudformation:ImportResourceTypes": ["AWS::S3::Bucket"]}
    role = {"cloudformation:RoleArn": at.iam(f"role/{CLUSTER_SERVICE_ROLE}")}
    imports = [
        Request(SCIENTIST_ROLE, "cloudformation:CreateChangeSet", stack, {**bucket, **role})
        for stack in _stacks(at)
    ]
    theirs = [
        at.request(
            HEAD_NODE, f"cloudformation:{call}", at.arn("cloudformation", "stack/CDKToolkit/1")
        )
        for call in calls
    ]
    return [*plain, *imports, *theirs]


def _templates(at: Place) -> list[Request]:
    role = {"cloudformation:RoleArn": at.iam(f"role/{CLUSTER_SERVICE_ROLE}")}
    # `UsePreviousTemplate` and `TemplateBody` send no address, so the key is not there.
    without_url = [
        Request(SCIENTIST_ROLE, f"cloudformation:{call}", stack, role)
        for call in ("CreateStack", "UpdateStack")
        for stack in _stacks(at)
    ]
    every = "*"
    return [
        *without_url,
        *(
            at.request(SCIENTIST_ROLE, f"cloudformation:{call}", stack)
            for call in ("ContinueUpdateRollback", "RollbackStack", "SignalResource")
            for stack in _stacks(at)
        ),
        at.request(SCIENTIST_ROLE, "cloudformation:CreateStackSet", every),
        at.request(SCIENTIST_ROLE, "cloudformation:RegisterType", every),
        at.request(SCIENTIST_ROLE, "cloudformation:ActivateType", every),
        at.request(SCIENTIST_ROLE, "cloudformation:CreateGeneratedTemplate", every),
    ]


def _own_tags(at: Place) -> list[Request]:
    forged = {"aws:RequestTag/gtc:bucket": at.filled("gotocloud-data-taro-{account}-apo")}
    keys = {"aws:TagKeys": ["gtc:bucket"]}
    role = at.iam(f"role/{SCIENTIST_ROLE}")
    return [
        Request(USERS, "sts:TagSession", role, {**forged, **keys}),
        Request(USERS, "iam:TagUser", at.iam("user/hanako"), {**forged, **keys}),
        Request(SCIENTIST_ROLE, "iam:TagRole", role, {**forged, **keys}),
        Request(SCIENTIST_ROLE, "sts:TagSession", role, {**forged, **keys}),
        Request(
            SCIENTIST_ROLE,
            "s3:PutBucketTagging",
            at.filled(f"arn:aws:s3:::{BUCKET}"),
            keys,
        ),
        *(
            Request(SCIENTIST_ROLE, f"ec2:{call}", at.arn("ec2", f"instance/{name}"), keys)
            for call in ("CreateTags", "DeleteTags")
            for name in ("i-1", "i-2")
        ),
        Request(HEAD_NODE, "iam:TagRole", at.iam(f"role/{HEAD_NODE}"), {**forged, **keys}),
        Request(HEAD_NODE, "iam:UntagRole", at.iam(f"role/{HEAD_NODE}"), keys),
        Request(HEAD_NODE, "iam:TagRole", role, {**forged, **keys}),
        Request(HEAD_NODE, "sts:TagSession", at.iam("role/admin"), {**forged, **keys}),
        Request(PROVIDER_ROLE, "iam:TagRole", role, {**forged, **keys}),
    ]


def _documents(at: Place) -> list[Request]:
    machine = at.arn("ec2", "instance/i-1")
    foreign = ("AWS-RunRemoteScript", "AWS-ApplyAnsiblePlaybooks", "AWS-ConfigureAWSPackage")
    return [
        *(
            at.request(SCIENTIST_ROLE, f"ssm:{call}", at.arn("ssm", "document/x"))
            for call in ("CreateDocument", "UpdateDocument", "ModifyDocumentPermission")
        ),
        *(
            at.request(SCIENTIST_ROLE, call, at.arn("ssm", f"document/{name}"))
            for call in ("ssm:SendCommand", "ssm:StartSession")
            for name in foreign
        ),
        at.request(SCIENTIST_ROLE, "ssm:SendCommand", at.arn("ssm", "document/mine")),
        at.request(SCIENTIST_ROLE, "ssm:CreateAssociation", machine),
        at.request(
            SCIENTIST_ROLE,
            "ssm:StartAutomationExecution",
            at.arn("ssm", "automation-definition/AWS-RunShellScript:1"),
        ),
        at.request(SCIENTIST_ROLE, "ssm:CreateActivation"),
        *(
            at.tagged(HEAD_NODE, f"ssm:{call}", machine, OWN)
            for call in ("SendCommand", "StartSession")
        ),
        at.tagged(SCIENTIST_ROLE, "ssm:StartSession", machine, {"gtc:method": "other"}),
        at.request(SCIENTIST_ROLE, "ssm:TerminateSession", at.arn("ssm", "session/taro-0123")),
        at.request(SCIENTIST_ROLE, "ssm:ResumeSession", at.arn("ssm", "session/taro-0123")),
    ]


def _facts(at: Place) -> list[Request]:
    names = ("iam/permissions-boundary-arn", "cluster/provider-token", "releases/approved", "group")
    return [
        at.request(who, f"ssm:{call}", at.arn("ssm", f"parameter/gotocloud/{name}"))
        for who in (SCIENTIST_ROLE, PROVIDER_ROLE, CLUSTER_SERVICE_ROLE)
        for call in ("PutParameter", "DeleteParameter", "LabelParameterVersion")
        for name in names
    ]


def _buckets(at: Place) -> list[Request]:
    bucket = at.filled(f"arn:aws:s3:::{BUCKET}")
    calls = (
        *("PutBucketPolicy", "PutBucketAcl", "PutBucketPublicAccessBlock", "PutBucketCORS"),
        *("PutReplicationConfiguration", "PutBucketNotification", "PutLifecycleConfiguration"),
        *("PutEncryptionConfiguration", "PutBucketVersioning", "PutBucketLogging"),
    )
    return [
        *(at.request(SCIENTIST_ROLE, f"s3:{call}", bucket) for call in calls),
        at.request(SCIENTIST_ROLE, "s3:PutObjectAcl", f"{bucket}/movie.tif"),
        at.request(SCIENTIST_ROLE, "s3:BypassGovernanceRetention", f"{bucket}/movie.tif"),
    ]

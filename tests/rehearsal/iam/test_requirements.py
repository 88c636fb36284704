"""Which permissions a request needs: actions, resources and condition keys."""

from __future__ import annotations

from typing import Any

import pytest

from gotocloud.rehearsal.iam.requirements import checks_of
from gotocloud.rehearsal.iam.resources import UnmappedError
from tests.rehearsal.iam.calls import ACCOUNT, REGION, StubFacts, call, user

HERE = f"{REGION}:{ACCOUNT}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/service"
STACK = f"arn:aws:cloudformation:{HERE}:stack/gotocloud-project-a/0f1e"
TASK = {"Type": "EXPORT_TO_REPOSITORY", "FileSystemId": "fs-0123456789abcdef0"}
URL = "https://releases.s3.eu-west-1.amazonaws.com/releases/1/project.template.json"
FACTS = StubFacts(
    buckets={"mine": ACCOUNT, "theirs": "333333333333", "releases": "111111111111"},
    stacks={"gotocloud-project-a": STACK},
    tags={
        f"arn:aws:ec2:{HERE}:security-group/sg-1": {"gtc:door": "desktop"},
        f"arn:aws:ec2:{HERE}:instance/i-1": {"gtc:method": "cryoem"},
    },
    arns={
        "user/alice": f"arn:aws:iam::{ACCOUNT}:user/lab/alice",
        "boundary of bounded": "arn:aws:iam::1:policy/b",
        "instance-profile/head": ROLE,
    },
)


def needed(service: str, operation: str, **given: Any) -> list[tuple[str, str]]:
    checks = checks_of(call(service, operation, **given), user(), FACTS)
    return [(check.action, check.resource) for check in checks]


@pytest.mark.parametrize(
    ("service", "operation", "given", "expected"),
    [
        ("sts", "get_caller_identity", {}, []),
        ("sts", "assume_role", {"RoleArn": ROLE, "RoleSessionName": "alice"}, [("sts:AssumeRole", ROLE)]),
        ("cloudformation", "describe_stacks", {"StackName": STACK}, [("cloudformation:DescribeStacks", STACK)]),
        ("cloudformation", "describe_stacks", {"StackName": "gotocloud-project-a"}, [("cloudformation:DescribeStacks", STACK)]),
        ("cloudformation", "describe_stacks", {}, [("cloudformation:DescribeStacks", f"arn:aws:cloudformation:{HERE}:stack/*/*")]),
        ("cloudformation", "list_stacks", {}, [("cloudformation:ListStacks", f"arn:aws:cloudformation:{HERE}:stack/*/*")]),
        ("cloudformation", "delete_stack", {"StackName": "new"}, [("cloudformation:DeleteStack", f"arn:aws:cloudformation:{HERE}:stack/new/*")]),
        ("cloudformation", "validate_template", {"TemplateBody": "{}"}, [("cloudformation:ValidateTemplate", "*")]),
        ("s3", "list_buckets", {}, [("s3:ListAllMyBuckets", "*")]),
        ("s3", "head_bucket", {"Bucket": "mine"}, [("s3:ListBucket", "arn:aws:s3:::mine")]),
        ("s3", "list_objects_v2", {"Bucket": "mine"}, [("s3:ListBucket", "arn:aws:s3:::mine")]),
        ("s3", "list_object_versions", {"Bucket": "mine"}, [("s3:ListBucketVersions", "arn:aws:s3:::mine")]),
        ("s3", "head_object", {"Bucket": "mine", "Key": "a/b"}, [("s3:GetObject", "arn:aws:s3:::mine/a/b")]),
        ("s3", "get_object", {"Bucket": "mine", "Key": "k", "VersionId": "1"}, [("s3:GetObjectVersion", "arn:aws:s3:::mine/k")]),
        ("s3", "create_multipart_upload", {"Bucket": "mine", "Key": "k"}, [("s3:PutObject", "arn:aws:s3:::mine/k")]),
        ("s3", "list_parts", {"Bucket": "mine", "Key": "k", "UploadId": "u"}, [("s3:ListMultipartUploadParts", "arn:aws:s3:::mine/k")]),
        ("s3", "list_multipart_uploads", {"Bucket": "mine"}, [("s3:ListBucketMultipartUploads", "arn:aws:s3:::mine")]),
        ("s3", "copy_object", {"Bucket": "mine", "Key": "k", "CopySource": "theirs/a%20b"}, [("s3:PutObject", "arn:aws:s3:::mine/k"), ("s3:GetObject", "arn:aws:s3:::theirs/a b")]),
        ("s3", "delete_objects", {"Bucket": "mine", "Delete": {"Objects": [{"Key": "a"}, {"Key": "b", "VersionId": "1"}]}}, [("s3:DeleteObject", "arn:aws:s3:::mine/a"), ("s3:DeleteObjectVersion", "arn:aws:s3:::mine/b")]),
        ("s3", "put_bucket_encryption", {"Bucket": "mine", "ServerSideEncryptionConfiguration": {"Rules": []}}, [("s3:PutEncryptionConfiguration", "arn:aws:s3:::mine")]),
        ("s3", "delete_bucket_cors", {"Bucket": "mine"}, [("s3:PutBucketCORS", "arn:aws:s3:::mine")]),
        ("s3", "put_object", {"Bucket": "mine", "Key": "k", "Tagging": "a=b"}, [("s3:PutObject", "arn:aws:s3:::mine/k"), ("s3:PutObjectTagging", "arn:aws:s3:::mine/k")]),
        ("ec2", "describe_instances", {"InstanceIds": ["i-1"]}, [("ec2:DescribeInstances", "*")]),
        ("ec2", "create_tags", {"Resources": ["i-1", "sg-1"], "Tags": []}, [("ec2:CreateTags", f"arn:aws:ec2:{HERE}:instance/i-1"), ("ec2:CreateTags", f"arn:aws:ec2:{HERE}:security-group/sg-1")]),
        ("ec2", "delete_key_pair", {"KeyName": "a"}, [("ec2:DeleteKeyPair", f"arn:aws:ec2:{HERE}:key-pair/a")]),
        ("fsx", "describe_file_systems", {"FileSystemIds": ["fs-1234567890a"]}, [("fsx:DescribeFileSystems", "*")]),
        ("fsx", "create_data_repository_task", {**TASK, "Report": {"Enabled": False}}, [("fsx:CreateDataRepositoryTask", f"arn:aws:fsx:{HERE}:file-system/fs-0123456789abcdef0"), ("fsx:CreateDataRepositoryTask", f"arn:aws:fsx:{HERE}:task/*")]),
        ("fsx", "cancel_data_repository_task", {"TaskId": "task-0123456789abcdef0"}, [("fsx:CancelDataRepositoryTask", f"arn:aws:fsx:{HERE}:task/task-0123456789abcdef0")]),
        ("ssm", "get_parameter", {"Name": "/gotocloud/vpc:3"}, [("ssm:GetParameter", f"arn:aws:ssm:{HERE}:parameter/gotocloud/vpc")]),
        ("ssm", "get_parameters", {"Names": ["/a", "b"]}, [("ssm:GetParameters", f"arn:aws:ssm:{HERE}:parameter/a"), ("ssm:GetParameters", f"arn:aws:ssm:{HERE}:parameter/b")]),
        ("ssm", "get_parameters_by_path", {"Path": "/gotocloud"}, [("ssm:GetParametersByPath", f"arn:aws:ssm:{HERE}:parameter/gotocloud")]),
        ("ssm", "start_session", {"Target": "i-1"}, [("ssm:StartSession", f"arn:aws:ec2:{HERE}:instance/i-1")]),
        ("ssm", "start_session", {"Target": "i-1", "DocumentName": "AWS-StartPortForwardingSession"}, [("ssm:StartSession", f"arn:aws:ssm:{REGION}::document/AWS-StartPortForwardingSession"), ("ssm:StartSession", f"arn:aws:ec2:{HERE}:instance/i-1")]),
        ("ssm", "send_command", {"InstanceIds": ["i-1"], "DocumentName": "mine"}, [("ssm:SendCommand", f"arn:aws:ssm:{HERE}:document/mine"), ("ssm:SendCommand", f"arn:aws:ec2:{HERE}:instance/i-1")]),
        ("ssm", "terminate_session", {"SessionId": "alice-1"}, [("ssm:TerminateSession", f"arn:aws:ssm:{HERE}:session/alice-1")]),
        ("secretsmanager", "get_secret_value", {"SecretId": "gotocloud/a"}, [("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{HERE}:secret:gotocloud/a-*")]),
        ("iam", "get_user", {}, [("iam:GetUser", f"arn:aws:iam::{ACCOUNT}:user/alice")]),
        ("iam", "get_user", {"UserName": "alice"}, [("iam:GetUser", f"arn:aws:iam::{ACCOUNT}:user/lab/alice")]),
        ("iam", "list_mfa_devices", {}, [("iam:ListMFADevices", f"arn:aws:iam::{ACCOUNT}:user/alice")]),
        ("iam", "create_virtual_mfa_device", {"VirtualMFADeviceName": "a"}, [("iam:CreateVirtualMFADevice", f"arn:aws:iam::{ACCOUNT}:mfa/a")]),
        ("iam", "attach_role_policy", {"RoleName": "r", "PolicyArn": "arn:aws:iam::aws:policy/x-y-z-long"}, [("iam:AttachRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/r")]),
        ("service-quotas", "list_service_quotas", {"ServiceCode": "ec2"}, [("servicequotas:ListServiceQuotas", "*")]),
        ("service-quotas", "get_service_quota", {"ServiceCode": "ec2", "QuotaCode": "L-1"}, [("servicequotas:GetServiceQuota", f"arn:aws:servicequotas:{HERE}:ec2/L-1")]),
        ("budgets", "describe_budgets", {"AccountId": ACCOUNT}, [("budgets:ViewBudget", f"arn:aws:budgets::{ACCOUNT}:budget/*")]),
        ("budgets", "describe_budget", {"AccountId": ACCOUNT, "BudgetName": "b"}, [("budgets:ViewBudget", f"arn:aws:budgets::{ACCOUNT}:budget/b")]),
        ("efs", "describe_file_systems", {}, [("elasticfilesystem:DescribeFileSystems", f"arn:aws:elasticfilesystem:{HERE}:file-system/*")]),
        ("efs", "delete_file_system", {"FileSystemId": "fs-1"}, [("elasticfilesystem:DeleteFileSystem", f"arn:aws:elasticfilesystem:{HERE}:file-system/fs-1")]),
        ("pricing", "get_products", {"ServiceCode": "AmazonEC2"}, [("pricing:GetProducts", "*")]),
        ("resourcegroupstaggingapi", "get_resources", {}, [("tag:GetResources", "*")]),
        ("cloudwatch", "get_metric_data", {"MetricDataQueries": [], "StartTime": 1, "EndTime": 2}, [("cloudwatch:GetMetricData", "*")]),
        ("lambda", "invoke", {"FunctionName": "f"}, [("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:f")]),
    ],
)  # fmt: skip
def test_a_request_needs_these_permissions(
    service: str, operation: str, given: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert needed(service, operation, **given) == expected


def test_a_stack_with_a_role_and_tags_needs_four_permissions() -> None:
    given = {"StackName": "gotocloud-project-b", "TemplateURL": URL, "RoleARN": ROLE}
    made = call("cloudformation", "create_stack", **given, Tags=[{"Key": "gtc:a", "Value": "b"}])
    create, role, tag, template = checks_of(made, user(), FACTS)
    stack = f"arn:aws:cloudformation:{HERE}:stack/gotocloud-project-b/*"
    assert (create.action, create.resource) == ("cloudformation:CreateStack", stack)
    assert create.context["cloudformation:TemplateUrl"] == URL
    assert create.context["cloudformation:RoleArn"] == ROLE
    assert create.context["aws:RequestTag/gtc:a"] == "b"
    assert create.context["aws:TagKeys"] == ["gtc:a"]
    assert (role.action, role.resource) == ("iam:PassRole", ROLE)
    assert role.context["iam:PassedToService"] == "cloudformation.amazonaws.com"
    assert (tag.action, tag.resource) == ("cloudformation:TagResource", stack)
    assert tag.context["cloudformation:CreateAction"] == "CreateStack"
    assert template.action == "s3:GetObject"
    assert template.resource == "arn:aws:s3:::releases/releases/1/project.template.json"
    assert template.account == "111111111111"
    assert template.context["aws:CalledVia"] == ["cloudformation.amazonaws.com"]


def test_a_stack_without_a_role_passes_none() -> None:
    given = {"StackName": "a", "TemplateBody": "{}"}
    (create,) = checks_of(call("cloudformation", "create_stack", **given), user(), FACTS)
    assert "cloudformation:RoleArn" not in create.context
    assert "cloudformation:TemplateUrl" not in create.context


def test_the_tags_of_resources_are_condition_keys() -> None:
    door = call("ec2", "authorize_security_group_ingress", GroupId="sg-1", IpPermissions=[])
    (opened,) = [
        check
        for check in checks_of(door, user(), FACTS)
        if check.resource.endswith("security-group/sg-1")
    ]
    assert opened.context["aws:ResourceTag/gtc:door"] == "desktop"
    assert opened.context["ec2:ResourceTag/gtc:door"] == "desktop"
    session = call("ssm", "start_session", Target="i-1")
    (started,) = checks_of(session, user(), FACTS)
    assert started.context["ssm:resourceTag/gtc:method"] == "cryoem"


def test_a_bucket_belongs_to_its_account() -> None:
    (check,) = checks_of(
        call("s3", "list_objects_v2", Bucket="theirs", Prefix="p/"), user(), FACTS
    )
    assert check.account == "333333333333"
    assert check.context["s3:ResourceAccount"] == "333333333333"
    assert check.context["s3:prefix"] == "p/"


def test_changing_a_role_is_judged_by_its_boundary() -> None:
    policy = {"PolicyName": "p", "PolicyDocument": "{}"}
    changed = call("iam", "put_role_policy", RoleName="bounded", **policy)
    assert checks_of(changed, user(), FACTS)[0].context["iam:PermissionsBoundary"] == (
        "arn:aws:iam::1:policy/b"
    )
    free = call("iam", "put_role_policy", RoleName="free", **policy)
    assert "iam:PermissionsBoundary" not in checks_of(free, user(), FACTS)[0].context


def test_an_instance_needs_its_profiles_role_passed() -> None:
    found = needed(
        "ec2",
        "run_instances",
        ImageId="ami-1",
        MinCount=1,
        MaxCount=1,
        IamInstanceProfile={"Name": "head"},
    )
    assert ("iam:PassRole", ROLE) in found
    assert ("ec2:RunInstances", f"arn:aws:ec2:{HERE}:image/ami-1") in found
    assert ("ec2:RunInstances", f"arn:aws:ec2:{HERE}:instance/*") in found


def test_a_write_to_nobody_knows_what_is_not_mapped() -> None:
    # Deleting by a path that no parameter of the mapping names.
    with pytest.raises(UnmappedError, match="which .* it is about"):
        needed("logs", "put_subscription_filter") if False else needed(
            "datasync", "delete_location", LocationArn="arn:aws:datasync:eu-west-1:1:nothing/x"
        )


def test_an_action_that_iam_does_not_know_is_not_mapped() -> None:
    with pytest.raises(UnmappedError, match="no action that IAM knows"):
        needed("ec2", "confirm_product_instance_nothing") if False else checks_of(
            call("s3", "write_get_object_response", RequestRoute="r", RequestToken="t"),
            user(),
            FACTS,
        )

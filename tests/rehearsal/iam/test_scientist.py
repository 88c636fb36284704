"""What a scientist may do, with the synthesised policies deployed and IAM deciding."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any
from uuid import uuid4

import pytest

from gotocloud.rehearsal.people import scientist_environment
from local_aws.testing import Person
from tests.rehearsal.iam.site import (
    BEYOND_URL,
    BUCKET,
    GROUP,
    MFA,
    OTHER_GROUP,
    OWN_BUCKET,
    PROJECT_URL,
    REGION,
    ROLE,
    SCIENTIST,
    SERVICE_ROLE,
    SHARED,
    TRAP,
    Site,
)

pytestmark = [pytest.mark.rehearsal, pytest.mark.xdist_group(SHARED)]
TAGS = [{"Key": "gtc:method", "Value": "cryoem"}]
TEMPLATE = '{"Resources": {"A": {"Type": "AWS::SSM::Parameter"}}}'
ELSEWHERE = PROJECT_URL.replace("/releases/1.0.0/", "/elsewhere/")


@pytest.fixture(scope="module")
def scientist(site: Site) -> Person:
    return site.scientist()


def launch(**changed: Any) -> dict[str, Any]:
    """What launches a published template; None leaves a parameter out."""
    given: dict[str, Any] = {
        "StackName": f"gotocloud-project-{uuid4().hex[:8]}",
        "TemplateURL": PROJECT_URL,
        "RoleARN": SERVICE_ROLE,
        "Tags": TAGS,
        **changed,
    }
    return {name: value for name, value in given.items() if value is not None}


def test_a_scientist_launches_a_published_template_with_the_service_role(
    site: Site, scientist: Person
) -> None:
    given = launch()
    cfn = scientist.client("cloudformation")
    cfn.create_stack(**given)
    status = cfn.describe_stacks(StackName=given["StackName"])["Stacks"][0]["StackStatus"]
    assert status == "CREATE_COMPLETE"
    cfn.delete_stack(StackName=given["StackName"])
    used = {
        decision.action
        for decision in site.decisions()
        if decision.caller.endswith(f"gotocloud-scientist/{SCIENTIST}") and decision.allowed
    }
    assert used >= {
        "cloudformation:CreateStack",
        "cloudformation:DescribeStacks",
        "cloudformation:DeleteStack",
        "iam:PassRole",
        "s3:GetObject",
    }


def test_cloudformation_makes_no_more_than_the_service_role_may(
    site: Site, scientist: Person
) -> None:
    given = launch(TemplateURL=BEYOND_URL, StackName="gotocloud-cluster-beyond")
    cfn = scientist.client("cloudformation")
    cfn.create_stack(**given)
    events = cfn.describe_stack_events(StackName=given["StackName"])["StackEvents"]
    failed = [it for it in events if it["ResourceStatus"] == "CREATE_FAILED"]
    assert [it["LogicalResourceId"] for it in failed] == ["Topic"]
    assert "gotocloud-cluster-service/AWSCloudFormation is not" in failed[0]["ResourceStatusReason"]
    assert "perform: sns:CreateTopic" in failed[0]["ResourceStatusReason"]
    assert site.admin("sns").list_topics()["Topics"] == []


LAUNCHES: dict[str, dict[str, Any]] = {
    "from another place of the same bucket": {"TemplateURL": ELSEWHERE},
    "from another bucket": {
        "TemplateURL": f"https://{OWN_BUCKET}.s3.{REGION}.amazonaws.com/releases/t.json"
    },
    "from a template of one's own": {"TemplateURL": None, "TemplateBody": TEMPLATE},
    "without the service role": {"RoleARN": None},
    "with another role": {"RoleARN": ROLE},
    "under another kind of name": {"StackName": "mine"},
}


@pytest.mark.parametrize("how", LAUNCHES)
def test_a_scientist_cannot_launch(site: Site, scientist: Person, how: str) -> None:
    text = scientist.refusal("cloudformation", "create_stack", **launch(**LAUNCHES[how]))
    assert "is not authorized to perform: cloudformation:CreateStack" in text
    assert "because no identity-based policy allows" in text
    # What was changed is the only reason: everything else as it is, it is allowed.
    assert scientist.allowed("cloudformation", "create_stack", **launch())


def test_single_sign_on_is_off_unless_the_group_names_a_permission_set(site: Site) -> None:
    iam, path = site.admin("iam"), "/aws-reserved/sso.amazonaws.com/"
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    trust = {**statement, "Principal": {"AWS": f"arn:aws:iam::{GROUP}:root"}}
    name = "AWSReservedSSO_Scientist_0123456789abcdef"
    iam.create_role(
        RoleName=name,
        Path=path,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}),
    )
    allowed = {"Version": "2012-10-17", "Statement": {**statement, "Resource": ROLE}}
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(allowed))
    arn = f"arn:aws:iam::{GROUP}:role{path}{name}"
    keys = site.admin("sts").assume_role(RoleArn=arn, RoleSessionName=SCIENTIST)["Credentials"]
    person = Person(site.aws, keys)
    assert person.refusal("sts", "assume_role", RoleArn=ROLE, RoleSessionName=SCIENTIST)


def test_passing_the_role_is_a_permission_of_its_own(site: Site) -> None:
    hands_tied = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*"},
        ],
    }
    person = site.scientist(Policy=json.dumps(hands_tied))
    text = person.refusal("cloudformation", "create_stack", **launch())
    assert f"iam:PassRole on resource: {SERVICE_ROLE}" in text
    assert "with an explicit deny in a session policy" in text


IN_PLACE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a role": (
        "iam",
        "create_role",
        {"RoleName": "r", "AssumeRolePolicyDocument": '{"Version": "2012-10-17"}'},
    ),
    "a user": ("iam", "create_user", {"UserName": "u"}),
    "an access key": ("iam", "create_access_key", {"UserName": SCIENTIST}),
    "a policy of the role": (
        "iam",
        "put_role_policy",
        {"RoleName": "gotocloud-scientist", "PolicyName": "p", "PolicyDocument": TEMPLATE},
    ),
    "an instance": ("ec2", "run_instances", {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 1}),
    "a security group": ("ec2", "create_security_group", {"GroupName": "g", "Description": "d"}),
    "a key pair": ("ec2", "create_key_pair", {"KeyName": "k"}),
    "a file system": (
        "fsx",
        "create_file_system",
        {"FileSystemType": "LUSTRE", "SubnetIds": ["subnet-0123456789abcdef0"]},
    ),
    "a bucket": ("s3", "create_bucket", {"Bucket": f"mine-{GROUP}-new"}),
    "a parameter": ("ssm", "put_parameter", {"Name": "/gotocloud/vpc", "Value": "v"}),
}


@pytest.mark.parametrize("what", IN_PLACE)
def test_a_scientist_creates_nothing_by_hand(site: Site, scientist: Person, what: str) -> None:
    service, operation, given = IN_PLACE[what]
    text = scientist.refusal(service, operation, **given)
    assert "is not authorized to perform" in text
    # The request is good: to an administrator it is not denied.
    assert Person(site.aws, {"AccessKeyId": "x", "SecretAccessKey": "x"}).allowed(
        service, operation, **given
    )


def test_a_scientist_uses_the_groups_buckets_and_no_other(site: Site, scientist: Person) -> None:
    own, strange = {"Bucket": OWN_BUCKET}, {"Bucket": TRAP}
    for operation, given in (
        ("put_object", {"Key": "Movies/a b*.tiff", "Body": b"x"}),
        ("get_object", {"Key": "Movies/a b*.tiff"}),
        ("head_object", {"Key": "Movies/a b*.tiff"}),
        ("list_objects_v2", {"Prefix": "Movies/"}),
        ("create_multipart_upload", {"Key": "big"}),
    ):
        assert scientist.refusal("s3", operation, **own, **given) == ""
        assert scientist.refusal("s3", operation, **strange, **given) != ""
    assert "s3:DeleteObject" in scientist.refusal("s3", "delete_object", **own, Key="x")
    assert scientist.allowed("s3", "get_object", Bucket=BUCKET, Key="releases/1.0.0/x")
    assert not scientist.allowed("s3", "get_object", Bucket=BUCKET, Key="elsewhere/x")
    assert not scientist.allowed("s3", "put_object", Bucket=BUCKET, Key="releases/x", Body=b"")


def test_the_bucket_policy_has_to_allow_it_as_well(site: Site, scientist: Person) -> None:
    s3 = site.admin("s3", "410000000000")
    policy = s3.get_bucket_policy(Bucket=BUCKET)["Policy"]
    changed = policy.replace(GROUP, OTHER_GROUP)
    assert changed != policy
    release = {"Bucket": BUCKET, "Key": "releases/1.0.0/project.template.json"}
    try:
        s3.put_bucket_policy(Bucket=BUCKET, Policy=changed)
        text = scientist.refusal("s3", "get_object", **release)
        # A stack needs the same: CloudFormation fetches with the caller's permissions.
        launched = scientist.refusal("cloudformation", "create_stack", **launch())
    finally:
        s3.put_bucket_policy(Bucket=BUCKET, Policy=policy)
    assert "because no resource-based policy allows the s3:GetObject action" in text
    assert "s3:GetObject" in launched
    assert scientist.allowed("s3", "get_object", **release)


def test_a_scientist_opens_desktops_and_no_other_group(site: Site, scientist: Person) -> None:
    ec2 = site.admin("ec2")
    network = ec2.create_vpc(CidrBlock="10.0.0.0/24")["Vpc"]["VpcId"]
    rule: list[dict[str, Any]] = [{"IpProtocol": "tcp", "FromPort": 8443, "ToPort": 8443}]
    rule[0]["IpRanges"] = [{"CidrIp": "192.0.2.1/32"}]
    refusals = {}
    for door in ("desktop", "other"):
        group = ec2.create_security_group(
            GroupName=door,
            Description="d",
            VpcId=network,
            TagSpecifications=[
                {"ResourceType": "security-group", "Tags": [{"Key": "gtc:door", "Value": door}]}
            ],
        )["GroupId"]
        given = {"GroupId": group, "IpPermissions": rule}
        for operation in ("authorize_security_group_ingress", "revoke_security_group_ingress"):
            refusals[door, operation.partition("_")[0]] = scientist.refusal(
                "ec2", operation, **given
            )
    assert refusals["desktop", "authorize"] == refusals["desktop", "revoke"] == ""
    assert "security-group/sg-" in refusals["other", "authorize"]
    assert refusals["other", "authorize"].startswith("You are not authorized")
    assert refusals["other", "revoke"]


def test_without_mfa_nothing_works_but_setting_mfa_up(site: Site) -> None:
    person = site.newcomer
    session = person.client("sts").get_session_token()["Credentials"]
    code = {"AuthenticationCode1": "111111", "AuthenticationCode2": "222222"}
    for operation in ("get_user", "list_mfa_devices"):
        assert person.refusal("iam", operation) == ""
    # Nobody enrols a device with an access key alone: it may be a leaked one.
    enrolling = {"UserName": SCIENTIST, "SerialNumber": f"{MFA}-none", **code}
    assert not person.allowed("iam", "enable_mfa_device", **enrolling)
    assert not person.allowed("iam", "create_virtual_mfa_device", VirtualMFADeviceName="second")
    # Nor with a session that such a key gets: IAM takes none without MFA.
    text = Person(site.aws, session).refusal("iam", "enable_mfa_device", **enrolling)
    assert "without MFA" in text
    role = {"RoleArn": ROLE, "RoleSessionName": SCIENTIST}
    for who in (person, Person(site.aws, session)):
        assert not who.allowed("sts", "assume_role", **role)
        assert not who.allowed("s3", "list_buckets")
        assert not who.allowed("cloudformation", "create_stack", **launch())
        assert not who.allowed("iam", "deactivate_mfa_device", SerialNumber=MFA)
    mine = person.client("sts").get_session_token(SerialNumber=MFA, TokenCode="123456")
    with_mfa = Person(site.aws, mine["Credentials"])
    assert with_mfa.allowed("sts", "assume_role", **role)
    assert not with_mfa.allowed("s3", "list_buckets")


def test_the_role_is_assumed_with_a_good_code_and_under_ones_own_name(site: Site) -> None:
    role, mfa = {"RoleArn": ROLE}, {"SerialNumber": MFA, "TokenCode": "123456"}
    person = site.newcomer

    def refusal(**given: str) -> str:
        return person.refusal("sts", "assume_role", **role, **given)

    assert refusal(RoleSessionName=SCIENTIST, **mfa) == ""
    assert "role trust policy" in refusal(RoleSessionName="somebody", **mfa)
    assert "invalid MFA" in refusal(RoleSessionName=SCIENTIST, **{**mfa, "TokenCode": "12345x"})
    other = {**mfa, "SerialNumber": f"{MFA}-other"}
    assert "invalid MFA" in refusal(RoleSessionName=SCIENTIST, **other)
    assert "sts:AssumeRole" in person.refusal(
        "sts", "assume_role", RoleArn=SERVICE_ROLE, RoleSessionName=SCIENTIST, **mfa
    )


def test_the_boundary_limits_an_inline_policy_that_allows_everything(
    site: Site, scientist: Person
) -> None:
    everything = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"},
    }
    iam = site.admin("iam")
    named = {"RoleName": "gotocloud-scientist", "PolicyName": "admin"}
    attempt = {"RoleName": "r", "AssumeRolePolicyDocument": '{"Version": "2012-10-17"}'}
    strange = {"Bucket": TRAP, "Key": "k", "Body": b""}
    iam.put_role_policy(**named, PolicyDocument=json.dumps(everything))
    try:
        assert scientist.allowed("ec2", "create_key_pair", KeyName="k2")
        user = scientist.refusal("iam", "create_user", UserName="u2")
        role = scientist.refusal("iam", "create_role", **attempt)
        outside = scientist.refusal("s3", "put_object", **strange)
        unused = scientist.refusal("ecr", "describe_repositories")
    finally:
        iam.delete_role_policy(**named)
    for text in (user, role, outside):
        assert "with an explicit deny in a permissions boundary" in text
    assert "because no permissions boundary allows the ecr:DescribeRepositories action" in unused
    assert "no identity-based policy" in scientist.refusal("ec2", "create_key_pair", KeyName="k3")


def test_what_is_not_mapped_is_denied_with_an_explanation(scientist: Person) -> None:
    text = scientist.refusal("glue", "get_databases")
    assert "does not know which permission this needs (it is the service glue)" in text


def test_expired_and_unknown_keys_are_refused(site: Site) -> None:
    unknown = Person(
        site.aws, {"AccessKeyId": "AKIA2222222222222222", "SecretAccessKey": "x"}
    ).client("sts")
    with pytest.raises(unknown.exceptions.ClientError, match="InvalidClientTokenId"):
        unknown.get_caller_identity()
    iam = site.admin("iam")
    keys = iam.create_access_key(UserName=SCIENTIST)["AccessKey"]
    person = Person(site.aws, keys)
    assert person.client("sts").get_caller_identity()["Arn"].endswith(f"user/{SCIENTIST}")
    named = {"UserName": SCIENTIST, "AccessKeyId": keys["AccessKeyId"]}
    iam.update_access_key(**named, Status="Inactive")
    with pytest.raises(unknown.exceptions.ClientError, match="InvalidClientTokenId"):
        person.client("sts").get_caller_identity()
    iam.delete_access_key(**named)


def test_commands_can_be_run_as_a_scientist(site: Site) -> None:
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    # Another user of the group, so that nobody else's key is replaced.
    iam = site.admin("iam")
    iam.create_user(UserName="second")
    iam.add_user_to_group(GroupName="gotocloud-scientists", UserName="second")
    environment = scientist_environment(site.aws, GROUP, REGION, "second")
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith(":assumed-role/gotocloud-scientist/second")


def test_a_scientist_sees_who_they_are(scientist: Person) -> None:
    found = scientist.client("sts").get_caller_identity()
    assert found["Arn"] == f"arn:aws:sts::{GROUP}:assumed-role/gotocloud-scientist/{SCIENTIST}"
    assert found["Account"] == GROUP

"""The gate before the local AWS: sessions, resource policies, audits, and what is noted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.config import Config

from local_aws.engine.site import ACTING_HEADER
from local_aws.iam.decisions import read_decisions
from local_aws.process import LocalAws
from local_aws.testing import DENIED, Person
from needs import need_evaluator

pytestmark = pytest.mark.rehearsal
HOME, AWAY, REGION = "222222222222", "333333333333", "eu-west-1"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    need_evaluator()
    started = LocalAws.start(tmp_path_factory.mktemp("guard"), iam=True)
    yield started
    started.stop()


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, **more: Any) -> dict[str, Any]:
    resource = {} if more.pop("trust", False) else {"Resource": more.pop("resource", "*")}
    return {"Effect": "Allow", "Action": list(actions), **resource, **more}


@pytest.fixture(scope="module")
def alice(aws: LocalAws) -> Person:
    """A user who may do a few things in each service, in one account."""
    return made(aws, "alice", allow("s3:*", "kms:*", "sns:*", "secretsmanager:*", "sts:*"))


def made(aws: LocalAws, name: str, *statements: dict[str, Any], **more: Any) -> Person:
    iam = aws.client("iam", HOME, REGION)
    iam.create_user(UserName=name, **more)
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
    return Person(aws, iam.create_access_key(UserName=name)["AccessKey"])


def role(aws: LocalAws, name: str, account: str, principal: str, **more: Any) -> str:
    iam = aws.client("iam", account, REGION)
    trust = policy(allow("sts:AssumeRole", trust=True, Principal={"AWS": principal}, **more))
    found = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
    inline = policy(allow("s3:*"))
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=inline)
    return str(found["Arn"])


def test_policies_of_groups_count(aws: LocalAws) -> None:
    iam = aws.client("iam", HOME, REGION)
    person = made(aws, "grace", allow("s3:ListAllMyBuckets"))
    iam.create_group(GroupName="lab")
    iam.put_group_policy(
        GroupName="lab", PolicyName="p", PolicyDocument=policy(allow("ec2:DescribeVpcs"))
    )
    assert not person.allowed("ec2", "describe_vpcs")
    iam.add_user_to_group(GroupName="lab", UserName="grace")
    assert person.allowed("ec2", "describe_vpcs")


def test_the_default_version_of_a_managed_policy_counts(aws: LocalAws) -> None:
    iam = aws.client("iam", HOME, REGION)
    person = made(aws, "mia", allow("s3:ListAllMyBuckets"))
    document = policy(allow("ec2:DescribeVpcs"))
    arn = iam.create_policy(PolicyName="m", PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_user_policy(UserName="mia", PolicyArn=arn)
    assert person.allowed("ec2", "describe_vpcs")
    iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=policy(allow("ec2:DescribeSubnets")), SetAsDefault=True
    )
    assert not person.allowed("ec2", "describe_vpcs")
    assert person.allowed("ec2", "describe_subnets")


def test_the_boundary_of_a_user_counts(aws: LocalAws) -> None:
    iam = aws.client("iam", HOME, REGION)
    edge = iam.create_policy(PolicyName="edge", PolicyDocument=policy(allow("ec2:*")))
    arn = edge["Policy"]["Arn"]
    person = made(aws, "bo", allow("*"), PermissionsBoundary=arn)
    assert "no permissions boundary allows" in person.refusal("s3", "list_buckets")
    assert person.allowed("ec2", "describe_vpcs")
    iam.delete_user_permissions_boundary(UserName="bo")
    assert person.allowed("s3", "list_buckets")
    iam.put_user_permissions_boundary(UserName="bo", PermissionsBoundary=arn)
    assert not person.allowed("s3", "list_buckets")


def test_a_role_of_another_account_needs_both_sides(aws: LocalAws, alice: Person) -> None:
    own = f"arn:aws:iam::{HOME}:root"
    trusting = role(aws, "trusting", AWAY, own)
    closed = role(aws, "closed", AWAY, f"arn:aws:iam::{AWAY}:root")
    named = {"RoleSessionName": "alice"}
    assert alice.allowed("sts", "assume_role", RoleArn=trusting, **named)
    assert "role trust policy" in alice.refusal("sts", "assume_role", RoleArn=closed, **named)
    stranger = made(aws, "sam", allow("s3:*"))
    text = stranger.refusal("sts", "assume_role", RoleArn=trusting, **named)
    assert "identity-based policy" in text
    absent = trusting.replace("trusting", "absent")
    assert not alice.allowed("sts", "assume_role", RoleArn=absent, **named)


def test_administrators_need_a_roles_trust_as_well(aws: LocalAws) -> None:
    arn = role(aws, "picky", HOME, f"arn:aws:iam::{AWAY}:root")
    root = Person.owner(aws)
    assert not root.allowed("sts", "assume_role", RoleArn=arn, RoleSessionName="root")
    # Roles that do not exist stand for an organisation's administrators.
    anyone = arn.replace("picky", "OrganizationAccountAccessRole")
    assert root.allowed("sts", "assume_role", RoleArn=anyone, RoleSessionName="root")


def test_tags_of_sessions_are_the_principals(aws: LocalAws, alice: Person) -> None:
    arn = role(aws, "tagged", HOME, f"arn:aws:iam::{HOME}:root")
    iam = aws.client("iam", HOME, REGION)
    trust = policy(
        allow(
            "sts:AssumeRole",
            "sts:TagSession",
            trust=True,
            Principal={"AWS": f"arn:aws:iam::{HOME}:root"},
        )
    )
    given = {"RoleArn": arn, "RoleSessionName": "alice"}
    tags = [{"Key": "project", "Value": "apoferritin"}]
    assert "sts:TagSession" in alice.refusal("sts", "assume_role", **given, Tags=tags)
    iam.update_assume_role_policy(RoleName="tagged", PolicyDocument=trust)
    condition = {"StringEquals": {"aws:PrincipalTag/project": "apoferritin"}}
    only = policy(allow("s3:*", Condition=condition))
    iam.put_role_policy(RoleName="tagged", PolicyName="p", PolicyDocument=only)
    sts = alice.client("sts")
    with_tag = Person(aws, sts.assume_role(**given, Tags=tags)["Credentials"])
    without = Person(aws, sts.assume_role(**given)["Credentials"])
    assert with_tag.allowed("s3", "list_buckets")
    assert not without.allowed("s3", "list_buckets")


def test_session_policies_limit_a_role(aws: LocalAws, alice: Person) -> None:
    arn = role(aws, "limited", HOME, f"arn:aws:iam::{HOME}:root")
    limit = policy(allow("s3:ListAllMyBuckets"))
    made_keys = alice.client("sts").assume_role(RoleArn=arn, RoleSessionName="alice", Policy=limit)
    person = Person(aws, made_keys["Credentials"])
    assert person.allowed("s3", "list_buckets")
    text = person.refusal("s3", "create_bucket", Bucket="any")
    assert "because no session policy allows the s3:CreateBucket action" in text


def test_policies_of_resources_decide(aws: LocalAws, alice: Person) -> None:
    nobody = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
    key = aws.client("kms", HOME, REGION).create_key()["KeyMetadata"]["KeyId"]
    topic = aws.client("sns", HOME, REGION).create_topic(Name="t")["TopicArn"]
    secret = aws.client("secretsmanager", HOME, REGION).create_secret(
        Name="s", SecretString="x", Tags=[{"Key": "gtc:account", "Value": HOME}]
    )
    s3 = aws.client("s3", HOME, REGION)
    s3.create_bucket(Bucket="policed", CreateBucketConfiguration={"LocationConstraint": REGION})
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("kms", "describe_key", {"KeyId": key}),
        ("sns", "publish", {"TopicArn": topic, "Message": "m"}),
        ("secretsmanager", "get_secret_value", {"SecretId": "s"}),
        ("s3", "list_objects_v2", {"Bucket": "policed"}),
    ]
    for service, operation, given in requests:
        assert alice.refusal(service, operation, **given) == ""
    closed = policy(nobody)
    aws.client("kms", HOME, REGION).put_key_policy(KeyId=key, PolicyName="default", Policy=closed)
    aws.client("sns", HOME, REGION).set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=closed
    )
    aws.client("secretsmanager", HOME, REGION).put_resource_policy(
        SecretId=secret["ARN"], ResourcePolicy=closed
    )
    s3.put_bucket_policy(Bucket="policed", Policy=closed)
    for service, operation, given in requests:
        text = alice.refusal(service, operation, **given)
        assert "with an explicit deny in a resource-based policy" in text, service


def test_loopback_stands_for_tls(aws: LocalAws, alice: Person) -> None:
    s3 = aws.client("s3", HOME, REGION)
    s3.create_bucket(Bucket="tls", CreateBucketConfiguration={"LocationConstraint": REGION})
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    for value, expected in (("false", True), ("true", False)):
        condition = {"Bool": {"aws:SecureTransport": value}}
        s3.put_bucket_policy(Bucket="tls", Policy=policy({**deny, "Condition": condition}))
        assert alice.allowed("s3", "list_objects_v2", Bucket="tls") is expected


def test_a_missing_bucket_is_missing_and_not_forbidden(aws: LocalAws) -> None:
    person = made(aws, "ned", allow("ec2:*"))
    s3 = person.client("s3")
    with pytest.raises(s3.exceptions.ClientError, match="404"):
        s3.head_bucket(Bucket="no-such-bucket")


def test_an_object_is_missing_only_for_those_who_may_list(aws: LocalAws) -> None:
    bucket = {"Bucket": "listed"}
    s3 = aws.client("s3", HOME, REGION)
    s3.create_bucket(**bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(**bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in ("here", "gone"):
        s3.put_object(**bucket, Key=key, Body=b"1")
    s3.delete_object(**bucket, Key="gone")
    reader = allow("s3:GetObject", resource="arn:aws:s3:::listed/*")
    lister = allow("s3:ListBucket", resource="arn:aws:s3:::listed")
    prefix = {"Condition": {"StringLike": {"s3:prefix": "*"}}}
    for name, statements, answer in (
        ("lists", [reader, lister], "404|NoSuchKey"),
        ("reads", [reader], "403|is not authorized to perform: s3:ListBucket"),
        ("lists-some", [reader, {**lister, **prefix}], "403|AccessDenied"),
    ):
        mine = made(aws, name, *statements).client("s3")
        assert mine.get_object(**bucket, Key="here")["Body"].read() == b"1"
        for key in ("gone", "never"):
            for call in (mine.get_object, mine.head_object):
                with pytest.raises(mine.exceptions.ClientError, match=answer):
                    call(**bucket, Key=key)


def test_presigned_urls_carry_their_signers_permissions(aws: LocalAws, alice: Person) -> None:
    s3 = aws.client("s3", HOME, REGION)
    s3.create_bucket(Bucket="signed", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="signed", Key="a b", Body=b"data")
    nobody = made(aws, "pat", allow("ec2:*"))

    def url(person: Person) -> str:
        return presigned(person, "get_object", Bucket="signed", Key="a b")

    with urlopen(url(alice)) as answer:  # noqa: S310 (the local AWS)
        assert answer.read() == b"data"
    for forbidden in (url(nobody), url(alice).partition("?")[0]):
        assert refusal(forbidden) == 403


def presigned(person: Person, operation: str, **given: str) -> str:
    """An address that works for all who have it, with the permissions of its signer."""
    client = boto3.Session().client(
        "s3",
        region_name=REGION,
        endpoint_url=person.aws.endpoint_url,
        aws_access_key_id=person.keys["AccessKeyId"],
        aws_secret_access_key=person.keys["SecretAccessKey"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    return str(client.generate_presigned_url(operation, Params=given))


def refusal(url: str, method: str = "GET", data: bytes | None = None) -> int:
    """Status with which an address is refused as not allowed."""
    with pytest.raises(HTTPError) as refused:
        urlopen(Request(url, data=data, method=method))  # noqa: S310 (the local AWS)
    assert b"<Code>AccessDenied</Code>" in refused.value.read()
    return refused.value.code


def test_a_presigned_url_leads_past_no_denial(aws: LocalAws) -> None:
    """What it may be used for, and from where, is judged when it is used."""
    s3 = aws.client("s3", HOME, REGION)
    s3.create_bucket(Bucket="planted", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="planted", Key="asset", Body=b"reviewed")
    elsewhere = {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    far = made(aws, "far", allow("s3:*"), {**deny, "Condition": elsewhere})
    reader = made(aws, "reader", allow("s3:*"), {**deny, "Action": "s3:Put*"})
    asset = {"Bucket": "planted", "Key": "asset"}
    assert refusal(presigned(far, "get_object", **asset)) == 403
    assert refusal(presigned(reader, "put_object", **asset), "PUT", b"planted") == 403
    with urlopen(presigned(reader, "get_object", **asset)) as answer:  # noqa: S310
        assert answer.read() == b"reviewed"


def test_a_presigned_url_ends_with_the_key_of_its_signer(aws: LocalAws) -> None:
    s3, iam = aws.client("s3", HOME, REGION), aws.client("iam", HOME, REGION)
    s3.create_bucket(Bucket="left", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="left", Key="movie", Body=b"data")
    leaver = made(aws, "leaver", allow("s3:*"))
    url = presigned(leaver, "get_object", Bucket="left", Key="movie")
    with urlopen(url) as answer:  # noqa: S310 (the local AWS)
        assert answer.read() == b"data"
    iam.delete_user_policy(UserName="leaver", PolicyName="own")
    assert refusal(url) == 403
    iam.delete_access_key(UserName="leaver", AccessKeyId=leaver.keys["AccessKeyId"])
    with pytest.raises(HTTPError, match="403"):
        urlopen(url)  # noqa: S310 (the local AWS)


def test_every_check_is_noted(aws: LocalAws, alice: Person) -> None:
    seen = len(list(read_decisions(aws.state_dir)))
    alice.allowed("s3", "list_buckets")
    alice.allowed("ec2", "describe_vpcs")
    first, second = list(read_decisions(aws.state_dir, since=seen))
    assert (first.action, first.allowed, first.statements) == (
        "s3:ListAllMyBuckets",
        True,
        ("alice/own#1",),
    )
    assert (second.operation, second.resource, second.allowed) == ("DescribeVpcs", "*", False)
    assert "because no identity-based policy allows" in second.reason


def test_a_part_of_the_local_aws_can_work_with_a_roles_permissions(aws: LocalAws) -> None:
    role(aws, "service", HOME, f"arn:aws:iam::{HOME}:root")
    root = Person.owner(aws)
    codes = {}
    for service, operation in (("s3", "list_buckets"), ("ec2", "describe_vpcs")):
        client = root.client(service)

        def act(request: Any, **_: Any) -> None:
            request.headers[ACTING_HEADER] = f"arn:aws:iam::{HOME}:role/service"

        client.meta.events.register("before-sign", act)
        try:
            getattr(client, operation)()
            codes[service] = ""
        except client.exceptions.ClientError as error:
            codes[service] = error.response["Error"]["Code"]
    assert codes == {"s3": "", "ec2": "UnauthorizedOperation"}
    assert codes["ec2"] in DENIED


def test_an_audit_notes_and_does_not_deny(tmp_path: Path) -> None:
    need_evaluator()
    command = [sys.executable, "-m", "local_aws.server", "--state", str(tmp_path)]
    server = subprocess.Popen([*command, "--iam", "audit"], stderr=subprocess.DEVNULL)
    try:
        while (found := LocalAws.running(tmp_path)) is None or not found.healthy():
            time.sleep(0.1)
        person = made(found, "ann", allow("ec2:*"))
        assert person.allowed("s3", "list_buckets")
        (noted,) = read_decisions(tmp_path)
        assert (noted.allowed, noted.enforced) == (False, False)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def test_the_evaluator_ends_with_the_server(tmp_path: Path) -> None:
    need_evaluator()
    local = LocalAws.start(tmp_path, iam=True)
    children = Path(f"/proc/{local.pid}/task/{local.pid}/children")
    if not children.exists():
        local.stop()
        pytest.skip("needs /proc to see the processes of others")
    (node,) = children.read_text().split()
    assert "evaluator.mjs" in Path(f"/proc/{node}/cmdline").read_text()
    subprocess.run(["kill", "-KILL", str(local.pid)], check=True)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{node}/cmdline").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{node}/cmdline").exists()


def test_an_association_is_its_route_tables(aws: LocalAws) -> None:
    ec2 = aws.client("ec2", HOME, REGION)
    network = ec2.create_vpc(CidrBlock="10.1.0.0/24")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=network, CidrBlock="10.1.0.0/25")["Subnet"]["SubnetId"]
    table = ec2.create_route_table(VpcId=network)["RouteTable"]["RouteTableId"]
    made_one = ec2.associate_route_table(SubnetId=subnet, RouteTableId=table)
    person = made(aws, "rob", allow("s3:*"))
    given = {"AssociationId": made_one["AssociationId"]}
    text = person.refusal("ec2", "disassociate_route_table", **given)
    assert f"ec2:DisassociateRouteTable on resource: arn:aws:ec2:{REGION}:{HOME}:" in text
    assert text.endswith("no identity-based policy allows the ec2:DisassociateRouteTable action")
    assert f":route-table/{table} because" in text

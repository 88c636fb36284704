"""Attacks of a user who may do a little: requests that mean one thing here and another in moto."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.auth import S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from calls import ACCESS_KEY, sent
from local_aws.authentication.gate import Authentication
from local_aws.authentication.keys import ADMINISTRATOR_KEY, AccessKey, Keyring
from local_aws.engine.site import INTERNAL_HEADERS, in_environ
from local_aws.process import LocalAws
from local_aws.testing import IRELAND, MEMBER, Person
from needs import need_evaluator

pytestmark = pytest.mark.rehearsal
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
JSON = {"Content-Type": "application/x-amz-json-1.1"}
ATTACH = {
    "Action": "AttachUserPolicy",
    "UserName": "mallory",
    "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess",
}
READ = {"Action": "GetUser", "Version": "2010-05-08", "UserName": "mallory"}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    need_evaluator()
    started = LocalAws.start(tmp_path_factory.mktemp("judged"), iam=True)
    yield started
    started.stop()


def policy(*actions: str) -> str:
    allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": allowed})


@pytest.fixture(scope="module")
def mallory(aws: LocalAws) -> Person:
    """A user who may look at a few things."""
    iam = aws.client("iam", MEMBER, IRELAND)
    iam.create_user(UserName="mallory")
    actions = (
        "iam:GetUser",
        "ssm:ListCommands",
        "elasticfilesystem:Describe*",
        "cloudwatch:DescribeAlarms",
    )
    iam.put_user_policy(UserName="mallory", PolicyName="p", PolicyDocument=policy(*actions))
    return Person(aws, iam.create_access_key(UserName="mallory")["AccessKey"])


def send(
    person: Person,
    service: str,
    query: Mapping[str, str] | None = None,
    body: str = "",
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
    path: str = "/",
) -> tuple[int, str]:
    """A signed request with exactly this URL, these headers and this body."""
    url = path + (f"?{urlencode(query)}" if query else "")
    keys = Credentials(person.keys["AccessKeyId"], person.keys["SecretAccessKey"])
    request = AWSRequest(
        method=method,
        url=person.aws.endpoint_url + url,
        data=body.encode(),
        headers=dict(headers or {}),
    )
    SigV4Auth(keys, service, IRELAND).add_auth(request)
    return _answer(person.aws, method, url, body, dict(request.headers))


def _answer(
    aws: LocalAws, method: str, url: str, body: str, headers: dict[str, Any]
) -> tuple[int, str]:
    connection = http.client.HTTPConnection("localhost", aws.port, timeout=20)
    connection.request(method, url, body.encode(), headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def administers(aws: LocalAws) -> bool:
    iam = aws.client("iam", MEMBER, IRELAND)
    return bool(iam.list_attached_user_policies(UserName="mallory")["AttachedPolicies"])


@pytest.mark.parametrize(
    ("query", "form", "headers"),
    [
        (READ, ATTACH, {}),
        (ATTACH, READ, {}),
        ({"UserName": "mallory"}, READ, {}),
        (None, {**READ, "Version": "2010-05-08"}, {"X-Amz-Target": "x.AttachUserPolicy"}),
        (None, READ, {"Action": "AttachUserPolicy"}),
    ],
)
def test_a_form_that_is_not_all_is_refused(
    aws: LocalAws,
    mallory: Person,
    query: dict[str, str] | None,
    form: dict[str, str],
    headers: dict[str, str],
) -> None:
    assert send(mallory, "iam", None, urlencode(READ), FORM)[0] == 200
    status, text = send(mallory, "iam", query, urlencode(form), {**FORM, **headers})
    assert status in (400, 403)
    assert "AccessDenied" in text
    assert not administers(aws)


@pytest.mark.parametrize("action", ["SendCommand", "PutParameter"])
def test_a_target_and_an_action_are_refused(aws: LocalAws, mallory: Person, action: str) -> None:
    target = {**JSON, "X-Amz-Target": "AmazonSSM.ListCommands"}
    assert send(mallory, "ssm", None, "{}", target)[0] == 200
    body = json.dumps({"Name": "/taken", "Value": "x", "Type": "String"})
    assert send(mallory, "ssm", {"Action": action}, body, target)[0] == 400
    assert send(mallory, "ssm", {"Name": "/taken"}, body, target)[0] == 400
    assert send(mallory, "ssm", None, body, {**target, "Action": action})[0] == 400
    ssm = aws.client("ssm", MEMBER, IRELAND)
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.get_parameter(Name="/taken")


def test_parts_of_a_form_are_refused_where_json_is_sent(mallory: Person) -> None:
    headers = {
        "Content-Type": "multipart/form-data; boundary=b",
        "X-Amz-Target": "AmazonSSM.ListCommands",
    }
    part = '--b\r\nContent-Disposition: form-data; name="Action"\r\n\r\nSendCommand\r\n--b--\r\n'
    assert send(mallory, "ssm", None, part, headers)[0] in (400, 403)


@pytest.mark.parametrize("service", ["iam", "ssm", "cloudformation", "elasticfilesystem"])
def test_a_path_names_operations_of_cloudwatch_only(mallory: Person, service: str) -> None:
    path = "/service/GraniteServiceVersion20100801/operation/DescribeAlarms"
    status, _ = send(mallory, service, None, urlencode(ATTACH), FORM, path=path)
    assert status in (400, 403)
    assert send(mallory, service, {"Action": "AttachUserPolicy"}, "{}", JSON, path=path)[0] >= 400


def test_no_other_parameter_stands_in_the_url(mallory: Person) -> None:
    path = "/2015-02-01/file-systems"
    assert send(mallory, "elasticfilesystem", method="GET", path=path)[0] == 200
    for query in ({"Action": "DeleteFileSystem"}, {"UserName": "mallory"}):
        status, _ = send(mallory, "elasticfilesystem", query, method="GET", path=path)
        assert status == 403


def test_a_presigned_url_is_of_s3(aws: LocalAws, mallory: Person) -> None:
    """moto serves it as S3, whatever service it is signed for."""
    keys = Credentials(mallory.keys["AccessKeyId"], mallory.keys["SecretAccessKey"])
    url = f"{aws.endpoint_url}/2015-02-01/file-systems"
    request = AWSRequest(method="GET", url=url)
    S3SigV4QueryAuth(keys, "elasticfilesystem", IRELAND).add_auth(request)
    path = str(request.url).removeprefix(aws.endpoint_url)
    status, text = _answer(aws, "GET", path, "", {})
    assert status == 403
    assert "presigned URL of elasticfilesystem" in text or "SignatureDoesNotMatch" in text


@pytest.mark.parametrize("key", ["latest/secret", "latest/meta", "latest/dynamic/x"])
def test_what_is_called_latest_is_judged(aws: LocalAws, mallory: Person, key: str) -> None:
    s3 = aws.client("s3", MEMBER, IRELAND)
    bucket, _, name = key.partition("/")
    where = {"LocationConstraint": IRELAND}
    if bucket not in {found["Name"] for found in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    s3.put_object(Bucket=bucket, Key=name, Body=b"secret")
    with pytest.raises(ClientError, match="AccessDenied"):
        mallory.client("s3").get_object(Bucket=bucket, Key=name)


@pytest.mark.parametrize("header", INTERNAL_HEADERS)
def test_no_other_key_speaks_for_the_local_aws(header: str) -> None:
    keyring = Keyring("none")
    seen: list[dict[str, Any]] = []

    def app(environ: dict[str, Any], _start: Any) -> list[bytes]:
        seen.append(environ)
        return []

    gate = Authentication(app, keyring, "none", port=5000)
    for key in (ACCESS_KEY, ADMINISTRATOR_KEY):
        keyring.add(key, AccessKey("none"))
        environ = sent("sts", "get_caller_identity", key=key)
        environ[in_environ(header)] = "1"
        gate(environ, lambda *_: None)
    assert [environ.get(in_environ(header)) for environ in seen] == [None, "1"]


def test_a_session_ends_with_its_role(aws: LocalAws) -> None:
    iam = aws.client("iam", MEMBER, IRELAND)
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{MEMBER}:root"},
        "Action": "sts:AssumeRole",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    made = {"RoleName": "brief", "AssumeRolePolicyDocument": document}
    arn = iam.create_role(**made)["Role"]["Arn"]
    sts = aws.client("sts", MEMBER, IRELAND)
    keys = sts.assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
    session = Person(aws, keys).client("sts")
    assert "assumed-role/brief" in session.get_caller_identity()["Arn"]
    iam.delete_role(RoleName="brief")
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        session.get_caller_identity()
    iam.create_role(**made)
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        session.get_caller_identity()


def test_text_that_looks_like_a_form_is_text(aws: LocalAws) -> None:
    value = "https://example.org/?a=b&Action=DeleteParameter&Name=/other"
    ssm = aws.client("ssm", MEMBER, IRELAND)
    ssm.put_parameter(Name="/text", Value=value, Type="String")
    assert ssm.get_parameter(Name="/text")["Parameter"]["Value"] == value

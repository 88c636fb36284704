"""People of IAM Identity Center who work as scientists, with IAM deciding."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from local_aws.testing import Person
from tests.rehearsal.iam.login import WHO, Home
from tests.rehearsal.iam.site import GROUP, OWN_BUCKET, REGION, ROLE, Site, started

pytestmark = [pytest.mark.rehearsal, pytest.mark.cdk]
PERMISSION_SET = "Scientist"
RESERVED = "/aws-reserved/sso.amazonaws.com/"
NAME = "hanako@example.org"
START_URL = "https://institute.awsapps.com/start"
TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{GROUP}:root"},
        "Action": "sts:AssumeRole",
    },
}
MAY_ASSUME = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE},
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    yield from started(tmp_path_factory.mktemp("sso"), PERMISSION_SET)


def signed_on(site: Site, role: str, path: str, name: str = NAME) -> Person:
    """A session such as Identity Center gives out: of a role that it made, under one's name."""
    iam, sts = site.admin("iam"), site.admin("sts")
    made = [one["RoleName"] for one in iam.list_roles()["Roles"]]
    if role not in made:
        iam.create_role(RoleName=role, Path=path, AssumeRolePolicyDocument=json.dumps(TRUST))
        iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=json.dumps(MAY_ASSUME))
    arn = f"arn:aws:iam::{GROUP}:role{path}{role}"
    return Person(site.aws, sts.assume_role(RoleArn=arn, RoleSessionName=name)["Credentials"])


def works_as(site: Site, person: Person, name: str) -> Person:
    answer: Any = person.client("sts").assume_role(RoleArn=ROLE, RoleSessionName=name)
    return Person(site.aws, answer["Credentials"])


@pytest.mark.parametrize("path", [RESERVED, f"{RESERVED}{REGION}/"])
def test_people_of_the_permission_set_are_scientists_under_their_own_name(
    site: Site, path: str
) -> None:
    digits = "0123456789abcdef" if path == RESERVED else "fedcba9876543210"
    person = signed_on(site, f"AWSReservedSSO_{PERMISSION_SET}_{digits}", path)
    scientist = works_as(site, person, NAME)
    assert scientist.client("sts").get_caller_identity()["Arn"].endswith(f"/{NAME}")
    assert scientist.allowed("cloudformation", "list_stacks")
    assert scientist.refusal("ec2", "run_instances", ImageId="ami-1", MinCount=1, MaxCount=1)


def test_no_one_works_under_the_name_of_another_person(site: Site) -> None:
    person = signed_on(site, f"AWSReservedSSO_{PERMISSION_SET}_0123456789abcdef", RESERVED)
    for name in ("taro@example.org", f"x{NAME}", "solo"):
        assert person.refusal("sts", "assume_role", RoleArn=ROLE, RoleSessionName=name)


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("AWSReservedSSO_Scientist_0123456789abcde0", "/"),
        ("AWSReservedSSO_Scientist_0123456789abcde1", "/mine/aws-reserved/sso.amazonaws.com/"),
        ("AWSReservedSSO_Scientist_Guest_0123456789abcdef", RESERVED),
        ("AWSReservedSSO_NoScientist_0123456789abcdef", RESERVED),
        ("AWSReservedSSO_AWSReservedSSO_Scientist_0123456789abcdef", RESERVED),
    ],
)
def test_other_roles_are_not_taken_for_the_permission_set(site: Site, role: str, path: str) -> None:
    person = signed_on(site, role, path)
    assert person.refusal("sts", "assume_role", RoleArn=ROLE, RoleSessionName=NAME)


def test_a_project_can_be_finished_from_a_session_without_mfa(site: Site) -> None:
    s3 = site.admin("s3")
    s3.put_bucket_versioning(Bucket=OWN_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=OWN_BUCKET, Key="movie", Body=b"1")["VersionId"]
    person = signed_on(site, f"AWSReservedSSO_{PERMISSION_SET}_0123456789abcdef", RESERVED)
    scientist = works_as(site, person, NAME)
    given = {"Bucket": OWN_BUCKET, "Key": "movie"}
    assert scientist.refusal("s3", "delete_object", **given)
    assert scientist.allowed("s3", "delete_object", **given, VersionId=version)


def test_a_user_still_needs_mfa(site: Site) -> None:
    name = "solo"
    assert site.newcomer.refusal("sts", "assume_role", RoleArn=ROLE, RoleSessionName=name)
    assert site.scientist().allowed("cloudformation", "list_stacks")


@pytest.fixture
def identity_center(site: Site) -> Iterator[str]:
    """Identity Center's endpoint: a person who confirms at the second look.

    Paths and fields are those of botocore's models of `sso-oidc` and `sso`, whose clients reject
    others.
    """
    person = signed_on(site, f"AWSReservedSSO_{PERMISSION_SET}_0123456789abcdef", RESERVED)
    looks = iter([(400, {"error": "authorization_pending"}), (200, None)])

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/client/register":
                self.answer(clientId="c", clientSecret="s", clientSecretExpiresAt=4_000_000_000)
            elif self.path == "/device_authorization":
                assert sent["startUrl"] == START_URL
                page = f"{START_URL}/device"
                self.answer(
                    deviceCode="d",
                    userCode="ABCD-EFGH",
                    verificationUri=page,
                    verificationUriComplete=f"{page}?user_code=ABCD-EFGH",
                    expiresIn=600,
                    interval=0.01,
                )
            else:
                status, refusal = next(looks)
                token = {"accessToken": "t", "expiresIn": 3600, "tokenType": "Bearer"}
                given: dict[str, Any] = refusal or token
                self.answer(status, **given)

        def do_GET(self) -> None:
            assert self.path.startswith("/federation/credentials?")
            assert f"role_name={PERMISSION_SET}" in self.path
            assert self.headers["x-amz-sso_bearer_token"] == "t"
            given: dict[str, Any] = {
                "accessKeyId": person.keys["AccessKeyId"],
                "secretAccessKey": person.keys["SecretAccessKey"],
                "sessionToken": person.keys["SessionToken"],
                "expiration": 4e12,
            }
            self.answer(roleCredentials=given)

        def answer(self, status: int = 200, /, **body: Any) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            if "error" in body:
                self.send_header("x-amzn-ErrorType", "AuthorizationPendingException")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_login_signs_on_for_gotocloud_and_the_aws_command(
    site: Site, identity_center: str, tmp_path: Path
) -> None:
    home = Home(tmp_path, site.aws.endpoint_url)
    endpoints = {f"AWS_ENDPOINT_URL_{name}": identity_center for name in ("SSO", "SSO_OIDC")}
    there = ("--start-url", START_URL, "--permission-set", PERMISSION_SET)
    done = home.gotocloud("login", *WHO, "--user", NAME, *there, **endpoints)
    assert done.returncode == 0, done.stderr
    assert f"Open {START_URL}/device?user_code=ABCD-EFGH in a browser" in done.stderr
    assert f"You are {NAME} in account {GROUP}" in done.stderr
    for cached in (tmp_path / ".aws" / "cli" / "cache").glob("*"):
        cached.unlink()
    found = home.aws("sts", "get-caller-identity", "--profile", "gotocloud", **endpoints)
    assert json.loads(found.stdout)["Arn"].endswith(f"gotocloud-scientist/{NAME}"), found.stderr

"""`gotocloud login` of IAM users, with IAM deciding and the real `aws` as the second judge."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from gotocloud.contract.releases import install_uri
from tests.rehearsal.iam.login import WHO, Home
from tests.rehearsal.iam.site import BUCKET, MANAGEMENT, MFA, REGION, SCIENTIST, SHARED, Site

pytestmark = [pytest.mark.rehearsal, pytest.mark.cdk, pytest.mark.xdist_group(SHARED)]
CODE = "123456"


@pytest.fixture
def home(site: Site, tmp_path: Path) -> Home:
    made = Home(tmp_path, site.aws.endpoint_url)
    made.holds_key(dict(site.newcomer.keys))
    return made


def login(home: Home, *more: str, typed: str = "") -> str:
    given = (*WHO, "--user", SCIENTIST, "--key-profile", "lab-key")
    done = home.gotocloud("login", *given, *more, typed=typed)
    assert done.returncode == 0, done.stderr
    return str(done.stderr)


def test_a_code_gives_a_session_that_the_aws_command_uses_too(home: Home) -> None:
    said = login(home, typed=f"{CODE}\n")
    assert f"Code of {MFA}:" in said
    assert f"You are {SCIENTIST} in account" in said
    assert said.endswith("Next: export AWS_PROFILE=gotocloud && gotocloud doctor\n")
    answer = home.aws("sts", "get-caller-identity", "--profile", "gotocloud")
    arn = json.loads(answer.stdout)["Arn"]
    assert arn.endswith(f":assumed-role/gotocloud-scientist/{SCIENTIST}")
    # Without MFA the same key may do nothing: it is the session that lets the person in.
    refused = home.aws("s3api", "list-buckets", "--profile", "lab-key", "--region", REGION)
    assert "AccessDenied" in refused.stderr


def test_a_scientist_copies_what_is_installed_from_the_release(site: Site, home: Home) -> None:
    """The command of docs/signing-in.md, with the profile that `gotocloud login` writes."""
    s3 = site.aws.client("s3", MANAGEMENT, REGION)
    s3.put_object(Bucket=BUCKET, Key="releases/1.0.0/install/requirements.txt", Body=b"x")
    login(home, typed=f"{CODE}\n")
    there, here = install_uri(BUCKET, "1.0.0"), str(home.folder / "gotocloud-install")
    copied = home.aws("s3", "cp", "--recursive", there, here, "--profile", "gotocloud")
    assert copied.returncode == 0, copied.stderr
    assert (home.folder / "gotocloud-install" / "requirements.txt").read_bytes() == b"x"


def test_the_second_time_the_command_alone_is_enough_and_keeps_every_line(home: Home) -> None:
    login(home, typed=f"{CODE}\n")
    home.credentials.write_text(home.credentials.read_text() + "\n[later]\nregion = x\n")
    config, before = home.config.read_text(), home.credentials.read_text()
    done = home.gotocloud("login", typed=f"{CODE}\n")
    assert done.returncode == 0, done.stderr
    assert home.config.read_text() == config
    after = home.credentials.read_text()
    assert after != before
    ours = {"aws_access_key_id", "aws_secret_access_key", "aws_session_token"}
    changed = set(before.splitlines()) ^ set(after.splitlines())
    assert {line.partition(" ")[0] for line in changed} <= ours
    assert after.startswith("# mine\n[lab-key]\n")
    for path in (home.config, home.credentials):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_wrong_code_changes_no_session(home: Home) -> None:
    given = (*WHO, "--user", SCIENTIST, "--key-profile", "lab-key")
    before = home.credentials.read_text()
    done = home.gotocloud("login", *given, typed="12345x\n")
    assert done.returncode == 1
    assert "invalid MFA" in done.stderr
    assert home.credentials.read_text() == before


def test_the_session_that_the_aws_command_gets_is_as_good(home: Home) -> None:
    """`aws configure mfa-login` of version 2 calls this, and writes the answer."""
    login(home, typed=f"{CODE}\n")
    words = ("sts", "get-session-token", "--profile", "lab-key", "--region", REGION)
    got = home.aws(*words, "--serial-number", MFA, "--token-code", CODE)
    keys = json.loads(got.stdout)["Credentials"]
    for key, name in (
        ("aws_access_key_id", "AccessKeyId"),
        ("aws_secret_access_key", "SecretAccessKey"),
        ("aws_session_token", "SessionToken"),
    ):
        home.aws("configure", "set", key, keys[name], "--profile", "gotocloud-sign-in")
    for cached in (home.folder / ".aws" / "cli" / "cache").glob("*"):
        cached.unlink()
    done = home.gotocloud("doctor", "--json", AWS_PROFILE="gotocloud")
    found = {one["check"]: one for one in json.loads(done.stdout)}
    assert found["Credentials"]["severity"] == "ok", found["Credentials"]
    assert SCIENTIST in found["Credentials"]["text"]


def test_without_credentials_the_next_command_is_login(home: Home) -> None:
    home.credentials.unlink()
    done = home.gotocloud("status", AWS_REGION=REGION)
    assert done.stderr.endswith("Next: gotocloud login && gotocloud status\n")
    following = home.gotocloud("login")
    assert following.returncode == 2
    for option in ("--account", "--user", "--region"):
        assert f"{option} is missing" in following.stderr

"""The process of the local AWS: started, found, ended."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.errors import LocalAwsError
from local_aws.process import LocalAws
from local_aws.server import LOCK, hold_lock
from local_aws.testing import MANAGEMENT, MEMBER, TOKYO, VIRGINIA, Person


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    running = LocalAws.start(tmp_path_factory.mktemp("aws"), account=MANAGEMENT)
    yield running
    running.stop()


def test_it_is_found_by_its_state_folder(local: LocalAws) -> None:
    assert LocalAws.running(local.state_dir) == local


def test_a_second_one_is_refused(local: LocalAws) -> None:
    with pytest.raises(LocalAwsError, match="already runs"):
        LocalAws.start(local.state_dir)


def test_it_listens_on_loopback_only(local: LocalAws) -> None:
    listening = Path("/proc/net/tcp").read_text().splitlines()[1:]
    addresses = {
        row.split()[1].partition(":")[0]
        for row in listening
        if row.split()[3] == "0A" and int(row.split()[1].partition(":")[2], 16) == local.port
    }
    assert addresses == {"0100007F"}


def test_nothing_runs_in_a_fresh_folder(tmp_path: Path) -> None:
    assert LocalAws.running(tmp_path) is None
    assert LocalAws.running(tmp_path / "missing") is None


def test_what_a_killed_server_left_behind_is_no_server(tmp_path: Path) -> None:
    stale = {"pid": os.getpid(), "port": 1, "account": MEMBER}
    (tmp_path / LOCK).write_text(json.dumps(stale))
    assert LocalAws.running(tmp_path) is None


def test_it_starts_after_a_killed_one_and_ends_a_hanging_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local_aws.process.STOP_WITHIN_S", 0.2)
    killed = LocalAws.start(tmp_path)
    os.kill(killed.pid, signal.SIGKILL)
    os.waitpid(killed.pid, 0)
    hanging = LocalAws.start(tmp_path)
    os.kill(hanging.pid, signal.SIGSTOP)
    hanging.stop()
    assert LocalAws.running(tmp_path) is None


def test_a_server_that_cannot_start_explains_why(tmp_path: Path, local: LocalAws) -> None:
    with pytest.raises(LocalAwsError, match="did not start") as caught:
        LocalAws.start(tmp_path, port=local.port)
    assert any("in use" in line for line in caught.value.problems)


def test_credentials_act_in_their_account(local: LocalAws) -> None:
    seen = []
    for account in (MANAGEMENT, MEMBER):
        keys = local.environment(account, TOKYO)
        sts = boto3.client(
            "sts",
            region_name=TOKYO,
            endpoint_url=local.endpoint_url,
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=keys["AWS_SESSION_TOKEN"],
        )
        seen.append(sts.get_caller_identity()["Account"])
    assert seen == [MANAGEMENT, MEMBER]


def test_keys_that_were_never_given_out_are_refused(local: LocalAws) -> None:
    sts = Person(local, {"AccessKeyId": "any", "SecretAccessKey": "any"}).client("sts")
    with pytest.raises(ClientError, match="security token included in the request is invalid"):
        sts.get_caller_identity()


def test_the_runs_own_key_belongs_to_the_management_account(local: LocalAws) -> None:
    assert Person.owner(local).client("sts").get_caller_identity()["Account"] == MANAGEMENT


def test_accounts_and_regions_are_apart(local: LocalAws) -> None:
    local.client("ssm", MEMBER, TOKYO).put_parameter(Name="/here", Value="yes", Type="String")
    for account, region in ((MEMBER, VIRGINIA), (MANAGEMENT, TOKYO)):
        found = local.client("ssm", account, region).get_parameters(Names=["/here"])
        assert found["InvalidParameters"] == ["/here"]


def test_an_environment_leads_to_no_real_account(
    local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "real")
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::999999999999:role/real")
    given = local.environment(MEMBER, TOKYO)
    assert "AWS_PROFILE" not in given
    assert "AWS_ROLE_ARN" not in given
    assert given["AWS_CONFIG_FILE"] == os.devnull
    assert given["AWS_REGION"] == given["AWS_DEFAULT_REGION"] == TOKYO


def test_ending_it_twice_is_no_error(tmp_path: Path) -> None:
    running = LocalAws.start(tmp_path)
    running.stop()
    running.stop()
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run(["kill", "-0", str(running.pid)], check=True, capture_output=True)


def test_who_looks_whether_it_runs_does_not_hinder_the_start(tmp_path: Path) -> None:
    path = tmp_path / LOCK
    path.touch()
    with path.open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        threading.Timer(0.1, fcntl.flock, (looking, fcntl.LOCK_UN)).start()
        hold_lock(tmp_path, {}).close()


def test_two_servers_cannot_have_one_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local_aws.server.LOOK_S", 0.05)
    with hold_lock(tmp_path, {}), pytest.raises(BlockingIOError):
        hold_lock(tmp_path, {})

"""The profiles that the document shows, resolved by botocore, and what doctor says of each line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError

from gotocloud.findings import Severity
from gotocloud.projects.profiles import judge_profile
from tests.needs import ROOT

BLOCKS = re.findall(r"```ini\n(.*?)```", (ROOT / "docs" / "signing-in.md").read_text(), re.DOTALL)
LOGIN, SESSION, CODE = BLOCKS
KEYS = {
    "key": "[lab-key]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = x\n",
    "session": (
        "[lab-sign-in]\naws_access_key_id = ASIAEXAMPLE\naws_secret_access_key = x\n"
        "aws_session_token = x\n"
    ),
    "none": "",
}
WAYS = {"login": (LOGIN, "none"), "mfa-login": (SESSION, "session"), "code": (CODE, "key")}
NOT_NEEDED = {"region"}
ACCOUNT = "222222222222"


def profiles(tmp_path: Path, config: str, keys: str) -> Mapping[str, Mapping[str, str]]:
    """The profiles as botocore reads the two files."""
    session = session_of(tmp_path, config, keys)
    found: Mapping[str, Mapping[str, str]] = session.full_config["profiles"]
    return found


def session_of(tmp_path: Path, config: str, keys: str) -> Any:
    (tmp_path / "config").write_text(config)
    (tmp_path / "credentials").write_text(KEYS[keys])
    session = botocore.session.Session(profile="lab")
    session.set_config_variable("config_file", str(tmp_path / "config"))
    session.set_config_variable("credentials_file", str(tmp_path / "credentials"))
    return session


def without(config: str, key: str) -> str:
    """A configuration without a line of the profile that commands use."""
    before, header, mine = config.rpartition("[profile lab]")
    lines = [line for line in mine.splitlines() if not line.startswith(f"{key} =")]
    return before + header + "\n".join(lines) + "\n"


@pytest.mark.parametrize("way", WAYS)
def test_every_documented_profile_is_in_order(tmp_path: Path, way: str) -> None:
    (found,) = judge_profile("lab", profiles(tmp_path, *WAYS[way]))
    assert found.severity is Severity.OK
    assert found.text == "'lab' takes gotocloud-scientist as hanako."


@pytest.mark.parametrize(
    ("way", "key"),
    [
        (way, line.partition(" = ")[0])
        for way, (config, _) in WAYS.items()
        for line in config.rpartition("[profile lab]")[2].splitlines()
        if " = " in line and line.partition(" = ")[0] not in NOT_NEEDED
    ],
)
def test_exactly_the_line_that_is_missing_is_named(tmp_path: Path, way: str, key: str) -> None:
    config, keys = WAYS[way]
    (found,) = judge_profile("lab", profiles(tmp_path, without(config, key), keys))
    assert found.severity is Severity.ERROR
    assert found.text.startswith(f"'lab' lacks the line {key}")
    wanted = next(line for line in config.splitlines() if line.startswith(f"{key} ="))
    if key != "source_profile":
        told = found.remedy.replace("YOUR_USER_NAME", "hanako").replace(
            "::ACCOUNT:", f"::{ACCOUNT}:"
        )
        assert wanted in told


@pytest.mark.parametrize("way", ["mfa-login", "code"])
def test_botocore_assumes_the_role_with_the_lines_of_the_document(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Botocore resolves the profile; what it sends to STS is recorded in place of being sent."""
    sent: list[dict[str, str]] = []

    def answer(_client: Any, operation: str, parameters: dict[str, str]) -> dict[str, Any]:
        sent.append({"operation": operation, **parameters})
        ends = datetime.now(UTC) + timedelta(hours=1)
        keys = {"AccessKeyId": "ASIA", "SecretAccessKey": "x", "SessionToken": "x"}
        return {"Credentials": {**keys, "Expiration": ends}}

    monkeypatch.setattr(BaseClient, "_make_api_call", answer)
    session = session_of(tmp_path, *WAYS[way])
    provider = session.get_component("credential_provider").get_provider("assume-role")
    provider._prompter = lambda _: "123456"
    assert session.get_credentials().get_frozen_credentials().access_key == "ASIA"
    code = {"SerialNumber": "arn:aws:iam::222222222222:mfa/hanako", "TokenCode": "123456"}
    assert sent == [
        {
            "operation": "AssumeRole",
            "RoleArn": "arn:aws:iam::222222222222:role/gotocloud-scientist",
            "RoleSessionName": "hanako",
            **(code if way == "code" else {}),
        }
    ]


def test_botocore_takes_the_session_of_aws_login_as_the_source(tmp_path: Path) -> None:
    """No such session is on this machine, which botocore's provider of `aws login` reports."""
    with pytest.raises(BotoCoreError, match="aws login"):
        session_of(tmp_path, *WAYS["login"]).get_credentials().get_frozen_credentials()


def test_another_persons_name_is_a_wrong_line(tmp_path: Path) -> None:
    other = LOGIN.replace("role_session_name = hanako", "role_session_name = taro")
    (found,) = judge_profile("lab", profiles(tmp_path, other, "none"))
    assert "role_session_name = taro, but hanako signs in" in found.text


def test_a_sign_in_without_the_role_is_shown_what_to_add(tmp_path: Path) -> None:
    (found,) = judge_profile("lab-sign-in", profiles(tmp_path, LOGIN, "none"))
    assert found.severity is Severity.WARNING
    assert "role_session_name = hanako and source_profile = lab-sign-in" in found.remedy


def test_a_source_that_does_not_exist_is_named_with_the_command_that_makes_it(
    tmp_path: Path,
) -> None:
    (found,) = judge_profile("lab", profiles(tmp_path, SESSION, "none"))
    assert "there is no [profile lab-sign-in]" in found.text
    assert found.remedy == "aws login --profile lab-sign-in"


def test_profiles_of_other_roles_and_machines_without_profiles_are_not_judged() -> None:
    admin = {"role_arn": "arn:aws:iam::222222222222:role/Admin"}
    assert judge_profile("admin", {"admin": admin}) == []
    assert judge_profile("default", {}) == []

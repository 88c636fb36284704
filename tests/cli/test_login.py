"""`gotocloud login`: a code of an MFA device is in no message."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from gotocloud.errors import GoToCloudError
from gotocloud.projects.sign_in import SignIn
from tests.cli.in_process import typed

CODE = "135790"


def person(profile: str) -> SignIn:
    return SignIn(
        account="222222222222",
        user="hanako",
        region="us-east-1",
        profile=profile,
        key_profile="lab-key",
        serial="arn:aws:iam::222222222222:mfa/hanako",
    )


@pytest.mark.parametrize("profile", ["gotocloud", "lab"])
@pytest.mark.parametrize("again", [True, False])
def test_a_code_that_is_refused_is_not_suggested_again(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    profile: str,
    again: bool,
) -> None:
    def refused(*_: Any) -> Any:
        raise GoToCloudError("Cannot get a session with MFA.", again=again)

    monkeypatch.setattr("gotocloud.aws.sign_in.aws_blocks", lambda: ({}, {}))
    monkeypatch.setattr("gotocloud.aws.sign_in.sign_in_with_code", refused)
    monkeypatch.setattr("gotocloud.projects.sign_in.sign_in_of", lambda *_: person(profile))
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{CODE}\n"))
    ended = typed(monkeypatch, capsys, "login", "--profile", profile)
    assert ended.code == 1
    assert CODE not in ended.err
    own = "" if profile == "gotocloud" else f" --profile {profile}"
    assert ended.err.endswith(f"Next: gotocloud login{own}\n")


def test_a_code_on_the_command_line_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = typed(monkeypatch, capsys, "login", "--code", CODE)
    assert ended.code == 2
    assert "No such option: --code" in ended.err

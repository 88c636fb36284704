"""The blocks of `gotocloud login` in AWS's files, read back by AWS's own reader."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.configloader import raw_config_parse
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.errors import InputError
from gotocloud.findings import Severity
from gotocloud.projects.profiles import judge_profile
from gotocloud.projects.sign_in import (
    SignIn,
    profile_problem,
    sign_in_of,
    with_sections,
    with_session,
)

PERSON: Mapping[str, str] = {
    "account": "222222222222",
    "user": "hanako",
    "region": "ap-northeast-1",
}
BROWSER = SignIn(**PERSON)
CODE = SignIn(
    **PERSON, profile="lab", key_profile="key", serial="arn:aws:iam::222222222222:mfa/hanako"
)
SIGN_ON = SignIn(
    **PERSON,
    start_url="https://institute.awsapps.com/start",
    start_region="us-east-1",
    permission_set="Scientist",
)
PEOPLE = [BROWSER, CODE, SIGN_ON]
OTHERS = "# mine\n[profile admin]\nregion=eu-west-1\noutput = json\n\n[sso-session x]\na = b"
KEYS = {"aws_access_key_id": "A", "aws_secret_access_key": "B", "aws_session_token": "C"}


def read(folder: Path, text: str) -> Mapping[str, Any]:
    path = folder / "config"
    path.write_text(text)
    found: Mapping[str, Any] = raw_config_parse(str(path))
    return found


@pytest.mark.parametrize("person", PEOPLE, ids=lambda one: one.kind)
def test_the_blocks_are_read_back_by_botocore(person: SignIn, tmp_path: Path) -> None:
    made = with_sections(OTHERS, person.sections(), read(tmp_path, OTHERS))
    assert made.startswith(OTHERS)
    (tmp_path / "config").write_text(made)
    session = botocore.session.Session()
    session.set_config_variable("config_file", str(tmp_path / "config"))
    session.set_config_variable("credentials_file", str(tmp_path / "none"))
    found = session.full_config
    assert sign_in_of(person.profile, found["profiles"], found["sso_sessions"]) == person
    assert found["profiles"]["admin"] == {"region": "eu-west-1", "output": "json"}
    (verdict,) = judge_profile(person.profile, found["profiles"])
    assert verdict.severity is Severity.OK, verdict
    assert with_sections(made, person.sections(), read(tmp_path, made)) == made


def test_a_profile_with_other_lines_is_refused_with_each_difference(tmp_path: Path) -> None:
    text = "[profile gotocloud]\nregion = eu-west-1\nrole_arn = x\n"
    with pytest.raises(InputError) as raised:
        with_sections(text, BROWSER.sections(), read(tmp_path, text))
    assert len(raised.value.problems) == 4
    assert "region = eu-west-1, not ap-northeast-1" in str(raised.value)


def test_profiles_of_others_are_not_taken_for_ours() -> None:
    role = "arn:aws:iam::222222222222:role/gotocloud-scientist"
    by_hand = {"lab": {"role_arn": role, "source_profile": "lab-key"}, "lab-key": {"x": "y"}}
    assert sign_in_of("lab", by_hand, {}) is None
    assert sign_in_of("nothing", by_hand, {}) is None
    admin = {"a": {"role_arn": "arn:aws:iam::1:role/admin", "source_profile": "a-sign-in"}}
    assert sign_in_of("a", admin, {}) is None


BLOCKS = st.lists(
    st.sampled_from(
        ["[a]\nb = c\n", "# [lab-sign-in]\n", "\n", "  [d]\n", "[lab-sign-in-2]\nx=y\n"]
    )
)


@given(BLOCKS, BLOCKS, st.booleans())
def test_a_session_replaces_only_its_own_block(
    before: list[str], after: list[str], end: bool
) -> None:
    first, last = "".join(before), "".join(after)
    if not end:
        first = first.rstrip("\n")
    once = with_session(first, "lab-sign-in", KEYS)
    assert once.startswith(first)
    again = with_session(once + last, "lab-sign-in", {**KEYS, "aws_session_token": "D"})
    assert again.startswith(first)
    assert again.count("aws_session_token") == 1
    starts = [n for n, line in enumerate(last.splitlines()) if line.lstrip().startswith("[")]
    if starts:
        assert again.endswith("\n".join(last.splitlines()[starts[0] :]) + "\n")


def test_a_session_never_replaces_the_keys_of_another_program() -> None:
    with pytest.raises(InputError, match="did not write"):
        with_session("[lab-sign-in]\naws_access_key_id = X\n", "lab-sign-in", KEYS)


@pytest.mark.parametrize("name", ["", "a b", "a]", "-a", "x" * 65, "a\nb"])
def test_a_name_that_would_break_the_file_is_refused(name: str) -> None:
    assert profile_problem(name)
    assert not profile_problem("lab_2.x-y")

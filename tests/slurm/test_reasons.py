"""Why a job waits, in plain words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.slurm.reasons import reason_words

CODES = [
    code
    for line in (Path(__file__).parent / "reason_codes.txt").read_text().splitlines()
    if not line.startswith("#")
    for code in line.split()
]


@pytest.mark.parametrize("code", [code for code in CODES if code != "None"])
def test_every_code_of_slurm_has_plain_words(code: str) -> None:
    words = reason_words(code)
    assert code not in words
    assert " " in words
    assert "  " not in words


def test_limits_state_whose_they_are_and_of_what() -> None:
    assert (
        reason_words("QOSMaxGRESPerUser")
        == "waits: its quality of service's limit of GPUs of a user is reached"
    )
    assert (
        reason_words("AssocGrpCPURunMinutesLimit")
        == "waits: its user's limit of minutes of CPUs is reached"
    )
    assert (
        reason_words("QOSMinMemory") == "requests less than its quality of service's least memory"
    )


def test_no_reason_is_no_words() -> None:
    assert reason_words("None") == ""
    assert reason_words("") == ""


def test_the_machines_that_cannot_be_had_are_named() -> None:
    said = reason_words("ReqNodeNotAvail, UnavailableNodes:class2d-dy-g4dn-12xlarge-[1-8]")
    assert said.startswith("a machine it needs cannot be used now; AWS may have none to give")
    assert said.endswith("(class2d-dy-g4dn-12xlarge-[1-8])")


def test_the_sentences_of_older_slurm_are_understood() -> None:
    said = "(Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority"
    assert "AWS may have none" in reason_words(said)


@given(st.text())
def test_an_unknown_code_is_shown_as_it_is(code: str) -> None:
    if code.strip().strip("()") not in CODES and not code.startswith(("Req", "Nodes", "(")):
        words = reason_words(code)
        assert words == code.strip() or "limit of" in words or "requests less" in words

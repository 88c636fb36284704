"""The record of a job's attempts: whole, or not there."""

from __future__ import annotations

import json
import multiprocessing
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gotocloud.errors import GoToCloudError
from gotocloud.slurm.submissions import (
    RECORD_FILE,
    Attempt,
    AttemptState,
    Submission,
    load,
    locked,
    save,
    withdraw,
)

ATTEMPT = Attempt(
    number=1, round=1, token="t", queue="q", layout=(2, 1), ranks=3, threads=1, vcpus=48
)
RECORD = Submission(
    workload="relion", job="Class2D/job001/", label="relion.class2d", stamp="s", attempts=(ATTEMPT,)
)
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


def test_a_job_that_was_never_submitted_has_no_record(tmp_path: Path) -> None:
    assert load(tmp_path) is None


@settings(max_examples=30)
@given(
    why=TEXT,
    modules=st.lists(TEXT).map(tuple),
    settings_=st.dictionaries(TEXT, TEXT),
    price=st.none() | st.floats(0, 1e3),
    state=st.sampled_from(AttemptState),
)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    why: str,
    modules: tuple[str, ...],
    settings_: dict[str, str],
    price: float | None,
    state: AttemptState,
) -> None:
    folder = tmp_path_factory.mktemp("job")
    attempt = replace(ATTEMPT, why=why, modules=modules, price_usd_per_hour=price, state=state)
    record = replace(RECORD, settings=settings_, attempts=(attempt,), commands=(why,))
    save(folder, record)
    assert load(folder) == record


def test_scripts_notes_count_before_the_record_does(tmp_path: Path) -> None:
    save(tmp_path, RECORD)
    control = tmp_path / ".gotocloud/1"
    control.mkdir(parents=True)
    (control / "started").write_text("77 1795372799 class2d-dy-g4dn-12xlarge-[1-2]\n")
    (control / "ended").write_text("1 1795372999\n")
    record = load(tmp_path)
    assert record is not None
    (attempt,) = record.attempts
    assert (attempt.slurm_id, attempt.state) == ("77", AttemptState.SUBMITTED)
    assert (attempt.started_at_s, attempt.ended_at_s) == (1795372799.0, 1795372999.0)
    assert attempt.node_list == "class2d-dy-g4dn-12xlarge-[1-2]"
    assert attempt.exit_status == 1


@pytest.mark.parametrize("noted", ["", "77", "77\n"])
def test_a_note_that_was_cut_off_is_no_note(tmp_path: Path, noted: str) -> None:
    save(tmp_path, RECORD)
    control = tmp_path / ".gotocloud/1"
    control.mkdir(parents=True)
    (control / "started").write_text(noted)
    record = load(tmp_path)
    assert record is not None
    assert record.attempts[0].started_at_s is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"version": 2}', '{"version": 1}', '{"version": 1, "attempts": [1]}']
)
def test_a_record_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / RECORD_FILE).write_text(text)
    with pytest.raises(GoToCloudError, match=RECORD_FILE):
        load(tmp_path)


def test_a_later_release_may_add_fields(tmp_path: Path) -> None:
    save(tmp_path, RECORD)
    path = tmp_path / RECORD_FILE
    content = json.loads(path.read_text())
    content["attempts"][0]["colour"] = "red"
    path.write_text(json.dumps(content))
    assert load(tmp_path) == RECORD


def test_attempts_of_earlier_rounds_stay(tmp_path: Path) -> None:
    later = replace(ATTEMPT, number=2, round=2)
    record = replace(RECORD, round=2).with_attempt(later)
    assert record.attempts == (ATTEMPT, later)
    assert record.this_round == (later,)
    assert record.with_attempt(replace(later, queue="other")).attempts[1].queue == "other"


def test_withdrawing_leaves_word_for_the_script(tmp_path: Path) -> None:
    withdraw(tmp_path, ATTEMPT)
    assert (tmp_path / ".gotocloud/1/withdrawn").exists()


def _count(folder: Path, times: int) -> None:
    for _ in range(times):
        with locked(folder):
            path = folder / "count"
            number = int(path.read_text())
            time.sleep(0.001)
            path.write_text(str(number + 1))


def test_only_one_decides_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0")
    others = [multiprocessing.Process(target=_count, args=(tmp_path, 20)) for _ in range(3)]
    for one in others:
        one.start()
    for one in others:
        one.join()
    assert (tmp_path / "count").read_text() == "60"

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from gotocloud.projects.inventory import Summary
from gotocloud.projects.pausing import (
    ExportRun,
    UnfinishedJob,
    cancel_script,
    doubts,
    node_script,
    read_look,
)
from gotocloud.projects.proof import Tally

NOW = "now=1795363341226210282\n"
SUMMARY = Summary(0, 0, 0, 0, "d", 1, 0.1)
DONE = ExportRun("task-1", "SUCCEEDED", 2, 2)


def test_jobs_are_read_whatever_their_names() -> None:
    look = read_look(f"{NOW}job=12_[3-4%2]|PENDING|ana|refine3d|2|Resources|a|b | c\n")
    assert look.now_ns == 1795363341226210282
    assert look.jobs[0] == UnfinishedJob(
        "12_[3-4%2]", "PENDING", "ana", "refine3d", "2", "Resources", "a|b | c"
    )


@pytest.mark.parametrize("hidden", ["\u2028", "\x85", "\x0c", "\x1c"])
def test_a_name_with_a_line_end_of_unicode_is_one_job(hidden: str) -> None:
    (job,) = read_look(f"{NOW}job=1|RUNNING|ana|refine3d|2|None|a{hidden}job=2\n").jobs
    assert job.name == f"a{hidden}job=2"


@pytest.mark.parametrize(
    "text", ["", "squeue: error", f"{NOW}slurm down", f"{NOW}job=1|R", "job=1|R|a|b|c|d|e"]
)
def test_an_answer_that_does_not_state_whether_jobs_run_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="answered"):
        read_look(text)


def test_only_job_numbers_reach_the_shell() -> None:
    jobs = [
        UnfinishedJob(id_, "R", "u", "q", "1", "", "") for id_ in ("7", "12_[3-4%2]", "$(reboot)")
    ]
    assert cancel_script(jobs).splitlines()[-1] == "scancel 12 7"


def test_the_list_maker_gets_its_arguments_and_its_text() -> None:
    script = node_script("import sys\nprint(sys.argv[1:])", "list", "/f s'x")
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "['list', \"/f s'x\"]\n"


def test_the_list_maker_takes_no_module_from_where_root_stands(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("print('of a user')")
    script = node_script("import json\nprint(json.dumps(1))")
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout == "1\n"


def test_an_export_that_succeeded_with_failures_is_doubtful() -> None:
    assert "1 of 2" in doubts(replace(DONE, succeeded=1, failed=1), SUMMARY, Tally())[0]


def test_failures_that_are_sockets_are_expected() -> None:
    with_socket = replace(SUMMARY, counts={"special": 1})
    assert doubts(replace(DONE, failed=1), with_socket, Tally()) == ()


@pytest.mark.parametrize("state", ["FAILED", "CANCELED"])
def test_an_export_that_did_not_go_through_is_doubtful(state: str) -> None:
    assert state in doubts(replace(DONE, lifecycle=state), SUMMARY, Tally())[0]


@pytest.mark.parametrize("kind", ["vanished", "unreadable", "open for writing"])
def test_a_list_with_gaps_is_doubtful(kind: str) -> None:
    listed = replace(SUMMARY, counts={kind: 1}, shown={kind: ("a",)})
    assert len(doubts(DONE, listed, Tally())) == 1


def test_a_list_that_lost_lines_on_its_way_is_doubtful() -> None:
    assert "3 entries" in doubts(DONE, replace(SUMMARY, files=3), Tally())[0]


@pytest.mark.parametrize(
    ("reason", "shown"), [("", ""), ("None", ""), ("Resources", ", Resources")]
)
def test_a_job_is_described_with_its_reason_if_it_has_one(reason: str, shown: str) -> None:
    job = UnfinishedJob("7", "PENDING", "ann", "refine3d", "2", reason, "Refine3D/job001/")
    text = "7 'Refine3D/job001/' of ann in refine3d on 2 nodes: pending"
    assert str(job) == text + shown


def test_five_examples_are_shown_of_what_cannot_be_proven() -> None:
    names = tuple(f"f{number}" for number in range(7))
    listed = replace(SUMMARY, counts={"vanished": 7}, shown={"vanished": names})
    (text,) = doubts(DONE, listed, Tally())
    assert text == ("7 entries disappeared while they were listed: 'f0', 'f1', 'f2', 'f3', 'f4'.")


def test_an_export_without_a_message_is_shown_with_one_full_stop() -> None:
    (text,) = doubts(replace(DONE, lifecycle="FAILED", message=""), SUMMARY, Tally())
    assert text == f"the export {DONE.task} is FAILED."

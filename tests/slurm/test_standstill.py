"""A job whose log stands still for longer than its own pace explains is named."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from gotocloud.jobs.relion_workload import RelionWorkload
from gotocloud.jobs.watching import standstills
from gotocloud.slurm import client
from gotocloud.slurm.queue_state import RECORD, SEPARATOR, SQUEUE_FORMAT
from gotocloud.slurm.script import COMMENT_PREFIX
from gotocloud.slurm.standstill import LogEnd, log_end, still_s
from gotocloud.slurm.workload import JobProgress

NAME = "Refine3D/job012"
# RELION 3.1.3's own bars: an iteration of 40 minutes, and the next one begun.
LOG = (
    ' Expectation iteration 11 of 25\n000/??? sec ~~(,_,">  [oo]\r'
    '  40/ 40 min ............................................................~~(,_,">\n'
    " Maximization is done in 1 seconds\n"
    ' Expectation iteration 12 of 25\n000/??? sec ~~(,_,">  [oo]\r'
)
EXPLAINED_S = 3 * 40 * 60 + 30 * 60


@pytest.mark.parametrize(
    ("quiet_s", "named"),
    [(60, False), (40 * 60, False), (EXPLAINED_S - 1, False), (EXPLAINED_S + 1, True)],
)
def test_a_log_may_be_still_for_three_of_its_steps_and_half_an_hour(
    quiet_s: float, named: bool
) -> None:
    progress = RelionWorkload().progress(LOG)
    assert progress.pace_s == 40 * 60
    found = still_s(LogEnd(LOG, 1000.0), progress, 1000.0 + quiet_s)
    assert found == (quiet_s if named else None)


@pytest.mark.parametrize("text", ["", " Reading in all references ...\n", "any program's words\n"])
def test_a_log_that_shows_no_pace_shows_no_standstill(text: str) -> None:
    progress = RelionWorkload().progress(text)
    assert still_s(LogEnd(text, 0.0), progress, 1e9) is None
    assert still_s(LogEnd(), JobProgress(pace_s=1.0), 1e9) is None


def squeue(project: Path, *, state: str = "RUNNING", comment: str = f"{COMMENT_PREFIX}t") -> str:
    known = {"%i": "7", "%T": state, "%k": comment, "%j": NAME, "%Z": str(project)}
    fields = SQUEUE_FORMAT.removeprefix(RECORD).split(SEPARATOR)
    return RECORD + SEPARATOR.join(known.get(one, "") for one in fields) + "\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / NAME / "run.out"
    path.parent.mkdir(parents=True)
    path.write_text(LOG)
    long_ago = time.time() - EXPLAINED_S - 60
    os.utime(path, (long_ago, long_ago))
    return path


def test_the_job_its_time_and_what_to_do_are_named(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "jobs", lambda *_: squeue(tmp_path))
    (found,) = standstills()
    assert str(found).startswith(
        f"The log of {NAME}/ (Slurm job 7) has stood still for 2:31:00; its longest step took "
        "0:40:00."
    )
    assert "scancel 7" in str(found)


@pytest.mark.parametrize("listed", [{"state": "PENDING"}, {"comment": "another's"}])
def test_a_job_that_waits_or_is_not_ours_is_left_alone(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listed: dict[str, str]
) -> None:
    monkeypatch.setattr(client, "jobs", lambda *_: squeue(tmp_path, **listed))
    assert standstills() == ()


def test_no_link_is_followed_and_no_pipe_waited_for(log: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    log.rename(elsewhere)
    log.symlink_to(elsewhere)
    assert log_end(log.parent) == LogEnd()
    log.unlink()
    os.mkfifo(log)
    assert log_end(log.parent) == LogEnd()

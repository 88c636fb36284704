"""Jobs as a head node counts them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gotocloud.projects.jobs_now import COUNT, JobsNow, read_count


def count(tmp_path: Path, squeue: str) -> subprocess.CompletedProcess[str]:
    """Run the script with another squeue, in the shell of Run Command."""
    program = tmp_path / "squeue"
    program.write_text(f"#!/bin/sh\n{squeue}\n")
    program.chmod(0o755)
    script = COUNT.replace("/opt/slurm/bin", str(tmp_path))
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)


def test_thousands_of_jobs_are_a_few_lines(tmp_path: Path) -> None:
    squeue = "yes PENDING class3d-spot | head -5000; printf '%s refine3d\\n' RUNNING COMPLETING"
    told = count(tmp_path, squeue).stdout
    assert len(told.splitlines()) == 5
    assert read_count(told) == JobsNow(
        2, 5000, {"refine3d": 2, "class3d-spot": 5000}, guarded=False
    )
    assert str(read_count(told)) == "2 running, 5,000 waiting"


def test_no_job_is_none(tmp_path: Path) -> None:
    found = read_count(count(tmp_path, "true").stdout)
    assert (str(found), found.as_dict()) == ("none", {"running": 0, "waiting": 0, "queues": {}})


def test_a_slurm_that_is_down_is_no_empty_queue(tmp_path: Path) -> None:
    done = count(tmp_path, "echo slurm_load_jobs error >&2; exit 1")
    assert done.returncode == 1
    assert read_count(done.stdout).as_dict() is None


@pytest.mark.parametrize("text", ["", "hello", "counted\nsomething else", "counted\n 3 RUNNING\n"])
def test_an_answer_that_is_none_is_reported(text: str) -> None:
    found = read_count(text)
    assert "answered" in found.why
    assert str(found) == "could not be read"

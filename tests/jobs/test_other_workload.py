"""A program that is not RELION goes through Slurm's room: submitted, listed and restarted."""

from __future__ import annotations

import re
from pathlib import Path
from types import MappingProxyType

import pytest

from gotocloud.jobs import workload as kinds
from gotocloud.jobs.cluster import Cluster, this_cluster
from gotocloud.jobs.restarting import restarter
from gotocloud.jobs.watching import job_rows, submitted_jobs
from gotocloud.slurm.attempts import hand_over, new_token
from gotocloud.slurm.resuming import ended, look_after
from gotocloud.slurm.submissions import Attempt, Submission, load
from gotocloud.slurm.workload import Command, Ending, JobProgress, Markers, StartingPoint
from tests.slurm.fake_slurm import FakeSlurm, install

NAME = "Wrap/run001/"


MARKERS = Markers(MappingProxyType({one: f"ENDED_{one}" for one in Ending}), abort_now="STOP")


class Counting:
    """A program that counts steps in `run.out` and continues after the last one."""

    name = "counting"
    markers = MARKERS

    def commands(self, record: Submission, attempt: Attempt, project: Path) -> tuple[Command, ...]:
        after = f" --after {attempt.continue_from}" if attempt.continue_from else ""
        return tuple(Command(line + after, mpi=True, program="count") for line in record.commands)

    def can_continue(self, folder: Path) -> bool:
        return True

    def next_start(self, folder: Path, record: Submission) -> StartingPoint:
        done = self.progress((folder / "run.out").read_text()).iteration
        return StartingPoint(continue_from=f"{record.job}step{done}")

    def prepare(self, folder: Path, attempt: Attempt) -> str:
        return "half a step is counted again"

    def progress(self, log: str) -> JobProgress:
        steps = re.findall(r"^step (\d+) of (\d+)$", log, re.MULTILINE)
        return JobProgress(int(steps[-1][0]), int(steps[-1][1])) if steps else JobProgress()

    def last_error(self, log: str) -> str:
        return log.strip().rpartition("\n")[2]

    def attempt_in(self, folder: Path, record: Submission, cluster: Cluster, queue: str) -> Attempt:
        found = cluster.partition(queue)
        assert found is not None
        return Attempt(
            number=0,
            round=0,
            token=new_token(),
            queue=queue,
            layout=(2, 2),
            ranks=4,
            threads=1,
            vcpus=found.vcpus,
            instance_type=found.instance_type,
            spot=found.spot,
        )


@pytest.fixture
def slurm_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    monkeypatch.setitem(kinds.WORKLOADS, "counting", Counting())
    return install(tmp_path / "slurm", monkeypatch)


@pytest.fixture
def folder(slurm_commands: FakeSlurm, tmp_path: Path) -> Path:
    """The folder of a job that was submitted to spot machines."""
    job = tmp_path / "project" / NAME
    job.mkdir(parents=True)
    cluster, program = this_cluster(), Counting()
    record = Submission(
        workload=program.name, job=NAME, label="count", stamp="s", commands=("count 9",)
    )
    shape = program.attempt_in(job, record, cluster, "class2d-spot")
    first = Attempt(**{**vars(shape), "number": 1, "round": 1})
    hand_over(record, first, program, cluster.site, project=tmp_path / "project", after="", tries=1)
    control = job / ".gotocloud" / "1"
    control.mkdir(parents=True)
    (control / "started").write_text("1 1000000 class2d-spot-dy-1\n")
    (job / "run.out").write_text("step 1 of 9\nstep 2 of 9\n")
    return job


def test_its_script_runs_its_command_and_marks_its_endings(folder: Path) -> None:
    text = (folder / "gotocloud_attempt_1.sh").read_text()
    assert 'mpirun -n 4 "${launch[@]}" count 9\n' in text
    assert "need count\n" in text
    assert "success='ENDED_success'" in text
    assert "RELION" not in text


def test_it_is_listed_with_its_progress_and_its_ending(
    slurm_commands: FakeSlurm, folder: Path
) -> None:
    project = folder.parents[1]
    assert list(submitted_jobs(project)) == [folder]
    slurm_commands.set_state("1", "")
    (folder / "ENDED_success").touch()
    (row,) = job_rows(project, everything=True)
    assert (row.name, row.progress, row.state) == (NAME, "2 of 9", "done")


def test_it_continues_after_its_last_step_when_its_machine_is_lost(
    slurm_commands: FakeSlurm, folder: Path
) -> None:
    slurm_commands.set_state("1", "NODE_FAIL")
    report = look_after(folder, restarter(dry_run=False, tries=1), by_hand=False)
    assert "Attempt 2 continues from step2 in class3d-spot" in report.text
    record = load(folder)
    assert record is not None
    assert record.workload == "counting"
    second = record.attempts[-1]
    assert (second.queue, second.layout, second.instance_type) == (
        "class3d-spot",
        (2, 2),
        "g5.12xlarge",
    )
    assert f"count 9 --after {NAME}step2\n" in (folder / "gotocloud_attempt_2.sh").read_text()
    assert "half a step is counted again" in (folder / "run.out").read_text()


def test_its_own_error_ends_it_with_its_own_marker(slurm_commands: FakeSlurm, folder: Path) -> None:
    (folder / "run.err").write_text("counting is hard\nthe tenth finger is missing\n")
    report = ended(folder, 3, restarter(dry_run=False, tries=1))
    assert "the tenth finger is missing" in report.text
    assert {path.name for path in folder.glob("ENDED_*")} == {"ENDED_failure"}
    assert len(slurm_commands.jobs) == 1


def test_what_an_emptied_folder_still_hides_does_not_count_for_a_new_job(
    slurm_commands: FakeSlurm, folder: Path
) -> None:
    """RELION's "Overwrite" removes FOLDER/*, which leaves the hidden folder of attempts."""
    record = load(folder)
    assert record is not None
    (folder / ".gotocloud" / "1" / "withdrawn").touch()
    again = Attempt(**{**vars(record.attempts[0]), "started_at_s": None, "slurm_id": ""})
    hand_over(
        record,
        again,
        Counting(),
        this_cluster().site,
        project=folder.parents[1],
        after="",
        tries=1,
    )
    assert not (folder / ".gotocloud" / "1" / "withdrawn").exists()
    fresh = load(folder)
    assert fresh is not None
    assert fresh.attempts[-1].started_at_s is None

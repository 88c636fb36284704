"""`gotocloud resume`: by hand, by the head node's timer and by batch scripts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gotocloud.jobs import pipeline_status
from gotocloud.jobs.watching import submitted_jobs
from gotocloud.relion.pipeline import ProcessStatus, read_pipeline
from gotocloud.slurm.script_parts import STARTED
from gotocloud.slurm.submissions import Attempt, load
from tests.slurm.fake_slurm import FakeSlurm, install
from tests.slurm.relion_jobs import class2d, look_as_relion, make_job, write_pipeline

NAME = "Class2D/job001/"
OPTIONS = {"queuename": "class2d-spot", "use_gpu": "Yes", "gpu_ids": ""}


@pytest.fixture
def slurm_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    return install(tmp_path / "slurm", monkeypatch)


@pytest.fixture
def project(tmp_path: Path, slurm_commands: FakeSlurm) -> Path:
    """A project with a Class2D that was submitted as Slurm job 1 on spot."""
    folder = tmp_path / "project"
    folder.mkdir()
    script = make_job(folder, NAME, class2d(NAME), OPTIONS)
    assert gotocloud(folder, "submit", str(script)).stdout == "Submitted batch job 1\n"
    return folder


def gotocloud(project: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gotocloud", *words],
        cwd=project,
        env={**os.environ, "PYTHONSAFEPATH": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def started(project: Path, name: str = NAME, number: int = 1, identifier: str = "1") -> None:
    """Note what the batch script of an attempt notes when it begins."""
    control = project / name / ".gotocloud" / str(number)
    control.mkdir(parents=True, exist_ok=True)
    (control / "started").write_text(f"{identifier} 1795372799 n1\n")


def attempts(project: Path, name: str = NAME) -> tuple[Attempt, ...]:
    record = load(project / name)
    assert record is not None
    return record.attempts


def verdicts(project: Path, name: str = NAME) -> set[str]:
    return {path.name for path in (project / name).glob("RELION_JOB_EXIT_*")}


def test_a_job_that_lost_its_machine_goes_on_elsewhere_and_only_once(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    started(project)
    slurm_commands.set_state("1", "NODE_FAIL")
    first = gotocloud(project, "resume", NAME)
    assert "Attempt 2 starts again in class3d-spot (interruption 1: another spot" in first.stdout
    second = gotocloud(project, "resume", NAME)
    assert "It waits, as Slurm job 2 in class3d-spot" in second.stdout
    assert len(slurm_commands.jobs) == 2
    assert [one.outcome for one in attempts(project)] == ["machine lost", ""]
    assert verdicts(project) == set()


def test_a_record_of_another_person_is_not_run_without_a_confirmation(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "home"
    elsewhere.mkdir()
    assert list(submitted_jobs(elsewhere)) == [project / NAME]
    monkeypatch.setattr(os, "getuid", lambda: (project / NAME).stat().st_uid + 1)
    assert list(submitted_jobs(elsewhere)) == []


def test_a_job_that_slurm_has_dropped_goes_on(slurm_commands: FakeSlurm, project: Path) -> None:
    started(project)
    slurm_commands.set_state("1", "")
    assert gotocloud(project, "resume", "--all").returncode == 0
    assert attempts(project)[1].queue == "class3d-spot"


def test_a_dry_run_states_what_would_be_done(slurm_commands: FakeSlurm, project: Path) -> None:
    started(project)
    slurm_commands.set_state("1", "NODE_FAIL")
    done = gotocloud(project, "resume", NAME, "--dry-run")
    assert "Attempt 2 starts again in class3d-spot" in done.stdout
    assert len(slurm_commands.jobs) == 1
    assert attempts(project)[-1].is_open


@pytest.mark.parametrize("state", ["PENDING", "RUNNING", "CONFIGURING", "COMPLETING"])
def test_a_job_that_runs_or_waits_is_left_alone(
    slurm_commands: FakeSlurm, project: Path, state: str
) -> None:
    slurm_commands.set_state("1", state)
    assert gotocloud(project, "resume", "--all").returncode == 0
    assert len(slurm_commands.jobs) == 1
    assert attempts(project)[0].is_open


def test_a_job_that_slurm_has_put_back_does_not_wait_for_the_same_machines(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    started(project)
    gotocloud(project, "resume", "--all")
    assert slurm_commands.jobs["1"]["JobState"] == "CANCELLED"
    assert slurm_commands.jobs["2"]["partition"] == "class3d-spot"


def test_an_error_of_relion_stays_an_error(slurm_commands: FakeSlurm, project: Path) -> None:
    started(project)
    (project / NAME / ".gotocloud/1/ended").write_text("1 1795372999\n")
    (project / NAME / "run.err").write_text("ERROR:\nMetaDataTable::read: no such file\n")
    slurm_commands.set_state("1", "FAILED")
    assert "ERROR: MetaDataTable::read: no such file" in gotocloud(project, "resume", NAME).stdout
    assert verdicts(project) == {"RELION_JOB_EXIT_FAILURE"}
    again = gotocloud(project, "resume", NAME)
    assert again.returncode == 1
    assert "The same would happen again" in again.stderr
    assert len(slurm_commands.jobs) == 1


def test_a_cancelled_job_is_taken_up_only_by_hand(slurm_commands: FakeSlurm, project: Path) -> None:
    slurm_commands.set_state("1", "CANCELLED")
    gotocloud(project, "resume", "--all")
    assert verdicts(project) == {"RELION_JOB_EXIT_ABORTED"}
    assert "It has ended: cancelled" in gotocloud(project, "resume", "--all").stdout
    assert len(slurm_commands.jobs) == 1
    gotocloud(project, "resume", NAME)
    assert verdicts(project) == set()
    assert [(one.round, one.queue) for one in attempts(project)] == [
        (1, "class2d-spot"),
        (2, "class2d-spot"),
    ]


def test_an_abort_in_relion_ends_a_job_that_waits(slurm_commands: FakeSlurm, project: Path) -> None:
    (project / NAME / "RELION_JOB_ABORT_NOW").touch()
    gotocloud(project, "resume", "--all")
    assert slurm_commands.jobs["1"]["JobState"] == "CANCELLED"
    assert verdicts(project) == {"RELION_JOB_EXIT_ABORTED"}


def test_the_third_interruption_on_spot_ends_on_demand(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    for number in (1, 2, 3):
        started(project, number=number, identifier=str(number))
        slurm_commands.set_state(str(number), "NODE_FAIL")
        gotocloud(project, "resume", "--all")
    assert [one.queue for one in attempts(project)] == [
        *("class2d-spot", "class3d-spot", "refine3d-spot", "class2d")
    ]


def test_a_process_that_is_killed_between_cancelling_and_submitting_is_followed_up(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    started(project)
    slurm_commands.set_state("1", "NODE_FAIL")
    slurm_commands.trouble(sbatch="killed")
    assert gotocloud(project, "resume", NAME).returncode != 0
    slurm_commands.trouble()
    assert "It waits, as Slurm job 2" in gotocloud(project, "resume", "--all").stdout
    assert len(slurm_commands.jobs) == 2


def test_a_job_that_is_never_taken_fails_visibly(slurm_commands: FakeSlurm, project: Path) -> None:
    started(project)
    slurm_commands.set_state("1", "NODE_FAIL")
    slurm_commands.trouble(sbatch="refuse")
    done = gotocloud(project, "resume", "--all")
    assert done.returncode == 1
    assert verdicts(project) == {"RELION_JOB_EXIT_FAILURE"}
    assert "Invalid partition name" in (project / NAME / "run.err").read_text()


def test_a_batch_script_whose_commands_failed_gets_a_verdict(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    started(project)
    slurm_commands.set_state("1", "RUNNING")
    done = gotocloud(project, "resume", "--ended", "1", "--", NAME, SLURM_JOB_ID="1")
    assert (done.returncode, done.stdout) == (0, "")
    assert verdicts(project) == {"RELION_JOB_EXIT_FAILURE"}


def test_a_batch_script_that_lost_a_machine_submits_what_comes_after_it(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    started(project)
    slurm_commands.set_state("1", "RUNNING")
    (project / NAME / "run.err").write_text("ORTE has lost communication with a remote daemon.\n")
    done = gotocloud(project, "resume", "--ended", "1", "--", NAME, SLURM_JOB_ID="1")
    assert (done.returncode, done.stdout) == (0, "")
    assert slurm_commands.jobs["2"]["dependency"] == "afterany:1"
    assert ["scontrol", "update", "JobId=1", "Requeue=0"] in slurm_commands.calls
    assert verdicts(project) == set()


def test_what_an_earlier_round_wrote_into_the_log_is_not_held_against_a_job(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    slurm_commands.set_state("1", "COMPLETED")
    (project / NAME / "run.err").write_text("ORTE has lost communication with a remote daemon.\n")
    script = make_job(project, NAME, class2d(NAME, 9), OPTIONS)
    gotocloud(project, "submit", str(script))
    started(project, number=2, identifier="2")
    gotocloud(project, "resume", "--ended", "1", "--", NAME, SLURM_JOB_ID="2")
    assert attempts(project)[-1].outcome == "failed"


def test_a_restarted_script_goes_on_in_its_own_place(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    started(project)
    slurm_commands.set_state("1", "RUNNING")
    done = gotocloud(
        project, "resume", "--restarted", "--", NAME, SLURM_JOB_ID="1", SLURM_RESTART_COUNT="1"
    )
    assert done.stdout == f"{project}/{NAME}gotocloud_attempt_2.sh\n", done.stderr
    assert [one.slurm_id for one in attempts(project)] == ["1", "1"]
    assert len(slurm_commands.jobs) == 1


def test_a_restarted_script_ends_if_another_attempt_has_taken_over(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    started(project)
    gotocloud(project, "resume", "--all")
    done = gotocloud(
        project, "resume", "--restarted", "--", NAME, SLURM_JOB_ID="1", SLURM_RESTART_COUNT="1"
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert len(slurm_commands.jobs) == 2


def test_motion_correction_keeps_what_is_finished_and_drops_what_may_be_half_written(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    name = "MotionCorr/job002/"
    options = {"queuename": "prep-cpu-spot", "do_own_motioncor": "Yes", "nr_threads": "4"}
    commands = [f"`which relion_run_motioncorr_mpi` --i movies.star --o {name} --j 4"]
    script = make_job(project, name, commands, options)
    assert gotocloud(project, "submit", str(script)).returncode == 0
    movies = project / name / "Movies"
    movies.mkdir()
    for index, age_s in enumerate((4000, 3000, 400, 10, 0)):
        path = movies / f"{index}.mrc"
        path.write_text("x")
        os.utime(path, (2_000_000_000 - age_s,) * 2)
    started(project, name, identifier="2")
    slurm_commands.set_state("2", "NODE_FAIL")
    gotocloud(project, "resume", name)
    assert sorted(path.name for path in movies.iterdir()) == ["0.mrc", "1.mrc", "2.mrc"]
    text = (project / name / "gotocloud_attempt_2.sh").read_text()
    assert "--only_do_unfinished\n" in text
    assert "--only_do_unfinished" not in (project / name / "gotocloud_attempt_1.sh").read_text()


def test_all_finds_jobs_of_other_projects_that_slurm_lists(
    slurm_commands: FakeSlurm, project: Path, tmp_path: Path
) -> None:
    started(project)
    slurm_commands.set_state("1", "NODE_FAIL")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert NAME in gotocloud(elsewhere, "resume", "--all").stdout
    assert len(attempts(project)) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "No job is named"),
        (("Class2D/job999",), "There is no job folder 'Class2D/job999'"),
        (("Class2D",), "was not submitted by `gotocloud submit`"),
    ],
)
def test_what_cannot_be_resumed_is_reported(
    project: Path, words: tuple[str, ...], said: str
) -> None:
    done = gotocloud(project, "resume", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Next: " in done.stderr


def test_two_lost_machines_and_a_hand_resume_end_as_succeeded_in_relions_pipeline(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    write_pipeline(project, NAME)
    for number in (1, 2, 3):
        # On spot, on another spot type, on demand: always in iteration 7.
        started(project, number=number, identifier=str(number))
        with (project / NAME / "run.out").open("a") as log:
            log.write(STARTED.format(attempt=number) + "a day\n Expectation iteration 7 of 25\n")
        slurm_commands.set_state(str(number), "NODE_FAIL")
        done = gotocloud(project, "resume", NAME)
    assert [one.queue for one in attempts(project)] == ["class2d-spot", "class3d-spot", "class2d"]
    assert "attempts 2 and 3 both ended so in iteration 7" in done.stdout
    assert verdicts(project) == {"RELION_JOB_EXIT_FAILURE"}
    assert look_as_relion(project) is ProcessStatus.FAILED
    assert "by hand, after: machine lost" in gotocloud(project, "resume", NAME).stdout
    assert look_as_relion(project) is ProcessStatus.RUNNING
    (project / NAME / "RELION_JOB_EXIT_SUCCESS").touch()
    assert look_as_relion(project) is ProcessStatus.SUCCEEDED
    assert not (project / ".relion_lock").exists()


def test_a_pipeline_that_stays_locked_does_not_stop_a_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_status, "WAIT_S", 0.0)
    write_pipeline(tmp_path, NAME, status=3)
    (tmp_path / ".relion_lock").mkdir()
    assert "is locked (.relion_lock)" in pipeline_status.show_running(tmp_path, NAME)
    (tmp_path / ".relion_lock").rmdir()
    assert pipeline_status.show_running(tmp_path, NAME) == ""
    assert read_pipeline(tmp_path)[0].status is ProcessStatus.RUNNING


def test_a_broken_record_is_reported_and_not_overwritten(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    record = project / NAME / "gotocloud_submission.json"
    record.write_text('{"version": 1, "attempts": [')
    done = gotocloud(project, "resume", NAME)
    assert done.returncode == 1
    assert "cannot be used" in done.stderr
    assert record.read_text().endswith("[")

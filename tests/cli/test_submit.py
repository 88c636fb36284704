"""`gotocloud submit`: what RELION sees, whatever goes wrong, and that nothing runs twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gotocloud.jobs.submitting import was_handed_over
from gotocloud.slurm.submissions import load
from tests.slurm.fake_slurm import FakeSlurm, install
from tests.slurm.relion_jobs import class2d, make_job, refine3d

NAME = "Class2D/job001/"
OPTIONS = {"queuename": "automatic", "use_gpu": "Yes", "gpu_ids": "", "nr_mpi": "1"}


@pytest.fixture
def slurm_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    return install(tmp_path / "slurm", monkeypatch)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "particles.star").write_text("")
    return folder


def submit(project: Path, script: Path | str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gotocloud", "submit", str(script), *words],
        cwd=project,
        env={**os.environ, "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def verdicts(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("RELION_JOB_EXIT_*")}


def test_it_states_what_sbatch_states_and_leaves_a_record(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    script = make_job(project, NAME, class2d(NAME), OPTIONS)
    done = submit(project, script)
    assert (done.returncode, done.stdout) == (0, "Submitted batch job 1\n"), done.stderr
    record = load(project / NAME)
    assert record is not None
    (attempt,) = record.attempts
    assert (attempt.slurm_id, attempt.queue, attempt.nodes, attempt.ranks) == (
        "1",
        "class2d",
        8,
        33,
    )
    assert slurm_commands.jobs["1"]["comment"] == f"gotocloud:{attempt.token}"
    assert verdicts(project / NAME) == set()
    assert "Slurm job 1 in class2d" in (project / NAME / "run.out").read_text()


def test_the_batch_script_has_the_ranks_threads_and_gpus_of_the_route(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    plain = class2d(NAME)[0].replace("_mpi", "") + ' --gpu ""'
    submit(project, make_job(project, NAME, [plain], OPTIONS))
    text = (project / NAME / "gotocloud_attempt_1.sh").read_text()
    assert "#SBATCH --nodes=8\n#SBATCH --ntasks-per-node=5\n#SBATCH --cpus-per-task=6\n" in text
    assert "#SBATCH --gpus-per-node=4\n" in text
    assert "mpirun -n 33 " in text
    assert "`which relion_refine_mpi`" in text
    assert "--j 6 " in text
    assert "place 5 4 4 4 4 4 4 4\n" in text


def test_the_same_script_is_not_submitted_twice(slurm_commands: FakeSlurm, project: Path) -> None:
    script = make_job(project, NAME, class2d(NAME), OPTIONS)
    first, second = submit(project, script), submit(project, script)
    assert first.stdout == second.stdout == "Submitted batch job 1\n"
    assert len(slurm_commands.jobs) == 1


def test_a_script_that_has_run_is_not_run_again(slurm_commands: FakeSlurm, project: Path) -> None:
    script = make_job(project, NAME, class2d(NAME), OPTIONS)
    submit(project, script)
    slurm_commands.set_state("1", "")
    done = submit(project, script)
    assert done.returncode == 1
    assert "has run before, as Slurm job 1" in done.stderr
    assert "gotocloud resume" in done.stderr
    assert verdicts(project / NAME) == set()
    assert slurm_commands.jobs == {}


def test_a_new_script_of_a_running_job_is_refused_and_the_job_goes_on(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    submit(project, make_job(project, NAME, class2d(NAME), OPTIONS))
    slurm_commands.set_state("1", "RUNNING")
    done = submit(project, make_job(project, NAME, class2d(NAME, 9), OPTIONS))
    assert done.returncode == 1
    assert "Next: scancel 1" in done.stderr
    assert verdicts(project / NAME) == set()
    assert len(slurm_commands.jobs) == 1


def test_a_running_job_is_not_failed_by_a_broken_submission_of_it(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    submit(project, make_job(project, NAME, class2d(NAME), OPTIONS))
    slurm_commands.set_state("1", "RUNNING")
    broken = {**OPTIONS, "queuename": "clas2d"}
    done = submit(project, make_job(project, NAME, class2d(NAME), broken))
    assert done.returncode == 2
    assert "clas2d" in done.stderr
    assert verdicts(project / NAME) == set()


def test_a_job_that_relion_submits_again_is_a_new_round(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    submit(project, make_job(project, NAME, class2d(NAME), OPTIONS))
    slurm_commands.set_state("1", "COMPLETED")
    submit(project, make_job(project, NAME, class2d(NAME, 9), OPTIONS))
    record = load(project / NAME)
    assert record is not None
    assert [(one.number, one.round) for one in record.attempts] == [(1, 1), (2, 2)]


@pytest.mark.parametrize("trouble", ["answer lost", "killed"])
def test_a_lost_answer_does_not_submit_twice(
    slurm_commands: FakeSlurm, project: Path, trouble: str
) -> None:
    script = make_job(project, NAME, class2d(NAME), OPTIONS)
    slurm_commands.trouble(sbatch=trouble)
    submit(project, script)
    slurm_commands.trouble()
    done = submit(project, script)
    assert done.stdout == "Submitted batch job 1\n", done.stderr
    assert len(slurm_commands.jobs) == 1


def test_a_crash_before_sbatch_leaves_nothing_that_could_run(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    script = make_job(project, NAME, class2d(NAME), OPTIONS)
    slurm_commands.trouble(sbatch="killed")
    submit(project, script)
    slurm_commands.set_state("1", "")
    slurm_commands.trouble()
    assert submit(project, script).stdout == "Submitted batch job 1\n"
    record = load(project / NAME)
    assert record is not None
    assert [one.outcome for one in record.attempts] == ["withdrawn", ""]
    assert (project / NAME / ".gotocloud" / "1" / "withdrawn").exists()


@pytest.mark.parametrize("slurm_has_it", [True, False])
def test_a_killed_command_is_followed_up_with_what_slurm_has(
    slurm_commands: FakeSlurm, project: Path, slurm_has_it: bool
) -> None:
    assert not was_handed_over(project / NAME)
    slurm_commands.trouble(sbatch="killed")
    submit(project, make_job(project, NAME, class2d(NAME), OPTIONS))
    if not slurm_has_it:
        slurm_commands.set_state("1", "")
    slurm_commands.trouble()
    assert was_handed_over(project / NAME) is slurm_has_it


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ({"sbatch": "refuse"}, "Invalid partition name specified"),
        ({"sinfo": "down"}, "Slurm's controller (slurmctld) does not answer"),
        ({"sbatch": "down", "squeue": "down"}, "Slurm's controller (slurmctld) does not answer"),
    ],
)
def test_relion_sees_why_slurm_did_not_take_the_job(
    slurm_commands: FakeSlurm, project: Path, trouble: dict[str, str], words: str
) -> None:
    script = make_job(project, NAME, class2d(NAME), OPTIONS)
    slurm_commands.trouble(**trouble)
    done = submit(project, script)
    assert done.returncode == 1
    assert verdicts(project / NAME) == {"RELION_JOB_EXIT_FAILURE"}
    assert words in (project / NAME / "run.err").read_text()
    assert "Traceback" not in done.stderr


def test_without_slurm_relion_sees_that(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    script = make_job(project, NAME, class2d(NAME), OPTIONS)
    assert submit(project, script).returncode == 1
    assert "there is no Slurm here" in (project / NAME / "run.err").read_text()
    assert verdicts(project / NAME) == {"RELION_JOB_EXIT_FAILURE"}


def test_a_job_that_breaks_a_rule_is_refused_with_the_rule(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    name = "Refine3D/job002/"
    options = {**OPTIONS, "nr_mpi": "4", "nr_threads": "6", "qsub_extra1": "typed"}
    done = submit(project, make_job(project, name, refine3d(name), options))
    assert done.returncode == 2
    said = (project / name / "run.err").read_text()
    assert "mpi-" in said
    assert "Remedy:" in said
    assert verdicts(project / name) == {"RELION_JOB_EXIT_FAILURE"}
    assert slurm_commands.jobs == {}


def test_warnings_stand_in_the_job_s_own_log(slurm_commands: FakeSlurm, project: Path) -> None:
    script = make_job(project, NAME, class2d(NAME), {**OPTIONS, "use_gpu": "No"})
    assert submit(project, script).returncode == 0
    assert "Warning: gpu-not-ticked: " in (project / NAME / "run.out").read_text()


def test_without_job_star_relion_sees_that(slurm_commands: FakeSlurm, project: Path) -> None:
    script = make_job(project, NAME, class2d(NAME), OPTIONS)
    (project / NAME / "job.star").unlink()
    done = submit(project, script)
    assert done.returncode == 2
    assert "holds no job.star" in (project / NAME / "run.err").read_text()
    assert verdicts(project / NAME) == {"RELION_JOB_EXIT_FAILURE"}


def test_an_unknown_job_type_runs_with_a_warning(slurm_commands: FakeSlurm, project: Path) -> None:
    script = make_job(project, NAME, class2d(NAME), OPTIONS)
    star = project / NAME / "job.star"
    star.write_text(star.read_text().replace("_rlnJobType 8", "_rlnJobTypeLabel relion.teleport"))
    done = submit(project, script)
    assert done.stdout == "Submitted batch job 1\n"
    assert "relion.teleport" in done.stderr


def test_a_new_program_of_a_known_job_type_runs_with_the_ranks_of_its_command(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    options = OPTIONS | {"nr_mpi": "4", "nr_threads": "2", "use_gpu": "No"}
    command = f"`which relion_find_amyloid_mpi` --odir {NAME} --j 2"
    done = submit(project, make_job(project, NAME, [command], options))
    assert done.stdout == "Submitted batch job 1\n"
    assert "type-unknown" in done.stderr or "not in gotocloud/relion/job_table" in done.stderr
    text = (project / NAME / "gotocloud_attempt_1.sh").read_text()
    assert "#SBATCH --ntasks-per-node=4\n" in text
    assert "mpirun -n 4 " in text


def test_a_foreign_script_is_refused(slurm_commands: FakeSlurm, project: Path) -> None:
    script = make_job(project, NAME, class2d(NAME), OPTIONS)
    (project / script).write_text("#!/bin/bash\n#SBATCH -n 4\nmpirun relion_refine_mpi\n")
    assert submit(project, script).returncode == 2
    assert "not made from GoToCloud's template" in (project / NAME / "run.err").read_text()
    assert verdicts(project / NAME) == {"RELION_JOB_EXIT_FAILURE"}


def test_a_script_that_is_not_there_is_an_error(project: Path) -> None:
    done = submit(project, "Class2D/job001/run_submit.script")
    assert done.returncode == 2
    assert "cannot be read" in done.stderr


def test_a_command_that_no_shell_understands_is_refused_before_it_costs_anything(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    script = make_job(project, NAME, [class2d(NAME)[0] + " --odd 'quote"], OPTIONS)
    assert submit(project, script).returncode == 1
    assert "Additional arguments" in (project / NAME / "run.err").read_text()
    assert slurm_commands.jobs == {}


def test_a_dry_run_prints_the_script_and_changes_nothing(
    slurm_commands: FakeSlurm, project: Path
) -> None:
    script = make_job(project, NAME, class2d(NAME), OPTIONS)
    before = sorted(project.rglob("*"))
    done = submit(project, script, "--dry-run")
    assert done.stdout.startswith("#!/bin/bash\n")
    assert "#SBATCH --partition=class2d\n" in done.stdout
    assert sorted(project.rglob("*")) == before
    assert slurm_commands.jobs == {}


def test_the_record_is_what_other_commands_read(slurm_commands: FakeSlurm, project: Path) -> None:
    submit(project, make_job(project, NAME, class2d(NAME), OPTIONS))
    content = json.loads((project / NAME / "gotocloud_submission.json").read_text())
    assert content["version"] == 1
    assert content["attempts"][0]["price_usd_per_hour"] == 3.912

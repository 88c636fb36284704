"""The batch script: what it says, that shells and linters take it, and what it does."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gotocloud.jobs.relion_workload import MARKERS
from gotocloud.slurm.script import BatchJob, MpiLauncher, batch_script, sbatch_options
from gotocloud.slurm.workload import Command

NAME = "Class2D/job012/"
JOB = BatchJob(
    project="/fsx/project",
    job=NAME,
    commands=(
        Command(f"`which relion_refine_mpi` --o {NAME}run", mpi=True, program="relion_refine_mpi"),
        Command("true"),
    ),
    markers=MARKERS,
    attempt=1,
    token="abc123",
    queue="class2d-spot",
    layout=(5, 4, 4, 4, 4, 4, 4, 4),
    ranks=33,
    threads=6,
    vcpus=48,
    gpus_per_node=4,
    modules=("relion/5.0.1-sm75",),
    module_folder="/efs/gotocloud/modulefiles",
    instance_type="g4dn.12xlarge",
    spot=True,
    price="3.912 USD per hour",
    reason="class2d: the paper's best cost-performance",
    gotocloud="/efs/gotocloud/bin/gotocloud",
)
PLAIN = replace(
    JOB,
    commands=(Command("true"),),
    layout=(1,),
    ranks=1,
    gpus_per_node=0,
    modules=(),
    gotocloud="gotocloud-of-the-test",
)
FORMS = {
    "Open MPI": JOB,
    "Intel MPI": replace(JOB, mpi=MpiLauncher.INTEL_MPI, modules=("relion/5.0.1-intel",)),
    "one machine": replace(JOB, layout=(3,), ranks=3),
    "threads": replace(
        PLAIN,
        commands=(Command("`which relion_mask_create` --j 8", program="relion_mask_create"),),
        threads=8,
    ),
    "plain": PLAIN,
    "without an instance type": replace(PLAIN, instance_type="unknown"),
}


@pytest.mark.parametrize("job", FORMS.values(), ids=FORMS)
def test_every_form_is_clean_for_shellcheck(job: BatchJob, tmp_path: Path) -> None:
    script = tmp_path / "attempt.sh"
    script.write_text(batch_script(job))
    done = subprocess.run(["shellcheck", str(script)], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.returncode == 0, done.stderr


def test_the_request_to_slurm() -> None:
    options = re.findall(r"^#SBATCH (.*)$", batch_script(JOB), re.MULTILINE)
    assert options == [
        "--job-name=Class2D/job012",
        "--comment=gotocloud:abc123",
        "--partition=class2d-spot",
        "--nodes=8",
        "--ntasks-per-node=5",
        "--cpus-per-task=6",
        "--gpus-per-node=4",
        "--exclusive",
        "--requeue",
        "--open-mode=append",
    ]


def test_ranks_go_to_machines_in_blocks() -> None:
    assert "place 5 4 4 4 4 4 4 4\n" in batch_script(JOB)
    assert 'mpirun -n 33 "${launch[@]}" `which' in batch_script(JOB)
    assert "mpirun" not in batch_script(PLAIN)


def test_more_threads_than_processors_are_not_requested_from_slurm() -> None:
    text = batch_script(replace(JOB, threads=64))
    assert "#SBATCH --cpus-per-task=9\n" in text


def test_gpus_are_requested_by_machine_and_never_by_task() -> None:
    text = batch_script(JOB)
    assert "per-task" not in text.replace("cpus-per-task", "")
    assert "--gpus-per-node" not in batch_script(PLAIN)


def test_a_folder_with_a_percent_sign_gets_its_logs_from_the_script_alone() -> None:
    assert sbatch_options(JOB)[1] == f"--output=/fsx/project/{NAME}run.out"
    for folder in ("/fsx/10%j", "/fsx/a\\b"):
        assert sbatch_options(replace(JOB, project=folder)) == (
            f"--chdir={folder}",
            "--output=/dev/null",
            "--error=/dev/null",
        )


@settings(max_examples=25, deadline=None)
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30))
def test_no_text_breaks_out_of_the_script(text: str) -> None:
    """Whatever a project, a reason or a price is called, the shell sees that text and no more."""
    job = replace(PLAIN, project=f"/{text}", reason=text, price=text, queue=text, token=text)
    values = batch_script(job).partition("finished=no")[0]
    shown = _run_bash(values)
    flat = text.replace("\n", " ")
    assert shown == [f"/{flat}", flat, flat]


def _run_bash(values: str) -> list[str]:
    text = values + 'printf \'%s\\0\' "$project" "$reason" "$price"\n'
    done = subprocess.run(["bash", "-c", text], capture_output=True, check=True)
    assert done.stderr == b""
    return done.stdout.decode().split("\0")[:-1]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / 'Anna\'s "10%" project'
    (folder / NAME).mkdir(parents=True)
    return folder


def run(job: BatchJob, project: Path, *, helper: str = "exit 0", **extra: str) -> int:
    """Run a script as Slurm does, with something in place of `gotocloud`."""
    (project / "gotocloud-of-the-test").write_text(f"#!/bin/bash\n{helper}\n")
    (project / "gotocloud-of-the-test").chmod(0o755)
    own = replace(job, project=str(project), gotocloud=str(project / "gotocloud-of-the-test"))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SLURM")},
        "SLURM_JOB_ID": "7",
        "SLURM_JOB_NODELIST": "n1",
        **extra,
    }
    return subprocess.run(
        ["bash", "-c", batch_script(own)],
        cwd="/",
        env=environment,
        stdin=subprocess.DEVNULL,
        check=False,
    ).returncode


def verdicts(project: Path) -> set[str]:
    return {path.name for path in (project / NAME).glob("RELION_JOB_EXIT_*")}


def test_a_success_is_reported_to_relion_and_the_log_states_where_it_ran(project: Path) -> None:
    assert run(PLAIN, project) == 0
    assert verdicts(project) == {"RELION_JOB_EXIT_SUCCESS"}
    log = (project / NAME / "run.out").read_text()
    for said in ("attempt 1 started", "nodes: n1 (1 x g4dn.12xlarge, spot)", "3.912 USD per hour"):
        assert said in log
    assert "attempt 1 ended" in log
    assert (project / NAME / ".gotocloud/1/started").read_text().split()[0] == "7"


def test_a_failure_is_left_to_gotocloud_to_judge(project: Path) -> None:
    job = replace(PLAIN, commands=(Command("(exit 3)"), Command("touch never")))
    assert run(job, project, helper='echo "$*" >asked') == 3
    assert verdicts(project) == set()
    assert (project / "asked").read_text() == f"resume --ended 3 -- {NAME}\n"
    assert not (project / "never").exists()


def test_a_failure_that_cannot_be_judged_still_reaches_relion(project: Path) -> None:
    assert run(replace(PLAIN, commands=(Command("false"),)), project, helper="exit 9") == 1
    assert verdicts(project) == {"RELION_JOB_EXIT_FAILURE"}


def test_a_program_that_states_failure_and_ends_well_has_failed(project: Path) -> None:
    job = replace(PLAIN, commands=(Command(f"touch {NAME}.gotocloud/1/RELION_JOB_EXIT_FAILURE"),))
    assert run(job, project, helper='echo "$*" >asked') == 1
    assert (project / "asked").exists()
    assert verdicts(project) == set()


def test_a_missing_program_is_named(project: Path) -> None:
    job = replace(PLAIN, commands=(Command("true", program="relion_no_such_program"),))
    assert run(job, project) == 1
    said = (project / NAME / "run.err").read_text()
    assert "There is no program relion_no_such_program on this machine" in said


def test_an_abort_reaches_relion_s_programs(project: Path) -> None:
    seen = f"[ -e {NAME}.gotocloud/1/RELION_JOB_ABORT_NOW ]"
    job = replace(
        PLAIN,
        commands=tuple(map(Command, (f"! {seen}", f"touch {NAME}RELION_JOB_ABORT_NOW", seen))),
    )
    assert run(job, project) == 0


def test_a_job_that_was_aborted_while_it_waited_does_not_begin(project: Path) -> None:
    (project / NAME / "RELION_JOB_ABORT_NOW").touch()
    assert run(replace(PLAIN, commands=(Command("touch began"),)), project) == 1
    assert not (project / "began").exists()
    assert (project / NAME / ".gotocloud/1/RELION_JOB_EXIT_ABORTED").exists()


def test_a_withdrawn_attempt_does_nothing(project: Path) -> None:
    (project / NAME / ".gotocloud/1").mkdir(parents=True)
    (project / NAME / ".gotocloud/1/withdrawn").touch()
    assert run(replace(PLAIN, commands=(Command("touch began"),)), project) == 0
    assert not (project / "began").exists()
    assert verdicts(project) == set()


def test_a_restarted_script_reads_and_runs_what_is_decided(project: Path) -> None:
    (project / "next.sh").write_text("echo $GOTOCLOUD_RESTART >went-on\n")
    job = replace(PLAIN, commands=(Command("touch began"),))
    helper = '[ "$2" = --restarted ] && echo next.sh'
    assert run(job, project, helper=helper, SLURM_RESTART_COUNT="2") == 0
    assert (project / "went-on").read_text() == "2\n"
    assert not (project / "began").exists()


def test_a_restarted_script_that_another_has_replaced_just_ends(project: Path) -> None:
    job = replace(PLAIN, commands=(Command("touch began"),))
    assert run(job, project, helper="exit 0", SLURM_RESTART_COUNT="1") == 0
    assert not (project / "began").exists()
    assert verdicts(project) == set()

"""Machines die under jobs on a real Slurm, most of them with a real RELION."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gotocloud.rehearsal.slurm.cluster import RehearsalCluster
from gotocloud.rehearsal.slurm.dataset import make_dataset
from gotocloud.relion.pipeline import ProcessStatus
from gotocloud.slurm.client import job, update
from gotocloud.slurm.submissions import Attempt, load
from tests.needs import need_relion
from tests.slurm.relion_jobs import (
    class2d,
    look_as_relion,
    make_job,
    refine3d,
    write_pipeline,
)

WITHIN_S = 200.0
TYPED = {
    "qsub_extra1": "typed",
    "qsub_extra2": "2",
    "nr_mpi": "3",
    "nr_threads": "1",
    "use_gpu": "No",
    "fn_img": "particles.star",
}
"""Three ranks on two machines, as this test machine can run them."""

STUB = """\
#!/bin/bash
# Runs for ever on spot machines and ends well on others.
control=${*: -1}
case $SLURM_JOB_PARTITION in *-spot) sleep 600 ;; esac
touch "${control}RELION_JOB_EXIT_SUCCESS"
"""


@pytest.fixture
def particles(tmp_path: Path) -> Path:
    """A project folder with a blank in its name and a small dataset."""
    need_relion()
    project = tmp_path / "Anna's project"
    project.mkdir()
    make_dataset(project, particles=50, box_px=32, seed=1)
    return project


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder, and a program in RELION's place that never ends on spot machines."""
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "relion_refine_mpi"
    program.write_text(STUB)
    program.chmod(0o755)
    launcher = programs / "mpirun"
    launcher.write_text('#!/bin/bash\nwhile [[ $1 == -* ]]; do shift 2; done\nexec "$@"\n')
    launcher.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    project = tmp_path / "project"
    project.mkdir()
    return project


def gotocloud(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("gotocloud")), *words],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < deadline, f"{what}, within {WITHIN_S:g} s"
        time.sleep(0.1)


def markers(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("RELION_JOB_EXIT_*")}


def latest(folder: Path) -> Attempt:
    record = load(folder)
    assert record is not None
    return record.attempts[-1]


def submit(
    project: Path, name: str, commands: list[str], options: Mapping[str, str]
) -> tuple[Path, str]:
    script = make_job(project, name, commands, {**TYPED, **options})
    said = gotocloud(project, "submit", str(script)).stdout
    return project / name, said.split()[-1]


def machines(folder: Path) -> list[str]:
    """The running attempt's machines, the batch host first."""
    until(lambda: latest(folder).node_list, "the attempt starts")
    done = subprocess.run(
        ["scontrol", "show", "hostnames", latest(folder).node_list],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def restart_at_once(identifier: str) -> None:
    """Slurm keeps a job that it has put back for two minutes."""
    until(lambda: (job(identifier) or {}).get("JobState") == "PENDING", "Slurm puts it back")
    update(identifier, StartTime="now")


def run_out(folder: Path) -> str:
    """What the latest attempt has written so far."""
    text = (folder / "run.out").read_text(errors="replace")
    return text.rpartition(f"attempt {latest(folder).number} started")[2]


def repeated_iterations(folder: Path) -> int:
    log = (folder / "run.out").read_text(errors="replace")
    counted = Counter(re.findall(r"Expectation iteration (\d+)", log))
    assert counted
    return sum(count - 1 for count in counted.values())


def test_a_class2d_whose_second_machine_dies_goes_on_by_itself(
    head_node: RehearsalCluster, particles: Path
) -> None:
    head_node.warm("class2d-spot")
    name = "Class2D/job001/"
    folder, _ = submit(particles, name, class2d(name), {"queuename": "class2d-spot"})
    until((folder / "run_it002_optimiser.star").exists, "iteration 2 is done")
    head_node.kill_node(machines(folder)[1])
    until(lambda: markers(folder), "the job ends")
    assert markers(folder) == {"RELION_JOB_EXIT_SUCCESS"}
    record = load(folder)
    assert record is not None
    first, second = record.attempts
    assert (first.queue, first.outcome) == ("class2d-spot", "machine lost")
    assert second.queue == "class3d-spot"
    assert re.fullmatch(rf"{name}run_it00\d_optimiser\.star", second.continue_from)
    assert repeated_iterations(folder) <= 1
    assert (folder / "run_it008_classes.mrcs").exists()
    assert "succeeded" in gotocloud(particles, "resume", name).stdout
    assert len(getattr(load(folder), "attempts", ())) == 2


def test_a_refine3d_whose_first_machine_dies_skips_a_cut_off_optimiser_file(
    head_node: RehearsalCluster, particles: Path
) -> None:
    head_node.warm("refine3d-spot")
    name = "Refine3D/job002/"
    folder, identifier = submit(particles, name, refine3d(name), {"queuename": "refine3d-spot"})
    until((folder / "run_it002_optimiser.star").exists, "iteration 2 is done")
    head_node.kill_node(machines(folder)[0])
    newest = max(folder.glob("run_it*_optimiser.star"))
    newest.write_text(newest.read_text()[:700])
    restart_at_once(identifier)
    until(lambda: markers(folder), "the job ends")
    assert markers(folder) == {"RELION_JOB_EXIT_SUCCESS"}
    record = load(folder)
    assert record is not None
    first, second = record.attempts
    assert (second.slurm_id, second.queue) == (first.slurm_id, "refine3d-spot")
    assert first.outcome == "machine lost"
    assert 0 < int(second.continue_from[-18:-15]) < int(newest.name[6:9])
    # What RELION's pipeline expects, under the names that it expects.
    assert (folder / "run_class001.mrc").exists()
    assert (folder / "run_half1_class001_unfil.mrc").exists()
    assert "Final resolution" in (folder / "run.out").read_text(errors="replace")


def test_three_interruptions_in_a_row_end_on_demand(
    head_node: RehearsalCluster, stub: Path
) -> None:
    head_node.warm("class2d-spot", "class3d-spot", "refine3d-spot")
    name = "Class2D/job003/"
    folder, _ = submit(stub, name, class2d(name), {"queuename": "class2d-spot", "qsub_extra2": "1"})
    queues = []
    for number in (1, 2, 3):
        until(lambda n=number: latest(folder).number == n, "the next attempt is made")  # type: ignore[misc]
        queues.append(latest(folder).queue)
        head_node.kill_node(machines(folder)[0])
        assert markers(folder) == set()
        # The timer of the head node does this every minute.
        until(
            lambda n=number: (  # type: ignore[misc]
                gotocloud(stub, "resume", "--all") and latest(folder).number > n
            ),
            "the job is taken up",
        )
    until(lambda: markers(folder), "the job ends")
    assert markers(folder) == {"RELION_JOB_EXIT_SUCCESS"}
    assert queues == ["class2d-spot", "class3d-spot", "refine3d-spot"]
    assert latest(folder).queue == "class2d"
    assert not latest(folder).spot


IN_ITERATION_3 = """\
#!/bin/bash
# Never leaves iteration 3, until the file "enough" is there.
control=${*: -1}
echo " Expectation iteration 3 of 8"
until [ -e enough ]; do sleep 0.2; done
touch "${control}RELION_JOB_EXIT_SUCCESS"
"""


def test_two_lost_machines_and_a_hand_resume_end_as_succeeded_in_relions_pipeline(
    head_node: RehearsalCluster, stub: Path
) -> None:
    (stub.parent / "bin" / "relion_refine_mpi").write_text(IN_ITERATION_3)
    head_node.warm("class2d")
    name = "Class2D/job010/"
    write_pipeline(stub, name)
    options = {"queuename": "class2d", "qsub_extra2": "1"}
    folder, identifier = submit(stub, name, class2d(name), options)
    for number in (1, 2):
        until(lambda n=number: latest(folder).number == n, "the attempt is made")  # type: ignore[misc]
        (machine,) = machines(folder)
        until(lambda: "iteration 3" in run_out(folder), "it comes to iteration 3")
        head_node.kill_node(machine)
        if number == 1:
            restart_at_once(identifier)
    # The timer of the head node does this every minute.
    until(lambda: gotocloud(stub, "resume", "--all") and markers(folder), "the loss is found")
    assert markers(folder) == {"RELION_JOB_EXIT_FAILURE"}
    assert "attempts 1 and 2 both ended so in iteration 3" in (folder / "run.err").read_text()
    assert look_as_relion(stub) is ProcessStatus.FAILED
    assert "by hand, after: machine lost" in gotocloud(stub, "resume", name).stdout
    assert look_as_relion(stub) is ProcessStatus.RUNNING
    (stub / "enough").touch()
    until(lambda: markers(folder), "the job ends")
    assert look_as_relion(stub) is ProcessStatus.SUCCEEDED
    assert [one.number for one in getattr(load(folder), "attempts", ())] == [1, 2, 3]


def test_an_error_of_relion_is_not_tried_again(
    head_node: RehearsalCluster, particles: Path
) -> None:
    head_node.warm("class2d-spot")
    name = "Class2D/job004/"
    commands = [class2d(name)[0].replace("particles.star", "no_such_file.star")]
    folder, _ = submit(particles, name, commands, {"queuename": "class2d-spot"})
    until(lambda: markers(folder), "the job ends")
    assert markers(folder) == {"RELION_JOB_EXIT_FAILURE"}
    assert "no_such_file.star" in (folder / "run.err").read_text().splitlines()[-1]
    assert latest(folder).number == 1
    assert latest(folder).outcome == "failed"


SHORT_OF_MEMORY = """\
#!/bin/bash
# RELION, with rank 1 in a control group of the kernel that has almost no memory.
[ "$OMPI_COMM_WORLD_RANK" != 1 ] || echo $$ >{group}/cgroup.procs
exec {relion} "$@"
"""


def test_a_rank_that_the_kernel_kills_for_its_memory_is_named_by_jobs(
    head_node: RehearsalCluster,
    particles: Path,
    small_group: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    programs = particles.parent / "bin"
    programs.mkdir()
    program = programs / "relion_refine_mpi"
    relion = shutil.which(program.name)
    program.write_text(SHORT_OF_MEMORY.format(group=small_group, relion=relion))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    head_node.warm("class2d")
    name = "Class2D/job009/"
    folder, _ = submit(particles, name, class2d(name), {"queuename": "class2d"})
    until(lambda: markers(folder), "the job ends")
    assert markers(folder) == {"RELION_JOB_EXIT_FAILURE"}
    assert latest(folder).outcome == "failed"
    (line,) = [
        line for line in gotocloud(particles, "jobs", "--all").stdout.splitlines() if name in line
    ]
    assert re.search(
        r"rank 1 on class2d-\S+ was killed \(signal 9\): most often too little memory", line
    ), line


OWN_PROGRAM = """\
#!/bin/bash
# The first task fails, and Slurm ends the step with the other one.
srun --overcommit --ntasks=2 --kill-on-bad-exit=1 \\
  bash -c '[ "$SLURM_PROCID" != 0 ] || exit 3; sleep 60'
"""


def test_a_program_of_ones_own_whose_step_fails_is_failed_and_not_cancelled(
    head_node: RehearsalCluster, stub: Path
) -> None:
    program = stub / "own.sh"
    program.write_text(OWN_PROGRAM)
    program.chmod(0o755)
    head_node.warm("class2d-spot")
    name = "External/job008/"
    options = {"queuename": "class2d-spot", "qsub_extra2": "automatic", "fn_exe": str(program)}
    folder, _ = submit(stub, name, [f"{program} --o {name} --j 1"], options)
    until(lambda: markers(folder), "the job ends")
    assert re.search(r"\*\*\* STEP \S+ ON \S+ CANCELLED", (folder / "run.err").read_text())
    assert markers(folder) == {"RELION_JOB_EXIT_FAILURE"}
    assert (latest(folder).outcome, latest(folder).number) == ("failed", 1)


def test_cancelling_in_slurm_ends_the_job_for_relion_too(
    head_node: RehearsalCluster, stub: Path
) -> None:
    head_node.warm("class2d-spot")
    name = "Class2D/job005/"
    folder, identifier = submit(stub, name, class2d(name), {"queuename": "class2d-spot"})
    machines(folder)
    subprocess.run(["scancel", identifier], check=True)
    until(lambda: markers(folder), "the job ends")
    assert markers(folder) == {"RELION_JOB_EXIT_ABORTED"}
    assert latest(folder).outcome == "cancelled"


def test_slurm_takes_a_project_folder_with_any_name(
    head_node: RehearsalCluster, stub: Path
) -> None:
    project = stub / 'Anna\'s "10%" $HOME; # ü % \\'
    shutil.copytree(stub, project, ignore=lambda *_: [])
    name = "Class2D/job006/"
    head_node.warm("class2d")
    folder, _ = submit(project, name, class2d(name), {"queuename": "class2d"})
    until(lambda: markers(folder), "the job ends")
    assert markers(folder) == {"RELION_JOB_EXIT_SUCCESS"}
    assert "GoToCloud: attempt 1 ended" in (folder / "run.out").read_text()

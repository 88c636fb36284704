"""RELION as a kind of program that Slurm runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from gotocloud.costs.machine_time import table_price
from gotocloud.jobs.cluster import Cluster
from gotocloud.jobs.pipeline_status import show_running
from gotocloud.jobs.placing import PlacedJob, in_queue
from gotocloud.jobs.relion_commands import continued, controlled_from, finishing, program
from gotocloud.relion.commands import rewritten_command, runs_mpi, starts_unknown_mpi
from gotocloud.relion.job import Job, read_job
from gotocloud.relion.job_types import unknown_type
from gotocloud.relion.optimisers import newest_optimiser
from gotocloud.relion.run_log import parse_run_log
from gotocloud.slurm.attempts import new_token
from gotocloud.slurm.causes import cause_of
from gotocloud.slurm.submissions import Attempt, Submission, control_folder, finished_commands
from gotocloud.slurm.workload import Command, Ending, JobProgress, Markers, StartingPoint

UNSETTLED_S = 300
"""Results so much younger than the last one may have been lost half written with a machine."""

MARKERS = Markers(
    MappingProxyType(
        {
            Ending.SUCCESS: "RELION_JOB_EXIT_SUCCESS",
            Ending.FAILURE: "RELION_JOB_EXIT_FAILURE",
            Ending.ABORTED: "RELION_JOB_EXIT_ABORTED",
        }
    ),
    abort_now="RELION_JOB_ABORT_NOW",
)
"""Source: 3dem/relion, `src/pipeline_control.h`."""


class RelionWorkload:
    """Jobs of RELION 3.1 to 5."""

    name = "relion"
    markers = MARKERS

    def commands(self, record: Submission, attempt: Attempt, project: Path) -> tuple[Command, ...]:
        """RELION's commands as an attempt runs them."""
        lines = [
            rewritten_command(command, attempt) for command in record.commands[attempt.skipped :]
        ]
        if attempt.continue_from:
            position = _first(lines, ("relion_refine", "relion_refine_mpi"))
            if position is not None:
                lines[position] = continued(
                    lines[position],
                    optimiser=attempt.continue_from,
                    root_before=_root_name(project / attempt.continue_from),
                )
        elif attempt.finishing:
            position = _first(lines, ())
            if position is not None:
                lines[position] = finishing(lines[position])
        control = control_folder(record.job, attempt.number)
        return tuple(
            Command(
                text=controlled_from(line, record.job, control),
                mpi=runs_mpi(line),
                program=program(line),
            )
            for line in lines
        )

    def can_continue(self, folder: Path) -> bool:
        """By optimiser files, or by results of single micrographs."""
        return read_job(folder).can_resume

    def next_start(self, folder: Path, record: Submission) -> StartingPoint:
        """After the commands that are finished, else at the newest usable optimiser file."""
        job, latest = read_job(folder), record.attempts[-1]
        done = latest.skipped + finished_commands(folder, latest)
        if 0 < done < len(record.commands):
            return StartingPoint(skipped=done)
        return StartingPoint(
            continue_from=_continue_from(folder, record, job), finishing=job.skips_finished
        )

    def prepare(self, folder: Path, attempt: Attempt) -> str:
        """Remove doubtful results, and let RELION's pipeline show the job as running.

        Doubtful are the last results of a job that leaves finished micrographs alone.
        """
        removed = remove_unsettled(folder) if attempt.finishing else ()
        made = f"{len(removed)} files that may be half written are made again" if removed else ""
        shown = show_running(folder.parents[1], f"{folder.parent.name}/{folder.name}/")
        return "\n".join(one for one in (made, shown) if one)

    def progress(self, log: str) -> JobProgress:
        """Iteration, resolution and the longest step."""
        found = parse_run_log(log)
        steps = (max(one.elapsed_s, one.expected_s) for one in found.steps)
        return JobProgress(
            iteration=found.iteration or None,
            iterations=found.iterations_total,
            resolution_angstrom=found.final_resolution_angstrom or found.resolution_angstrom,
            pace_s=max(steps, default=None),
        )

    def last_error(self, log: str) -> str:
        """Why the job failed, below the standard sentences of Open MPI and RELION."""
        return cause_of(log) or ""

    def attempt_in(self, folder: Path, record: Submission, cluster: Cluster, queue: str) -> Attempt:
        """As the routing shapes the job for the queue, if it breaks no rule there."""
        job = as_commanded(read_job(folder), record.commands)
        placed_job = in_queue(job, cluster, queue)
        placed_job.accepted()
        return attempt_of(placed_job, cluster, number=0, round_number=0)


def as_commanded(job: Job, commands: Sequence[str]) -> Job:
    """The job as its commands show it: as typed, if a program with MPI is in no table.

    Later versions of RELION give known job types new programs ("relion.autopick.amypick").

    Args:
        job: As its settings describe it.
        commands: RELION's commands.
    """
    if not any(starts_unknown_mpi(command) for command in commands):
        return job
    return replace(job, type=unknown_type(job.label, job.type.folder))


def attempt_of(
    placed_job: PlacedJob, cluster: Cluster, *, number: int, round_number: int
) -> Attempt:
    """An attempt from the beginning, on the machines of a job's place."""
    route = placed_job.route
    modules = (route.module,) if route.module else _modules(placed_job, cluster.modules)
    return Attempt(
        number=number,
        round=round_number,
        token=new_token(),
        queue=route.queue,
        layout=route.layout,
        ranks=route.ranks,
        threads=route.threads,
        vcpus=placed_job.queue.vcpus,
        gpus_per_node=route.gpus_per_node,
        gpu_ids=route.gpu_ids,
        exclusive=route.exclusive,
        instance_type=route.instance_type,
        spot=route.spot,
        price_usd_per_hour=table_price(cluster.facts.region)(route.instance_type, route.spot),
        why=route.reason,
        modules=modules,
    )


def remove_unsettled(folder: Path) -> tuple[Path, ...]:
    """Remove the last results of a job that leaves finished micrographs alone.

    RELION takes a file that is there for a finished one, and a lost machine can leave it
    half written. Files of the job's own folder are summaries, written again at the end.

    Returns:
        What was removed.
    """
    results = [
        (path, path.stat().st_mtime)
        for one in folder.iterdir()
        if one.is_dir() and not one.is_symlink() and not one.name.startswith(".")
        for path in one.rglob("*")
        if path.is_file() and not path.is_symlink()
    ]
    latest = max((written for _, written in results), default=0.0)
    doubtful = tuple(path for path, written in results if written > latest - UNSETTLED_S)
    for path in doubtful:
        path.unlink()
    return doubtful


def _modules(placed_job: PlacedJob, folder: Path) -> tuple[str, ...]:
    """The catalogue's module; none where no modules are installed: then PATH decides."""
    if not folder.is_dir():
        return ()
    from gotocloud.software.in_force import executable_for, module_to_load

    executable = executable_for(
        placed_job.job.queue_job_type, placed_job.route.instance_type or None
    )
    module = module_to_load(executable, folder)
    return (module,) if module else ()


def _continue_from(folder: Path, record: Submission, job: Job) -> str:
    """The newest usable optimiser file of this round, as seen from the project folder."""
    if not job.type.continues:
        return ""
    path = newest_optimiser(folder)
    began = next((one.submitted_at_s for one in record.this_round if one.submitted_at_s), None)
    first = began if began is not None else 0.0
    if path is None or path.stat().st_mtime < first:
        return next((one.continue_from for one in reversed(record.this_round)), "")
    return f"{record.job}{path.name}"


def _first(commands: Sequence[str], names: Sequence[str]) -> int | None:
    """Position of the first command of RELION, or of the first with one of the names."""
    for position, command in enumerate(commands):
        name = program(command)
        if name and (not names or name in names):
            return position
    return None


def _root_name(optimiser: Path) -> str:
    from gotocloud.relion.star import read_star

    return read_star(optimiser).table("optimiser_general").value("_rlnOutputRootName") or ""

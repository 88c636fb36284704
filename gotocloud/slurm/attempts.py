"""Make an attempt at a job and hand it to Slurm, once and only once."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.contract.head_node import ClusterFacts
from gotocloud.errors import GoToCloudError
from gotocloud.relion.commands import rewritten_command
from gotocloud.relion.job import Job
from gotocloud.relion.routing import Route
from gotocloud.slurm import client
from gotocloud.slurm.client import NoAnswerError, SlurmError
from gotocloud.slurm.cluster_facts import facts_path
from gotocloud.slurm.commands import continued, finishing, program
from gotocloud.slurm.recovery import ABORTED, FAILURE, SUCCESS, Outcome
from gotocloud.slurm.script import (
    COMMENT_PREFIX,
    BatchJob,
    Mpi,
    batch_script,
    facts_copy,
    sbatch_options,
)
from gotocloud.slurm.submissions import (
    Attempt,
    State,
    Submission,
    finished_commands,
    save,
    withdraw,
)

SCRIPT_NAME = "gotocloud_attempt_{number}.sh"
PAUSE_S = 30.0
"""Between two questions to a controller that does not answer."""

UNSETTLED_S = 300
"""Results so much younger than the last one may have been lost half written with a machine."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What an attempt must know of the cluster around it.

    Args:
        partitions: Its queues.
        facts: Which cluster it is.
        gotocloud: How nodes call `gotocloud`.
        modules_for: Environment modules for a job on an instance type.
        module_folder: Where these are; empty if there are none.
    """

    partitions: tuple[Partition, ...]
    facts: ClusterFacts
    gotocloud: str
    modules_for: Callable[[Job, str], tuple[str, ...]]
    module_folder: str = ""

    def partition(self, queue: str) -> Partition | None:
        """A queue by name."""
        return next((one for one in self.partitions if one.name == queue), None)


def attempt_of_route(
    route: Route, job: Job, surroundings: Surroundings, *, number: int, round_number: int
) -> Attempt:
    """A first attempt, on the route."""
    partition = surroundings.partition(route.queue)
    modules = (route.module,) if route.module else None
    return Attempt(
        number=number,
        round=round_number,
        token=new_token(),
        queue=route.queue,
        layout=route.layout,
        ranks=route.ranks,
        threads=route.threads,
        vcpus=partition.vcpus if partition else route.threads,
        gpus_per_node=route.gpus_per_node,
        gpu_ids=route.gpu_ids,
        exclusive=route.exclusive,
        instance_type=route.instance_type,
        spot=route.spot,
        price_usd_per_hour=price(route.instance_type, route.spot, surroundings.facts.region)[0],
        why=route.reason,
        modules=surroundings.modules_for(job, route.instance_type) if modules is None else modules,
    )


def new_token() -> str:
    """A name for an attempt that no other has."""
    return uuid.uuid4().hex[:12]


def price(instance_type: str, spot: bool, region: str) -> tuple[float | None, str]:
    """What an hour of a machine costs: as a number, and in words with the price's age."""
    from gotocloud.costs.prices import price_usd_per_hour, spot_price_usd_per_hour

    find = spot_price_usd_per_hour if spot else price_usd_per_hour
    found = find(instance_type, region) if region else None
    if found is None:
        return None, "unknown"
    kind = "mean spot price of" if spot else "on demand,"
    return float(found.usd), f"{found.usd} USD per hour ({kind} {region}, {found.date})"


def attempt_commands(submission: Submission, attempt: Attempt, project: Path) -> tuple[str, ...]:
    """RELION's commands as an attempt runs them.

    Raises:
        GoToCloudError: if the optimiser file to continue from cannot be read.
    """
    commands = [
        rewritten_command(command, attempt) for command in submission.commands[attempt.skipped :]
    ]
    if attempt.continue_from:
        position = _first(commands, ("relion_refine", "relion_refine_mpi"))
        if position is not None:
            commands[position] = continued(
                commands[position],
                optimiser=attempt.continue_from,
                root_before=_root_name(project / attempt.continue_from),
            )
    elif attempt.finishing:
        position = _first(commands)
        if position is not None:
            commands[position] = finishing(commands[position])
    return tuple(commands)


def skips_finished(job: Job) -> bool:
    """Whether another attempt can leave alone what is finished, micrograph by micrograph."""
    return job.type.skips_finished and not job.program.trains


def _first(commands: Sequence[str], names: Sequence[str] = ()) -> int | None:
    for position, command in enumerate(commands):
        name = program(command)
        if name and (not names or name in names):
            return position
    return None


def _root_name(optimiser: Path) -> str:
    from gotocloud.relion.star import read_star

    return read_star(optimiser).table("optimiser_general").value("_rlnOutputRootName") or ""


def place(
    submission: Submission,
    attempt: Attempt,
    surroundings: Surroundings,
    *,
    project: Path,
    after: str = "",
    tries: int = 1,
) -> Submission:
    """Hand an attempt to Slurm, having written it down before.

    Args:
        submission: The record so far.
        attempt: What to submit.
        surroundings: The cluster.
        project: The project folder.
        after: A Slurm job that must have ended before.
        tries: How often to ask a controller that does not answer.

    Returns:
        The record, with Slurm's id.

    Raises:
        SlurmError: if Slurm has not taken it, or will not run it: then it is withdrawn.
        GoToCloudError: if the commands cannot be run.
    """
    folder = project / submission.job
    attempt = replace(attempt, log_start=_size(folder / "run.err"))
    submission = submission.with_attempt(attempt)
    script, batch = write_script(submission, attempt, surroundings, project)
    save(folder, submission)
    options = [*sbatch_options(batch), *([f"--dependency=afterany:{after}"] if after else [])]
    try:
        identifier = _submitted(script, options, attempt, tries)
    except NoAnswerError as error:
        _give_up(folder, submission, attempt, Outcome.WITHDRAWN, error.message)
        raise
    except SlurmError as error:
        _give_up(folder, submission, attempt, Outcome.REFUSED, error.message)
        raise
    submitted = replace(
        attempt, state=State.SUBMITTED, slurm_id=identifier, submitted_at_s=time.time()
    )
    submission = submission.with_attempt(submitted)
    save(folder, submission)
    return submission


def batch_of(
    submission: Submission, attempt: Attempt, surroundings: Surroundings, project: Path
) -> BatchJob:
    """The batch script of an attempt, as data.

    Raises:
        GoToCloudError: if the optimiser file to continue from cannot be read.
    """
    return BatchJob(
        project=str(project),
        job=submission.job,
        commands=attempt_commands(submission, attempt, project),
        attempt=attempt.number,
        token=attempt.token,
        queue=attempt.queue,
        layout=attempt.layout,
        ranks=attempt.ranks,
        threads=attempt.threads,
        vcpus=attempt.vcpus,
        gpus_per_node=attempt.gpus_per_node,
        exclusive=attempt.exclusive,
        modules=attempt.modules,
        module_folder=surroundings.module_folder,
        mpi=mpi_of(attempt.modules),
        instance_type=attempt.instance_type or "unknown",
        spot=attempt.spot,
        price=price(attempt.instance_type, attempt.spot, surroundings.facts.region)[1],
        reason=attempt.why,
        gotocloud=surroundings.gotocloud,
    )


def write_script(
    submission: Submission, attempt: Attempt, surroundings: Surroundings, project: Path
) -> tuple[Path, BatchJob]:
    """Write the batch script of an attempt into the job's folder.

    Raises:
        GoToCloudError: if a shell could not read RELION's commands.
    """
    batch = batch_of(submission, attempt, surroundings, project)
    _keep_facts(project, submission.job)
    path = project / submission.job / SCRIPT_NAME.format(number=attempt.number)
    path.write_text(batch_script(batch), encoding="utf-8", errors="surrogateescape")
    wrong = client.syntax_error(path)
    if wrong:
        raise GoToCloudError(
            f"RELION's command cannot be run, a shell does not understand it: {wrong}. "
            "Look for an odd quote or bracket in the job's settings, 'Additional arguments' first."
        )
    return path, batch


def _keep_facts(project: Path, job: str) -> None:
    """Leave the cluster's facts where nodes find them: only the head node has them."""
    known = facts_path()
    kept = project / facts_copy(job)
    if known != kept and known.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(known.read_bytes())


def mpi_of(modules: Iterable[str]) -> Mpi:
    """Which mpirun modules bring: Intel MPI if one names it, else Open MPI."""
    return Mpi.INTEL_MPI if any("intel" in one.lower() for one in modules) else Mpi.OPEN_MPI


def settle_intent(project: Path, submission: Submission, attempt: Attempt) -> Submission:
    """Find out what became of an attempt that was written down but has no Slurm id.

    Returns:
        The record: the attempt has its id, or is withdrawn and will never run.

    Raises:
        SlurmError: if Slurm does not answer.
    """
    folder = project / submission.job
    identifier = client.find(COMMENT_PREFIX + attempt.token)
    if identifier is None:
        return _give_up(
            folder, submission, attempt, Outcome.WITHDRAWN, "its submission was interrupted"
        )
    found = replace(attempt, state=State.SUBMITTED, slurm_id=identifier, submitted_at_s=time.time())
    submission = submission.with_attempt(found)
    save(folder, submission)
    return submission


def close(
    project: Path, submission: Submission, attempt: Attempt, outcome: Outcome, detail: str
) -> Submission:
    """Write down how an attempt ended."""
    ended = replace(attempt, state=State.ENDED, outcome=outcome.value, detail=detail)
    submission = submission.with_attempt(ended)
    save(project / submission.job, submission)
    return submission


def finish(folder: Path, marker: str, text: str) -> None:
    """Tell RELION, and in its log the scientist, that a job is over."""
    note(folder, text, error=marker == FAILURE)
    for other in (SUCCESS, FAILURE, ABORTED):
        if other != marker:
            (folder / other).unlink(missing_ok=True)
    (folder / marker).touch()


def note(folder: Path, text: str, *, error: bool = False) -> None:
    """Add lines to the job's own log, where the scientist looks."""
    with (folder / ("run.err" if error else "run.out")).open("a", encoding="utf-8") as log:
        log.writelines(f" GoToCloud: {line}\n" for line in text.splitlines())


def commands_finished(submission: Submission, attempt: Attempt, folder: Path) -> int:
    """How many of RELION's commands need not run again after an attempt."""
    done = attempt.skipped + finished_commands(folder, attempt)
    return done if done < len(submission.commands) else 0


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


def _submitted(script: Path, options: Sequence[str], attempt: Attempt, tries: int) -> str:
    """Slurm's id, also where the answer was lost; submits again only if Slurm has no such job."""
    unanswered: NoAnswerError | None = None
    for left in reversed(range(tries)):
        try:
            known = client.find(COMMENT_PREFIX + attempt.token) if unanswered else None
            return known or client.submit(script, options)
        except NoAnswerError as error:
            unanswered = error
        if left:
            time.sleep(PAUSE_S)
    try:
        known = client.find(COMMENT_PREFIX + attempt.token)
    except SlurmError:
        known = None
    if known is None and unanswered:
        raise unanswered
    return known or ""


def _give_up(
    folder: Path, submission: Submission, attempt: Attempt, outcome: Outcome, detail: str
) -> Submission:
    withdraw(folder, attempt)
    ended = replace(attempt, state=State.ENDED, outcome=outcome.value, detail=detail)
    submission = submission.with_attempt(ended)
    save(folder, submission)
    return submission


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0

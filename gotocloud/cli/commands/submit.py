"""`gotocloud submit`: what RELION calls on the head node instead of sbatch."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gotocloud.cli.options import DryRun
from gotocloud.cli.output import narrate
from gotocloud.errors import GoToCloudError, InputError, shell_line

if TYPE_CHECKING:
    from gotocloud.relion.findings import Finding
    from gotocloud.relion.job import Job
    from gotocloud.relion.routing import Route
    from gotocloud.relion.settings import Setting
    from gotocloud.slurm.attempts import Surroundings
    from gotocloud.slurm.commands import FilledTemplate
    from gotocloud.slurm.submissions import Attempt, Submission

app = typer.Typer(help="Submit a RELION job to Slurm, checked and routed.")

_JOB_FOLDER = re.compile(r"job\d+")


class BusyError(GoToCloudError):
    """Something of the job still runs: it stays as it is, without an exit marker for RELION."""


@app.command(epilog="Example: gotocloud submit Class2D/job012/run_submit.script")
def submit(
    script: Annotated[Path, typer.Argument(help="The script that RELION filled in.")],
    dry_run: DryRun = False,
) -> None:
    """Submit a RELION job to Slurm: checked, on the machines that suit it, and only once."""
    submit_script(script, dry_run=dry_run)


def submit_script(script: Path, *, dry_run: bool = False) -> None:
    """Submit what RELION filled in, and print what sbatch prints.

    Raises:
        GoToCloudError: if it was not submitted; the exit marker and the job's log show why.
    """
    filled, folder = _read(script, dry_run=dry_run)
    try:
        identifier = _submit(script, filled, folder, dry_run=dry_run)
    except BusyError:
        raise
    except Exception as error:
        # An earlier submission that still runs will have the last word.
        if not dry_run and not _still_runs(folder):
            _tell_relion(folder, str(error))
        raise
    if identifier:
        sys.stdout.write(f"Submitted batch job {identifier}\n")


def surroundings() -> Surroundings:
    """The cluster that this command runs on.

    Raises:
        GoToCloudError: if there is no Slurm, or it does not answer.
    """
    from gotocloud.slurm import client
    from gotocloud.slurm.attempts import Surroundings
    from gotocloud.slurm.cluster_facts import known_facts
    from gotocloud.slurm.sinfo import SINFO_FORMAT, SINFO_OPTIONS, parse_sinfo

    facts = known_facts()
    modules = Path(facts.software) / "gotocloud" / "modulefiles"
    return Surroundings(
        partitions=parse_sinfo(client.partitions(SINFO_FORMAT, *SINFO_OPTIONS)),
        facts=facts,
        gotocloud=_own_path(),
        modules_for=lambda job, instance_type: _modules(modules, job, instance_type),
        module_folder=str(modules) if modules.is_dir() else "",
    )


def _own_path() -> str:
    """How nodes call this program: it is on a file system that all of them have."""
    import shutil

    from gotocloud.software.layout import FILE as ONE_FILE

    called = Path(sys.argv[0])
    if called.name == "gotocloud" and called.is_file():
        # A published release is never changed: a job keeps the one that it began with.
        release = called.resolve()
        return str(release if release.name == ONE_FILE else called.absolute())
    return shutil.which("gotocloud") or "gotocloud"


def _modules(folder: Path, job: Job, instance_type: str) -> tuple[str, ...]:
    """The catalogue's module; none where no modules are installed: then PATH decides."""
    if not folder.is_dir():
        return ()
    from gotocloud.software.in_force import executable_for, module_to_load

    module = module_to_load(executable_for(job.queue_job_type, instance_type or None), folder)
    return (module,) if module else ()


def _read(script: Path, *, dry_run: bool) -> tuple[FilledTemplate, Path]:
    from gotocloud.slurm.commands import parse_filled

    try:
        text = script.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise InputError(f"{str(script)!r} cannot be read: {error.strerror}.") from error
    try:
        filled = parse_filled(text, str(script))
    except InputError as error:
        guess = script.parent
        if not dry_run and (_JOB_FOLDER.fullmatch(guess.name) or (guess / "job.star").exists()):
            _tell_relion(guess, str(error))
        raise
    # Slurm and people copy scripts; RELION itself calls from the project folder.
    named = script.absolute().parents[2:3]
    projects = [*named, Path.cwd()] if str(script).endswith(filled.job + script.name) else []
    for project in (*projects, Path.cwd()):
        if (project / filled.job).is_dir():
            return filled, project / filled.job
    raise InputError(
        f"There is no job folder {filled.job!r} here, though {str(script)!r} names it. "
        "Run the command in RELION's project folder.",
        next_command="ls -d */job*",
    )


def _tell_relion(folder: Path, text: str) -> None:
    from gotocloud.slurm.attempts import finish
    from gotocloud.slurm.recovery import FAILURE

    finish(folder, FAILURE, f"This job was not submitted.\n{text}")


def _submit(script: Path, filled: FilledTemplate, folder: Path, *, dry_run: bool) -> str:
    from gotocloud.relion.job import read_job
    from gotocloud.relion.overrides import overrides_of
    from gotocloud.slurm.submissions import locked

    job = read_job(folder)
    around = surroundings()
    chosen = _route(job, around)
    findings = checked(job, chosen, around)
    if dry_run:
        _show_plan(script, filled, job, chosen, around)
        return ""
    overrides_of(job)
    with locked(folder):
        earlier = _earlier(folder, script)
        if isinstance(earlier, str):
            return earlier
        submission = _new_round(filled, script, job, earlier)
        return _place(submission, job, chosen, around, findings)


def _route(job: Job, around: Surroundings) -> Route:
    from gotocloud.relion.overrides import overrides_of
    from gotocloud.relion.routing import route

    prefer_spot = around.facts.capacity == "spot"
    overrides = overrides_of(job)
    names = {partition.queue_name for partition in around.partitions}
    configuration = None
    if job.queue_job_type not in names and around.facts.configuration:
        from gotocloud.cluster_configs.model import load_configuration

        configuration = load_configuration(around.facts.configuration)
    return route(
        job,
        around.partitions,
        overrides,
        configuration=configuration,
        prefer_spot=prefer_spot,
        settings=_measured(around.facts.region, spot=prefer_spot),
    )


def _measured(region: str, *, spot: bool) -> tuple[Setting, ...]:
    """The group's own settings; no time is spent on advice where nothing was measured."""
    from gotocloud.advisor.places import own_benchmarks

    if own_benchmarks() is None:
        return ()
    from gotocloud.advisor.measured_settings import settings_for_routing

    measured, problem = settings_for_routing(region, spot=spot)
    if problem:
        narrate(problem)
    return measured


def checked(job: Job, chosen: Route, around: Surroundings) -> tuple[Finding, ...]:
    """What the rules say about a job on its route, short of errors.

    Raises:
        InputError: with every rule that the job breaks, if it would fail.
    """
    from gotocloud.relion.findings import Severity, errors
    from gotocloud.relion.placed import check_routed

    findings = check_routed(job, chosen, around.partition(chosen.queue))
    fatal = errors(findings)
    if fatal:
        raise InputError(
            f"{job.name} would fail in {chosen.queue} ({chosen.shape}).",
            problems=[str(finding) for finding in fatal],
            next_command=shell_line("gotocloud", "check", job.name),
        )
    return tuple(one for one in findings if one.severity is Severity.WARNING)


def _stamp(script: Path) -> str:
    import hashlib

    return f"{hashlib.sha256(script.read_bytes()).hexdigest()[:32]}-{script.stat().st_mtime_ns}"


def _earlier(folder: Path, script: Path) -> Submission | str | None:
    """What was submitted before: the record to go on with, or the id of this very submission.

    Raises:
        BusyError: if something of the job still runs.
    """
    from gotocloud.slurm.attempts import close, settle_intent
    from gotocloud.slurm.recovery import Outcome
    from gotocloud.slurm.submissions import State, load

    record = load(folder)
    latest = record.latest if record else None
    if record is None or latest is None:
        return record
    project = folder.parents[1]
    if latest.state is State.INTENDED:
        record = settle_intent(project, record, latest)
        latest = record.attempts[-1]
    same = record.stamp == _stamp(script)
    if latest.is_open:
        if _runs(latest):
            if same:
                narrate(f"{record.job} was submitted already.")
                return latest.slurm_id
            raise BusyError(
                f"{record.job} still runs or waits, as Slurm job {latest.slurm_id} in "
                f"{latest.queue}: two of them would write the same files.",
                next_command=shell_line("scancel", latest.slurm_id),
            )
        if not same:
            return close(project, record, latest, Outcome.CANCELLED, "RELION submitted it again")
    never_ran = latest.outcome in (Outcome.REFUSED, Outcome.WITHDRAWN)
    if same and not never_ran:
        raise BusyError(
            f"This very script has run before, as Slurm job {latest.slurm_id} "
            f"({latest.outcome or 'ended'}). Run or continue the job in RELION, which writes a "
            "new script; a job that lost its machine restarts from its last iteration.",
            next_command=shell_line("gotocloud", "resume", record.job),
        )
    return record


def _still_runs(folder: Path) -> bool:
    from gotocloud.slurm.submissions import load

    try:
        record = load(folder)
        latest = record.latest if record else None
        return latest is not None and latest.is_open and _runs(latest)
    except GoToCloudError:
        return False


def _runs(latest: Attempt) -> bool:
    from gotocloud.slurm import client
    from gotocloud.slurm.recovery import ACTIVE_STATES

    found = client.job(latest.slurm_id)
    return found is not None and found.get("JobState") in ACTIVE_STATES


def _new_round(
    filled: FilledTemplate, script: Path, job: Job, earlier: Submission | None
) -> Submission:
    from gotocloud.slurm.submissions import Submission

    stamp = _stamp(script)
    again = earlier is not None and earlier.stamp == stamp
    return Submission(
        job=filled.job,
        label=job.label,
        stamp=stamp,
        round=(earlier.round + (0 if again else 1)) if earlier else 1,
        script=filled.job + script.name,
        settings=filled.settings,
        commands=filled.commands,
        attempts=earlier.attempts if earlier else (),
    )


def _place(
    submission: Submission,
    job: Job,
    chosen: Route,
    around: Surroundings,
    findings: tuple[Finding, ...],
) -> str:
    from gotocloud.slurm.attempts import attempt_of_route, note, place

    number = submission.attempts[-1].number + 1 if submission.attempts else 1
    attempt = attempt_of_route(chosen, job, around, number=number, round_number=submission.round)
    project = job.directory.parents[1]
    placed = place(submission, attempt, around, project=project)
    identifier = placed.attempts[-1].slurm_id
    note(
        job.directory,
        "\n".join([f"Slurm job {identifier} in {chosen.queue}", *map(str, findings)]),
    )
    for finding in findings:
        narrate(str(finding))
    narrate(f"{chosen.queue}: {chosen.shape}. {chosen.reason}")
    return identifier


def _show_plan(
    script: Path, filled: FilledTemplate, job: Job, chosen: Route, around: Surroundings
) -> None:
    from gotocloud.slurm.attempts import attempt_of_route, batch_of
    from gotocloud.slurm.script import batch_script

    submission = _new_round(filled, script, job, None)
    attempt = attempt_of_route(chosen, job, around, number=1, round_number=1)
    batch = batch_of(submission, attempt, around, job.directory.parents[1])
    sys.stdout.write(batch_script(batch))

"""One RELION job as a benchmark record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Protocol

from gotocloud.advisor.imports import clocks
from gotocloud.advisor.imports.clocks import Clock, Traces, clock
from gotocloud.advisor.job_names import job_name
from gotocloud.advisor.job_work import work_columns
from gotocloud.advisor.plausible import row_problems
from gotocloud.advisor.records import ON_DEMAND, SPOT, SUCCEEDED, BenchmarkRecord
from gotocloud.cluster_configs.instances import instance_types
from gotocloud.costs.machine_time import Priced, table_price, total, uses_of
from gotocloud.errors import InputError
from gotocloud.relion.gpu_map import gpus_used
from gotocloud.relion.job import Job


class RecordedAttempt(Priced, Protocol):
    """What `gotocloud submit` records of an attempt."""

    @property
    def ranks(self) -> int: ...
    @property
    def threads(self) -> int: ...
    @property
    def gpus_per_node(self) -> int: ...
    @property
    def gpu_ids(self) -> str: ...
    @property
    def slurm_id(self) -> str: ...


@dataclass(frozen=True)
class StatedFacts:
    """What a person types since a job's folder does not have it.

    Args:
        instance_type: EC2's name of the nodes, for jobs that we did not submit.
        nodes: Their number, likewise.
        region: AWS region.
        dataset: Name of the data set.
        source: Who measured it.
        day: Of the run, where no clock shows it.
    """

    instance_type: str | None = None
    nodes: int | None = None
    region: str | None = None
    dataset: str | None = None
    source: str = ""
    day: date | None = None


class NotUsableError(Exception):
    """A job that makes no record; the text explains why."""


def job_record(
    job: Job,
    traces: Traces,
    outcome: str,
    typed: StatedFacts,
    attempts: Sequence[RecordedAttempt] = (),
) -> BenchmarkRecord:
    """The record of a job.

    Args:
        job: Its settings.
        traces: Its clocks.
        outcome: How it ended: a choice of the column `outcome`.
        typed: What else is known.
        attempts: What `gotocloud submit` noted, oldest first.

    Raises:
        NotUsableError: with the reason, if a figure that every record needs is not known.
    """
    timed = clock(traces)
    if timed is None:
        raise NotUsableError("its running time is not recorded")
    last = attempts[-1] if attempts else None
    nodes = (last.nodes if last else None) or typed.nodes or len(set(traces.log.hosts.values()))
    machine = (last.instance_type if last else "") or typed.instance_type
    missing = [
        text
        for text, value in (
            ("the instance type of its nodes is not known (--instance-type)", machine),
            ("the number of its nodes is not known (--nodes)", nodes),
        )
        if not value
    ]
    if missing or not machine:
        raise NotUsableError("; ".join(missing))
    record = _record(job, traces, timed, attempts, (machine, nodes), outcome, typed)
    record = replace(record, usd_per_node_hour=_usd_per_node_hour(record, attempts))
    if problems := row_problems(record):
        raise NotUsableError("; ".join(problems))
    return record


def _record(
    job: Job,
    traces: Traces,
    timed: Clock,
    attempts: Sequence[RecordedAttempt],
    machines: tuple[str, int],
    outcome: str,
    typed: StatedFacts,
) -> BenchmarkRecord:
    machine, nodes = machines
    last = attempts[-1] if attempts else None
    hardware = instance_types().get(machine)
    ranks = last.ranks if last else traces.log.ranks or _number(job, "nr_mpi") or 1
    threads = last.threads if last else traces.log.threads or _number(job, "nr_threads") or 1
    return BenchmarkRecord(
        job_type=job_name(job.kind),
        # A project is of one data set, and its folder is named.
        dataset=typed.dataset or job.project.resolve().name,
        **work_columns(job),
        instance_type=machine,
        nodes=nodes,
        ranks=ranks,
        threads=threads,
        gpus=_gpus(job, traces, last, (nodes, ranks, threads), hardware.gpus if hardware else None),
        gpus_per_node=hardware.gpus if hardware else None,
        vcpus_per_node=hardware.vcpus if hardware else None,
        market=SPOT if last and last.spot else ON_DEMAND,
        relion_version=traces.log.version,
        in_job_s=round(timed.in_job_s, 3),
        queue_s=timed.queue_s,
        submit_to_exit_s=timed.submit_to_exit_s,
        timing=timed.timing,
        outcome=outcome,
        # A job that continues another run has done a part of the work, however often it started.
        attempts=max(timed.attempts, 2 if job.is_continue else 1),
        region=typed.region,
        source=typed.source,
        run=_run(job, traces, attempts),
        date=_day(traces, last, typed),
        note=job.name.rstrip("/"),
    )


def _usd_per_node_hour(
    record: BenchmarkRecord, attempts: Sequence[RecordedAttempt]
) -> float | None:
    """Price of a node; the mean over the time in the job where attempts had several prices."""
    uses = [use for use in uses_of(attempts, table_price(record.region or "")) if use]
    prices = {use.usd_per_node_hour for use in uses}
    if len(prices) == 1 and {use.nodes for use in uses} == {record.nodes}:
        return prices.pop()
    cost = total(uses).cost
    if cost.usd is None or not cost.complete or not uses:
        return None
    return cost.usd / (record.nodes * record.hours)


def _gpus(
    job: Job,
    traces: Traces,
    last: RecordedAttempt | None,
    shape: tuple[int, int, int],
    per_node: int | None,
) -> int | None:
    """What RELION itself reported, else what its `--gpu` means."""
    if not job.uses_gpu or per_node == 0:
        return 0
    if traces.log.gpus:
        return traces.log.gpus
    given = last.gpu_ids if last else job.gpu_ids
    return gpus_used(given.strip().strip('"'), shape, per_node, leader=job.program.leader)


def _run(job: Job, traces: Traces, attempts: Sequence[RecordedAttempt]) -> str | None:
    """RELION's name of the job, its first submission and Slurm's id; None if never noted.

    A copied project has them too, and a job that is continued keeps them.
    """
    name = job.name.rstrip("/")
    first = next((one for one in attempts if one.submitted_at_s is not None), None)
    if first is not None and first.submitted_at_s is not None:
        at = datetime.fromtimestamp(first.submitted_at_s, UTC).isoformat(timespec="seconds")
        return f"{name} {at} Slurm {first.slurm_id}".strip()
    if began := clocks.executions(traces.note_text):
        return f"{name} {began[0].isoformat()}"
    return None


def _number(job: Job, option: str) -> int | None:
    """A setting; None where the job has none, or where it is a scheme's variable."""
    try:
        return job.integer(option, 0) or None
    except InputError:
        return None


def _day(traces: Traces, last: RecordedAttempt | None, typed: StatedFacts) -> str:
    if last and last.started_at_s is not None:
        return date.fromtimestamp(last.started_at_s).isoformat()
    if began := clocks.executions(traces.note_text):
        return began[-1].date().isoformat()
    if traces.exited_at is not None:
        return traces.exited_at.date().isoformat()
    return (typed.day or date.today()).isoformat()


def outcome_of(status: str) -> str | None:
    """The column `outcome` for an exit status or a pipeline's status; None for no end."""
    return {
        "success": SUCCEEDED,
        "succeeded": SUCCEEDED,
        "failure": "failed",
        "failed": "failed",
        "aborted": "aborted",
    }.get(status.lower())

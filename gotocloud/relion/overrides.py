"""What the scientist chose in RELION's form, as against what the form filled in.

RELION writes a number of ranks and threads into every job, chosen or not: a default looks
like a choice. So the form has a field for it. With "automatic" RELION's own
fields for ranks, threads and GPUs do not count; with "typed" they do.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum

from gotocloud.errors import InputError
from gotocloud.relion.job import Job

AUTOMATIC = "automatic"
TYPED = "typed"
SPOT = "spot"
ON_DEMAND = "on-demand"


class FormField(StrEnum):
    """The extra fields of RELION's form: the job option that each one becomes."""

    SHAPE = "qsub_extra1"
    NODES = "qsub_extra2"
    PURCHASE = "qsub_extra3"
    MODULE = "qsub_extra4"


QUEUE_OPTION = "queuename"

LABELS = {
    QUEUE_OPTION: "Queue name",
    FormField.SHAPE: "Ranks, threads and GPUs",
    FormField.NODES: "Number of machines",
    FormField.PURCHASE: "Spot or on demand",
    FormField.MODULE: "Software module",
}
"""What the form shows beside each field."""

RELIONS_QUEUE = "openmpi"
"""RELION's built-in default of the queue's name (src/pipeline_jobs.h, DEFAULTQUEUENAME)."""

_WORDS = (AUTOMATIC, TYPED, f"as {TYPED}", SPOT, ON_DEMAND)
_ALLOWED = {
    FormField.SHAPE: re.compile(rf"{AUTOMATIC}|(as )?{TYPED}"),
    FormField.NODES: re.compile(rf"{AUTOMATIC}|-?\d{{1,9}}"),
    FormField.PURCHASE: re.compile(rf"{AUTOMATIC}|{SPOT}|on[- ]demand"),
    FormField.MODULE: re.compile(r"[a-z0-9][a-z0-9._+/-]*"),
}

_MODULE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+/-]*")


@dataclass(frozen=True)
class Overrides:
    """What the scientist chose; None is left to the routing.

    Args:
        queue: Slurm's name of the queue.
        nodes: Number of machines.
        ranks: MPI ranks, the leader included.
        threads: Threads of each rank.
        gpu_ids: RELION's list of GPUs; empty leaves the spread to RELION.
        spot: True for spot, False for on demand.
        module: Environment module with the software.
        foreign: Fields of the form that were filled in for another site, "label: value";
            they do not count. After such fields a queue counts only if this cluster has it.
        of_form: Whether a job's form gave the queue: a name that is like none of this cluster's
            is then another site's.
    """

    queue: str | None = None
    nodes: int | None = None
    ranks: int | None = None
    threads: int | None = None
    gpu_ids: str | None = None
    spot: bool | None = None
    module: str | None = None
    foreign: tuple[str, ...] = ()
    of_form: bool = field(default=False, compare=False)

    def queue_is_foreign(self, here: Collection[str]) -> bool:
        """Whether the queue is another site's, and not a mistyped name of this cluster's."""
        if self.queue is None or self.queue in here:
            return False
        return bool(self.foreign) or (self.of_form and not get_close_matches(self.queue, here))


def foreign_fields(job: Job) -> tuple[str, ...]:
    """The extra fields of a job that was made at another site, "label: value".

    Sites use the same extra fields for other values: a time, a number of GPUs, a partition.
    One value that is unlike everything allowed here makes all four of them another site's.
    """
    values = {field: _value(job, field) for field in FormField}
    strange = any(
        value
        and not allowed.fullmatch(value.lower())
        and not get_close_matches(value.lower(), _WORDS)
        for field, allowed in _ALLOWED.items()
        if (value := values[field])
    )
    if not strange:
        return ()
    return tuple(
        f"{LABELS[field]}: {value!r}" for field, value in values.items() if _automatic_or(value)
    )


def foreign_queue(name: str) -> str:
    """How `Overrides.foreign` shows a queue."""
    return f"{LABELS[QUEUE_OPTION]}: {name!r}"


def overrides_of(job: Job) -> Overrides:
    """What the scientist chose in the form that made this job.

    Raises:
        InputError: with every field that cannot be understood, and what is allowed there.
    """
    queue = _automatic_or(_value(job, QUEUE_OPTION))
    if foreign := foreign_fields(job):
        return Overrides(queue=queue, foreign=foreign, of_form=True)
    relions = queue == RELIONS_QUEUE
    problems: list[str] = []
    typed = _typed(job, problems)
    found = Overrides(
        queue=None if relions else queue,
        nodes=_nodes(job, problems),
        ranks=job.ranks if typed else None,
        threads=job.threads if typed else None,
        gpu_ids=job.gpu_ids if typed and job.uses_gpu else None,
        spot=_spot(job, problems),
        module=_module(job, problems),
        foreign=(foreign_queue(RELIONS_QUEUE),) if relions else (),
        of_form=True,
    )
    if problems:
        raise InputError(
            f"{job.name}: fields of the Running tab cannot be used.", problems=problems
        )
    return found


def _value(job: Job, option: str) -> str:
    # RELION 3.1 writes an empty field as two quotes.
    return job.text(option).strip().strip('"').strip()


def _automatic_or(value: str) -> str | None:
    return None if value.lower() in ("", AUTOMATIC) else value


def _typed(job: Job, problems: list[str]) -> bool:
    value = _value(job, FormField.SHAPE).lower()
    if value in ("", AUTOMATIC):
        return False
    if value in (TYPED, f"as {TYPED}"):
        return True
    problems.append(_problem(FormField.SHAPE, value, f"{AUTOMATIC}, {TYPED}"))
    return False


def _nodes(job: Job, problems: list[str]) -> int | None:
    value = _automatic_or(_value(job, FormField.NODES))
    if value is None:
        return None
    if re.fullmatch(r"[0-9]{1,4}", value) and int(value) > 0:
        return int(value)
    problems.append(_problem(FormField.NODES, value, f"{AUTOMATIC}, or a number from 1"))
    return None


def _spot(job: Job, problems: list[str]) -> bool | None:
    value = _automatic_or(_value(job, FormField.PURCHASE))
    if value is None:
        return None
    if (billing := value.lower().replace(" ", "-")) in (SPOT, ON_DEMAND):
        return billing == SPOT
    problems.append(_problem(FormField.PURCHASE, value, f"{AUTOMATIC}, {SPOT}, {ON_DEMAND}"))
    return None


def _module(job: Job, problems: list[str]) -> str | None:
    value = _automatic_or(_value(job, FormField.MODULE))
    if value is None or _MODULE.fullmatch(value):
        return value
    allowed = f"{AUTOMATIC}, or the name of a module (gotocloud software list)"
    problems.append(_problem(FormField.MODULE, value, allowed))
    return None


def _problem(field: FormField, value: str, allowed: str) -> str:
    return f"{LABELS[field]}: {value!r} is not understood (allowed: {allowed})"

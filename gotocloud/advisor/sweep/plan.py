"""Which shapes a sweep tries, in which order, and what it will probably cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from types import MappingProxyType

from gotocloud.errors import GoToCloudError, InputError
from gotocloud.findings import Finding, errors
from gotocloud.formats import usd_text
from gotocloud.relion.job import Job
from gotocloud.relion.overrides import TYPED, FormField, Overrides, overrides_of
from gotocloud.relion.routing import Route

MOST_RUNS = 1000
"""More would take weeks; a longer list is a slip of the keyboard."""


@dataclass(frozen=True)
class Axes:
    """What a sweep varies; an empty axis is left to the routing.

    Args:
        queues: Slurm's names of queues.
        nodes: Numbers of machines.
        ranks: MPI ranks of the whole job, the leader included.
        threads: Threads of each rank.
        repeats: How often each shape runs.
    """

    queues: tuple[str, ...] = ()
    nodes: tuple[int, ...] = ()
    ranks: tuple[int, ...] = ()
    threads: tuple[int, ...] = ()
    repeats: int = 1


@dataclass(frozen=True)
class SweepSetting:
    """One shape to try.

    Args:
        queue: Slurm's name of the queue.
        instance_type: EC2's name of its machines.
        spot: Whether they may be taken away.
        nodes: Machines.
        ranks: MPI ranks.
        threads: Threads of each rank.
        gpus_per_node: GPUs of each machine that it uses.
        gpu_ids: What RELION's form gets.
    """

    queue: str
    instance_type: str
    spot: bool
    nodes: int
    ranks: int
    threads: int
    gpus_per_node: int = 0
    gpu_ids: str = ""

    @property
    def units(self) -> int:
        """GPUs in use, else ranks x threads.

        The leader rank uses none, so followers may be fewer than GPUs.
        """
        gpus = self.gpus_per_node * self.nodes
        if gpus and self.ranks > 1:
            return min(gpus, self.ranks - 1)
        return gpus or self.ranks * self.threads

    @property
    def words(self) -> str:
        """For people: "2 x g4dn.metal, 17 ranks x 6 threads"."""
        ranks, threads = ("" if number == 1 else "s" for number in (self.ranks, self.threads))
        return (
            f"{self.nodes} x {self.instance_type}, {self.ranks} rank{ranks} x {self.threads} "
            f"thread{threads}"
        )


@dataclass(frozen=True)
class Guess:
    """How long a run will probably take.

    Args:
        hours: In the job.
        basis: Where that comes from.
    """

    hours: float
    basis: str


@dataclass(frozen=True)
class Planned:
    """One run of a sweep.

    Args:
        setting: Its shape.
        repeat: From 1.
        hours: Probable time in the job; None if unknown.
        usd: Its cost; None when time or price is unknown.
        basis: Where the time comes from.
    """

    setting: SweepSetting
    repeat: int
    hours: float | None
    usd: float | None
    basis: str


@dataclass(frozen=True)
class SweepPlan:
    """What would run.

    Args:
        runs: In the order in which they run: every shape once, then every shape again, so
            that what changes over the days touches all shapes alike.
        left_out: Shapes that cannot run, and why.
    """

    runs: tuple[Planned, ...]
    left_out: tuple[tuple[str, str], ...]

    @property
    def known_usd(self) -> float:
        """Cost of the runs whose cost is known."""
        return sum(run.usd for run in self.runs if run.usd is not None)

    @property
    def unknown(self) -> int:
        """How many runs have no known cost."""
        return sum(run.usd is None for run in self.runs)

    @property
    def headline(self) -> str:
        """The cost in words: "about 41 USD"."""
        if self.unknown == len(self.runs):
            return "an unknown amount"
        text = f"about {usd_text(self.known_usd)} USD"
        return f"{text}, and {self.unknown} runs of unknown cost" if self.unknown else text


PlaceJob = Callable[[Job, Overrides], tuple[Route, tuple[Finding, ...]]]
"""Where a job runs with what was chosen for it, and what the rules find there."""


def plan_sweep(
    job: Job,
    axes: Axes,
    *,
    place: PlaceJob,
    guess: Callable[[SweepSetting], Guess | None],
    usd_per_node_hour: Callable[[SweepSetting], float | None],
) -> SweepPlan:
    """Every shape on the axes that keeps RELION's rules, as often as requested.

    Args:
        job: The job to measure.
        axes: What is varied.
        place: As `gotocloud submit` places a job.
        guess: How long a shape takes.
        usd_per_node_hour: What one of its machines costs.

    Raises:
        InputError: if an axis cannot be used, or nothing is left to run.
    """
    _check(axes)
    settings: dict[SweepSetting, None] = {}
    left_out: dict[str, str] = {}
    for queue, nodes, ranks, threads in product(
        axes.queues or (None,),
        axes.nodes or (None,),
        axes.ranks or (None,),
        axes.threads or (None,),
    ):
        name = _named(queue, nodes, ranks, threads)
        chosen = Overrides(queue=queue, nodes=nodes, ranks=ranks, threads=threads)
        try:
            found, _ = place(job, chosen)
            shaped = typed(job, _setting(found))
            found, findings = place(shaped, overrides_of(shaped))
        except GoToCloudError as error:
            left_out[name] = "; ".join(error.problems) or error.message
            continue
        broken = errors(findings)
        if broken:
            left_out[name] = "; ".join(f"{one.check}: {one.text}" for one in broken)
        else:
            settings[_setting(found)] = None
    if not settings:
        raise InputError(
            f"No shape of {job.name} is left to run.",
            problems=[f"{name}: {why}" for name, why in left_out.items()],
        )
    runs = tuple(_planned(list(settings), axes.repeats, guess, usd_per_node_hour))
    return SweepPlan(runs, tuple(left_out.items()))


def typed(job: Job, setting: SweepSetting) -> Job:
    """The job with a shape typed into its form, to be run from the beginning."""
    shaped = job.shaped(ranks=setting.ranks, threads=setting.threads, gpu_ids=setting.gpu_ids)
    changed = dict(shaped.options) | {
        "do_queue": "Yes",
        "queuename": setting.queue,
        FormField.SHAPE: TYPED,
        FormField.NODES: str(setting.nodes),
        "fn_cont": "",
    }
    return replace(shaped, options=MappingProxyType(changed), is_continue=False)


def _planned(
    settings: Sequence[SweepSetting],
    repeats: int,
    guess: Callable[[SweepSetting], Guess | None],
    usd_per_node_hour: Callable[[SweepSetting], float | None],
) -> Iterator[Planned]:
    for repeat in range(1, repeats + 1):
        for setting in settings:
            guessed, price = guess(setting), usd_per_node_hour(setting)
            is_priced = guessed is not None and price is not None
            yield Planned(
                setting=setting,
                repeat=repeat,
                hours=guessed.hours if guessed else None,
                usd=guessed.hours * setting.nodes * price
                if is_priced and guessed and price
                else None,
                basis=guessed.basis if guessed else "unknown",
            )


def _setting(found: Route) -> SweepSetting:
    return SweepSetting(
        queue=found.queue,
        instance_type=found.instance_type,
        spot=found.spot,
        nodes=found.nodes,
        ranks=found.ranks,
        threads=found.threads,
        gpus_per_node=found.gpus_per_node,
        gpu_ids=found.gpu_ids,
    )


def _check(axes: Axes) -> None:
    problems = [
        f"{name}: {value} must be 1 or more"
        for name in ("nodes", "ranks", "threads")
        for value in getattr(axes, name)
        if value < 1
    ]
    if axes.repeats < 1:
        problems.append(f"repeats: {axes.repeats} must be 1 or more")
    shapes = 1
    for name in ("queues", "nodes", "ranks", "threads"):
        shapes *= max(1, len(getattr(axes, name)))
    if shapes * max(axes.repeats, 1) > MOST_RUNS:
        problems.append(f"{shapes * axes.repeats:,} runs are too many; {MOST_RUNS:,} are allowed")
    if problems:
        raise InputError("The sweep cannot be planned.", problems=problems)


def _named(queue: str | None, *numbers: int | None) -> str:
    words = ("nodes", "ranks", "threads")
    parts = [f"{number} {word}" for number, word in zip(numbers, words, strict=True) if number]
    return ", ".join([queue or "usual queue", *parts])

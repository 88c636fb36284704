"""Which machines for a job, how long, how much: the answer as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gotocloud.advisor.estimates import Estimate, estimate_times
from gotocloud.advisor.extras import library
from gotocloud.advisor.job_names import pretty
from gotocloud.advisor.money import NodePrice, market_of, node_price
from gotocloud.advisor.paper import PaperOptimum, paper_optima
from gotocloud.advisor.preference import Preference
from gotocloud.advisor.ranking import Ranking, pareto_front, rank
from gotocloud.advisor.records import BenchmarkRecord
from gotocloud.advisor.scaling import RATE
from gotocloud.advisor.shapes import Shape, label
from gotocloud.advisor.sizes import Size

NO_BENCHMARK = "No benchmark for this"
MEASURED, FROM_PAPER, NOTHING = "measured", "paper", "nothing"


@dataclass(frozen=True)
class Question:
    """The question.

    Args:
        job: A job's name.
        size: Of the job; what it leaves open is that of most records.
        variant: Of the records; None is those without one.
        symmetry: Point group; records of another one are left out. None for any.
        preference: What counts.
        region: Whose prices.
        spot: Whether on spot machines.
    """

    job: str
    size: Size = field(default_factory=Size)
    variant: str | None = None
    preference: Preference = field(default_factory=Preference)
    region: str = "us-east-1"
    spot: bool = False
    symmetry: str | None = None

    @property
    def market(self) -> str:
        """`on-demand` or `spot`."""
        return market_of(spot=self.spot)


@dataclass(frozen=True)
class Choice:
    """One way to run the job, with its time and cost.

    Args:
        estimate: The time.
        price: Of one node; None when unknown.
        on_front: Whether no other choice is both faster and cheaper.
    """

    estimate: Estimate
    price: NodePrice | None
    on_front: bool = False

    @property
    def shape(self) -> Shape:
        """What it runs on."""
        return self.estimate.shape

    @property
    def label(self) -> str:
        """The paper's label."""
        first = self.estimate.records[0]
        return label(self.shape, first.gpus_per_node, first.vcpus_per_node)

    @property
    def hours(self) -> float:
        """Hours in the job."""
        return self.estimate.seconds / 3600

    @property
    def hours_interval(self) -> tuple[float, float] | None:
        """Where a next run lies nine times of ten; None when the scatter is not known."""
        if self.estimate.low is None or self.estimate.high is None:
            return None
        return self.estimate.low / 3600, self.estimate.high / 3600

    @property
    def usd_per_hour(self) -> float | None:
        """All nodes for an hour."""
        return None if self.price is None else self.price.usd_per_hour * self.shape.nodes

    @property
    def usd(self) -> float | None:
        """All nodes while the program runs; neither boot nor idle time is part of it."""
        return None if self.usd_per_hour is None else self.hours * self.usd_per_hour

    @property
    def usd_interval(self) -> tuple[float, float] | None:
        """The interval of the time at the price of today."""
        if self.usd_per_hour is None or self.hours_interval is None:
            return None
        low, high = self.hours_interval
        return low * self.usd_per_hour, high * self.usd_per_hour

    def as_dict(self) -> dict[str, Any]:
        """The choice for a JSON report."""
        return {
            "label": self.label,
            "instance_type": self.shape.instance_type,
            "nodes": self.shape.nodes,
            "gpus": self.shape.gpus or None,
            "ranks": self.shape.ranks or None,
            "threads": self.shape.threads or None,
            "relion_version": self.shape.relion_version or None,
            "executable": self.shape.executable or None,
            "hours": self.hours,
            "hours_interval": self.hours_interval,
            "usd": self.usd,
            "usd_interval": self.usd_interval,
            "usd_per_hour": self.usd_per_hour,
            "price_date": self.price and self.price.date,
            "price_source": self.price and self.price.source,
            "on_pareto_front": self.on_front,
            "basis": self.estimate.basis,
            "runs": self.estimate.runs,
            "sources": list(self.estimate.sources),
        }


@dataclass(frozen=True)
class Advice:
    """The answer.

    Args:
        question: The question.
        basis: `measured`, `paper` or `nothing`.
        size: The size spoken of.
        ranked: Every choice that fits the preference, best first.
        front: The Pareto front of all choices, fastest first, whatever the preference.
        choices: All of them, those without a price too.
        paper: The paper's settings, best first.
        refusals: Why measurements give no answer, or not the requested one.
        notes: What else to know.
    """

    question: Question
    basis: str
    size: Size
    ranked: tuple[Choice, ...] = ()
    front: tuple[Choice, ...] = ()
    choices: tuple[Choice, ...] = ()
    paper: tuple[PaperOptimum, ...] = ()
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> Choice | None:
        """The recommendation from measurements."""
        return self.ranked[0] if self.ranked else None

    @property
    def runner_up(self) -> Choice | None:
        """The second best."""
        return self.ranked[1] if len(self.ranked) > 1 else None

    def as_dict(self) -> dict[str, Any]:
        """The advice for a JSON report."""
        preference = self.question.preference
        return {
            "job": self.question.job,
            "variant": self.question.variant,
            "basis": self.basis,
            "size": {k: v for k, v in vars(self.size).items() if v is not None},
            "region": self.question.region,
            "market": self.question.market,
            "criterion": preference.words,
            "interval_rate": RATE,
            "recommended": self.best and self.best.as_dict(),
            "runner_up": self.runner_up and self.runner_up.as_dict(),
            "pareto_front": [choice.as_dict() for choice in self.front],
            "paper": [self._paper_dict(one) for one in self.paper],
            "refusals": list(self.refusals),
            "notes": list(self.notes),
        }

    def _paper_dict(self, optimum: PaperOptimum) -> dict[str, Any]:
        price = node_price(optimum.instance_type, self.question.region, self.question.market)
        return {
            "label": optimum.label,
            "place": optimum.place,
            "nodes": optimum.nodes,
            "instance_type": optimum.instance_type,
            "gpus": optimum.gpus or None,
            "vcpus": optimum.vcpus or None,
            "usd_per_hour": price and price.usd_per_hour * optimum.nodes,
            "price_date": price and price.date,
            "source": optimum.source,
        }


def advise(question: Question, records: Sequence[BenchmarkRecord]) -> Advice:
    """The best way to run a job, from measurements where there are any.

    Args:
        question: The question.
        records: Everything measured; other jobs are left out.
    """
    mine = [
        record
        for record in records
        if record.job_type == question.job and record.variant == question.variant
        if question.symmetry is None or record.symmetry in (None, question.symmetry)
    ]
    paper = paper_optima(question.job)
    times = estimate_times(mine, question.size)
    if not times.found:
        return Advice(
            question,
            FROM_PAPER if paper else NOTHING,
            times.size,
            paper=paper,
            refusals=times.refusals or _why_nothing(question, mine, records),
        )
    priced = [
        Choice(
            one,
            node_price(one.shape.instance_type, question.region, question.market, one.records),
        )
        for one in times.found
    ]
    choices, ranking, front = _judged(priced, question.preference)
    return Advice(
        question,
        MEASURED,
        times.size,
        ranked=tuple(choices[i] for i in ranking.order),
        front=tuple(choices[i] for i in front),
        choices=tuple(choices),
        paper=paper,
        refusals=_misses(choices, ranking),
        notes=tuple(_notes(question, choices, ranking, mine)),
    )


def _judged(
    choices: list[Choice], preference: Preference
) -> tuple[list[Choice], Ranking, list[int]]:
    np = library("numpy")
    hours = np.array([choice.hours for choice in choices])
    usd = np.array([np.nan if choice.usd is None else choice.usd for choice in choices])
    front = [int(i) for i in pareto_front(hours, usd)]
    marked = [
        Choice(choice.estimate, choice.price, on_front=i in set(front))
        for i, choice in enumerate(choices)
    ]
    return marked, rank(hours, usd, preference), front


def _why_nothing(
    question: Question, mine: Sequence[BenchmarkRecord], records: Sequence[BenchmarkRecord]
) -> tuple[str, ...]:
    if mine:
        return (f"{len(mine)} recorded runs, but none of them ended well at the first attempt",)
    same_job = [record for record in records if record.job_type == question.job]
    others = {record.variant for record in same_job}
    if question.variant in others:
        return (f"no recorded run of {pretty(question.job)} has symmetry {question.symmetry}",)
    if others:
        named = ", ".join(repr(name) if name else "none" for name in sorted(others, key=str))
        return (f"recorded runs of {pretty(question.job)} have other variants: {named}",)
    return ()


def _misses(choices: Sequence[Choice], ranking: Ranking) -> tuple[str, ...]:
    """Why nothing fits, with what comes nearest; empty when something fits."""
    if ranking.order.size:
        return ()
    found = []
    fastest = min(choices, key=lambda choice: choice.hours)
    if ranking.too_slow:
        found.append(f"nothing meets the deadline; the fastest takes {fastest.hours:.2f} h")
    if ranking.too_dear:
        cheapest = min(choice.usd for choice in choices if choice.usd is not None)
        found.append(f"nothing keeps to the budget; the cheapest costs {cheapest:.2f} USD")
    if ranking.unpriced.size:
        found.append(f"the price of {ranking.unpriced.size} settings is unknown here")
    return tuple(found)


def _notes(
    question: Question,
    choices: Sequence[Choice],
    ranking: Ranking,
    mine: Sequence[BenchmarkRecord],
) -> list[str]:
    notes = []
    if ranking.unpriced.size:
        types = sorted({choices[i].shape.instance_type for i in ranking.unpriced})
        notes.append(
            f"Not compared, for want of a {question.market} price in {question.region}: "
            f"{', '.join(types)}."
        )
    best = choices[ranking.order[0]] if ranking.order.size else None
    if best:
        notes += _doubts(best, question.preference)
    if lost := [record for record in mine if not record.is_benchmark]:
        spent = sum(record.usd_in_job or 0 for record in lost)
        notes.append(
            f"{len(lost)} failed, aborted or repeated runs are left out of the times; they cost "
            f"{'at least ' if any(r.usd_in_job is None for r in lost) else ''}{spent:.2f} USD."
        )
    symmetries = sorted({record.symmetry for record in mine if record.symmetry})
    if len(symmetries) > 1:
        notes.append(
            f"The runs have several symmetries ({', '.join(symmetries)}), and times depend on "
            "them: choose one with --symmetry."
        )
    if extra := _overhead(mine):
        notes.append(extra)
    return notes


def _doubts(best: Choice, preference: Preference) -> list[str]:
    notes = []
    if best.hours_interval is None:
        notes.append(
            "No run was repeated, so how far they scatter is not known: "
            "repeat one to get intervals."
        )
    high = best.hours_interval[1] if best.hours_interval else best.hours
    if preference.deadline_h is not None and high > preference.deadline_h:
        notes.append(f"It may miss the deadline: up to {high:.2f} h are likely.")
    dear = best.usd_interval[1] if best.usd_interval else best.usd
    if preference.budget_usd is not None and dear is not None and dear > preference.budget_usd:
        notes.append(f"It may exceed the budget: up to {dear:.2f} USD are likely.")
    return notes


def _overhead(records: Sequence[BenchmarkRecord]) -> str:
    """What was paid besides the job, where that was recorded."""
    beside = sorted(
        record.boot_s + record.idle_tail_s
        for record in records
        if record.boot_s is not None and record.idle_tail_s is not None
    )
    if not beside:
        return ""
    middle = beside[len(beside) // 2] / 60
    return f"Nodes are also paid while they start and idle: {middle:.0f} min in recorded runs."

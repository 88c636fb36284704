"""Which machines for a job, how long, how much: the answer as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gotocloud.advisor.choice import Choice
from gotocloud.advisor.comparable import work_words
from gotocloud.advisor.estimates import estimate_times
from gotocloud.advisor.extras import library
from gotocloud.advisor.job_names import pretty
from gotocloud.advisor.money import market_of, node_price
from gotocloud.advisor.paid import overhead_of
from gotocloud.advisor.paper import PaperOptimum, paper_optima
from gotocloud.advisor.preference import Preference
from gotocloud.advisor.ranking import Ranking, pareto_front, rank
from gotocloud.advisor.records import BenchmarkRecord
from gotocloud.advisor.scaling import RATE
from gotocloud.advisor.selection import selected
from gotocloud.advisor.sizes import Size
from gotocloud.formats import duration_text, usd_text
from gotocloud.relion.job_types import program_of

if TYPE_CHECKING:
    from gotocloud.advisor.ranking import Numbers

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
        options: RELION's settings that change the work, likewise.
        dataset: Name of the data set, likewise.
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
    options: str | None = None
    dataset: str | None = None

    @property
    def market(self) -> str:
        """`on-demand` or `spot`."""
        return market_of(spot=self.spot)


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
        work: The work of the runs behind it.
        alike: Measured settings that cannot be distinguished from the recommendation.
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
    work: str = ""
    alike: tuple[Choice, ...] = ()
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
            "work": self.work,
            "recommended": self.best and self.best.as_dict(),
            "alike": [choice.label for choice in self.alike],
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
        if all(
            (value := getattr(question, name)) is None or getattr(record, name) == value
            for name in ("symmetry", "options", "dataset")
        )
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
            overhead_of(mine, one.shape.instance_type, spot=question.spot),
            resumes=_resumes(question.job),
        )
        for one in times.found
    ]
    choices, ranking, front = _judged(priced, question.preference)
    ranked, alike = _weighed([choices[i] for i in ranking.order], times.spread, question)
    return Advice(
        question,
        MEASURED,
        times.size,
        ranked=tuple(ranked),
        alike=alike,
        front=tuple(choices[i] for i in front),
        choices=tuple(choices),
        work=work_words(times.used),
        paper=paper,
        refusals=_misses(choices, ranking, question.preference),
        notes=(*_notes(question, choices, ranking, mine), *_others(times.others)),
    )


def _judged(
    choices: list[Choice], preference: Preference
) -> tuple[list[Choice], Ranking, list[int]]:
    np = library("numpy")
    hours, usd = _figures(choices, preference)
    front = [int(i) for i in pareto_front(hours, usd)]
    marked = [replace(choice, on_front=i in set(front)) for i, choice in enumerate(choices)]
    ranking = rank(hours, usd, preference)
    # A setting that ran goes before one that lies between such: only that has an interval.
    order = sorted(ranking.order, key=lambda i: not choices[i].is_measured)
    return marked, replace(ranking, order=np.array(order, dtype=np.intp)), front


def _weighed(
    ranked: list[Choice], spread: tuple[float, int] | None, question: Question
) -> tuple[list[Choice], tuple[Choice, ...]]:
    """The choices with the best one's interval, and those that cannot be distinguished from it."""
    if not ranked:
        return ranked, ()
    best, preference = ranked[0], question.preference
    measured = [one for one in ranked if one.is_measured]
    if best not in measured or spread is None or not spread[0]:
        score = best.judged_by(preference)
        return ranked, tuple(one for one in ranked[1:] if one.judged_by(preference) == score)
    found = selected(measured, measured.index(best), spread, preference, rate=RATE)
    if found is None:
        return ranked, ()
    first = replace(best, next_run_s=found.interval_s)
    return [first, *ranked[1:]], tuple(measured[i] for i in found.alike)


def _why_nothing(
    question: Question, mine: Sequence[BenchmarkRecord], records: Sequence[BenchmarkRecord]
) -> tuple[str, ...]:
    if mine:
        return (f"{len(mine)} recorded runs, but none of them ended well at the first attempt",)
    same_job = [record for record in records if record.job_type == question.job]
    others = {record.variant for record in same_job}
    if question.variant in others:
        requested = ((name, getattr(question, name)) for name in ("symmetry", "options", "dataset"))
        what = " and ".join(
            f"the {name} {value!r}" for name, value in requested if value is not None
        )
        return (f"no recorded run of {pretty(question.job)} has {what}",)
    if others:
        named = ", ".join(repr(name) if name else "none" for name in sorted(others, key=str))
        return (f"recorded runs of {pretty(question.job)} have other variants: {named}",)
    return ()


def _reach(choice: Choice) -> float:
    """How much dearer than expected a run may be, US dollars."""
    if choice.usd_interval is None or choice.usd is None:
        return 0.0
    return choice.usd_interval[1] - choice.usd


def _resumes(job: str) -> bool:
    """Whether a kind of job continues where it was interrupted; unknown kinds do not."""
    program = program_of(job)
    return program is not None and program.refines


def _others(groups: Sequence[Sequence[BenchmarkRecord]]) -> tuple[str, ...]:
    """Runs of other work, which are not comparable."""
    if not groups:
        return ()
    named = sorted({work_words(group) for group in groups})
    runs = sum(map(len, groups))
    return (
        f"{runs} run{'s' if runs > 1 else ''} of other work "
        f"{'were' if runs > 1 else 'was'} not compared: {'; '.join(named[:3])}"
        f"{' and others' if len(named) > 3 else ''}.",
    )


def _misses(choices: Sequence[Choice], ranking: Ranking, preference: Preference) -> tuple[str, ...]:
    """Why nothing fits, with what comes nearest; empty when something fits."""
    if ranking.order.size:
        return ()
    found = []
    judged = [choice.judged_by(preference) for choice in choices]
    if ranking.too_slow:
        fastest = duration_text(min(judged)[0] * 3600)
        found.append(f"nothing meets the deadline; the fastest takes {fastest}")
    if ranking.too_dear:
        cheapest = usd_text(min(usd for _, usd in judged if usd is not None))
        found.append(f"nothing keeps to the budget; the cheapest costs {cheapest} USD")
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
        notes += [*_doubts(best, question.preference), *_untried(best, choices, question)]
    if lost := [record for record in mine if not record.is_benchmark]:
        spent = usd_text(sum(record.usd_in_job or 0 for record in lost))
        notes.append(
            f"{len(lost)} failed, aborted or repeated runs are left out of the times; they cost "
            f"{'at least ' if any(r.usd_in_job is None for r in lost) else ''}{spent} USD."
        )
    if best:
        notes.append(f"Paid beside the job's own time: {'; '.join(best.overhead.sources)}.")
    return notes


def _untried(best: Choice, choices: Sequence[Choice], question: Question) -> list[str]:
    """A setting that never ran and that may be better than the best one that ran."""
    preference = question.preference
    if not best.is_measured:
        return []
    order = rank(*_figures(choices, preference), preference).order
    first = choices[order[0]]
    if first.is_measured:
        return []
    hours, usd = first.judged_by(preference)
    cost = "" if usd is None else f" and {usd_text(usd)} USD"
    return [
        f"Between measured numbers of machines, {first.shape.machines} may be better "
        f"({duration_text(hours * 3600)}{cost}), but it never ran: try it."
    ]


def _figures(choices: Sequence[Choice], preference: Preference) -> tuple[Numbers, Numbers]:
    """Hours and US dollars of choices, NaN where a price is unknown."""
    np = library("numpy")
    judged = [choice.judged_by(preference) for choice in choices]
    return (
        np.array([hours for hours, _ in judged]),
        np.array([np.nan if usd is None else usd for _, usd in judged]),
    )


def _doubts(best: Choice, preference: Preference) -> list[str]:
    notes = []
    if best.hours_interval is None:
        notes.append(
            "No run was repeated, so how far they scatter is not known: "
            "repeat one to get intervals."
        )
    hours, usd = best.judged_by(preference)
    high = (best.hours_interval[1] if best.hours_interval else best.hours) + hours - best.hours
    if preference.deadline_h is not None and high > preference.deadline_h:
        notes.append(f"It may miss the deadline: up to {duration_text(high * 3600)} are likely.")
    dear = None if usd is None else usd + _reach(best)
    if preference.budget_usd is not None and dear is not None and dear > preference.budget_usd:
        notes.append(f"It may exceed the budget: up to {usd_text(dear)} USD are likely.")
    return notes

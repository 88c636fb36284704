"""A group's own measurements as settings for routing, where they are of the same work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gotocloud.advisor.advice import MEASURED, Advice, Question, advise
from gotocloud.advisor.choice import Choice
from gotocloud.advisor.job_names import pretty
from gotocloud.advisor.job_work import work_columns
from gotocloud.advisor.records import BenchmarkRecord
from gotocloud.advisor.sizes import NAMES, Size
from gotocloud.advisor.tables import read_records
from gotocloud.errors import GoToCloudError
from gotocloud.formats import duration_text
from gotocloud.relion.job import Job
from gotocloud.relion.settings import Setting

LEAST_COMPARED = 2
"""Settings of the same work without which a measurement is the best of one."""


def question_of(job: Job, region: str, *, spot: bool) -> Question | None:
    """What routing must know of a job; None if its work is not known, so that nothing compares."""
    work = work_columns(job)
    if not (work["particles"] or work["movies"]):
        return None
    return Question(
        job=job.kind,
        size=Size(**{name: work[name] for name in NAMES}),  # type: ignore[literal-required]
        region=region or Question("").region,
        spot=spot,
        symmetry=work["symmetry"],
        options=work["options"],
    )


def measured_settings(
    records: Sequence[BenchmarkRecord], question: Question
) -> tuple[Setting, ...]:
    """Settings for `relion.routing.route`, best first.

    Only settings that ran as they are: nothing between measured ones, nothing whose ranks
    or threads are unknown. An instance type appears once, with its best setting. One setting
    alone was compared with nothing, and stays behind the published ones.

    Args:
        records: The group's own.
        question: The job's kind and work, region and market.
    """
    advice = advise(question, records)
    if advice.basis != MEASURED:
        return ()
    ran = [choice for choice in advice.ranked if choice.estimate.runs]
    usable = [choice for choice in ran if choice.shape.ranks and choice.shape.threads]
    if len(ran) < LEAST_COMPARED or not usable:
        return ()
    best_of_type: dict[str, Choice] = {}
    for choice in usable:
        best_of_type.setdefault(choice.shape.instance_type, choice)
    return tuple(_setting(choice, advice, ran) for choice in best_of_type.values())


def _setting(choice: Choice, advice: Advice, ran: Sequence[Choice]) -> Setting:
    shape, estimate = choice.shape, choice.estimate
    runs = "1 run" if estimate.runs == 1 else f"{estimate.runs} runs"
    what = "the best" if choice is ran[0] else f"the best on {shape.instance_type}"
    return Setting(
        kind=advice.question.job,
        instance_type=shape.instance_type,
        nodes=shape.nodes,
        ranks=shape.ranks,
        threads=shape.threads,
        because=(
            f"{what} of {len(ran)} settings that you measured on {advice.work}, "
            f"{duration_text(choice.hours * 3600)} in {runs} "
            f"({advice.question.preference.words}); {advantage(ran, advice)}"
        ),
        source=f"Own benchmark records of {pretty(estimate.records[0].job_type)}: "
        f"{'; '.join(estimate.sources)}",
    )


def advantage(ran: Sequence[Choice], advice: Advice) -> str:
    """By how much the best setting is better than the next one, and how surely."""
    first, second = ran[0], ran[1]
    preference = advice.question.preference
    (hours, usd), (other_hours, other_usd) = (one.judged_by(preference) for one in (first, second))
    text = f"the next one takes {other_hours / hours:.2f} times as long"
    if usd and other_usd:
        text += f" and costs {other_usd / usd:.2f} times as much"
    ends, others = first.hours_interval, second.hours_interval
    if ends is None or others is None:
        return f"{text}; how surely is not known, because no run was repeated"
    apart = ends[1] < others[0] or others[1] < ends[0]
    return (
        f"{text}; their intervals {'do not overlap' if apart else 'overlap, so they may be alike'}"
    )


def settings_for_routing(table: Path, question: Question) -> tuple[tuple[Setting, ...], str]:
    """The settings of a table of records for a job, and which cannot be used and why.

    A job is placed with published settings where the table cannot be read, so nothing is raised.

    Args:
        table: The group's own records.
        question: The job's, of `question_of`.
    """
    try:
        records = read_records(table)
        settings = measured_settings(records, question) if records else ()
        return settings, "" if settings else _unused(records, question)
    except GoToCloudError as error:
        return (), f"Your own benchmark records are not used: {error.message}"


def _unused(records: Sequence[BenchmarkRecord], question: Question) -> str:
    """Why the records of a kind of job do not count for this one; empty if there are none."""
    mine = [record for record in records if record.job_type == question.job]
    if not mine:
        return ""
    name = pretty(question.job)
    advice = advise(question, records)
    if advice.basis != MEASURED:
        why = "; ".join(advice.refusals) or "none is a run of the same work"
        return f"Your own measurements of {name} are not used: {why}."
    if not any(choice.paid_usd is not None for choice in advice.choices):
        return (
            f"Your own measurements of {name} are not used: no {question.market} price of "
            f"their machines is known in {question.region}."
        )
    shapes = {choice.shape for choice in advice.choices if choice.estimate.runs}
    if len(shapes) < LEAST_COMPARED:
        return (
            f"Your own measurement of {name} is not used: one setting was compared with no other "
            f"on {advice.work}."
        )
    return f"Your own measurements of {name} are not used: their ranks and threads are not known."

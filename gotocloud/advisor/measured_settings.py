"""A group's own measurements as settings for routing, before anything published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gotocloud.advisor.advice import MEASURED, Choice, Question, advise
from gotocloud.advisor.job_names import pretty
from gotocloud.advisor.places import load_records
from gotocloud.advisor.records import BenchmarkRecord
from gotocloud.errors import GoToCloudError
from gotocloud.relion.settings import Setting


def measured_settings(
    records: Sequence[BenchmarkRecord], question: Question | None = None
) -> tuple[Setting, ...]:
    """Settings for `relion.routing.route`, best first within each kind of job.

    Only settings that ran as they are: nothing between measured ones, nothing whose ranks
    or threads are unknown. An instance type appears once, with its best setting.

    Args:
        records: The group's own.
        question: Region, market, size and preference. Default: the paper's criterion, in
            us-east-1, on demand. Its job is not looked at.
    """
    found = []
    for kind in sorted({record.job_type for record in records}):
        question = replace(question, job=kind, variant=None) if question else Question(kind)
        advice = advise(question, records)
        if advice.basis != MEASURED:
            continue
        usable = [c for c in advice.ranked if c.estimate.runs and c.shape.ranks and c.shape.threads]
        seen: set[str] = set()
        for place, choice in enumerate(usable):
            if choice.shape.instance_type not in seen:
                seen.add(choice.shape.instance_type)
                found.append(_setting(kind, choice, question, best=place == 0))
    return tuple(found)


def _setting(kind: str, choice: Choice, question: Question, *, best: bool) -> Setting:
    shape, estimate = choice.shape, choice.estimate
    runs = "1 run" if estimate.runs == 1 else f"{estimate.runs} runs"
    what = "the best" if best else f"the best on {shape.instance_type}"
    return Setting(
        kind=kind,
        instance_type=shape.instance_type,
        nodes=shape.nodes,
        ranks=shape.ranks,
        threads=shape.threads,
        because=(
            f"{what} of your own measurements, {choice.hours:.2f} h in {runs} "
            f"({question.preference.words})"
        ),
        source=f"Own benchmark records of {pretty(kind)}: {'; '.join(estimate.sources)}",
    )


def settings_for_routing(
    region: str = "", *, spot: bool = False
) -> tuple[tuple[Setting, ...], str]:
    """The group's own settings as far as they can be had, and what is wrong if they cannot.

    Routing must never fail for want of advice: whatever is wrong with the records is reported
    and the published settings count.

    Args:
        region: The cluster's. Default: the paper's.
        spot: Whether its jobs use spot machines.
    """
    question = Question("", region=region or Question("").region, spot=spot)
    try:
        records, _ = load_records(None)
        settings = measured_settings(records, question) if records else ()
        return settings, _unweighed(records, settings, question)
    except GoToCloudError as error:
        return (), f"Your own benchmark records are not used: {error.message}"


def _unweighed(
    records: Sequence[BenchmarkRecord], settings: Sequence[Setting], question: Question
) -> str:
    """Which kinds of job have measurements that no price allows to compare."""
    served = {setting.kind for setting in settings}
    kinds = sorted({record.job_type for record in records} - served)
    advices = (advise(replace(question, job=kind), records) for kind in kinds)
    found = [pretty(one.question.job) for one in advices if one.basis == MEASURED]
    if not found:
        return ""
    return (
        f"Your own measurements of {', '.join(found)} are not used: no {question.market} price of "
        f"their machines is known in {question.region}, or their ranks and threads are not."
    )

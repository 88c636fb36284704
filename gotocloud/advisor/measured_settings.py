"""A group's own measurements as settings for routing, before anything published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gotocloud.advisor.advice import MEASURED, Choice, Question, advise
from gotocloud.advisor.job_names import pretty
from gotocloud.advisor.records import BenchmarkRecord
from gotocloud.advisor.tables import read_records
from gotocloud.errors import GoToCloudError
from gotocloud.relion.settings import Setting


def measured_settings(records: Sequence[BenchmarkRecord], scope: Question) -> tuple[Setting, ...]:
    """Settings for `relion.routing.route`, best first within each kind of job.

    Only settings that ran as they are: nothing between measured ones, nothing whose ranks
    or threads are unknown. An instance type appears once, with its best setting.

    Args:
        records: The group's own.
        scope: Region, market, size and preference; its job does not count.
    """
    found = []
    for kind in sorted({record.job_type for record in records}):
        question = replace(scope, job=kind, variant=None)
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
    table: Path, region: str, *, spot: bool
) -> tuple[tuple[Setting, ...], str]:
    """The settings of a table of records, and which of them cannot be used and why.

    A job is placed with published settings where the table cannot be read, so nothing is raised.

    Args:
        table: The group's own records.
        region: The cluster's; empty for the paper's.
        spot: Whether its jobs use spot machines.
    """
    question = Question("", region=region or Question("").region, spot=spot)
    try:
        records = read_records(table)
        settings = measured_settings(records, question) if records else ()
        return settings, _unweighed(records, settings, question)
    except GoToCloudError as error:
        return (), f"Your own benchmark records are not used: {error.message}"


def _unweighed(
    records: Sequence[BenchmarkRecord], settings: Sequence[Setting], scope: Question
) -> str:
    """Which kinds of job have measurements that no price allows to compare."""
    served = {setting.kind for setting in settings}
    kinds = sorted({record.job_type for record in records} - served)
    advices = (advise(replace(scope, job=kind), records) for kind in kinds)
    found = [pretty(one.question.job) for one in advices if one.basis == MEASURED]
    if not found:
        return ""
    return (
        f"Your own measurements of {', '.join(found)} are not used: no {scope.market} price of "
        f"their machines is known in {scope.region}, or their ranks and threads are not."
    )

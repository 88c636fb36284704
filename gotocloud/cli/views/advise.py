"""What `gotocloud advise` shows to people."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import typer

from gotocloud.advisor.advice import FROM_PAPER, MEASURED, NO_BENCHMARK, Advice
from gotocloud.advisor.choice import Choice
from gotocloud.advisor.gains import Margin, margins
from gotocloud.advisor.job_names import pretty, queue_of
from gotocloud.advisor.money import node_price
from gotocloud.advisor.paper import CONDITIONS, PaperOptimum
from gotocloud.advisor.preference import Preference
from gotocloud.advisor.progress import STREPTAVIDIN, ProjectSteps
from gotocloud.advisor.shapes import Shape
from gotocloud.advisor.stopping import StopAdvice
from gotocloud.advisor.workflow import ProjectAdvice, ProjectLine
from gotocloud.cli.output import paragraph, table, width, wrapped
from gotocloud.cluster_configs.model import configuration_names, load_configuration
from gotocloud.formats import duration_text, usd_text
from gotocloud.relion.settings import PUBLISHED

UNKNOWN = "unknown"
UNBROKEN = 10_000
_WIDTH = 11
_MEASURE = "gotocloud bench plan JOBDIR"


def show_advice(advice: Advice) -> None:
    """Print the answer for one job."""
    question = advice.question
    market = "on spot machines" if question.spot else "on demand"
    size = f", {advice.size}" if advice.basis == MEASURED else ""
    variant = f" ({question.variant})" if question.variant else ""
    paragraph(f"{pretty(question.job)}{variant}{size}; {market} in {question.region}")
    typer.echo("")
    if advice.basis == MEASURED:
        _show_measured(advice)
    elif advice.basis == FROM_PAPER:
        _show_paper(advice)
    else:
        _show_nothing(advice)


def _show_measured(advice: Advice) -> None:
    best, second = advice.best, advice.runner_up
    if best:
        line("Use", f"{best.shape.words}   [{best.label}]")
        line("because", _because(advice))
        line("Time", _time(best))
        line("Cost", _cost(best))
        line("Paid", _paid(best))
        line("Measured on", advice.work)
        line("Known from", f"{best.estimate.basis}: {'; '.join(best.estimate.sources)}")
        if best.shape.relion_version or best.shape.executable:
            line("Build", f"RELION {best.shape.relion_version} {best.shape.executable}".rstrip())
        line("Queue", _queues(advice.question.job, best.shape))
        if advice.alike:
            labels = ", ".join(choice.label for choice in advice.alike)
            line("As good", f"{labels}: the measurements cannot tell them from it")
    if second:
        line("Next best", f"{second.shape.words}: {hours_words(second.hours)}, {_usd(second.usd)}")
    typer.echo("")
    _show_front(advice.front)
    for note in advice.notes:
        paragraph(note)
    for optimum in advice.paper[:1]:
        paragraph(f"The paper's setting, on its own data: {_paper_words(optimum)}.")


def _because(advice: Advice) -> str:
    if len(advice.choices) == 1:
        return "nothing else has been measured"
    others = len(advice.choices) - 1
    return f"it is the {advice.question.preference.words}; {others} other settings compared"


def _show_front(front: Iterable[Choice]) -> None:
    rows = [
        (
            choice.label,
            hours_words(choice.hours),
            _range(choice.hours_interval, hours_words),
            _usd(choice.usd),
            _usd(choice.paid_usd),
            choice.estimate.basis,
        )
        for choice in front
    ]
    if rows:
        table(
            ("setting", "time", "9 runs of 10", "cost", "paid", "known from"),
            rows,
            title="Nothing else is both faster and cheaper (Pareto front):",
        )


def _show_paper(advice: Advice) -> None:
    best, *others = advice.paper
    for refusal in advice.refusals:
        paragraph(f"Your measurements give no answer: {refusal}.")
    line("Use", f"{_paper_words(best)}   [{best.label}]")
    line(
        "because",
        "it is the paper's setting: of its plot of time and cost the point nearest to the origin, "
        "with 10 USD drawn as long as 0.5 h",
    )
    line("Time, cost", f"{NO_BENCHMARK}: the paper's timings are not public")
    line("Price", _paper_price(advice, best))
    line("Saturates", best.saturation)
    if best.shape.ranks:
        gives = f"{best.shape.ranks} x {best.shape.threads}"
        line("In RELION", f"'automatic' gives the job {gives} (MPI ranks x threads)")
    line("Source", best.source)
    line("", CONDITIONS)
    line("Queue", _queues(best.job, best.shape))
    for other in others:
        line("Next best", f"{_paper_words(other)}; {_paper_price(advice, other)}")
    typer.echo("")
    if advice.question.preference != Preference():
        paragraph(
            "Without timings no other criterion can be used; this is the paper's balanced setting."
        )
    paragraph("It is one protein on one data set.")
    paragraph(f"To measure your own: {_MEASURE}")


def _show_nothing(advice: Advice) -> None:
    paragraph(f"{NO_BENCHMARK}: neither you nor the paper has measured it.")
    for refusal in advice.refusals:
        paragraph(f"Your measurements give no answer: {refusal}.")
    shown = [one for one in PUBLISHED if one.kind == advice.question.job]
    if shown:
        table(
            ("in use elsewhere", "ranks", "threads", "source"),
            [(f"{s.nodes} x {s.instance_type}", s.ranks, s.threads, s.source) for s in shown],
            title="Settings that others use; their times are not published:",
        )
    paragraph(f"To measure it: {_MEASURE}")


def show_project(advice: ProjectAdvice) -> None:
    """Print the answer for a whole project, and the paper's worked example."""
    table(
        ("step", "times", "setting", "time", "cost", "known from"),
        [_project_row(line) for line in advice.lines],
    )
    (hours, no_hours), (usd, no_usd) = advice.hours, advice.usd
    if len(no_hours) == len(advice.lines):
        line("Together", f"{NO_BENCHMARK}: no step has been measured")
    else:
        least = "at least " if no_hours else ""
        interval = _range(advice.hours_interval, hours_words)
        line("Together", f"{least}{hours_words(hours)}{f' ({interval})' if interval else ''}")
        line("Cost", f"{'at least ' if no_usd else ''}{usd_text(usd)} USD in jobs")
        if no_hours:
            line("Not known", ", ".join(no_hours))
    typer.echo("")
    show_progress(STREPTAVIDIN, "What the last tenths of an angstrom cost, a published example:")
    paragraph("For your own project: gotocloud advise stop --record FILE --target 2.0")


def _project_row(line: ProjectLine) -> tuple[object, ...]:
    advice, best = line.advice, line.advice.best
    if best:
        words = (best.label, hours_words(line.hours or 0), _usd(line.usd), best.estimate.basis)
    elif advice.paper:
        words = (advice.paper[0].label, "", "", "the paper's setting, no timing")
    else:
        words = ("", "", "", NO_BENCHMARK)
    return pretty(line.step.job), line.step.times, *words


def show_progress(progress: ProjectSteps, title: str) -> None:
    """Print the steps of a project with what each gave for its money."""
    given = (("", ""), *map(_margin, margins(progress)))
    rows = [
        (
            step.name,
            f"{step.resolution_angstrom:.2f}",
            f"{step.hours:,.2f}",
            f"{step.usd:,.0f}",
            *margin,
        )
        for step, margin in zip(progress.steps, given, strict=True)
    ]
    columns = ("step", "Å", "hours so far", "USD so far", "USD per Å", "hours per Å")
    table(columns, rows, title=title)
    paragraph(f"Source: {progress.source}")


def _margin(margin: Margin) -> tuple[str, str]:
    if margin.usd_per_angstrom is None or margin.hours_per_angstrom is None:
        return "no gain", "no gain"
    return f"{margin.usd_per_angstrom:,.0f}", f"{margin.hours_per_angstrom:,.0f}"


def show_stop(advice: StopAdvice, progress: ProjectSteps) -> None:
    """Print whether to go on."""
    show_progress(progress, "What each step gave:")
    line("Advice", advice.verdict.value.upper())
    paragraph(advice.reason)
    if ahead := advice.forecast:
        gain, low, high = ahead.gain
        line("Next step", f"probably {gain:.2g} Å better ({low:.2g} to {high:.2g}, 9 of 10)")
        usd, least, most = ahead.usd
        how = "so far" if ahead.usd_ratio == 1 else "by the trend of the costs"
        line("", f"for about {usd:,.0f} USD ({least:,.0f} to {most:,.0f} {how})")
        line("found by", ahead.method)
    else:
        line("Next step", "nothing can be predicted from so few steps")
    for note in advice.notes:
        paragraph(note)


def hours_words(hours: float) -> str:
    """Hours as people read them."""
    return duration_text(hours * 3600)


def _time(choice: Choice) -> str:
    interval = _range(choice.hours_interval, hours_words)
    bounds = _range(choice.hours_bounds, hours_words)
    doubt = (
        f"{interval}, nine runs of ten"
        if interval
        else f"{bounds} by the assumptions, which is no probability"
        if bounds
        else "how far runs scatter is not known"
    )
    least = "at least " if choice.estimate.at_least else ""
    return f"{least}{hours_words(choice.hours)}  ({doubt})"


def _cost(choice: Choice) -> str:
    if choice.usd is None or choice.usd_per_hour is None or choice.price is None:
        return f"{UNKNOWN}: no price of {choice.shape.instance_type} is known here"
    interval = _range(choice.usd_interval, usd_text)
    return (
        f"{_usd(choice.usd)}{f'  ({interval})' if interval else ''}; all nodes "
        f"{usd_text(choice.usd_per_hour)} USD per hour, price of {choice.price.date}"
    )


def _paid(choice: Choice) -> str:
    """Time and cost from the request of the machines to their power-off."""
    often = choice.paid.interruptions
    expected = f", {often:.2f} interruptions expected" if often else ""
    return (
        f"{hours_words(choice.paid.hours)} from request to result, {_usd(choice.paid_usd)} from "
        f"request to power-off{expected}"
    )


def _usd(usd: float | None) -> str:
    if usd is None:
        return "cost unknown"
    return f"{usd_text(usd)} USD"


def _range(interval: tuple[float, float] | None, words: Callable[[float], str]) -> str:
    if interval is None:
        return ""
    return f"{words(interval[0])} to {words(interval[1])}"


def _paper_words(optimum: PaperOptimum) -> str:
    shape = optimum.shape
    used = f"{optimum.gpus} GPUs" if optimum.gpus else f"{optimum.vcpus} vCPUs"
    return f"{used} on {shape.machines}"


def _paper_price(advice: Advice, optimum: PaperOptimum) -> str:
    price = node_price(optimum.instance_type, advice.question.region, advice.question.market)
    if price is None:
        return f"{UNKNOWN} in {advice.question.region}: gotocloud platform prices --refresh"
    return (
        f"{usd_text(price.usd_per_hour * optimum.nodes)} USD per hour for all nodes ({price.date})"
    )


def _queues(job: str, shape: Shape) -> str:
    """Where the setting can run: the queues that have the machines."""
    wanted = queue_of(job, on_gpu=bool(shape.gpus))
    found: list[str] = []
    for name in configuration_names():
        found += [
            f"{queue.name} of {name}"
            for queue in load_configuration(name).queues_for(wanted, job)
            for one in queue.choices
            if one.instance_type == shape.instance_type and one.max_nodes >= shape.nodes
        ]
    return ", ".join(found) or f"no cluster configuration has {shape.machines} for it"


def line(title: str, text: str) -> None:
    """Print a title and what it stands for, as wide as the terminal at most."""
    beside = f"{title:<{_WIDTH}} "
    lines = wrapped(text, width(in_a_pipe=UNBROKEN) - len(beside))
    typer.echo(beside + f"\n{' ' * len(beside)}".join(lines or [""]))

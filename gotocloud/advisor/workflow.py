"""Advice for a whole project: every job from motion correction to polishing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gotocloud.advisor.advice import Advice, Question, advise
from gotocloud.advisor.job_names import VDAM, pretty
from gotocloud.advisor.records import BenchmarkRecord
from gotocloud.advisor.sizes import Size

POLISHING = ("ctfrefine", "polish", "refine3d")
"""One cycle at the end of a project; the paper advises as few of them as the target needs."""

_OF_MOVIES = ("motioncorr", "ctffind", "autopick", "extract")
_WITH_CLASSES = ("class2d", VDAM, "initialmodel", "class3d")


@dataclass(frozen=True)
class WorkflowStep:
    """A job of the project, and how often it runs."""

    job: str
    times: int = 1


def single_particle_workflow(*, polish_cycles: int = 1, vdam: bool = False) -> list[WorkflowStep]:
    """The usual single-particle workflow of RELION.

    Source of the order: RELION's single-particle tutorial; the paper's text on the
    streptavidin project for the cycles of CTF refinement and polishing.

    Args:
        polish_cycles: Cycles of CTF refinement, polishing and refinement at the end.
        vdam: Whether Class2D uses VDAM.
    """
    refinements = WorkflowStep("refine3d", 1 + polish_cycles)
    steps = [
        *map(WorkflowStep, ("motioncorr", "ctffind", "autopick", "extract")),
        WorkflowStep(VDAM if vdam else "class2d"),
        *map(WorkflowStep, ("initialmodel", "class3d")),
        refinements,
    ]
    if polish_cycles:
        steps += [WorkflowStep(job, polish_cycles) for job in POLISHING if job != refinements.job]
    return steps


@dataclass(frozen=True)
class ProjectLine:
    """A step with its advice; a step without measurements has neither hours nor cost."""

    step: WorkflowStep
    advice: Advice

    @property
    def hours(self) -> float | None:
        """Of all its runs."""
        best = self.advice.best
        return best.hours * self.step.times if best else None

    @property
    def usd(self) -> float | None:
        """Of all its runs."""
        best = self.advice.best
        return None if best is None or best.usd is None else best.usd * self.step.times


@dataclass(frozen=True)
class ProjectAdvice:
    """The whole project.

    Args:
        lines: Every step, in order.
    """

    lines: tuple[ProjectLine, ...]

    @property
    def hours(self) -> tuple[float, tuple[str, ...]]:
        """Sum of what is known, and the steps of which nothing is."""
        return _sum([(line.step.job, line.hours) for line in self.lines])

    @property
    def usd(self) -> tuple[float, tuple[str, ...]]:
        """Likewise, the cost."""
        return _sum([(line.step.job, line.usd) for line in self.lines])

    @property
    def hours_interval(self) -> tuple[float, float] | None:
        """Sum of the steps' intervals; None while one of them has none.

        Sums of ends are wider than nine times of ten: they allow for every step being off
        to the same side, as it is when the data set is the reason.
        """
        ends = [
            (low * line.step.times, high * line.step.times)
            for line in self.lines
            if line.advice.best and (interval := line.advice.best.hours_interval)
            for low, high in [interval]
        ]
        if len(ends) < len(self.lines):
            return None
        return sum(low for low, _ in ends), sum(high for _, high in ends)

    def as_dict(self) -> dict[str, Any]:
        """The advice for a JSON report."""
        (hours, no_hours), (usd, no_usd) = self.hours, self.usd
        return {
            "steps": [
                {"times": line.step.times, "hours": line.hours, "usd": line.usd}
                | line.advice.as_dict()
                for line in self.lines
            ],
            "known_hours": hours,
            "hours_unknown_for": list(no_hours),
            "hours_interval": self.hours_interval,
            "known_usd": usd,
            "usd_unknown_for": list(no_usd),
        }


def advise_project(
    question: Question,
    records: Sequence[BenchmarkRecord],
    steps: Sequence[WorkflowStep],
) -> ProjectAdvice:
    """Advice for every step.

    A deadline or a budget is that of one job, not of the project.

    Args:
        question: Region, market, size and preference; its job is not looked at.
        records: Everything measured.
        steps: The project.
    """
    lines = (
        ProjectLine(
            step,
            advise(
                replace(
                    question,
                    job=step.job,
                    variant=None,
                    size=_that_matters(step.job, question.size),
                ),
                records,
            ),
        )
        for step in steps
    )
    return ProjectAdvice(tuple(lines))


def _that_matters(job: str, size: Size) -> Size:
    """A project's size as one job feels it: movies first, then particles, then classes."""
    if job in _OF_MOVIES:
        return Size(movies=size.movies)
    classes = {} if job in _WITH_CLASSES else {"classes": None, "iterations": None}
    return replace(size, movies=None, **classes)


def _sum(figures: Sequence[tuple[str, float | None]]) -> tuple[float, tuple[str, ...]]:
    counted = sum(figure for _, figure in figures if figure is not None)
    return counted, tuple(pretty(job) for job, figure in figures if figure is None)

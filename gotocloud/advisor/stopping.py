"""When to stop: whether another step of a project is worth its cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gotocloud.advisor.gains import (
    FEWEST_GAINS,
    FEWEST_STEPS,
    Forecast,
    Margin,
    forecast,
    margins,
)
from gotocloud.advisor.progress import ProjectSteps
from gotocloud.advisor.scaling import RATE
from gotocloud.advisor.shells import AT_NYQUIST, Shells, nyquist

_MOST_CYCLES = 50


class StoppingVerdict(StrEnum):
    """What to do."""

    STOP = "stop"
    GO_ON = "go on"
    OPEN = "your decision"


@dataclass(frozen=True)
class StopAdvice:
    """The answer.

    Args:
        margins: Every step after the first.
        best_angstrom: The best resolution so far.
        forecast: None when the steps are too few.
        verdict: What to do.
        reason: Why, in sentences.
        notes: What else to know.
    """

    margins: tuple[Margin, ...]
    best_angstrom: float
    forecast: Forecast | None
    verdict: StoppingVerdict
    reason: str
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The advice for a JSON report."""
        steps = [
            vars(one)
            | {
                "usd_per_angstrom": one.usd_per_angstrom,
                "hours_per_angstrom": one.hours_per_angstrom,
            }
            for one in self.margins
        ]
        return {
            "steps": steps,
            "best_angstrom": self.best_angstrom,
            "forecast": self.forecast and vars(self.forecast),
            "interval_rate": RATE,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "notes": list(self.notes),
        }


def stop_advice(
    progress: ProjectSteps,
    *,
    target_angstrom: float | None = None,
    worth_usd_per_angstrom: float | None = None,
    pixel_angstrom: float | None = None,
    box_px: int | None = None,
    stalled_iterations: int | None = None,
) -> StopAdvice:
    """Whether to go on.

    The price of an angstrom may fall from one step to the next, as it did at the end of the
    paper's own example, so two neighbouring steps are never compared alone: the forecast
    rests on all gains.

    Args:
        progress: The project's own record.
        target_angstrom: The resolution needed.
        worth_usd_per_angstrom: What an angstrom may cost.
        pixel_angstrom: Pixel size: nothing finer than twice of it can be resolved.
        box_px: Box, so that a gain of less than one Fourier shell counts as none.
        stalled_iterations: RELION's "no gain for n iter" of the running refinement.
    """
    shells = Shells(box_px, pixel_angstrom) if box_px and pixel_angstrom else None
    steps = margins(progress, shells)
    best = min(step.resolution_angstrom for step in progress.steps)
    room = None if pixel_angstrom is None else max(best - nyquist(pixel_angstrom), 0.0)
    expected = forecast(steps, resolvable=shells.step(best) if shells else None, room=room)
    verdict, reason = (
        StoppingVerdict.OPEN,
        "State which resolution you need, or what it is worth.",
    )
    if target_angstrom is not None and best <= target_angstrom:
        verdict, reason = StoppingVerdict.STOP, _reached(progress, target_angstrom)
    elif pixel_angstrom is not None and best <= AT_NYQUIST * nyquist(pixel_angstrom):
        verdict, reason = (
            StoppingVerdict.STOP,
            (
                f"{best:g} Å is the limit of pixels of {pixel_angstrom:g} Å: more of the same "
                "gains nothing, smaller pixels may."
            ),
        )
    elif target_angstrom is not None:
        verdict, reason = _for_target(best, expected, target_angstrom, pixel_angstrom)
    elif worth_usd_per_angstrom is not None:
        verdict, reason = _for_worth(expected, worth_usd_per_angstrom)
    notes = _notes(steps, stalled_iterations, shells)
    return StopAdvice(steps, best, expected, verdict, reason, tuple(notes))


def _for_target(
    best: float, expected: Forecast | None, target: float, pixel: float | None
) -> tuple[StoppingVerdict, str]:
    if pixel is not None and target < nyquist(pixel):
        return StoppingVerdict.STOP, (
            f"{target:g} Å cannot be reached with pixels of {pixel:g} Å: twice the pixel size, "
            f"{nyquist(pixel):g} Å, is the limit."
        )
    gap = round(best - target, 9)
    if expected is None:
        return StoppingVerdict.OPEN, (
            f"{gap:g} Å are missing. Fewer than {FEWEST_STEPS} steps, or than {FEWEST_GAINS} with "
            "a gain, so nothing can be predicted."
        )
    return _by_forecast(gap, expected)


def _reached(progress: ProjectSteps, target: float) -> str:
    first = next(s for s in progress.steps if s.resolution_angstrom <= target)
    text = (
        f"{target:g} Å is reached: {first.name!r} gave {first.resolution_angstrom:g} Å after "
        f"{first.hours:g} h and {first.usd:,.0f} USD."
    )
    last = progress.steps[-1]
    if last is not first:
        text += (
            f" All that followed took {last.hours - first.hours:.2f} h and "
            f"{last.usd - first.usd:,.0f} USD more."
        )
    return text


def _by_forecast(gap: float, expected: Forecast) -> tuple[StoppingVerdict, str]:
    likely, ratio = expected.gain[0], expected.ratio
    if ratio is None:
        return StoppingVerdict.OPEN, (
            f"{gap:g} Å are missing. The gains do not shrink, so that nothing shows where they "
            "end: another step shows more than any figure."
        )
    if gap <= likely:
        return StoppingVerdict.GO_ON, (
            f"The next step will probably bring the {gap:g} Å that are missing, for about "
            f"{expected.usd[0]:,.0f} USD."
        )
    cycles = _cycles(gap, likely, ratio)
    if cycles is not None:
        usd, least, most = (_together(one, expected.usd_ratio, cycles) for one in expected.usd)
        return StoppingVerdict.GO_ON, (
            f"{gap:g} Å are missing: about {cycles} more steps if gains go on as they did, which "
            f"would cost about {usd:,.0f} USD ({least:,.0f} to {most:,.0f})."
        )
    total = expected.total_gain or expected.gain
    if gap <= total[2]:
        return StoppingVerdict.OPEN, (
            f"{gap:g} Å are missing. More of the same will probably bring {total[0]:.2g} Å "
            f"in all, with luck {total[2]:.2g} Å."
        )
    return StoppingVerdict.STOP, (
        f"{gap:g} Å are missing, and more of the same will probably not bring them: "
        f"{total[0]:.2g} Å in all is likely, {total[2]:.2g} Å with luck. Something new may: "
        "other particles, a better mask, another symmetry."
    )


def _cycles(gap: float, gain: float, ratio: float) -> int | None:
    """Steps until the gap is closed; None if it never is."""
    closed = 0.0
    for cycle in range(_MOST_CYCLES):
        closed += gain * ratio**cycle
        if closed >= gap:
            return cycle + 1
    return None


def _together(first: float, ratio: float, cycles: int) -> float:
    """Sum of so many values, each `ratio` times the one before."""
    return sum(first * ratio**cycle for cycle in range(cycles))


def _for_worth(expected: Forecast | None, worth: float) -> tuple[StoppingVerdict, str]:
    if expected is None:
        return StoppingVerdict.OPEN, (
            f"Fewer than {FEWEST_STEPS} steps, or than {FEWEST_GAINS} with a gain, so nothing can "
            "be predicted."
        )
    if not expected.gain[0]:
        return StoppingVerdict.STOP, "Another step gains nothing."
    likely = expected.usd[0] / expected.gain[0]
    lowest = expected.usd[1] / expected.gain[2]
    text = f"The next angstrom will probably cost {likely:,.0f} USD; it is worth {worth:,.0f} USD."
    if likely <= worth:
        if expected.ratio is None:
            return StoppingVerdict.OPEN, (
                f"{text} But the gains do not shrink, so that the next one may be anything."
            )
        return StoppingVerdict.GO_ON, text
    if lowest <= worth:
        return (
            StoppingVerdict.OPEN,
            f"{text} With a cheap step and luck it costs {lowest:,.0f} USD.",
        )
    return StoppingVerdict.STOP, text


def _notes(steps: Sequence[Margin], stalled: int | None, shells: Shells | None) -> list[str]:
    notes = []
    if shells is None:
        notes.append(
            "Without box and pixel size a gain of less than one Fourier shell counts as a gain."
        )
    prices = [step.usd_per_angstrom for step in steps]
    if len(prices) > 1 and prices[-1] and prices[-2] and prices[-1] < prices[-2]:
        notes.append(
            "The last step cost less per angstrom than the one before. That happens, and does "
            "not mean that the next one will."
        )
    idle = next((i for i, step in enumerate(reversed(steps)) if step.gain_angstrom), len(steps))
    if idle:
        notes.append(f"The last {idle} step{'s' if idle > 1 else ''} gained nothing.")
    if stalled:
        notes.append(
            f"RELION reports no gain for {stalled} iteration{'s' if stalled > 1 else ''}: this "
            "refinement is about to end by itself; more iterations of it bring nothing."
        )
    return notes

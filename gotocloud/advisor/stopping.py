"""When to stop: what each step of a project gave for its money, and what the next may give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import mean, median
from typing import Any

from gotocloud.advisor.progress import ProjectSteps
from gotocloud.advisor.scaling import RATE, student_t

FEWEST_GAINS = 3
"""Steps that gained something, below which nothing is predicted."""
_MOST_CYCLES = 50


@dataclass(frozen=True)
class Margin:
    """What one step gave, and what it took.

    Args:
        name: Of the step.
        resolution_angstrom: After it.
        gain_angstrom: Better than the best before; 0 when it is not.
        hours: That this step took.
        usd: That this step cost.
    """

    name: str
    resolution_angstrom: float
    gain_angstrom: float
    hours: float
    usd: float

    @property
    def usd_per_angstrom(self) -> float | None:
        """US dollars for an angstrom; None when nothing was gained."""
        return self.usd / self.gain_angstrom if self.gain_angstrom else None

    @property
    def hours_per_angstrom(self) -> float | None:
        """Hours for an angstrom; None when nothing was gained."""
        return self.hours / self.gain_angstrom if self.gain_angstrom else None


@dataclass(frozen=True)
class Forecast:
    """What one more step will probably give.

    Args:
        gain: In angstroms, with the interval it lies in nine times of ten.
        usd: Median cost of the steps so far, with the smallest and the largest.
        hours: Likewise, their time.
        total_gain: All that is left to gain if the gains go on shrinking as they did, with
            the `gain` interval's ends; None while they do not shrink.
        ratio: By which gains shrink from step to step; None while they do not.
        method: How it was found.
    """

    gain: tuple[float, float, float]
    usd: tuple[float, float, float]
    hours: tuple[float, float, float]
    total_gain: tuple[float, float, float] | None
    ratio: float | None
    method: str


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


def margins(progress: ProjectSteps) -> tuple[Margin, ...]:
    """What each step after the first gave over the best before it."""
    found = []
    best = progress.steps[0].resolution_angstrom
    for before, step in zip(progress.steps, progress.steps[1:], strict=False):
        gain = max(best - step.resolution_angstrom, 0.0)
        found.append(
            Margin(
                step.name,
                step.resolution_angstrom,
                # Differences of decimal numbers, without what binary ones add to them.
                round(gain, 9),
                round(step.hours - before.hours, 9),
                round(step.usd - before.usd, 9),
            )
        )
        best = min(best, step.resolution_angstrom)
    return tuple(found)


def stop_advice(
    progress: ProjectSteps,
    *,
    target_angstrom: float | None = None,
    worth_usd_per_angstrom: float | None = None,
    pixel_angstrom: float | None = None,
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
        stalled_iterations: RELION's "no gain for n iter" of the running refinement.
    """
    steps = margins(progress)
    best = min(step.resolution_angstrom for step in progress.steps)
    expected = forecast(steps)
    if target_angstrom is not None:
        verdict, reason = _for_target(progress, best, expected, target_angstrom, pixel_angstrom)
    elif worth_usd_per_angstrom is not None:
        verdict, reason = _for_worth(expected, worth_usd_per_angstrom)
    else:
        verdict, reason = (
            StoppingVerdict.OPEN,
            "Say which resolution you need, or what it is worth.",
        )
    return StopAdvice(
        steps, best, expected, verdict, reason, tuple(_notes(steps, stalled_iterations))
    )


def forecast(steps: Sequence[Margin]) -> Forecast | None:
    """What one more step will probably give; None when too few steps gained something.

    A straight line through the logarithms of the gains: each gain is a share of the one
    before. Steps without gain have no logarithm; they only end the sequence, so that a gain
    after them is predicted for a later step. Where gains do not shrink, their median and
    range are all that is shown.
    """
    gains = [(i, step.gain_angstrom) for i, step in enumerate(steps) if step.gain_angstrom > 0]
    if len(gains) < FEWEST_GAINS:
        return None
    usd, hours = _spread([s.usd for s in steps]), _spread([s.hours for s in steps])
    slope, middle, reach = _line(gains, len(steps))
    if slope >= 0:
        return Forecast(
            _spread([gain for _, gain in gains]), usd, hours, None, None,
            f"the median and the range of {len(gains)} gains, which do not shrink yet",
        )  # fmt: skip
    ratio = math.exp(slope)
    # More than the best step ever gave is nothing that a shrinking sequence promises.
    most = max(gain for _, gain in gains)
    gain = tuple(min(math.exp(middle + sign * reach), most) for sign in (0, -1, 1))
    total = tuple(one / (1 - ratio) for one in gain)
    return Forecast(
        (gain[0], gain[1], gain[2]),
        usd,
        hours,
        (total[0], total[1], total[2]),
        ratio,
        f"a line through the logarithms of {len(gains)} gains",
    )


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    return median(values), min(values), max(values)


def _line(gains: Sequence[tuple[int, float]], at: int) -> tuple[float, float, float]:
    """Slope of log gain over steps, its value at a step, and the half-width there."""
    xs = [float(x) for x, _ in gains]
    ys = [math.log(gain) for _, gain in gains]
    x_mean, y_mean = mean(xs), mean(ys)
    squares = sum((x - x_mean) ** 2 for x in xs)
    slope = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / squares
    rest = [y - y_mean - slope * (x - x_mean) for x, y in zip(xs, ys, strict=True)]
    freedom = len(xs) - 2
    spread = math.sqrt(sum(one * one for one in rest) / freedom)
    doubt = math.sqrt(1 + 1 / len(xs) + (at - x_mean) ** 2 / squares)
    return slope, y_mean + slope * (at - x_mean), student_t(RATE, freedom) * spread * doubt


def _for_target(
    progress: ProjectSteps,
    best: float,
    expected: Forecast | None,
    target: float,
    pixel: float | None,
) -> tuple[StoppingVerdict, str]:
    if best <= target:
        return StoppingVerdict.STOP, _reached(progress, target)
    if pixel is not None and target < 2 * pixel:
        return StoppingVerdict.STOP, (
            f"{target:g} Å cannot be reached with pixels of {pixel:g} Å: twice the pixel size, "
            f"{2 * pixel:g} Å, is the limit."
        )
    gap = round(best - target, 9)
    if expected is None:
        return StoppingVerdict.OPEN, (
            f"{gap:g} Å are missing. Fewer than {FEWEST_GAINS} steps gained something, "
            "so nothing can be predicted."
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
    likely = expected.gain[0]
    if gap <= likely:
        return StoppingVerdict.GO_ON, (
            f"The next step will probably bring the {gap:g} Å that are missing, for about "
            f"{expected.usd[0]:,.0f} USD."
        )
    cycles = _cycles(gap, likely, expected.ratio)
    if cycles is not None:
        return StoppingVerdict.GO_ON, (
            f"{gap:g} Å are missing: about {cycles} more steps if gains go on as they did, which "
            f"would cost about {cycles * expected.usd[0]:,.0f} USD "
            f"({cycles * expected.usd[1]:,.0f} to {cycles * expected.usd[2]:,.0f})."
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


def _cycles(gap: float, gain: float, ratio: float | None) -> int | None:
    """Steps until the gap is closed; None if it never is."""
    closed = 0.0
    for cycle in range(_MOST_CYCLES):
        closed += gain * (1 if ratio is None else ratio**cycle)
        if closed >= gap:
            return cycle + 1
    return None


def _for_worth(expected: Forecast | None, worth: float) -> tuple[StoppingVerdict, str]:
    if expected is None:
        return StoppingVerdict.OPEN, (
            f"Fewer than {FEWEST_GAINS} steps gained something, so nothing can be predicted."
        )
    likely = expected.usd[0] / expected.gain[0]
    lowest = expected.usd[1] / expected.gain[2]
    text = f"The next angstrom will probably cost {likely:,.0f} USD; it is worth {worth:,.0f} USD."
    if likely <= worth:
        return StoppingVerdict.GO_ON, text
    if lowest <= worth:
        return (
            StoppingVerdict.OPEN,
            f"{text} With a cheap step and luck it costs {lowest:,.0f} USD.",
        )
    return StoppingVerdict.STOP, text


def _notes(steps: Sequence[Margin], stalled: int | None) -> list[str]:
    notes = []
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

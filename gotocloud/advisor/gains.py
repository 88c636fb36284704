"""What each step of a project gave for its money, and what the next may give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median

from gotocloud.advisor.progress import ProjectSteps
from gotocloud.advisor.scaling import RATE, student_t
from gotocloud.advisor.shells import Shells

FEWEST_STEPS, FEWEST_GAINS = 3, 2
"""Steps, and those of them that gained something, below which nothing is predicted."""
_FINEST_GAIN_ANGSTROM = 0.01
"""RELION prints resolutions with two decimals (`postprocess.star`, `run.out`)."""


@dataclass(frozen=True)
class Margin:
    """What one step gave, and what it took.

    Args:
        name: Of the step.
        resolution_angstrom: After it.
        gain_angstrom: Better than the best before, by one Fourier shell at least where shells
            are known; else 0.
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
        usd: Cost: by the trend of the steps so far where they have one, with the interval it
            lies in nine times of ten; else their median, with the smallest and the largest.
        hours: Likewise, the time.
        usd_ratio: By which costs change from step to step; 1 while they show no trend.
        total_gain: All that is left to gain if the gains go on shrinking as they did, with
            the `gain` interval's ends; None while they do not shrink.
        ratio: By which gains shrink from step to step; None while they do not.
        method: How it was found.
    """

    gain: tuple[float, float, float]
    usd: tuple[float, float, float]
    hours: tuple[float, float, float]
    usd_ratio: float
    total_gain: tuple[float, float, float] | None
    ratio: float | None
    method: str


def margins(progress: ProjectSteps, shells: Shells | None = None) -> tuple[Margin, ...]:
    """What each step after the first gave over the best before it.

    Args:
        shells: Of the maps; a gain of less than one is none.
    """
    found = []
    best = progress.steps[0].resolution_angstrom
    for before, step in zip(progress.steps, progress.steps[1:], strict=False):
        gain = max(best - step.resolution_angstrom, 0.0)
        if shells and not shells.gain(best, step.resolution_angstrom):
            gain = 0.0
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
        best -= gain
    return tuple(found)


def forecast(
    steps: Sequence[Margin], *, resolvable: float | None = None, room: float | None = None
) -> Forecast | None:
    """What one more step will probably give; None when too few steps gained something.

    A straight line through the logarithms of the gains: each gain is a share of the one
    before. A step without a gain stays in the data as a gain of half of what can be
    distinguished, since it is known to be below that and has no logarithm of its own. Where gains
    do not shrink, their median and range are all that is shown.

    Args:
        resolvable: The smallest gain that can be distinguished, in angstroms.
        room: Angstroms between the best resolution and the limit of the pixels.
    """
    gained = [step.gain_angstrom for step in steps if step.gain_angstrom > 0]
    if len(steps) < FEWEST_STEPS or len(gained) < FEWEST_GAINS:
        return None
    below = min(resolvable or _FINEST_GAIN_ANGSTROM, *gained) / 2
    gains = [step.gain_angstrom or below for step in steps]
    (usd, usd_ratio), (hours, _) = (
        _coming([s.usd for s in steps]),
        _coming([s.hours for s in steps]),
    )
    slope, middle, reach = _line(gains)
    most = max(gained) if room is None else min(max(gained), room)
    if slope >= 0:
        likely, low, high = (min(one, most) for one in _spread(gained))
        return Forecast(
            (likely, low, high), usd, hours, usd_ratio, None, None,
            f"the median and the range of {len(gained)} gains, which do not shrink yet",
        )  # fmt: skip
    ratio = math.exp(slope)
    # More than the best step ever gave is nothing that a shrinking sequence promises.
    gain = tuple(min(math.exp(middle + sign * reach), most) for sign in (0, -1, 1))
    total = tuple(min(one / (1 - ratio), math.inf if room is None else room) for one in gain)
    zeros = len(steps) - len(gained)
    return Forecast(
        (gain[0], gain[1], gain[2]),
        usd,
        hours,
        usd_ratio,
        (total[0], total[1], total[2]),
        ratio,
        f"a line through the logarithms of {len(gained)} gains"
        + (f" and {zeros} below {2 * below:.2g} Å" if zeros else ""),
    )


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    return median(values), min(values), max(values)


def _coming(values: Sequence[float]) -> tuple[tuple[float, float, float], float]:
    """The next value and its interval, and the ratio of values that follow each other.

    By a line through the logarithms where its slope is surely not 0, else as they were.
    """
    if min(values) <= 0:
        return _spread(values), 1.0
    slope, middle, reach = _line(values)
    places = range(len(values))
    squares = sum((x - mean(places)) ** 2 for x in places)
    width = math.sqrt(1 + 1 / len(values) + (len(values) - mean(places)) ** 2 / squares)
    if abs(slope) <= max(reach / width / math.sqrt(squares), 1e-9):
        return _spread(values), 1.0
    likely, low, high = (math.exp(middle + sign * reach) for sign in (0, -1, 1))
    return (likely, low, high), math.exp(slope)


def _line(values: Sequence[float]) -> tuple[float, float, float]:
    """Slope of the logarithms, the next one, and the half-width of its interval."""
    xs = [float(x) for x in range(len(values))]
    ys = [math.log(value) for value in values]
    x_mean, y_mean = mean(xs), mean(ys)
    squares = sum((x - x_mean) ** 2 for x in xs)
    slope = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / squares
    rest = [y - y_mean - slope * (x - x_mean) for x, y in zip(xs, ys, strict=True)]
    freedom = len(xs) - 2
    spread = math.sqrt(sum(one * one for one in rest) / freedom)
    ahead = len(xs) - x_mean
    doubt = math.sqrt(1 + 1 / len(xs) + ahead**2 / squares)
    return slope, y_mean + slope * ahead, student_t(RATE, freedom) * spread * doubt

"""How many more particles: the B-factor line of one's own sub-sets.

The number of particles that a resolution d needs grows as exp(B / (2 d²)), so that 1/d² is a
straight line in ln N of slope 2 / B (Rosenthal and Henderson 2003, doi 10.1016/j.jmb.2003.07.013;
RELION's `bfactor_plot.py` fits the same line).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from statistics import mean
from typing import Any

from gotocloud.advisor.scaling import RATE, student_t
from gotocloud.advisor.shells import AT_NYQUIST, Shells, nyquist
from gotocloud.advisor.subsets import Subset, Subsets

FARTHEST = 8
"""Times the largest sub-set up to which the line is followed: three doublings. Our decision:
heterogeneity, aberrations and the pixel end it somewhere, which no sub-set shows."""

Interval = tuple[float, float, float]
"""Likely, low, high."""


@dataclass(frozen=True)
class BFactorLine:
    """1/d² = height + slope (ln N - centre), by least squares.

    Args:
        slope: In 1/Å² for each factor of e.
        height: 1/d² at the centre.
        centre: Mean of ln N.
        squares: Sum of the squares of ln N about the centre.
        spread: Standard deviation of 1/d² about the line; None of two points, which any line
            goes through.
        points: Points behind it.
        particles: The smallest and the largest number of particles.
    """

    slope: float
    height: float
    centre: float
    squares: float
    spread: float | None
    points: int
    particles: tuple[int, int]

    @property
    def b_factor(self) -> float | None:
        """B in Å²; None when the resolution does not grow with the particles."""
        return 2 / self.slope if self.slope > 0 else None

    @property
    def reach(self) -> float | None:
        """Student's t times spread: half-widths are multiples of it."""
        if self.spread is None:
            return None
        return student_t(RATE, self.points - 2) * self.spread

    @property
    def b_interval(self) -> tuple[float, float | None] | None:
        """Where B lies nine times of ten; its upper end is None when the slope may be 0."""
        if self.reach is None:
            return None
        half = self.reach / math.sqrt(self.squares)
        steepest, flattest = self.slope + half, self.slope - half
        if steepest <= 0:
            return None
        return 2 / steepest, 2 / flattest if flattest > 0 else None

    def resolution(self, particles: float) -> Interval | tuple[float, None, None] | None:
        """Å that a refinement of so many particles reaches: likely, best, worst.

        Returns:
            With Nones where nothing is known of the scatter; None when the line is not above 0.
        """
        x = math.log(particles) - self.centre
        y = self.height + self.slope * x
        if y <= 0:
            return None
        if self.reach is None:
            return y**-0.5, None, None
        half = self.reach * math.sqrt(1 + 1 / self.points + x * x / self.squares)
        return y**-0.5, (y + half) ** -0.5, (y - half) ** -0.5 if y > half else math.inf

    def needed(self, resolution_angstrom: float) -> tuple[float, float, float | None] | None:
        """Particles whose refinement reaches a resolution: likely, fewest, most.

        The numbers for which the resolution lies in the interval of `resolution` (Fieller's
        limits). The likely one alone is given twice where the scatter is not known.

        Returns:
            None when more particles bring no resolution; the most is None when a line that is
            as flat as the points allow never reaches it.
        """
        if self.slope <= 0:
            return None
        above = resolution_angstrom**-2 - self.height
        likely = self.centre + above / self.slope
        if self.reach is None:
            return _number(likely), _number(likely), _number(likely)
        own = self.reach**2 * (1 + 1 / self.points)
        a = self.slope**2 - self.reach**2 / self.squares
        b, c = self.slope * above, above**2 - own
        inside = b * b - a * c
        if inside < 0:
            # The points allow a line that is so flat, or falls, that any number will do.
            return _number(likely), 1.0, None
        root = math.sqrt(inside)
        ends = sorted(((b - root) / a, (b + root) / a)) if a else [c / (2 * b)]
        if a <= 0:
            fewest = max((one for one in ends if one <= likely - self.centre), default=-math.inf)
            return _number(likely), max(1.0, _number(self.centre + fewest)), None
        return _number(likely), _number(self.centre + ends[0]), _number(self.centre + ends[1])


class CollectingVerdict(StrEnum):
    """What to do at the microscope."""

    STOP = "stop collecting"
    COLLECT = "collect more"
    OPEN = "your decision"


@dataclass(frozen=True)
class CollectAdvice:
    """The answer.

    Args:
        line: None when fewer than two sizes of sub-sets are usable.
        best_angstrom: The best resolution so far.
        doubled: Å that twice the particles reach: likely, best, worst.
        needed: Particles that the target needs: likely, fewest, most.
        verdict: What to do.
        reason: Why, in sentences.
        notes: What else to know.
    """

    line: BFactorLine | None
    best_angstrom: float
    doubled: Interval | tuple[float, None, None] | None
    needed: tuple[float, float, float | None] | None
    verdict: CollectingVerdict
    reason: str
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The advice for a JSON report; numbers that have no end are null."""
        line = self.line
        return {
            "b_factor_square_angstrom": line and line.b_factor,
            "b_factor_interval": line and line.b_interval,
            "points": line.points if line else 0,
            "best_angstrom": self.best_angstrom,
            "doubled_angstrom": self.doubled and [*map(_finite, self.doubled)],
            "particles_needed": self.needed and [*map(_finite, self.needed)],
            "interval_rate": RATE,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "notes": list(self.notes),
        }


def b_factor_line(subsets: tuple[Subset, ...], shells: Shells | None = None) -> BFactorLine | None:
    """The line through sub-sets; None when they have fewer than two sizes.

    A resolution is a whole shell, so that points scatter by at least what rounding to one
    does, also where a few of them happen to lie on a line.
    """
    xs = [math.log(one.particles) for one in subsets]
    ys = [one.resolution_angstrom**-2 for one in subsets]
    if len(set(xs)) < 2:
        return None
    centre, height = mean(xs), mean(ys)
    squares = sum((x - centre) ** 2 for x in xs)
    slope = sum((x - centre) * (y - height) for x, y in zip(xs, ys, strict=True)) / squares
    spread = None
    if len(xs) > 2:
        rest = [y - height - slope * (x - centre) for x, y in zip(xs, ys, strict=True)]
        spread = math.sqrt(sum(one * one for one in rest) / (len(xs) - 2))
        if shells:
            spread = max(spread, mean(_rounding(one, shells) for one in subsets))
    counts = [one.particles for one in subsets]
    return BFactorLine(slope, height, centre, squares, spread, len(xs), (min(counts), max(counts)))


def collect_advice(
    given: Subsets,
    *,
    target_angstrom: float | None = None,
    pixel_angstrom: float | None = None,
    box_px: int | None = None,
    particles_per_movie: float | None = None,
) -> CollectAdvice:
    """Whether more particles are worth collecting.

    Args:
        target_angstrom: The resolution needed.
        pixel_angstrom: Pixel size: nothing finer than twice of it can be resolved.
        box_px: Box, so that a gain can be counted in Fourier shells.
        particles_per_movie: To count movies as well.
    """
    shells = Shells(box_px, pixel_angstrom) if box_px and pixel_angstrom else None
    usable, notes = _usable(given.subsets, pixel_angstrom)
    line = b_factor_line(usable, shells)
    best = min(one.resolution_angstrom for one in given.subsets)
    doubled = line.resolution(2 * line.particles[1]) if line else None
    needed = line.needed(target_angstrom) if line and target_angstrom else None
    if line and line.spread is None:
        notes.append("Two points lie on a line whatever they are: nothing is known of its scatter.")
    question = _Question(target_angstrom, pixel_angstrom, shells, particles_per_movie)
    verdict, reason = _verdict(line, best, doubled, needed, question)
    return CollectAdvice(line, best, doubled, needed, verdict, reason, tuple(notes))


@dataclass(frozen=True)
class _Question:
    target: float | None
    pixel: float | None
    shells: Shells | None
    per_movie: float | None


def _usable(
    subsets: tuple[Subset, ...], pixel: float | None
) -> tuple[tuple[Subset, ...], list[str]]:
    if pixel is None:
        return subsets, []
    limit = AT_NYQUIST * nyquist(pixel)
    usable = tuple(one for one in subsets if one.resolution_angstrom > limit)
    left = len(subsets) - len(usable)
    if not left:
        return usable, []
    return usable, [
        f"{left} of {len(subsets)} resolutions are at the limit of the pixels, "
        f"{nyquist(pixel):g} Å, and show nothing about particles: they are left out."
    ]


def _verdict(
    line: BFactorLine | None,
    best: float,
    doubled: Interval | tuple[float, None, None] | None,
    needed: tuple[float, float, float | None] | None,
    question: _Question,
) -> tuple[CollectingVerdict, str]:
    stop, target = CollectingVerdict.STOP, question.target
    if target is not None and best <= target:
        return stop, f"{target:g} Å is reached: the best map has {best:g} Å."
    if question.pixel is not None and best <= AT_NYQUIST * nyquist(question.pixel):
        return stop, (
            f"{best:g} Å is the limit of pixels of {question.pixel:g} Å. Smaller pixels may bring "
            "more, particles not."
        )
    if target is not None and question.pixel is not None and target < nyquist(question.pixel):
        return stop, (
            f"{target:g} Å cannot be reached with pixels of {question.pixel:g} Å: twice the pixel "
            f"size, {nyquist(question.pixel):g} Å, is the limit."
        )
    if line is None:
        return CollectingVerdict.OPEN, (
            "Sub-sets of at least two sizes are needed, better of four and more, each half of "
            "the one before."
        )
    if line.b_factor is None:
        return stop, (
            "The resolution of these sub-sets does not grow with the particles. Something else "
            "limits it: several conformations, aberrations, the mask."
        )
    if target is not None and needed is not None:
        return _for_target(line, target, needed, question)
    return _for_doubling(line, best, doubled, question.shells)


def _for_target(
    line: BFactorLine, target: float, needed: tuple[float, float, float | None], question: _Question
) -> tuple[CollectingVerdict, str]:
    likely, fewest, most = needed
    have = line.particles[1]
    text = f"{target:g} Å needs about {_count(likely)} particles"
    if line.spread is not None:
        upper = _count(most) if most is not None and math.isfinite(most) else "any number"
        text += f" ({_count(fewest)} to {upper}, nine times of ten)"
    text += f"; you have {_count(have)}"
    if question.per_movie and math.isfinite(likely):
        text += f", so about {_count(max(likely - have, 0) / question.per_movie)} movies more"
    if fewest > FARTHEST * have:
        return CollectingVerdict.STOP, (
            f"{text}. That is more than {FARTHEST} times as many, even with luck: other grids, "
            "another microscope or a better model will bring more than movies."
        )
    if likely > FARTHEST * have:
        return CollectingVerdict.OPEN, (
            f"{text}. The line is not to be trusted beyond {FARTHEST} times the largest sub-set."
        )
    return CollectingVerdict.COLLECT, f"{text}."


def _for_doubling(
    line: BFactorLine,
    best: float,
    doubled: Interval | tuple[float, None, None] | None,
    shells: Shells | None,
) -> tuple[CollectingVerdict, str]:
    now = line.resolution(line.particles[1])
    if doubled is None or now is None:
        return CollectingVerdict.OPEN, "The line shows nothing at this number of particles."
    gain = now[0] - doubled[0]
    text = f"Twice the particles will probably bring {gain:.2g} Å, from {now[0]:.2f} Å on the line"
    if shells is None:
        return CollectingVerdict.OPEN, (
            f"{text}. Give a target; or box and pixel, to count the gain in Fourier shells."
        )
    step = shells.step(best)
    count = gain / step
    if count < 1:
        return CollectingVerdict.STOP, (
            f"{text}: less than one Fourier shell, which is {step:.2g} Å here, and so no gain "
            "that a map shows."
        )
    return CollectingVerdict.OPEN, f"{text}: {count:.1f} Fourier shells. Give a target to compare."


def _rounding(subset: Subset, shells: Shells) -> float:
    """Standard deviation in 1/d² that comes from rounding 1/d to a shell, in 1/Å²."""
    return 2 / subset.resolution_angstrom / shells.side_angstrom / math.sqrt(12)


def _finite(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else value


def _number(log: float) -> float:
    """Particles of a logarithm; infinite where no computer holds the number."""
    return math.exp(log) if log < 700 else math.inf


def _count(particles: float) -> str:
    """Three digits of it: no line is more exact."""
    if not math.isfinite(particles) or particles >= 1e12:
        return "more than 10^12"
    digits = max(len(str(int(particles))) - 3, 0)
    return f"{round(particles, -digits):,.0f}"

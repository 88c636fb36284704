"""How sure the recommendation is, given that it was selected: the winner's curse.

The best of many settings seems faster than it is, because chance helped it to win. The intervals
of a recommendation therefore come from the whole procedure, repeated on simulated runs: measured
times with the scatter of the repeats, the selection, then one more run of the setting selected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gotocloud.advisor.extras import library
from gotocloud.advisor.preference import Preference
from gotocloud.advisor.ranking import scores

DRAWS = 8000
"""With 1,000 the quantiles themselves were wrong by a point of coverage (docs/advice.md)."""
SEED = 20261130
"""The same records give the same answer."""

ALIKE = 0.05
"""A setting that wins oftener than this in the simulation cannot be distinguished from the best."""


class Candidate(Protocol):
    """A setting whose time was measured."""

    @property
    def runs(self) -> int: ...
    @property
    def in_job_s(self) -> float: ...
    def judged_at(self, in_job_s: float, preference: Preference) -> tuple[float, float | None]: ...


@dataclass(frozen=True)
class Selected:
    """What is known of a recommendation.

    Args:
        interval_s: Where the next run of it lies at the rate, seconds in the job.
        alike: Positions of the candidates that cannot be distinguished from it.
    """

    interval_s: tuple[float, float]
    alike: tuple[int, ...]


def selected(
    candidates: Sequence[Candidate],
    best: int,
    spread: tuple[float, int],
    preference: Preference,
    *,
    rate: float,
) -> Selected | None:
    """How sure it is that a candidate is the best, and how long its next run takes.

    Args:
        candidates: The measured settings that fit the preference.
        best: Position of the one recommended.
        spread: Relative standard deviation of repeats, and its degrees of freedom.
        preference: What they were compared by.
        rate: Of the interval.

    Returns:
        None if the preference cannot be worked out for every candidate.
    """
    np = library("numpy")
    lines = [_lines(one, preference) for one in candidates]
    if any(line is None for line in lines):
        return None
    a_h, b_h, a_usd, b_usd = np.array(lines, dtype=float).T
    times = np.array([one.in_job_s for one in candidates])
    runs = np.array([one.runs for one in candidates])
    chance = np.random.default_rng(SEED)
    # Student's t: the spread itself is known from so many repeats only.
    relative = spread[0] * np.sqrt(spread[1] / chance.chisquare(spread[1], DRAWS))
    noise = chance.standard_normal((DRAWS, len(candidates))) / np.sqrt(runs)
    measured = np.maximum(times * (1 + relative[:, None] * noise), 1e-9)
    score = scores(a_h + b_h * measured, a_usd + b_usd * measured, preference)
    winner = score.argmin(axis=1)
    following = times[winner] * (1 + relative * chance.standard_normal(DRAWS))
    ratio = following / measured[np.arange(DRAWS), winner]
    low, high = np.quantile(ratio, [(1 - rate) / 2, (1 + rate) / 2])
    beaten = (score <= score[:, [best]]).mean(axis=0)
    return Selected(
        interval_s=(max(float(low * times[best]), 0.0), float(high * times[best])),
        alike=tuple(int(i) for i in np.flatnonzero(beaten > ALIKE) if i != best),
    )


def _lines(one: Candidate, preference: Preference) -> tuple[float, float, float, float] | None:
    """Hours and US dollars as straight lines of the seconds in the job, about their value."""
    step = 0.01 * one.in_job_s
    (hours, usd), (more_h, more_usd) = (
        one.judged_at(seconds, preference) for seconds in (one.in_job_s, one.in_job_s + step)
    )
    if usd is None or more_usd is None:
        if preference.needs_price:
            return None
        usd = more_usd = 0.0
    slope_h, slope_usd = (more_h - hours) / step, (more_usd - usd) / step
    return hours - slope_h * one.in_job_s, slope_h, usd - slope_usd * one.in_job_s, slope_usd

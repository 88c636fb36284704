"""How the time of a job depends on what it is spread over: a constrained fit, with doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gotocloud.advisor.extras import library

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

RATE = 0.9
"""Share of intervals that hold the true value, unless another is given."""

TERMS = ("fixed", "parallel", "communication")
UNITS_FOR_COMMUNICATION = 4
"""Different numbers of units without which growth with their number is unknown."""

_ROUNDS = 4


@dataclass(frozen=True)
class Scaling:
    """seconds = fixed + parallel x work / units + communication x units, no part negative.

    Noise is taken to be proportional to the time: timings scatter by per cents, not seconds.

    Args:
        terms: The parts that were fitted, the first ones of `TERMS`.
        seconds: Their values, by `scipy.optimize.nnls` on rows weighted by 1 / time.
        spread: Relative standard deviation of a single timing about the curve.
        freedom: Degrees of freedom behind `spread`; at least 1.
        units: The smallest and the largest number of units measured.
        rate: Of the intervals of predictions.
        inverse: Inverse of the weighted normal matrix, for predictions.
    """

    terms: tuple[str, ...]
    seconds: tuple[float, ...]
    spread: float
    freedom: int
    units: tuple[int, int]
    rate: float
    inverse: tuple[tuple[float, ...], ...]

    def predict(self, units: float, work: float = 1.0) -> tuple[float, float, float]:
        """Seconds of a run, and the interval in which a next run lies at `rate`.

        Args:
            units: GPUs, or ranks x threads.
            work: Size of the data set relative to the one that was fitted.

        Raises:
            ValueError: outside the measured units, where the curve is not known.
        """
        low, high = self.units
        if not low <= units <= high:
            raise ValueError(f"{units:g} units were not measured; {low} to {high} were")
        np = library("numpy")
        row = _design(np.array([units], dtype=float), np.array([work]), len(self.terms))[0]
        middle = float(row @ np.array(self.seconds))
        doubt = float(row @ np.array(self.inverse) @ row) + middle**2
        reach = student_t(self.rate, self.freedom) * self.spread * doubt**0.5
        return middle, max(middle - reach, 0.0), middle + reach


def fit_scaling(
    units: Sequence[int],
    seconds: Sequence[float],
    work: Sequence[float] | None = None,
    *,
    rate: float = RATE,
) -> Scaling | None:
    """The curve through timings; None when they are too few to show how far they scatter.

    The communication part is fitted from four different numbers of units on, the other two
    from two; there is always at least one timing more than there are parts.

    Args:
        units: GPUs, or ranks x threads, of each timing.
        seconds: Its time.
        work: Its relative size. Default: all alike.
        rate: Of the intervals.
    """
    np = library("numpy")
    u, t = np.asarray(units, dtype=float), np.asarray(seconds, dtype=float)
    w = np.ones_like(u) if work is None else np.asarray(work, dtype=float)
    different = len(set(units))
    parts = 3 if different >= UNITS_FOR_COMMUNICATION else 2
    if different < 2 or len(t) <= parts:
        return None
    design = _design(u, w, parts)
    free, fitted, weighted = _weighted_fit(design, t)
    if np.linalg.matrix_rank(weighted) < parts:
        return None
    inverse = np.linalg.inv(weighted.T @ weighted)
    freedom = len(t) - parts
    expected = design @ fitted
    rest = weighted @ free - t / expected
    spread = float((rest @ rest / freedom) ** 0.5)
    return Scaling(
        terms=TERMS[:parts],
        seconds=tuple(map(float, fitted)),
        spread=spread,
        freedom=freedom,
        units=(int(u.min()), int(u.max())),
        rate=rate,
        inverse=tuple(tuple(map(float, line)) for line in inverse),
    )


def student_t(rate: float, freedom: int) -> float:
    """Half-width, in standard deviations, of a two-sided Student t interval."""
    return float(library("scipy.special").stdtrit(freedom, (1 + rate) / 2))


def _design(units: Numbers, work: Numbers, parts: int) -> Numbers:
    np = library("numpy")
    return np.column_stack([np.ones_like(units), work / units, units])[:, :parts]  # type: ignore[no-any-return]


def _weighted_fit(design: Numbers, seconds: Numbers) -> tuple[Any, Any, Any]:
    """The unconstrained and the constrained solution, and the weighted design.

    The weights are 1 / expected time; the first guess of it is the time itself, which
    favours small ones, so the fit is repeated with its own result.
    """
    np, nnls = library("numpy"), library("scipy.optimize").nnls
    expected = seconds
    for _ in range(_ROUNDS):
        weighted = design / expected[:, None]
        # Columns differ by orders of magnitude; nnls stops too early on such.
        size = np.linalg.norm(weighted, axis=0)
        fitted = nnls(weighted / size, seconds / expected)[0] / size
        expected = design @ fitted
    weighted = design / expected[:, None]
    free = np.linalg.lstsq(weighted, seconds / expected, rcond=None)[0]
    return free, fitted, weighted

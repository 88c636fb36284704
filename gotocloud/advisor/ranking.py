"""Ranks candidates by time and cost, a million as well as three."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gotocloud.advisor.extras import library
from gotocloud.advisor.preference import SCALE_HOURS, SCALE_USD, Preference

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Ranking:
    """Candidates in the order of a preference.

    Args:
        order: Indices of the candidates that fit, best first.
        unpriced: Indices of those that could not be judged for want of a price.
        too_slow: How many miss the deadline.
        too_dear: How many exceed the budget.
    """

    order: Indices
    unpriced: Indices
    too_slow: int
    too_dear: int


def rank(hours: Numbers, usd: Numbers, preference: Preference) -> Ranking:
    """The candidates that fit, best first.

    Equal scores are ordered by cost, then time, then the order in which the candidates
    were given: the same list always gives the same answer.

    Args:
        hours: Time in the job of each candidate.
        usd: Cost of each candidate; NaN when unknown.
        preference: What counts, and the limits.
    """
    np = library("numpy")
    priced = ~np.isnan(usd)
    judged = priced if preference.needs_price else np.ones_like(priced)
    # A comparison with NaN is false, so an unknown cost never fits a budget.
    in_time = hours <= (np.inf if preference.deadline_h is None else preference.deadline_h)
    in_budget = True if preference.budget_usd is None else usd <= preference.budget_usd
    kept = np.flatnonzero(judged & in_time & in_budget)
    h, c = hours[kept], usd[kept]
    return Ranking(
        order=kept[_sorted(scores(h, c, preference), c, h)],
        unpriced=np.flatnonzero(~judged),
        too_slow=int((judged & ~in_time).sum()),
        too_dear=int((judged & np.logical_not(in_budget)).sum()),
    )


def scores(hours: Numbers, usd: Numbers, preference: Preference) -> Numbers:
    """What a preference makes of time and cost; the least is the best.

    Only the order of scores means something: with one axis alone they are not squared,
    so that no two different times become one.
    """
    x, y = hours / SCALE_HOURS, usd / SCALE_USD
    if preference.weight == 1:
        return x
    if preference.weight == 0:
        return y
    return preference.weight * (x * x) + (1 - preference.weight) * (y * y)


def pareto_front(hours: Numbers, usd: Numbers) -> Indices:
    """Indices of the candidates that no other one beats, fastest first.

    One beats another when it is no slower and no dearer, and better in one of the two;
    equals do not beat each other. Candidates without a price are not on the front.
    """
    np = library("numpy")
    priced = np.flatnonzero(~np.isnan(usd))
    order = priced[_sorted(hours[priced], usd[priced])]
    h, c = hours[order], usd[order]
    begins = np.ones(h.shape, dtype=bool)
    begins[1:] = h[1:] != h[:-1]
    least = c[begins]
    group = np.cumsum(begins) - 1
    among_faster = np.concatenate(([np.inf], np.minimum.accumulate(least)))[: least.size]
    return order[(c == least[group]) & (c < among_faster[group])]  # type: ignore[no-any-return]


def _sorted(first: Numbers, *others: Numbers) -> Indices:
    """The order by the first key, then the others, then as given.

    Ties are rare among measured times, so only those who share a first key are sorted by
    the others.
    """
    np = library("numpy")
    order = np.argsort(first, kind="stable")
    values = first[order]
    same = values[1:] == values[:-1]
    shared = np.zeros(order.shape, dtype=bool)
    shared[1:] |= same
    shared[:-1] |= same
    places = np.flatnonzero(shared)
    members = order[places]
    keys = (other[members] for other in reversed(others))
    order[places] = members[np.lexsort((*keys, first[members]))]
    return order  # type: ignore[no-any-return]

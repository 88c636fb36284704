"""The ranking equals brute force on thousands of random catalogues."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from gotocloud.advisor.preference import Preference, Priority, preference
from gotocloud.advisor.ranking import pareto_front, rank
from gotocloud.errors import InputError

CATALOGUES = 3000
Candidate = tuple[float, float]


def brute_force(candidates: list[Candidate], choice: Preference) -> list[int]:
    """The order of a preference, candidate by candidate, as a person would find it."""

    def fits(hours: float, usd: float) -> bool:
        if choice.deadline_h is not None and hours > choice.deadline_h:
            return False
        if choice.budget_usd is not None and not usd <= choice.budget_usd:
            return False
        return not (math.isnan(usd) and choice.weight < 1)

    def key(index: int) -> tuple[float, float, float, int]:
        hours, usd = candidates[index]
        cost = math.inf if math.isnan(usd) else usd
        if choice.weight == 1:
            score = hours
        elif choice.weight == 0:
            score = usd
        else:
            score = choice.weight * (hours / 0.5) ** 2 + (1 - choice.weight) * (usd / 10) ** 2
        return score, cost, hours, index

    return sorted((i for i, one in enumerate(candidates) if fits(*one)), key=key)


def brute_front(candidates: list[Candidate]) -> set[int]:
    def beaten(one: Candidate) -> bool:
        return any(
            other[0] <= one[0] and other[1] <= one[1] and other != one for other in candidates
        )

    return {i for i, one in enumerate(candidates) if not math.isnan(one[1]) and not beaten(one)}


def catalogue(chance: random.Random) -> list[Candidate]:
    """Candidates on a coarse grid, so that ties of every kind abound; some without a price."""
    steps = chance.choice((2, 4, 9, 1000))

    def value(scale: float) -> float:
        return scale * chance.randint(1, steps) / 2

    return [
        (value(0.5), math.nan if chance.random() < 0.1 else value(10))
        for _ in range(chance.randint(0, 30))
    ]


def preferences(chance: random.Random) -> Preference:
    return Preference(
        weight=chance.choice((0, 0.5, 1, 0.25, chance.random())),
        deadline_h=chance.choice((None, None, chance.uniform(0.2, 3), 1.0)),
        budget_usd=chance.choice((None, None, chance.uniform(4, 60), 20.0)),
    )


def arrays(candidates: list[Candidate]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(candidates, dtype=float).reshape(-1, 2)
    return table[:, 0].copy(), table[:, 1].copy()


def test_the_order_equals_brute_force_for_every_option_and_every_tie() -> None:
    chance = random.Random(20241014)  # noqa: S311 - a seed, no secret
    ties = 0
    for _ in range(CATALOGUES):
        candidates, choice = catalogue(chance), preferences(chance)
        ties += len(set(candidates)) < len(candidates)
        found = rank(*arrays(candidates), choice)
        assert found.order.tolist() == brute_force(candidates, choice), (candidates, choice)
    assert ties > CATALOGUES / 4, "the catalogues hold too few ties to show anything"


def test_the_pareto_front_equals_brute_force_fastest_first() -> None:
    chance = random.Random(7031)  # noqa: S311 - a seed, no secret
    for _ in range(CATALOGUES):
        candidates = catalogue(chance)
        hours, usd = arrays(candidates)
        front = pareto_front(hours, usd).tolist()
        assert set(front) == brute_front(candidates), candidates
        assert [candidates[i][0] for i in front] == sorted(candidates[i][0] for i in front)


def test_balanced_draws_ten_dollars_as_long_as_half_an_hour() -> None:
    # Both are equally far from the origin in the paper's plot: the cheaper one wins the tie.
    hours, usd = arrays([(0.5, 20.0), (1.0, 10.0)])
    assert rank(hours, usd, preference(priority="balanced")).order.tolist() == [1, 0]
    hours, usd = arrays([(0.5, 20.0), (1.01, 10.0)])
    assert rank(hours, usd, preference()).order.tolist() == [0, 1]


def test_what_has_no_price_can_be_fastest_but_neither_cheapest_nor_in_budget() -> None:
    hours, usd = arrays([(1.0, math.nan), (2.0, 5.0)])
    assert rank(hours, usd, preference(priority="speed")).order.tolist() == [0, 1]
    for choice in (preference(priority="cost"), preference(priority="speed", budget_usd=9)):
        found = rank(hours, usd, choice)
        assert found.order.tolist() == [1]
        assert found.unpriced.tolist() == [0]


def test_what_misses_the_limits_is_counted() -> None:
    hours, usd = arrays([(1.0, 50.0), (3.0, 5.0), (1.5, 10.0)])
    found = rank(hours, usd, preference(deadline_h=2, budget_usd=20))
    assert (found.order.tolist(), found.too_slow, found.too_dear) == ([2], 1, 1)


@pytest.mark.parametrize("priority", list(Priority))
def test_a_priority_is_a_weight(priority: Priority) -> None:
    weight = {"speed": 1, "balanced": 0.5, "cost": 0, "paper": 0.5}[priority]
    made = preference(priority=priority)
    assert (made.weight, made.in_job) == (weight, priority == "paper")


def test_options_that_contradict_each_other_are_refused_with_everything_wrong() -> None:
    with pytest.raises(InputError) as caught:
        preference(priority="speed", weight=2, deadline_h=-1, budget_usd=math.nan)
    text = str(caught.value)
    assert "exclude each other" in text
    assert "--weight 2" in text
    assert "--deadline -1" in text
    assert "--budget nan" in text

"""What a scientist prefers: speed, balance or cost, a deadline, a budget."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from gotocloud.errors import InputError

SCALE_HOURS = 0.5
SCALE_USD = 10.0
"""The paper's axes: 10 USD are drawn as long as half an hour.

Source: Moriya et al., Communications Biology 2024, doi 10.1038/s42003-024-07031-6, Fig. 2.
"""


class Priority(StrEnum):
    """What counts most."""

    SPEED = "speed"
    BALANCED = "balanced"
    COST = "cost"
    PAPER = "paper"
    """As balanced, of the time and cost in the job alone."""


_WEIGHTS = {
    Priority.SPEED: 1.0,
    Priority.BALANCED: 0.5,
    Priority.COST: 0.0,
    Priority.PAPER: 0.5,
}


@dataclass(frozen=True)
class Preference:
    """How candidates are compared.

    The score of a candidate is weight (hours / 0.5)^2 + (1 - weight) (USD / 10)^2, least
    is best: the squared distance from the origin with the paper's axes at weight 0.5. Hours
    run from the request of the machines to the end, USD to their power-off.

    Args:
        weight: Share of time in the score: 1 is speed, 0 is cost, 0.5 is the paper's.
        deadline_h: Longest time, hours; None for no limit.
        budget_usd: Highest cost, US dollars; None for no limit.
        in_job: Whether time and cost in the job count alone, as in the paper.
    """

    weight: float = 0.5
    deadline_h: float | None = None
    budget_usd: float | None = None
    in_job: bool = False

    @property
    def words(self) -> str:
        """The criterion for people."""
        if self.weight == 1:
            text = "fastest"
        elif self.weight == 0:
            text = "cheapest"
        elif self.weight == 0.5:
            text = "nearest to the origin with 10 USD drawn as 0.5 h"
        else:
            text = f"time weighs {self.weight:g}, cost {1 - self.weight:g}"
        text += " in the job (the paper's criterion)" if self.in_job else " of all that is paid"
        limits = []
        if self.deadline_h is not None:
            limits.append(f"within {self.deadline_h:g} h")
        if self.budget_usd is not None:
            limits.append(f"for at most {self.budget_usd:g} USD")
        return ", ".join([text, *limits])

    @property
    def needs_price(self) -> bool:
        """Whether a candidate without a price cannot be judged."""
        return self.weight < 1 or self.budget_usd is not None


def preference(
    *,
    priority: str | None = None,
    weight: float | None = None,
    deadline_h: float | None = None,
    budget_usd: float | None = None,
) -> Preference:
    """A preference from what was typed.

    Raises:
        InputError: with everything that is wrong.
    """
    problems = []
    if priority is not None and weight is not None:
        problems.append("--priority and --weight exclude each other")
    if priority is not None and priority not in set(Priority):
        problems.append(f"--priority {priority!r} is not one of {', '.join(Priority)}")
    if weight is not None and not 0 <= weight <= 1:
        problems.append(f"--weight {weight:g} is not between 0 (cost) and 1 (speed)")
    for name, value, unit in (
        ("deadline", deadline_h, "hours"),
        ("budget", budget_usd, "US dollars"),
    ):
        if value is not None and not (math.isfinite(value) and value > 0):
            problems.append(f"--{name} {value:g} must be more than 0 {unit}")
    if problems:
        raise InputError(
            "These options are not valid:",
            problems=problems,
            next_command="gotocloud advise refine3d --priority balanced --deadline 4",
        )
    if weight is None:
        weight = _WEIGHTS[Priority(priority or Priority.BALANCED)]
    return Preference(weight, deadline_h, budget_usd, in_job=priority == Priority.PAPER)

"""How long a job's machines ran and what that costs: one rule for every command.

`gotocloud jobs`, the budget of a sweep and `gotocloud advise import` all count with it. What is
not known makes a sum incomplete; it never counts as zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gotocloud.errors import GoToCloudError
from gotocloud.formats import usd_text

SECONDS_PER_HOUR = 3600

Price = Callable[[str, bool], float | None]
"""USD of an hour of an instance type, spot or on demand; None if unknown."""


class Timed(Protocol):
    """The times of one start of a job, in seconds since 1970; None before, or if not recorded."""

    @property
    def submitted_at_s(self) -> float | None: ...
    @property
    def started_at_s(self) -> float | None: ...
    @property
    def ended_at_s(self) -> float | None: ...


class Priced(Timed, Protocol):
    """The same with its machines."""

    @property
    def nodes(self) -> int: ...
    @property
    def instance_type(self) -> str: ...
    @property
    def spot(self) -> bool: ...
    @property
    def price_usd_per_hour(self) -> float | None: ...


@dataclass(frozen=True)
class Use:
    """Machines in use, from one start of a job to its end.

    Args:
        seconds: How long; None if the end is not known.
        nodes: Machines.
        usd_per_node_hour: Price of one machine; None if unknown.
    """

    seconds: float | None
    nodes: int
    usd_per_node_hour: float | None


@dataclass(frozen=True)
class Cost:
    """An amount of money.

    Args:
        usd: The part that is known; None if nothing is.
        complete: Whether that is all.
    """

    usd: float | None
    complete: bool

    def __str__(self) -> str:
        if self.usd is None:
            return "unknown"
        return f"{'' if self.complete else 'at least '}{usd_text(self.usd)} USD"


@dataclass(frozen=True)
class MachineTime:
    """The sum over all starts of a job.

    Args:
        starts: How often it was started.
        seconds: Time in the job, as far as it is known.
        timed: Whether the time of every start is known.
        cost: What the machines cost in that time.
    """

    starts: int
    seconds: float
    timed: bool
    cost: Cost


def seconds_of(attempts: Sequence[Timed]) -> tuple[float | None, ...]:
    """Seconds of each attempt that started, oldest first; None where the end is not known."""
    return tuple(
        _seconds(attempt, attempts[position + 1 :])
        for position, attempt in enumerate(attempts)
        if attempt.started_at_s is not None
    )


def uses_of(attempts: Sequence[Priced], price: Price) -> tuple[Use | None, ...]:
    """The use of machines of each attempt, in their order; None for one that never started.

    Args:
        attempts: All attempts at a job, oldest first.
        price: Price of an attempt that recorded none.
    """
    return tuple(
        None
        if attempt.started_at_s is None
        else Use(_seconds(attempt, attempts[position + 1 :]), attempt.nodes, _price(attempt, price))
        for position, attempt in enumerate(attempts)
    )


def total(uses: Iterable[Use | None]) -> MachineTime:
    """The sum; a job that never started has cost nothing."""
    started = [use for use in uses if use is not None]
    measured = [(use, use.seconds) for use in started if use.seconds is not None]
    paid = [
        use.usd_per_node_hour * use.nodes * seconds / SECONDS_PER_HOUR
        for use, seconds in measured
        if use.usd_per_node_hour is not None
    ]
    return MachineTime(
        starts=len(started),
        seconds=sum(seconds for _, seconds in measured),
        timed=len(measured) == len(started),
        cost=Cost(
            sum(paid) if paid or not started else None,
            complete=len(paid) == len(started),
        ),
    )


def table_price(region: str) -> Price:
    """Prices of a region from the price table.

    A table of one's own that cannot be used makes prices unknown; it must not hide the jobs.
    """
    from gotocloud.costs.prices import price_usd_per_hour, spot_price_usd_per_hour

    def price(instance_type: str, spot: bool) -> float | None:
        find = spot_price_usd_per_hour if spot else price_usd_per_hour
        try:
            found = find(instance_type, region) if region else None
        except GoToCloudError:
            return None
        return None if found is None else float(found.usd)

    return price


def _seconds(attempt: Timed, later: Sequence[Timed]) -> float | None:
    """From start to end.

    An attempt that lost its machine could not record its end; it ended at the latest when the
    next attempt was submitted, or started where Slurm put the same job back: such attempts
    share one submission, which ends none of them.
    """
    began, ended = attempt.started_at_s, attempt.ended_at_s
    if began is None:
        return None
    if ended is None:
        times = (at for one in later for at in (one.submitted_at_s, one.started_at_s))
        later_than = (at for at in times if at is not None and at != attempt.submitted_at_s)
        ended = next((at for at in later_than if at >= began), None)
    return None if ended is None else max(0.0, ended - began)


def _price(attempt: Priced, price: Price) -> float | None:
    if attempt.price_usd_per_hour is not None or not attempt.instance_type:
        return attempt.price_usd_per_hour
    return price(attempt.instance_type, attempt.spot)

"""How long a shape will probably take: measured, or from one known run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gotocloud.advisor.estimates import estimate_times
from gotocloud.advisor.records import BenchmarkRecord
from gotocloud.advisor.sizes import Size
from gotocloud.advisor.sweep.plan import Guess, SweepSetting

SECONDS_PER_HOUR = 3600


def from_records(
    records: Sequence[BenchmarkRecord], kind: str, size: Size
) -> Callable[[SweepSetting], Guess | None]:
    """Guesses from benchmark records of the same kind of job, where they reach that far."""
    own = [record for record in records if record.job_type == kind]
    estimates = estimate_times(own, size).found if own else ()

    def guess(setting: SweepSetting) -> Guess | None:
        for one in estimates:
            shape = one.shape
            if (shape.instance_type, shape.nodes) != (setting.instance_type, setting.nodes):
                continue
            if shape.units == setting.units:
                return Guess(one.seconds / SECONDS_PER_HOUR, one.basis)
        return None

    return guess


def from_one_run(hours: float, units: int) -> Callable[[SweepSetting], Guess | None]:
    """Guesses from one run of the job, rather too long than too short.

    Fewer units take longer by their ratio; more units are not taken to be any faster.

    Args:
        hours: What the run took.
        units: What its work was divided among: GPUs, else ranks x threads.
    """

    def guess(setting: SweepSetting) -> Guess | None:
        slower = max(1.0, units / setting.units) if setting.units else 1.0
        return Guess(hours * slower, f"at most, from one run of {hours:.2g} h on {units}")

    return guess


def first_of(
    *guesses: Callable[[SweepSetting], Guess | None],
) -> Callable[[SweepSetting], Guess | None]:
    """The first guess that has a value."""

    def guess(setting: SweepSetting) -> Guess | None:
        return next((found for one in guesses if (found := one(setting))), None)

    return guess

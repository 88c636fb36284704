"""One way to run a job, with its time, its cost and how sure they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gotocloud.advisor.estimates import Estimate
from gotocloud.advisor.money import NodePrice
from gotocloud.advisor.paid import Overhead, Paid, paid
from gotocloud.advisor.preference import Preference
from gotocloud.advisor.shapes import Shape, label


@dataclass(frozen=True)
class Choice:
    """One way to run the job, with its time and cost.

    Args:
        estimate: The time.
        price: Of one node; None when unknown.
        overhead: What is paid beside the job's own time.
        resumes: Whether the job continues after an interruption.
        next_run_s: Of the recommendation: where its next run lies, the selection accounted for.
        on_front: Whether no other choice is both faster and cheaper.
    """

    estimate: Estimate
    price: NodePrice | None
    overhead: Overhead = field(default_factory=Overhead)
    resumes: bool = True
    next_run_s: tuple[float, float] | None = None
    on_front: bool = False

    @property
    def shape(self) -> Shape:
        """What it runs on."""
        return self.estimate.shape

    @property
    def label(self) -> str:
        """The paper's label."""
        first = self.estimate.records[0]
        return label(self.shape, first.gpus_per_node, first.vcpus_per_node)

    @property
    def hours(self) -> float:
        """Hours in the job."""
        return self.estimate.seconds / 3600

    @property
    def hours_interval(self) -> tuple[float, float] | None:
        """Where a next run lies nine times of ten; None when the scatter is not known.

        Of the recommendation the selection is accounted for.
        """
        if self.next_run_s is not None:
            return self.next_run_s[0] / 3600, self.next_run_s[1] / 3600
        if self.estimate.low is None or self.estimate.high is None:
            return None
        return self.estimate.low / 3600, self.estimate.high / 3600

    @property
    def hours_bounds(self) -> tuple[float, float] | None:
        """Between which times the assumptions put it; no probability."""
        bounds = self.estimate.bounds
        return None if bounds is None else (bounds[0] / 3600, bounds[1] / 3600)

    @property
    def runs(self) -> int:
        """Timings of this very setting."""
        return self.estimate.runs

    @property
    def is_measured(self) -> bool:
        """Whether this very setting ran the very work."""
        return self.estimate.runs > 0 and not self.estimate.transferred

    @property
    def in_job_s(self) -> float:
        """Seconds in the job."""
        return self.estimate.seconds

    @property
    def usd_per_hour(self) -> float | None:
        """All nodes for an hour."""
        return None if self.price is None else self.price.usd_per_hour * self.shape.nodes

    @property
    def usd(self) -> float | None:
        """All nodes while the program runs; neither boot nor idle time is part of it."""
        return None if self.usd_per_hour is None else self.hours * self.usd_per_hour

    @property
    def paid(self) -> Paid:
        """Time from the request of the machines, and what is paid until their power-off."""
        return self._paid_for(self.estimate.seconds)

    def _paid_for(self, in_job_s: float) -> Paid:
        return paid(in_job_s, self.shape.nodes, self.overhead, resumes=self.resumes)

    @property
    def paid_usd(self) -> float | None:
        """All nodes from their request to their power-off; None when the price is unknown."""
        return None if self.price is None else self.paid.usd(self.price.usd_per_hour)

    def judged_by(self, preference: Preference) -> tuple[float, float | None]:
        """Hours and US dollars that a preference compares."""
        return self.judged_at(self.estimate.seconds, preference)

    def judged_at(self, in_job_s: float, preference: Preference) -> tuple[float, float | None]:
        """The same if the job took another time."""
        rate = None if self.price is None else self.price.usd_per_hour
        if preference.in_job:
            hours = in_job_s / 3600
            return hours, None if rate is None else hours * rate * self.shape.nodes
        spent = self._paid_for(in_job_s)
        return spent.hours, None if rate is None else spent.usd(rate)

    @property
    def usd_interval(self) -> tuple[float, float] | None:
        """The interval of the time at the price of today."""
        if self.usd_per_hour is None or self.hours_interval is None:
            return None
        low, high = self.hours_interval
        return low * self.usd_per_hour, high * self.usd_per_hour

    def as_dict(self) -> dict[str, Any]:
        """The choice for a JSON report."""
        return {
            "label": self.label,
            "instance_type": self.shape.instance_type,
            "nodes": self.shape.nodes,
            "gpus": self.shape.gpus or None,
            "ranks": self.shape.ranks or None,
            "threads": self.shape.threads or None,
            "relion_version": self.shape.relion_version or None,
            "executable": self.shape.executable or None,
            "hours": self.hours,
            "hours_interval": self.hours_interval,
            "hours_bounds": self.hours_bounds,
            "usd": self.usd,
            "usd_interval": self.usd_interval,
            "paid_hours": self.paid.hours,
            "paid_usd": self.paid_usd,
            "overhead": list(self.overhead.sources),
            "usd_per_hour": self.usd_per_hour,
            "price_date": self.price and self.price.date,
            "price_source": self.price and self.price.source,
            "on_pareto_front": self.on_front,
            "basis": self.estimate.basis,
            "runs": self.estimate.runs,
            "sources": list(self.estimate.sources),
        }

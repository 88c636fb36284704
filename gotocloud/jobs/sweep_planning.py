"""Plan a sweep: with this cluster's queues, earlier measurements and prices."""

from __future__ import annotations

from collections.abc import Callable

from gotocloud.advisor.job_names import job_name
from gotocloud.advisor.money import market_of, node_price
from gotocloud.advisor.places import load_records
from gotocloud.advisor.records import BenchmarkRecord
from gotocloud.advisor.sizes import Size
from gotocloud.advisor.sweep.guess import first_of, from_one_run, from_records
from gotocloud.advisor.sweep.plan import Axes, Guess, SweepPlan, SweepSetting, plan_sweep
from gotocloud.findings import Finding
from gotocloud.jobs.cluster import this_cluster
from gotocloud.jobs.placing import place
from gotocloud.relion.job import Job
from gotocloud.relion.overrides import Overrides
from gotocloud.relion.routing import Route


def planned(job: Job, axes: Axes, hours_each: float | None) -> SweepPlan:
    """The plan of a sweep on this cluster.

    Args:
        job: The job to measure.
        axes: What is varied.
        hours_each: How long a run takes, where no measurement exists; None if unknown.

    Raises:
        InputError: if it cannot be planned.
        GoToCloudError: if Slurm does not answer.
    """
    cluster = this_cluster()
    region = cluster.facts.region
    records, _ = load_records(None)

    def with_overrides(job: Job, chosen: Overrides) -> tuple[Route, tuple[Finding, ...]]:
        found = place(job, cluster, chosen)
        return found.route, found.findings

    def price(setting: SweepSetting) -> float | None:
        market = market_of(spot=setting.spot)
        found = node_price(setting.instance_type, region, market, records) if region else None
        return found.usd_per_hour if found else None

    return plan_sweep(
        job,
        axes,
        place=with_overrides,
        guess=_guesses(job, records, hours_each),
        usd_per_node_hour=price,
    )


def _guesses(
    job: Job, records: tuple[BenchmarkRecord, ...], hours_each: float | None
) -> Callable[[SweepSetting], Guess | None]:
    kind = job_name(job.kind)
    size = Size(particles=job.particles, box_px=job.box_px)
    guesses = [from_records(records, kind, size)]
    if hours_each is not None:
        guesses.append(lambda _: Guess(hours_each, "as you stated"))
    elif own := _own_run(job):
        guesses.append(from_one_run(own.hours, own.units or 1))
    return first_of(*guesses)


def _own_run(job: Job) -> BenchmarkRecord | None:
    """What the job itself took, if it has run."""
    from gotocloud.advisor.imports.job import StatedFacts
    from gotocloud.jobs.measuring import gather

    found = gather([job.directory], StatedFacts(source="own"), sacct=None, columns={}, constants={})
    usable = [record for record in found.records if record.is_benchmark]
    return usable[0] if usable else None

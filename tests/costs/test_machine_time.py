"""The one rule by which commands count machine time and money."""

from __future__ import annotations

from dataclasses import dataclass

from gotocloud.costs.machine_time import Cost, Use, table_price, total, uses_of


@dataclass(frozen=True)
class Attempt:
    submitted_at_s: float | None = 0.0
    started_at_s: float | None = 0.0
    ended_at_s: float | None = 3600.0
    nodes: int = 2
    instance_type: str = "c7i.48xlarge"
    spot: bool = False
    price_usd_per_hour: float | None = None


def test_a_job_that_never_started_costs_zero_and_one_without_a_price_an_unknown_sum() -> None:
    assert total([]).cost == total([None]).cost == Cost(0, complete=True)
    without_price = total([Use(3600, 2, None)])
    assert without_price.cost == Cost(None, complete=False)
    assert without_price.timed


def test_a_start_without_an_end_makes_time_and_cost_a_lower_bound() -> None:
    found = total([Use(1800, 2, 3.0), Use(None, 2, 3.0), None])
    assert (found.starts, found.seconds, found.timed) == (2, 1800, False)
    assert found.cost == Cost(3.0, complete=False)


def test_a_recorded_price_counts_before_the_tables_and_no_machine_has_none() -> None:
    def price(instance_type: str, spot: bool) -> float:
        return 1.0 if spot else 5.0

    attempts = (
        Attempt(),
        Attempt(spot=True),
        Attempt(price_usd_per_hour=7.0),
        Attempt(instance_type=""),
    )
    prices = [use.usd_per_node_hour for use in uses_of(attempts, price) if use]
    assert prices == [5.0, 1.0, 7.0, None]


def test_the_table_has_a_price_for_spot_and_one_on_demand_and_none_without_a_region() -> None:
    price = table_price("us-east-1")
    spot, on_demand = price("c7i.48xlarge", True), price("c7i.48xlarge", False)
    assert spot is not None
    assert on_demand is not None
    assert spot < on_demand
    assert table_price("")("c7i.48xlarge", False) is None

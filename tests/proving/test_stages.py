from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest

from gotocloud.cluster_configs.model import configuration_names, load_configuration
from gotocloud.costs.prices import price_usd_per_hour
from gotocloud.errors import GoToCloudError
from gotocloud.platform.zones import zone_map
from gotocloud.projects.quotas import Quota
from gotocloud.proving.plan import ProofPlan, cheapest_plan, plan_of, queues_in
from gotocloud.proving.stages import (
    HOURS,
    MPI_NODES,
    ProofMachine,
    ProofStage,
    StagePrice,
    prices,
    require_affordable,
    until,
)

ZONE = zone_map().region("us-east-1").best


def plan() -> ProofPlan:
    loaded = [load_configuration(name) for name in configuration_names()]
    return cheapest_plan(loaded, "us-east-1", ZONE.zone_id, ZONE.offerings)


def test_a_stage_costs_what_its_time_limit_costs() -> None:
    found = prices(
        Decimal("0.50"), [], [ProofMachine("a", 3, Decimal(1)), ProofMachine("b", 1, Decimal(2))]
    )
    assert found[ProofStage.ACCOUNT].usd == 0
    assert found[ProofStage.CLUSTER].usd == Decimal("0.75")
    assert found[ProofStage.JOB].usd == HOURS[ProofStage.JOB] * Decimal("5.50")


def test_a_machine_without_a_price_is_named_and_never_free() -> None:
    found = prices(Decimal(1), [], [ProofMachine("dear", 3, None)])
    assert found[ProofStage.JOB].unknown == ("dear",)
    assert "at least" in str(found[ProofStage.JOB])
    assert found[ProofStage.CLUSTER].unknown == ()
    with pytest.raises(GoToCloudError, match="without a known price") as caught:
        require_affordable(found[ProofStage.JOB], Decimal(), Decimal(1000))
    assert caught.value.next_command == "gotocloud platform prices --refresh"


@pytest.mark.parametrize(
    ("spent", "price", "fits"),
    [("0", "10", True), ("0.01", "10", False), ("10", "0", True), ("11", "0", False)],
)
def test_a_stage_that_could_exceed_the_budget_does_not_begin(
    spent: str, price: str, fits: bool
) -> None:
    stage = StagePrice(ProofStage.CLUSTER, Decimal(1), Decimal(price))
    if fits:
        require_affordable(stage, Decimal(spent), Decimal(10))
        return
    with pytest.raises(GoToCloudError, match="are left"):
        require_affordable(stage, Decimal(spent), Decimal(10))


def test_the_plan_fits_the_usual_budget_where_prices_are_known() -> None:
    found = plan()
    assert not any(one.unknown for one in found.prices.values())
    assert found.total_usd < 10


def test_the_queues_are_the_cheapest_that_are_large_enough() -> None:
    """Held against a search through every queue of every configuration."""
    found = plan()
    best = []
    for name in configuration_names():
        queues = queues_in(load_configuration(name), ZONE.offerings)
        for mpi, spot in product(queues, queues):
            if mpi.max_nodes >= MPI_NODES and not mpi.spot and spot.spot:
                usd = [price_usd_per_hour(one.instance_type, "us-east-1") for one in (mpi, spot)]
                if all(usd):
                    cost = sum(
                        (one.usd * count for one, count in zip(usd, (3, 1), strict=True) if one),
                        Decimal(),
                    )
                    best.append((cost, mpi.instance_type, spot.instance_type))
    assert (found.mpi.instance_type, found.spot.instance_type) == min(best)[1:]


def test_a_configuration_without_a_queue_for_three_nodes_is_left_out() -> None:
    tutorial = load_configuration("tutorial")
    assert plan_of(tutorial, "us-east-1", ZONE.zone_id, ZONE.offerings) is None
    with pytest.raises(GoToCloudError, match="No cluster configuration has a queue for 3 nodes"):
        cheapest_plan([tutorial], "us-east-1", ZONE.zone_id, ZONE.offerings)


def test_quotas_are_those_of_the_head_node_and_the_nodes() -> None:
    found = plan()
    assert found.needed(Quota.ELASTIC_IPS) == 2
    assert found.needed(Quota.STANDARD) >= 4
    assert found.needed(Quota.GRAPHICS) + found.needed(Quota.STANDARD) > 3 * 4


def test_the_stages_up_to_one_are_those_before_it() -> None:
    assert until(ProofStage.ACCOUNT) == (ProofStage.ACCOUNT,)
    assert until(ProofStage.FINISH)[-1] is ProofStage.FINISH
    assert ProofStage.BILL not in until(ProofStage.FINISH)

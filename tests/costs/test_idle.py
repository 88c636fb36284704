"""What an idle cluster costs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gotocloud.cluster_configs.lustre_sizes import Deployment
from gotocloud.cluster_configs.model import configuration_names, load_configuration
from gotocloud.costs.idle import idle_cost
from gotocloud.costs.price import Item, PriceUnit
from gotocloud.costs.prices import find_price


def test_every_part_of_an_idle_cluster_is_counted() -> None:
    cost = idle_cost(load_configuration("cryoem-spa"), "us-east-1", 2400)
    by_name = {item.name: item.usd_per_hour for item in cost.items}
    assert by_name == {
        "Head node": Decimal("0.192"),
        "Root volume of the head node": Decimal("0.08") * 45 / 730,
        "NAT gateway": Decimal("0.045"),
        "Public IPv4 addresses": Decimal("0.010"),
        "Lustre file system": Decimal("0.14") * 2400 / 730,
    }
    assert cost.unknown == ()
    assert cost.known_total_usd_per_hour == sum(filter(None, by_name.values()))
    assert cost.headline == "USD 0.71 per hour"


def test_an_unknown_price_is_named_and_makes_the_total_a_lower_bound() -> None:
    cost = idle_cost(load_configuration("cryoem-spa"), "ap-northeast-1", 2400)
    assert cost.unknown == ("Lustre file system",)
    assert cost.headline == "at least USD 0.33 per hour"
    assert cost.as_dict()["complete"] is False


def test_nothing_known_still_states_at_least() -> None:
    cost = idle_cost(load_configuration("cryoem-spa"), "ap-southeast-7", 2400)
    assert len(cost.unknown) == 4
    assert cost.headline == "at least USD 0.01 per hour"


def test_more_lustre_costs_in_proportion() -> None:
    tutorial = load_configuration("tutorial")
    small, large = (idle_cost(tutorial, "us-east-1", gib) for gib in (1200, 4800))
    assert small.items[-1].usd_per_hour is not None
    assert large.items[-1].usd_per_hour == pytest.approx(small.items[-1].usd_per_hour * 4)


def test_another_head_node_has_its_own_price() -> None:
    spa = load_configuration("cryoem-spa")
    cost = idle_cost(spa, "us-east-1", 2400, head_node_type="m7i.xlarge")
    assert cost.items[0].usd_per_hour == Decimal("0.2016")
    assert cost.items[0].quantity == "m7i.xlarge"


@pytest.mark.parametrize("name", configuration_names())
def test_every_configuration_can_be_costed(name: str) -> None:
    configuration = load_configuration(name)
    data = idle_cost(configuration, "us-east-1", configuration.lustre.gib).as_dict()
    assert data["complete"]
    assert data["known_total_usd_per_hour"] > 0


def test_a_persistent_lustre_has_its_own_price() -> None:
    wanted = load_configuration("cryoem-spa")
    lustre = wanted.lustre.model_copy(update={"deployment_type": Deployment.PERSISTENT_2})
    cost = idle_cost(wanted.model_copy(update={"lustre": lustre}), "us-east-1", 2400)
    price = find_price(Item.LUSTRE_PERSISTENT_2, "us-east-1", PriceUnit.GB_MONTH)
    assert price != find_price(Item.LUSTRE_SCRATCH_2, "us-east-1", PriceUnit.GB_MONTH)
    assert cost.items[-1].price == price


def test_a_report_has_every_quantity_and_the_price_behind_it() -> None:
    cost = idle_cost(load_configuration("cryoem-spa"), "us-east-1", 2400)
    report = cost.as_dict()
    assert (report["configuration"], report["region"]) == ("cryoem-spa", "us-east-1")
    assert [(one["name"], one["quantity"]) for one in report["items"]] == [
        ("Head node", "m5.xlarge"),
        ("Root volume of the head node", "45 GiB gp3"),
        ("NAT gateway", "1"),
        ("Public IPv4 addresses", "2"),
        ("Lustre file system", "2,400 GiB SCRATCH_2"),
    ]
    for item, shown in zip(cost.items, report["items"], strict=True):
        assert item.price is not None
        assert shown["price"] == item.price.as_dict()
        assert shown["usd_per_hour"] == float(item.usd_per_hour or 0) > 0


def test_a_report_shows_an_unknown_price_as_unknown() -> None:
    last = idle_cost(load_configuration("cryoem-spa"), "ap-northeast-1", 2400).as_dict()["items"][
        -1
    ]
    assert (last["usd_per_hour"], last["price"]) == (None, None)

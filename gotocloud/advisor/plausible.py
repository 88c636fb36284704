"""The values of a record must fit together; units that are wrong show here."""

from __future__ import annotations

from functools import cache

from gotocloud.advisor.records import BenchmarkRecord
from gotocloud.cluster_configs.instances import instance_types
from gotocloud.costs.price import PriceUnit
from gotocloud.costs.prices import shipped_table

PRICE_FACTOR = 8
"""A price this many times off every known one of the type is taken for a wrong unit.

Regions differ by up to half and spot prices by up to 70 % (the paper), so 8 leaves room.
"""
CLOCK_TOLERANCE_S = 2
"""Two clocks that round to seconds may differ by so much."""


def row_problems(record: BenchmarkRecord) -> list[str]:
    """Everything in a record that contradicts itself or what is known of its machine."""
    return [*_machine_problems(record), *_time_problems(record), *_price_problems(record)]


def _machine_problems(record: BenchmarkRecord) -> list[str]:
    problems = []
    machine = instance_types().get(record.instance_type)
    per_node = record.gpus_per_node
    if machine and per_node is not None and per_node != machine.gpus:
        problems.append(f"gpus_per_node {per_node}: {machine.name} has {machine.gpus}")
    if machine and record.vcpus_per_node not in (None, machine.vcpus):
        problems.append(
            f"vcpus_per_node {record.vcpus_per_node}: {machine.name} has {machine.vcpus}"
        )
    per_node = machine.gpus if machine else per_node
    if record.gpus and per_node is not None and record.gpus > record.nodes * per_node:
        problems.append(
            f"gpus {record.gpus}: {record.nodes} x {record.instance_type} have "
            f"{record.nodes * per_node}"
        )
    if record.ranks is not None and record.ranks < record.nodes:
        problems.append(f"ranks {record.ranks}: fewer than the {record.nodes} nodes")
    return problems


def _time_problems(record: BenchmarkRecord) -> list[str]:
    whole = record.submit_to_exit_s
    if whole is not None and whole + CLOCK_TOLERANCE_S < record.in_job_s:
        return [f"submit_to_exit_s {whole:g} is less than in_job_s {record.in_job_s:g}"]
    return []


def _price_problems(record: BenchmarkRecord) -> list[str]:
    price = record.usd_per_node_hour
    if price is None:
        return []
    if price == 0:
        return ["usd_per_node_hour 0: leave the cell empty when the price is unknown"]
    low, high = _listed_prices().get(record.instance_type, (price, price))
    if low / PRICE_FACTOR <= price <= high * PRICE_FACTOR:
        return []
    return [
        f"usd_per_node_hour {price:g}: known prices of {record.instance_type} lie between "
        f"{low:g} and {high:g}; is it in US dollars, for one node and one hour?"
    ]


@cache
def _listed_prices() -> dict[str, tuple[float, float]]:
    found: dict[str, list[float]] = {}
    for price in shipped_table().values():
        if price.unit in (PriceUnit.INSTANCE_HOUR, PriceUnit.SPOT_INSTANCE_HOUR):
            found.setdefault(price.item, []).append(float(price.usd))
    return {item: (min(prices), max(prices)) for item, prices in found.items()}

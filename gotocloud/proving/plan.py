"""What a proof makes: the configuration that costs least of those that can run its jobs."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from decimal import Decimal

from gotocloud.cluster_configs.instances import instance_types
from gotocloud.cluster_configs.model import ClusterConfiguration
from gotocloud.costs.idle import idle_cost
from gotocloud.costs.prices import price_usd_per_hour
from gotocloud.errors import GoToCloudError
from gotocloud.projects.quotas import Quota, vcpu_quota
from gotocloud.proving.stages import (
    MPI_NODES,
    ProofMachine,
    ProofQueue,
    ProofStage,
    StagePrice,
    cheapest,
    prices,
)

LUSTRE_GIB = 1200
"""The smallest Lustre that FSx sells. Source: gotocloud/cluster_configs/lustre_sizes.py."""

ADDRESSES = 2
"""Of a cluster: the head node's and the NAT gateway's."""

PROJECT = "gotocloud-proof"
"""The proof's project: a name that no scientist's project has."""


@dataclass(frozen=True)
class ProofPlan:
    """What a proof makes in one region, and what it costs at most.

    Args:
        configuration: Cluster configuration.
        region: Where.
        zone_id: The zone of the group's network.
        head_node: Instance type of the head node.
        mpi: ProofQueue of the MPI job.
        spot: ProofQueue of the spot node.
        prices: What each stage costs at most.
        usd_per_hour: What the cluster costs while nothing runs, the known part.
    """

    configuration: str
    region: str
    zone_id: str
    head_node: str
    mpi: ProofQueue
    spot: ProofQueue
    prices: dict[ProofStage, StagePrice]
    usd_per_hour: Decimal

    @property
    def types(self) -> tuple[str, ...]:
        """Every instance type that the proof starts."""
        kinds = (self.head_node, self.mpi.instance_type, self.spot.instance_type)
        return tuple(dict.fromkeys(kinds))

    def needed(self, quota: Quota) -> float:
        """How much of a quota the proof needs."""
        fixed = {
            Quota.ELASTIC_IPS: ADDRESSES,
            Quota.NAT_GATEWAYS: 1,
            Quota.SCRATCH_GIB: LUSTRE_GIB,
        }
        machines = (
            (self.head_node, 1, False),
            (self.mpi.instance_type, MPI_NODES, False),
            (self.spot.instance_type, 1, True),
        )
        vcpus = sum(
            count * instance_types()[name].vcpus
            for name, count, spot in machines
            if vcpu_quota(name, spot=spot) is quota
        )
        return fixed.get(quota, vcpus)

    @property
    def total_usd(self) -> Decimal:
        """What all stages cost at most, as far as it is known."""
        return sum((one.usd for one in self.prices.values()), Decimal())


def queues_in(configuration: ClusterConfiguration, offered: Container[str]) -> list[ProofQueue]:
    """The queues of a configuration as a zone gets them, each on demand and on spot."""
    found = []
    for queue in configuration.queues:
        choice = next((one for one in queue.choices if one.instance_type in offered), None)
        if choice:
            found += [
                ProofQueue(name, choice.instance_type, choice.max_nodes, spot)
                for name, spot in ((queue.name, False), (queue.spot_name, True))
            ]
    return found


def plan_of(
    configuration: ClusterConfiguration, region: str, zone_id: str, offered: Container[str]
) -> ProofPlan | None:
    """The plan with one configuration; None if it has no queue for three nodes."""
    queues = queues_in(configuration, offered)
    usd = _prices_of(region)
    mpi = cheapest(queues, MPI_NODES, usd, spot=False)
    spot = cheapest(queues, 1, usd, spot=True)
    head = next((one for one in configuration.head_node.instance_types if one in offered), None)
    if mpi is None or spot is None or head is None:
        return None
    idle = idle_cost(configuration, region, LUSTRE_GIB, head_node_type=head)
    machines = [
        ProofMachine(mpi.instance_type, MPI_NODES, usd(mpi.instance_type)),
        ProofMachine(spot.instance_type, 1, usd(spot.instance_type)),
    ]
    return ProofPlan(
        configuration=configuration.name,
        region=region,
        zone_id=zone_id,
        head_node=head,
        mpi=mpi,
        spot=spot,
        prices=prices(idle.known_total_usd_per_hour, idle.unknown, machines),
        usd_per_hour=idle.known_total_usd_per_hour,
    )


def cheapest_plan(
    configurations: list[ClusterConfiguration], region: str, zone_id: str, offered: Container[str]
) -> ProofPlan:
    """The plan that costs least.

    Raises:
        GoToCloudError: if no configuration has a queue for three nodes in that zone.
    """
    plans = [plan_of(one, region, zone_id, offered) for one in configurations]
    found = [plan for plan in plans if plan is not None]
    if not found:
        raise GoToCloudError(
            f"No cluster configuration has a queue for {MPI_NODES} nodes in {zone_id}.",
            next_command="gotocloud platform zones",
        )
    return min(found, key=lambda plan: (plan.total_usd, plan.configuration))


def _prices_of(region: str) -> Callable[[str], Decimal | None]:
    def usd(instance_type: str) -> Decimal | None:
        price = price_usd_per_hour(instance_type, region)
        return None if price is None else price.usd

    return usd

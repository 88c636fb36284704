"""The stages of a proof: their order, how long each may take, and what that costs at most."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from gotocloud.errors import GoToCloudError
from gotocloud.formats import usd_text


class ProofStage(StrEnum):
    """The stages in order; each needs those before it."""

    ACCOUNT = "account"
    PLATFORM = "platform"
    GROUP = "group"
    PROJECT = "project"
    CLUSTER = "cluster"
    JOB = "job"
    DATA = "data"
    FINISH = "finish"
    BILL = "bill"


MADE_OF: Mapping[ProofStage, str] = {
    ProofStage.ACCOUNT: "reads quotas, zones, regions and roles; makes nothing",
    ProofStage.PLATFORM: "management and region stacks, unless they are deployed",
    ProofStage.GROUP: "the stacks of one group, unless they are deployed",
    ProofStage.PROJECT: "a bucket and a key pair",
    ProofStage.CLUSTER: "a head node, a NAT gateway, two addresses, 1,200 GiB of Lustre",
    ProofStage.JOB: "one spot node, and three nodes for an MPI job",
    ProofStage.DATA: "an upload, an export and a pause",
    ProofStage.FINISH: "removes the project, and what else the proof made",
    ProofStage.BILL: "reads what AWS billed, a day later; makes nothing",
}
"""What each stage does, in words."""

MPI_NODES = 3

HOURS: Mapping[ProofStage, Decimal] = {
    # CloudFormation's wait in gotocloud/aws/stacks.py (TIMEOUT_S), after which start gives up.
    ProofStage.CLUSTER: Decimal("1.5"),
    ProofStage.JOB: Decimal("0.75"),
    ProofStage.DATA: Decimal(1),
}
"""How long a stage may take, hours: its time is up then, and the proof removes what it made.

These are limits that the proof keeps to, not forecasts: the price of a stage is what its limit
costs.
"""


@dataclass(frozen=True)
class ProofMachine:
    """Machines that a stage starts.

    Args:
        instance_type: EC2's name.
        count: How many.
        usd_per_hour: On-demand price of one; None if unknown. Spot never costs more: EC2's
            highest bid is the on-demand price unless another is set.
    """

    instance_type: str
    count: int
    usd_per_hour: Decimal | None


@dataclass(frozen=True)
class StagePrice:
    """What a stage costs at most.

    Args:
        stage: The stage.
        hours: How long it may take.
        usd: The known part.
        unknown: What has no known price.
    """

    stage: ProofStage
    hours: Decimal = Decimal()
    usd: Decimal = Decimal()
    unknown: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.hours:
            return "nothing by the hour"
        least = "at least " if self.unknown else "at most "
        return f"{least}USD {usd_text(self.usd)} ({self.hours:g} h at most)"


def prices(
    idle_usd_per_hour: Decimal, idle_unknown: Sequence[str], machines: Iterable[ProofMachine]
) -> dict[ProofStage, StagePrice]:
    """What every stage costs at most.

    Args:
        idle_usd_per_hour: The cluster while nothing runs, the known part.
        idle_unknown: What of it has no known price.
        machines: The nodes of the stage `job`.
    """
    nodes = list(machines)
    per_hour = sum((one.count * (one.usd_per_hour or Decimal()) for one in nodes), Decimal())
    without = [one.instance_type for one in nodes if one.usd_per_hour is None]
    found = {}
    for stage in ProofStage:
        hours = HOURS.get(stage, Decimal())
        rate = idle_usd_per_hour + (per_hour if stage is ProofStage.JOB else 0)
        unknown = [*idle_unknown, *(without if stage is ProofStage.JOB else ())] if hours else []
        found[stage] = StagePrice(stage, hours, hours * rate, tuple(unknown))
    return found


@dataclass(frozen=True)
class ProofQueue:
    """A queue that a job of the proof can go to."""

    name: str
    instance_type: str
    max_nodes: int
    spot: bool


def cheapest(
    queues: Iterable[ProofQueue], nodes: int, price: Callable[[str], Decimal | None], *, spot: bool
) -> ProofQueue | None:
    """The queue whose nodes cost least, of those that are large enough; None if there is none.

    A queue without a known price comes last.
    """
    fit = [one for one in queues if one.max_nodes >= nodes and one.spot is spot]
    dear = Decimal("Infinity")

    def order(one: ProofQueue) -> tuple[Decimal, str]:
        usd = price(one.instance_type)
        return (dear if usd is None else usd, one.name)

    return min(fit, key=order, default=None)


def require_affordable(price: StagePrice, spent_usd: Decimal, budget_usd: Decimal) -> None:
    """Refuse a stage that could cost more than what is left.

    Raises:
        GoToCloudError: if it could, or a price of it is unknown.
    """
    if price.unknown:
        raise GoToCloudError(
            f"The stage {price.stage} has parts without a known price: a budget could not be kept.",
            problems=price.unknown,
            next_command="gotocloud platform prices --refresh",
        )
    if spent_usd + price.usd > budget_usd:
        left = usd_text(max(budget_usd - spent_usd, Decimal()))
        raise GoToCloudError(
            f"The stage {price.stage} costs at most USD {usd_text(price.usd)}; of the budget of "
            f"USD {usd_text(budget_usd)} USD {left} are left.",
            advice=f"Give it at least USD {usd_text(spent_usd + price.usd)} with --budget.",
        )


def until(last: ProofStage) -> tuple[ProofStage, ...]:
    """The stages up to one of them."""
    order = list(ProofStage)
    return tuple(order[: order.index(last) + 1])

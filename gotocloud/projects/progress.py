"""How far CloudFormation is with a stack, from its events."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gotocloud.contract.stacks import CLUSTER_RESOURCE
from gotocloud.formats import duration_text, parse_json

_WORDS = {
    "AWS::EC2::EIP": "an address",
    "AWS::EC2::KeyPair": "the key pair",
    "AWS::EC2::NatGateway": "the nodes' way to the internet",
    "AWS::EC2::Route": "the network",
    "AWS::EC2::RouteTable": "the network",
    "AWS::EC2::SecurityGroup": "the network",
    "AWS::EC2::SecurityGroupEgress": "the network",
    "AWS::EC2::SecurityGroupIngress": "the network",
    "AWS::EC2::Subnet": "the network",
    "AWS::EC2::SubnetRouteTableAssociation": "the network",
    "AWS::EC2::VPCEndpoint": "the network",
    "AWS::FSx::DataRepositoryAssociation": "the link between Lustre and the bucket",
    "AWS::FSx::FileSystem": "the Lustre file system",
    "AWS::S3::Bucket": "the bucket",
    "AWS::S3::BucketPolicy": "the bucket",
    CLUSTER_RESOURCE: "the head node and the queues",
}
KEPT_RUNS = 5
"""Durations of earlier runs that are remembered."""


@dataclass(frozen=True)
class Making:
    """The state of a stack that is being made.

    Args:
        total: Number of resources in the template.
        done: Logical ids that are made.
        current: Logical id to type of what is being made, the latest last.
        removing: Whether CloudFormation takes everything back.
    """

    total: int
    done: frozenset[str] = frozenset()
    current: Mapping[str, str] = field(default_factory=dict)
    removing: bool = False

    @property
    def share(self) -> float:
        """Share of the resources that are made, 0 to 1."""
        return min(len(self.done) / self.total, 1.0) if self.total else 0.0

    @property
    def what(self) -> str:
        """What is being made, in words."""
        verb = "removing" if self.removing else "making"
        if not self.current:
            return verb
        return f"{verb} {in_words(list(self.current.values())[-1])}"


def advance(making: Making, resource: str, resource_type: str, status: str) -> Making:
    """The state after one event; events of the stack itself move nothing but the direction.

    Args:
        resource: Logical id; for the stack itself, its name.
        resource_type: CloudFormation's type.
        status: CloudFormation's status.
    """
    if resource_type == "AWS::CloudFormation::Stack":
        removing = making.removing or status.startswith(("ROLLBACK_", "DELETE_"))
        return replace(making, removing=removing)
    current = {name: kind for name, kind in making.current.items() if name != resource}
    if status.endswith("_IN_PROGRESS"):
        current[resource] = resource_type
    done = making.done - {resource}
    if status == "CREATE_COMPLETE":
        done |= {resource}
    return replace(making, current=current, done=done)


def in_words(resource_type: str) -> str:
    """What a scientist calls a kind of resource."""
    kind = resource_type.removeprefix("AWS::").replace("::", " ")
    return _WORDS.get(resource_type, kind)


def time_left_s(earlier_s: Sequence[float], elapsed_s: float) -> float | None:
    """What is left, by the median of earlier runs; None when nothing is known any more.

    A run that takes longer than the longest of them has left what is known.
    """
    if not earlier_s or elapsed_s > max(earlier_s):
        return None
    return max(statistics.median(earlier_s) - elapsed_s, 0)


def line(making: Making, elapsed_s: float, earlier_s: Sequence[float]) -> str:
    """The whole state in one line."""
    left = time_left_s(earlier_s, elapsed_s)
    tail = "" if left is None or making.removing else f", about {duration_text(left)} left"
    # What is removed was not counted before.
    count = f"{len(making.done)} of {making.total}, " if making.total else ""
    return f"{count}{making.what} ({duration_text(elapsed_s)}{tail})"


def remembered(text: str) -> dict[str, list[float]]:
    """Durations of earlier runs in seconds, by what was run; anything unreadable is dropped."""
    try:
        data = parse_json(text)
    except ValueError:
        return {}
    if not isinstance(data, dict):
        return {}
    return {
        str(key): [float(one) for one in runs if isinstance(one, int | float) and 0 < one < 1e6]
        for key, runs in data.items()
        if isinstance(runs, list)
    }


def remember(runs: Mapping[str, Sequence[float]], key: str, seconds: float) -> str:
    """The text that keeps one more run, and of each kind the latest few only."""
    kept = {**runs, key: [*runs.get(key, ()), round(seconds, 1)][-KEPT_RUNS:]}
    return json.dumps(kept, indent=1, sort_keys=True) + "\n"

"""Cluster configurations: named, versioned descriptions of the queues of an analysis method."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from gotocloud.cluster_configs.inheritance import INHERITS, inherited
from gotocloud.cluster_configs.instances import instance_types
from gotocloud.cluster_configs.limits import (
    MAX_NODES,
    ONE_GPU,
    SCALEDOWN_IDLE_MINUTES,
    SMALL,
    SPOT_SUFFIX,
    head_node_memory_gib,
)
from gotocloud.cluster_configs.lustre_sizes import Deployment, lustre_size_problem
from gotocloud.errors import InputError, unknown_name
from gotocloud.yaml_files import MarkedYaml, load_block, model_problems, problems_of, read_text

JOB_TYPES = (
    "refine3d",
    "class3d",
    "class2d",
    "class2d-vdam",
    "initialmodel",
    "polish",
    "prep-cpu",
    ONE_GPU,
    SMALL,
)
"""The classes of RELION's work that every configuration gives a queue. `prep-*` are the steps
before classification; `small` are steps of a single core, and others with few items. The
class of each job type stands in `gotocloud.relion.job_table`."""

_T = TypeVar("_T")
NAME_PATTERN = r"^[a-z][a-z0-9-]*$"
MAX_NAME_CHARACTERS = 40
"""It is a part of stack names in the CDK, of paths in a release, and of a description."""
_QUEUE_NAME = re.compile(r"^[a-z][a-z0-9-]*$")
DIRECTORY = Path(__file__).parent
LIST_COMMAND = "gotocloud cluster list"
Sourced = Annotated[str, Field(min_length=10, description="Where the figure comes from.")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _listed(instance_type: str) -> str:
    if instance_type not in instance_types():
        raise ValueError(
            f"{instance_type!r} is not in gotocloud/cluster_configs/instance_types.csv; "
            f"add it with its source (known: {', '.join(sorted(instance_types()))})"
        )
    return instance_type


class QueueMachine(_Frozen):
    """One instance type that a queue may use, with its node count.

    Args:
        instance_type: EC2's name.
        max_nodes: Nodes of one job at its optimum; the queue grows no further.
        source: Where type and count come from.
    """

    instance_type: str
    max_nodes: int = Field(ge=1)
    source: Sourced

    _is_listed = field_validator("instance_type")(_listed)


class Queue(_Frozen):
    """An on-demand queue and its spot twin `NAME-spot`.

    Args:
        name: Name of the on-demand queue.
        choices: Instance types in order of preference; a region uses the first
            one that its zone offers.
        efa: Elastic Fabric Adapter where the type in use has one.
        placement_group: Nodes side by side in the data centre, where the type in
            use has EFA; without EFA it would only make capacity harder to find.
        exclusive: One job a node. Two RELION jobs on one node wipe each other's
            scratch (3dem/relion #455).
    """

    name: str
    choices: tuple[QueueMachine, ...] = Field(min_length=1)
    efa: bool = True
    placement_group: bool = True
    exclusive: bool = True

    @property
    def spot_name(self) -> str:
        """Name of the spot queue."""
        return self.name + SPOT_SUFFIX

    @property
    def instance_types(self) -> tuple[str, ...]:
        """Instance types in order of preference."""
        return tuple(choice.instance_type for choice in self.choices)

    @property
    def max_nodes(self) -> int:
        """The largest node count of all choices; regions differ in the one they use."""
        return max(choice.max_nodes for choice in self.choices)

    @property
    def source(self) -> str:
        """Source of the preferred choice."""
        return self.choices[0].source

    @field_validator("name")
    @classmethod
    def _name_fits(cls, name: str) -> str:
        if not _QUEUE_NAME.fullmatch(name):
            raise ValueError(f"{name!r} must match {_QUEUE_NAME.pattern}")
        return name

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [f"{name} is listed twice" for name in _repeated(self.instance_types)]
        machines = instance_types()
        if self.efa and not any(machines[name].efa for name in self.instance_types):
            problems.append(
                f"efa: none of {', '.join(self.instance_types)} has EFA; write efa: false"
            )
        if self.efa and not self.placement_group:
            problems.append("efa: it needs placement_group: true")
        if self.placement_group and not self.efa:
            problems.append("placement_group: it follows EFA; write placement_group: false")
        return _raise(problems, self)


class HeadNodeMachine(_Frozen):
    """The node with the desktop.

    Args:
        instance_types: In order of preference, as for a queue.
        source: Where the choice comes from.
    """

    instance_types: tuple[str, ...] = Field(min_length=1)
    source: Sourced

    @field_validator("instance_types")
    @classmethod
    def _are_listed(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_listed(name) for name in names)


class DefaultLustre(_Frozen):
    """The working file system of a cluster, unless the scientist chooses another size.

    Args:
        deployment_type: FSx's name for it.
        gib: Capacity, one of `lustre_sizes_gib`.
        source: Where type and size come from.
    """

    deployment_type: Deployment
    gib: int
    source: Sourced

    @model_validator(mode="after")
    def _is_sold(self) -> Self:
        problem = lustre_size_problem(self.gib, self.deployment_type)
        return _raise([f"gib: {problem}"] if problem else [], self)


class Acknowledgement(_Frozen):
    """A warning of ParallelCluster's validators that is accepted, and why.

    Args:
        validator: Its exact class name, for example "DcvValidator".
        text: A part of the message, so that other warnings of it still count.
        reason: Why it is right here.
    """

    validator: str
    text: str = Field(min_length=10)
    reason: str = Field(min_length=20)


class ClusterConfiguration(_Frozen):
    """What a cluster of one analysis method looks like, apart from its place.

    Args:
        job_types: Which queues a job type goes to, in order of preference; the first that
            the region has is used unless another is typed. Keys are classes of work
            (`JOB_TYPES`, each mandatory) or, for a finer choice, RELION's own job types and
            kinds of work ("ctffind", "class3d-noalign"). A queue that no job type names is
            used by those who type its name.
        scaledown_idle_minutes: For how long machines without a job stay on; one time for all
            queues, because ParallelCluster has one for each cluster.

    Raises:
        pydantic.ValidationError: with every problem, when its nodes do not fit a
            cluster's subnet or head node, or it leaves a job type without a queue.
    """

    name: str = Field(pattern=NAME_PATTERN, max_length=MAX_NAME_CHARACTERS)
    version: int = Field(ge=1)
    description: str
    head_node: HeadNodeMachine
    lustre: DefaultLustre
    scaledown_idle_minutes: int = Field(default=SCALEDOWN_IDLE_MINUTES, ge=1)
    queues: tuple[Queue, ...] = Field(min_length=1)
    job_types: Mapping[str, tuple[str, ...]]
    acknowledged: tuple[Acknowledgement, ...] = ()

    @property
    def max_nodes(self) -> int:
        """Nodes of all queues at their largest, on demand and spot."""
        return 2 * sum(queue.max_nodes for queue in self.queues)

    @property
    def instance_types(self) -> tuple[str, ...]:
        """Every instance type that it may use, head nodes included, sorted."""
        used = {*self.head_node.instance_types}
        for queue in self.queues:
            used.update(queue.instance_types)
        return tuple(sorted(used))

    def queues_for(self, work_class: str, *finer: str) -> tuple[Queue, ...]:
        """The queues of a job type, the preferred one first.

        Args:
            work_class: Its class of work, one of `JOB_TYPES`.
            finer: Its kind of work and its job type; the first one that the configuration
                names, apart from the classes, goes before the class.
        """
        by_name = {queue.name: queue for queue in self.queues}
        names = next(
            (
                self.job_types[one]
                for one in finer
                if one in self.job_types and one not in JOB_TYPES
            ),
            self.job_types.get(work_class, ()),
        )
        return tuple(by_name[one] for one in names if one in by_name)

    def served_by(self, queue: str) -> tuple[str, ...]:
        """The job types that go to a queue, of their own accord or as a second choice."""
        return tuple(one for one, queues in self.job_types.items() if queue in queues)

    @field_validator("job_types", mode="before")
    @classmethod
    def _as_lists(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        return {key: (one,) if isinstance(one, str) else one for key, one in value.items()}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [name for queue in self.queues for name in (queue.name, queue.spot_name)]
        problems = [f"queues: {name!r} appears twice" for name in _repeated(names)]
        problems += [
            f"job_types: {name!r} has no queue"
            for name in JOB_TYPES
            if not self.job_types.get(name)
        ]
        names = [queue.name for queue in self.queues]
        problems += [
            f"job_types: {name!r} goes to {queue!r}, which is no queue (known: {', '.join(names)})"
            for name, queues in self.job_types.items()
            for queue in queues
            if queue not in names
        ]
        if self.max_nodes > MAX_NODES:
            problems.append(
                f"queues: {self.max_nodes} nodes, a /24 compute subnet has room for {MAX_NODES}"
            )
        needed = head_node_memory_gib(self.max_nodes)
        problems += [
            f"head_node: {name} has {instance_types()[name].memory_gib} GiB of memory, "
            f"{self.max_nodes} nodes need {needed:.1f}"
            for name in self.head_node.instance_types
            if instance_types()[name].memory_gib < needed
        ]
        return _raise(problems, self)


def configuration_names() -> tuple[str, ...]:
    """Names of the package's cluster configurations, sorted."""
    return tuple(sorted(path.stem for path in DIRECTORY.glob("*.yaml")))


def load_configuration(source: str | Path | Mapping[str, Any]) -> ClusterConfiguration:
    """A cluster configuration.

    Args:
        source: The name of one of the package, the path of a YAML file, or its content. A file
            may state only what differs from one of the package (`inheritance.py`).

    Raises:
        InputError: if there is none, or with every problem found in it.
    """
    if isinstance(source, str):
        return _shipped(source)
    if isinstance(source, Path):
        return _read(source, f"The cluster configuration {source}")
    name = source.get("name", "without a name")
    return _validated(MarkedYaml(dict(source)), f"The cluster configuration {name!r}")


@cache
def _shipped(name: str) -> ClusterConfiguration:
    if name not in configuration_names():
        raise unknown_name(
            "cluster configuration",
            name,
            configuration_names(),
            next_command=LIST_COMMAND,
        )
    return _read(DIRECTORY / f"{name}.yaml", f"gotocloud/cluster_configs/{name}.yaml")


@cache
def used_instance_types() -> tuple[str, ...]:
    """Every instance type that any configuration may use, head nodes included, sorted."""
    used: set[str] = set()
    for name in configuration_names():
        used.update(load_configuration(name).instance_types)
    return tuple(sorted(used))


def _read(path: Path, what: str) -> ClusterConfiguration:
    text = read_text(path, "cluster configuration", LIST_COMMAND)
    configuration = _validated(load_block(text, what, next_command=LIST_COMMAND), what)
    if configuration.name != path.stem:
        raise InputError(f"{path.name} has the name {configuration.name!r} inside.")
    return configuration


def _validated(marked: MarkedYaml, what: str) -> ClusterConfiguration:
    if INHERITS in marked.data:
        marked = inherited(marked, _parent(marked, what))
    configuration = None
    problems = list(marked.problems)
    try:
        configuration = ClusterConfiguration.model_validate(marked.data)
    except ValidationError as error:
        problems += model_problems(error, marked, ClusterConfiguration)
    if problems or configuration is None:
        raise problems_of(what, problems, next_command=LIST_COMMAND)
    return configuration


def _parent(marked: MarkedYaml, what: str) -> dict[str, Any]:
    name = marked.data[INHERITS]
    if name not in configuration_names():
        names = ", ".join(configuration_names())
        problem = marked.problem((INHERITS,), f"{name!r} is none of the package's: {names}")
        raise problems_of(what, [problem], next_command=LIST_COMMAND)
    return _shipped(name).model_dump(mode="json")


def _repeated(names: list[str] | tuple[str, ...]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _raise(problems: list[str], value: _T) -> _T:
    if problems:
        raise ValueError("; ".join(problems))
    return value

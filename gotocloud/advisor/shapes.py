"""The shape of a run: machines, ranks, threads, GPUs; and its label in the paper's form."""

from __future__ import annotations

from dataclasses import dataclass

from gotocloud.advisor.records import BenchmarkRecord
from gotocloud.cluster_configs.instances import instance_types


@dataclass(frozen=True, order=True)
class Shape:
    """What a job runs on, and how it is spread over it.

    The order, nodes first, settles ties: fewer machines are easier to get.

    Args:
        nodes: Machines.
        instance_type: EC2's name of their type.
        gpus: GPUs in use by the whole job; 0 for none, or unknown.
        ranks: MPI ranks, the leader counted; 0 when unknown.
        threads: Threads of a rank; 0 when unknown.
        relion_version: Version that ran; empty when unknown.
        executable: Build that ran; empty when unknown.
    """

    nodes: int
    instance_type: str
    gpus: int = 0
    ranks: int = 0
    threads: int = 0
    relion_version: str = ""
    executable: str = ""

    @property
    def units(self) -> int:
        """What the work is divided among: GPUs, else ranks x threads; 0 when unknown."""
        return self.gpus or self.ranks * max(self.threads, 1)

    @property
    def group(self) -> str:
        """The instance type's group: "g4dn"."""
        return self.instance_type.partition(".")[0]

    @property
    def short_label(self) -> str:
        """The paper's label of a point that is not an optimum: `16@2x`."""
        return f"{self.units or '?'}@{self.nodes}x"

    @property
    def machines(self) -> str:
        """For people: "2 x g4dn.metal"."""
        return f"{self.nodes} x {self.instance_type}"

    @property
    def words(self) -> str:
        """For people: "16 GPUs on 2 x g4dn.metal, 17 ranks x 6 threads"."""
        text = f"{self.gpus} GPUs on {self.machines}" if self.gpus else self.machines
        if self.gpus == 1:
            text = text.replace("1 GPUs", "1 GPU", 1)
        if self.ranks:
            threads = f" x {self.threads} threads" if self.threads else ""
            text += f", {self.ranks} rank{'s' if self.ranks > 1 else ''}{threads}"
        elif self.threads:
            text += f", {self.threads} threads"
        return text


def shape_of(record: BenchmarkRecord) -> Shape:
    """The shape of a record's run."""
    return Shape(
        nodes=record.nodes,
        instance_type=record.instance_type,
        gpus=record.gpus or 0,
        ranks=record.ranks or 0,
        threads=record.threads or 0,
        relion_version=record.relion_version or "",
        executable=record.executable or "",
    )


def label(shape: Shape, gpus_per_node: int | None = None, vcpus_per_node: int | None = None) -> str:
    """The paper's label of an optimum: `16@2x g4dn(8,96)`.

    "[the total number of GPUs used]@[the number of nodes]x [EC2 instance type group]([the
    number of GPUs per node], [the number of vCPUs per node])"; for jobs without GPUs the
    first number is that of vCPUs used. Source: the paper, captions of Figs. 2 and 5.

    Args:
        shape: What ran.
        gpus_per_node: What a node has, where `instance_types.csv` does not know the type.
        vcpus_per_node: Likewise.
    """
    machine = instance_types().get(shape.instance_type)
    gpus = machine.gpus if machine else gpus_per_node
    vcpus = machine.vcpus if machine else vcpus_per_node
    inside = ",".join("?" if number is None else str(number) for number in (gpus, vcpus))
    return f"{shape.short_label} {shape.group}({inside})"

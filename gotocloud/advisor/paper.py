"""What the paper found best, with its citation; its timings are not public and not here."""

from __future__ import annotations

from dataclasses import dataclass

from gotocloud.advisor.job_names import VDAM
from gotocloud.advisor.shapes import Shape, label
from gotocloud.relion.settings import PAPER, published_setting

CITATION = PAPER
CONDITIONS = (
    "EMPIAR-10581, nitrite reductase, 110 kDa, C3; RELION 4.0; us-east-1; single measurements"
)


@dataclass(frozen=True)
class PaperOptimum:
    """One setting that the paper recommends.

    Args:
        job: A job's name.
        place: 1 for the optimum, 2 for the second nearest to the origin.
        nodes: Machines.
        instance_type: EC2's name of their type.
        gpus: GPUs used; 0 for jobs without.
        vcpus: vCPUs used (MPI x threads) by jobs without GPUs; 0 else.
        figure: Where the paper shows it.
        saturation: Up to where more hardware helped, in the paper's words.
    """

    job: str
    place: int
    nodes: int
    instance_type: str
    gpus: int
    vcpus: int
    figure: str
    saturation: str

    @property
    def source(self) -> str:
        """The citation with the place in the paper."""
        return f"{CITATION}, {self.figure}"

    @property
    def label(self) -> str:
        """The paper's own label of the point: `16@2x g4dn(8,96)`."""
        return label(Shape(self.nodes, self.instance_type, self.gpus, self.vcpus))

    @property
    def shape(self) -> Shape:
        """The shape; ranks and threads are those that routing derives for it.

        The paper names GPUs, not ranks: 30 GPUs on machines with 32 are 30 here, while
        routing gives every one of the 32 a rank.
        """
        setting = published_setting(self.job, self.instance_type)
        return Shape(
            nodes=self.nodes,
            instance_type=self.instance_type,
            gpus=self.gpus,
            ranks=setting.ranks if setting else 0,
            threads=setting.threads if setting else 0,
        )


PAPER_OPTIMA: tuple[PaperOptimum, ...] = (
    PaperOptimum("refine3d", 1, 2, "g4dn.metal", 16, 0, "Fig. 2b", "at 8 to 16 GPUs"),
    PaperOptimum("refine3d", 2, 2, "g5.12xlarge", 8, 0, "Fig. 2b", "at 8 to 16 GPUs"),
    PaperOptimum("class3d", 1, 8, "g5.12xlarge", 30, 0, "Fig. 3b", "at 16 to 32 GPUs"),
    PaperOptimum(
        "class2d",
        1,
        8,
        "g4dn.12xlarge",
        30,
        0,
        "Fig. 4b",
        "faster almost in proportion up to about 32 GPUs",
    ),
    PaperOptimum(VDAM, 1, 1, "g5.12xlarge", 4, 0, "Supplementary Fig. S4b", "at 4 GPUs"),
    PaperOptimum("polish", 1, 4, "c6i.32xlarge", 0, 256, "Fig. 5b", "at 4 nodes"),
)
"""Every optimum that the paper names, and its one second place."""


def paper_optima(job: str) -> tuple[PaperOptimum, ...]:
    """What the paper recommends for a job, best first; nothing where it has no figure."""
    return tuple(one for one in PAPER_OPTIMA if one.job == job)

"""Which machines and how many ranks and threads: what is published, and what is derived.

Every figure names its source. A figure for one instance type is never used for another:
where none is published, `derived_setting` follows RELION's rules, and its source reads "derived".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.relion.job import Job
from gotocloud.relion.job_facts import SpreadRule

PAPER = "Moriya et al., Communications Biology 2024, doi 10.1038/s42003-024-07031-6"
"""EMPIAR-10581, RELION 4.0, us-east-1, single measurements."""

SCHEMES = "KEK-SBRC-CryoEM/CS-Schemes, configs/gotocloud, read 2026-11"
TUTORIAL_RUN = "KEK-SBRC-CryoEM/CS-Schemes, cost notebook of the RELION 5 tutorial, us-east-1"
PIPELINE = "3dem/relion 5.0.1, src/pipeline_jobs.cpp"
RELION_RULES = "3dem/relion 5.0.1, src/ml_optimiser_mpi.cpp: the leader rank does no image work"

_CORES_A_GPU = f"threads: the physical cores of each GPU, as in {SCHEMES}"
AS_TYPED = "as typed in the form"
VCPUS_A_RANK = 8
"""CS-Schemes: 24 ranks on 192 vCPUs, each with 8 threads where the program takes threads."""


@dataclass(frozen=True)
class Setting:
    """What is known to be good for one kind of job on one instance type.

    Args:
        kind: Kind of work, as in `Job.kind`.
        instance_type: EC2's name.
        nodes: Machines.
        ranks: MPI ranks, the leader included; 1 is no MPI.
        threads: Threads of each rank.
        because: Why, in words that end a sentence: "the paper's best cost-performance".
        source: Where it comes from, to check it.
    """

    kind: str
    instance_type: str
    nodes: int
    ranks: int
    threads: int
    because: str
    source: str


def _paper(kind: str, machine: str, shape: tuple[int, int, int], what: str, figure: str) -> Setting:
    nodes, ranks, threads = shape
    return Setting(
        kind, machine, nodes, ranks, threads, f"{what} (Moriya et al. 2024)", f"{PAPER}: {figure}"
    )


def _schemes(
    kind: str, machines: Iterable[str], shape: tuple[int, int, int], figure: str
) -> tuple[Setting, ...]:
    because = "the shape in use in CS-Schemes; the paper has no figure for this machine"
    source = f"{SCHEMES}: {figure}"
    return tuple(Setting(kind, machine, *shape, because, source) for machine in machines)


def _tutorial(kind: str, shape: tuple[int, int, int], figure: str) -> tuple[Setting, ...]:
    nodes, ranks, threads = shape
    return (
        Setting(
            kind,
            "g6.4xlarge",
            nodes,
            ranks,
            threads,
            "the shape of the public run of RELION's tutorial",
            f"{TUTORIAL_RUN}: {figure}",
        ),
    )


_BEST = "the paper's best cost-performance"
_C7I, _M7I = "c7i.48xlarge", "m7i.48xlarge"

PUBLISHED: tuple[Setting, ...] = (
    _paper(
        "refine3d",
        "g4dn.metal",
        (2, 17, 6),
        _BEST,
        f"Refine3D, 16 GPUs on 2 x g4dn.metal; ranks: {RELION_RULES}; {_CORES_A_GPU} (9 x 6)",
    ),
    _paper(
        "refine3d",
        "g5.12xlarge",
        (2, 9, 6),
        "the paper's second best for Refine3D",
        f"Refine3D, 8 GPUs on 2 x g5.12xlarge; ranks: {RELION_RULES}; {_CORES_A_GPU}",
    ),
    *_schemes("refine3d", ("g6.48xlarge",), (2, 17, 12), "Refine3D 17 x 12 on 2 x g6.48xlarge"),
    *_tutorial("refine3d", (1, 3, 4), "Refine3D 3 x 4 on one g6.4xlarge"),
    _paper(
        "class3d",
        "g5.12xlarge",
        (8, 33, 6),
        _BEST,
        f"Class3D, 30 GPUs on 8 x g5.12xlarge, which have 32; ranks: {RELION_RULES}, one for "
        f"each of the 32; {_CORES_A_GPU}",
    ),
    *_schemes("class3d", ("g6.48xlarge",), (2, 33, 12), "Class3D 33 x 12 on 2 x g6.48xlarge"),
    *_schemes("class3d", ("g4dn.metal",), (2, 17, 6), "Class3D 17 x 6 on 2 x g4dn.metal"),
    *_tutorial("class3d", (1, 5, 4), "Class3D 5 x 4 on one g6.4xlarge"),
    *_schemes("class3d-noalign", (_C7I,), (1, 25, 7), "Class3D without alignment 25 x 7"),
    _paper(
        "class2d",
        "g4dn.12xlarge",
        (8, 33, 6),
        _BEST,
        f"Class2D with EM, 30 GPUs on 8 x g4dn.12xlarge, which have 32; ranks: {RELION_RULES}, "
        f"one for each of the 32; {_CORES_A_GPU}",
    ),
    *_schemes("class2d", ("g6.12xlarge",), (4, 65, 3), "Class2D with EM 65 x 3 on 4 x g6.12xlarge"),
    _paper(
        "class2d-vdam",
        "g5.12xlarge",
        (1, 1, 4),
        _BEST,
        "Class2D with VDAM, 4 GPUs on 1 x g5.12xlarge, as many threads as GPUs",
    ),
    *_schemes("class2d-vdam", ("g6.12xlarge", "g4dn.12xlarge"), (1, 1, 4), "VDAM 1 x 4"),
    *_schemes(
        "initialmodel",
        ("g5.12xlarge", "g6.12xlarge", "g4dn.12xlarge"),
        (1, 1, 4),
        "InitialModel 1 x 4, GPUs 0 to 3",
    ),
    *_tutorial("initialmodel", (1, 1, 2), "InitialModel 1 x 2 on one g6.4xlarge"),
    _paper(
        "polish",
        "c6i.32xlarge",
        (4, 16, 16),
        _BEST,
        "Bayesian polishing, 4 x c6i.32xlarge, 4 MPI a node, 256 vCPUs = MPI x threads",
    ),
    *_schemes("polish", (_M7I, _C7I), (1, 16, 12), "Polish 16 x 12"),
    *_schemes("motioncorr", (_C7I, _M7I), (4, 96, 8), "MotionCorr 96 x 8 on 4 nodes"),
    *_schemes("ctfrefine", (_C7I, _M7I), (1, 24, 8), "CtfRefine 24 x 8"),
    *_schemes("ctffind", (_C7I, _M7I), (1, 24, 1), "CtfFind 24 MPI"),
    *_schemes("autopick-log", (_C7I, _M7I), (1, 24, 1), "AutoPick with LoG 24 MPI"),
    *_schemes("extract", (_C7I, _M7I), (1, 24, 1), "Extract 24 MPI"),
    *_schemes("localres", (_C7I, _M7I), (1, 24, 1), "LocalRes 24 MPI"),
    *_schemes("maskcreate", (_C7I, _M7I), (1, 1, 192), "MaskCreate with 192 threads"),
)
"""Everything published; the first row of a kind and instance type counts."""


def published_setting(kind: str, instance_type: str) -> Setting | None:
    """What is published for a kind of job on an instance type; None if nothing is."""
    return next(
        (one for one in PUBLISHED if (one.kind, one.instance_type) == (kind, instance_type)), None
    )


def derived_setting(job: Job, partition: Partition) -> Setting:
    """A setting by RELION's rules, where no figure is published: one machine, filled."""
    ranks, threads, rule = _derived_shape(job, partition)
    return Setting(
        job.kind,
        partition.instance_type,
        1,
        ranks,
        threads,
        AS_TYPED
        if job.program.shape is SpreadRule.TYPED
        else "derived, because no figure is published for it",
        f"Derived: {rule}",
    )


def _derived_shape(job: Job, partition: Partition) -> tuple[int, int, str]:
    """Ranks, threads and the rule that gives them."""
    cores = max(1, partition.vcpus // 2)
    match job.program.shape:
        case SpreadRule.ONE_CORE:
            return 1, 1, f"one process with one thread ({PIPELINE})"
        case SpreadRule.TYPED:
            return job.ranks, min(job.threads, partition.vcpus), f"{SpreadRule.TYPED}"
        case SpreadRule.CORES:
            return 1, cores, f"no MPI ({PIPELINE}); a thread for each physical core"
        case SpreadRule.VCPUS:
            rule = f"a thread for each vCPU, as 192 on 192 vCPUs in {SCHEMES}"
            return 1, partition.vcpus, rule
        case SpreadRule.GPUS if job.uses_gpu and partition.gpus:
            rule = f"as many threads as GPUs, which the paper found best ({PAPER})"
            return 1, partition.gpus, rule
        case SpreadRule.GPUS:
            return 1, cores, "no MPI; a thread for each physical core"
        case SpreadRule.REFINEMENT:
            return _refinement_shape(job, partition)
    if job.uses_gpu:
        gpus = max(1, partition.gpus)
        return gpus, 1, f"one rank a GPU and one thread, as 4 x 1 on 4 GPUs in {SCHEMES}"
    takes_threads = job.type.parallelism.takes_threads
    if not (takes_threads or partition.exclusive):
        return cores, 1, "a rank for each physical core of a machine that jobs share"
    ranks = max(1, partition.vcpus // VCPUS_A_RANK)
    threads = min(VCPUS_A_RANK, partition.vcpus) if takes_threads else 1
    rule = f"a rank for every {VCPUS_A_RANK} vCPUs, as 24 on 192 vCPUs in {SCHEMES}"
    return ranks, threads, rule


def _refinement_shape(job: Job, partition: Partition) -> tuple[int, int, str]:
    if not (job.uses_gpu and partition.gpus):
        followers = max(2, partition.vcpus // VCPUS_A_RANK)
        followers += followers % 2 if job.splits_halves else 0
        threads = VCPUS_A_RANK - 1
        rule = f"a follower for every {VCPUS_A_RANK} vCPUs with {threads} threads, as 25 x 7 on "
        return 1 + followers, min(threads, partition.vcpus), f"{rule}192 vCPUs in {SCHEMES}"
    a_gpu = ranks_a_gpu(job, partition.gpus)
    # A single follower is possible in 2D and 3D classification.
    ranks = 1 + a_gpu * partition.gpus
    threads = max(1, partition.vcpus // partition.gpus // (a_gpu if a_gpu > 1 else 2))
    return ranks, threads, f"a follower for each GPU ({RELION_RULES}); {_CORES_A_GPU}"


def ranks_a_gpu(job: Job, gpus: int) -> int:
    """Followers on each GPU: one, or two where two halves would share an odd number of GPUs."""
    return 2 if job.splits_halves and gpus % 2 else 1

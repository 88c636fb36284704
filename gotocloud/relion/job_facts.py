"""The facts of a RELION job type; `gotocloud.relion.job_table` has those of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Parallelism(StrEnum):
    """What RELION's form lets a scientist choose for a job type."""

    MPI_AND_THREADS = "MPI and threads"
    MPI = "MPI"
    THREADS = "threads"
    NONE = "neither MPI nor threads"

    @property
    def takes_mpi(self) -> bool:
        """Whether the job type has a number of MPI ranks."""
        return self in (Parallelism.MPI, Parallelism.MPI_AND_THREADS)

    @property
    def takes_threads(self) -> bool:
        """Whether the job type has a number of threads."""
        return self in (Parallelism.THREADS, Parallelism.MPI_AND_THREADS)


class GpuUse(StrEnum):
    """Which processes of a program take an entry of its list of GPUs."""

    NONE = "none"
    FOLLOWERS = "every rank but the leader"
    RANKS = "every rank"
    ONE = "one process, one GPU"
    SOME = "one process, one GPU or several"


class SpreadRule(StrEnum):
    """How a program spreads over a machine, where no figure is published."""

    ONE_CORE = "one process with one thread"
    TYPED = "as typed, because no other shape of it is known"
    CORES = "one process, a thread for each physical core"
    VCPUS = "one process, a thread for each vCPU"
    GPUS = "one process, a thread for each GPU"
    RANKS = "ranks over the vCPUs, or one for each GPU"
    REFINEMENT = "a leader, and followers over the GPUs or the vCPUs"


class MemoryFormula(StrEnum):
    """Which formula gives the main memory of a rank (`gotocloud.relion.memory`)."""

    UNKNOWN = "not known"
    UNMEASURED = "not measured, of a program that is not RELION's"
    MASKING = "maps of a mask"
    POST_PROCESSING = "maps of a PostProcess"
    LOCAL_RESOLUTION = "maps of a local resolution"
    SUBTRACTION = "maps of a subtraction"
    REFINEMENT = "references, and particles that are read ahead"
    LOG_PICKING = "a micrograph"
    TEMPLATE_PICKING = "a micrograph, and a transform of each reference"
    MOVIE = "one movie"
    POLISHING = "movies and reference"
    CTF_REFINEMENT = "two references"
    TOMO_AVERAGE = "a volume for each thread"
    SUBTOMOGRAM = "a particle for each thread"
    TOMOGRAM = "a tomogram"

    @property
    def grows_with_threads(self) -> bool:
        """Whether each thread of a rank takes memory of its own."""
        return self in (
            MemoryFormula.TOMO_AVERAGE,
            MemoryFormula.SUBTOMOGRAM,
            MemoryFormula.TOMOGRAM,
        )

    @property
    def is_of_picking(self) -> bool:
        """Whether it is of a picker, which reads whole micrographs."""
        return self in (MemoryFormula.LOG_PICKING, MemoryFormula.TEMPLATE_PICKING)


class WorkUnit(StrEnum):
    """What a job works through, item by item."""

    NONE = ""
    PARTICLES = "particles"
    MICROGRAPHS = "micrographs"
    TILT_SERIES = "tilt series"


class Settings(Protocol):
    """The settings of a job, as conditions look at them."""

    @property
    def options(self) -> Mapping[str, str]:
        """Option name -> value."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """What is typed under "Additional arguments"."""

    @property
    def is_continue(self) -> bool:
        """Whether it continues an earlier run."""


@dataclass(frozen=True)
class When:
    """A condition on a job's settings; everything that is given must hold.

    Args:
        yes: Options that are "Yes".
        no: Options that are not "Yes", or that this version of RELION does not have.
        off: Options that exist and are not "Yes".
        absent: Options that this version of RELION does not have.
        gpus: Options that name GPUs, or none, but not "cpu".
        argument: Instead of all these, an option under "Additional arguments".
        continued: Whether the job continues an earlier run. Default: either.
        also: Further conditions that must hold.
    """

    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    gpus: tuple[str, ...] = ()
    argument: str = ""
    continued: bool | None = None
    also: tuple[When, ...] = ()

    def holds(self, job: Settings) -> bool:
        """Whether a job's settings are so."""
        if self.argument and self.argument in job.arguments:
            return True
        options = job.options
        return (
            all(options.get(one) == "Yes" for one in self.yes)
            and not any(options.get(one) == "Yes" for one in self.no)
            and all(options.get(one, "Yes") != "Yes" for one in self.off)
            and not any(one in options for one in self.absent)
            and not any(options.get(one, "").strip() == "cpu" for one in self.gpus)
            and self.continued in (None, job.is_continue)
            and all(one.holds(job) for one in self.also)
        )


PARTICLE_FIELDS = ("fn_img", "in_particles", "fn_data", "fndata_reextract", "fn_star")
"""The settings that name a STAR file of particles, in whichever job type and version."""

ALWAYS = When()
GPU_TICKED = When(yes=("use_gpu",), argument="--gpu")


@dataclass(frozen=True)
class Program:
    """What a job type starts under some of its settings.

    Args:
        name: RELION's name of the program without `_mpi`; empty for another's.
        kind: Name of this kind of work in settings and benchmarks: "class3d-noalign".
        when: Under which settings.
        shape: How it spreads over a machine.
        mpi: Whether more MPI ranks than one do more work.
        refuses_mpi: Whether RELION refuses more than one; else they idle.
        queue: Class of work (`cluster_configs.model.JOB_TYPES`) of the job.
        gpu: Which of its processes take GPUs.
        gpu_when: Under which settings it uses GPUs, if it can.
        gpu_named: Whether it stops where the form names no GPU.
        gpu_queue: Class of work with GPUs. Default: `queue`.
        gpu_kind: Kind of work with GPUs. Default: `kind`.
        python: Under which settings RELION's Python, or network weights, are needed;
            None for never.
        window: Whether it opens a window.
        inputs: The settings that name files it opens: "option", "option:flag" (if the
            flag is Yes), "option:!flag" (unless it is), "option:~flag" (if it is, or if
            this version of RELION does not have it), separated by blanks.
        half_map: The setting that names one of two half maps: it opens the other one too.
        items: Settings that name the file with its items.
        unit: What the items are.
        memory: Which formula gives a rank's memory.
        item_s: Seconds of a rank for one item, where they were measured; else 0.
        pixel_s: Seconds of a core for one pixel of a particle's box, or of a micrograph, likewise.
        leader: Whether the first of several MPI ranks only hands work out.
        halves: Whether it refines two random halves of the data apart.
        aligns: Whether it aligns images.
        vdam: Whether it runs the VDAM algorithm.
        trains: Whether it trains parameters in one process, and starts again if interrupted.
        padding: How much larger than the box the reference's transform is, unless the form
            has "Skip padding?" with Yes.
        method: What a message calls it, where RELION refuses GPUs or MPI for it.
    """

    name: str
    kind: str
    when: When = ALWAYS
    shape: SpreadRule = SpreadRule.RANKS
    mpi: bool = True
    refuses_mpi: bool = False
    queue: str = "prep-cpu"
    gpu: GpuUse = GpuUse.NONE
    gpu_when: When = GPU_TICKED
    gpu_named: bool = False
    gpu_queue: str = ""
    gpu_kind: str = ""
    python: When | None = None
    window: bool = False
    inputs: str = ""
    half_map: str = ""
    items: tuple[str, ...] = ()
    unit: WorkUnit = WorkUnit.NONE
    memory: MemoryFormula = MemoryFormula.UNKNOWN
    item_s: float = 0.0
    pixel_s: float = 0.0
    leader: bool = False
    halves: bool = False
    aligns: bool = True
    vdam: bool = False
    trains: bool = False
    padding: int = 2
    method: str = ""

    @property
    def refines(self) -> bool:
        """Whether it is `relion_refine`, whose followers share out GPUs and memory."""
        return self.memory is MemoryFormula.REFINEMENT

    def input_fields(self, job: Settings) -> Iterator[str]:
        """The settings of `inputs` that count with a job's other settings."""
        options = job.options
        for field in self.inputs.split():
            option, _, flag = field.partition(":")
            name = flag.lstrip("!~")
            ticked = options.get(name) == "Yes"
            if (
                not flag
                or (flag[0] == "!" and not ticked)
                or (flag[0] == "~" and name not in options)
                or (flag[0] != "!" and ticked)
            ):
                yield option

    def leaders(self, ranks: int) -> int:
        """How many of so many MPI ranks only hand work out: 1 or 0."""
        return 1 if self.leader and ranks > 1 else 0

    def kind_for(self, *, on_gpu: bool) -> str:
        """Name of the kind of work."""
        return self.gpu_kind if on_gpu and self.gpu_kind else self.kind

    def queue_for(self, *, on_gpu: bool) -> str:
        """Class of work by which a queue is chosen."""
        return self.gpu_queue if on_gpu and self.gpu_queue else self.queue


@dataclass(frozen=True)
class RelionJobType:
    """What is true of every job of a type, whatever its settings.

    Args:
        label: RELION's own label without suffixes, for example "relion.class2d".
        folder: The project folder that holds its jobs, for example "Class2D".
        parallelism: What the form lets one choose.
        programs: What it starts; the first one whose condition holds.
        number: What RELION 3.1 writes instead of the label; None for later types.
        continues: Whether it writes optimiser files and takes `--continue`.
        skips_finished: Whether a continued job leaves finished micrographs alone
            (RELION adds `--only_do_unfinished`).
        known: False for a type that stands in no table: it runs as typed.
    """

    label: str
    folder: str
    parallelism: Parallelism
    programs: tuple[Program, ...]
    number: int | None = None
    continues: bool = False
    skips_finished: bool = False
    registered: bool = True

    @property
    def name(self) -> str:
        """The label without its family, for example "class2d"."""
        return self.label.removeprefix("relion.")

    @property
    def can_use_gpu(self) -> bool:
        """Whether some settings of it run on a GPU."""
        return any(one.gpu is not GpuUse.NONE for one in self.programs)

    def program(self, job: Settings) -> Program:
        """The program that a job of this type starts."""
        return next((one for one in self.programs if one.when.holds(job)), self.programs[-1])

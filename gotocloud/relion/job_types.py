"""Every job type of RELION 3.1 to 5: its label, its parallelism, whether it can use GPUs.

Source: 3dem/relion, `src/pipeline_jobs.h` and `src/pipeline_jobs.cpp` of the tags 3.1.3,
4.0.1 and 5.0.1, read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from gotocloud.errors import unknown_name


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


@dataclass(frozen=True)
class RelionJobType:
    """What is true of every job of a type, whatever its settings.

    Args:
        label: RELION's own label without suffixes, for example "relion.class2d".
        folder: The project folder that holds its jobs, for example "Class2D".
        parallelism: What it can spread over.
        can_use_gpu: Whether some settings of it run on a GPU.
        continues: Whether it writes optimiser files and takes `--continue`.
        skips_finished: Whether a continued job leaves finished micrographs alone
            (RELION adds `--only_do_unfinished`).
        number: What RELION 3.1 writes instead of the label; None for later types.
    """

    label: str
    folder: str
    parallelism: Parallelism
    can_use_gpu: bool = False
    continues: bool = False
    skips_finished: bool = False
    number: int | None = None

    @property
    def name(self) -> str:
        """The label without its family, for example "class2d"."""
        return self.label.removeprefix("relion.")


_BOTH = Parallelism.MPI_AND_THREADS
_MPI = Parallelism.MPI
_THREADS = Parallelism.THREADS
_NONE = Parallelism.NONE

# 3.1 offered threads for LocalRes but its command never passed them on.
_TYPES = (
    RelionJobType("relion.import", "Import", _NONE, number=0),
    RelionJobType(
        "relion.motioncorr", "MotionCorr", _BOTH, can_use_gpu=True, skips_finished=True, number=1
    ),
    RelionJobType(
        "relion.ctffind", "CtfFind", _MPI, can_use_gpu=True, skips_finished=True, number=2
    ),
    RelionJobType("relion.manualpick", "ManualPick", _NONE, number=3),
    RelionJobType(
        "relion.autopick", "AutoPick", _MPI, can_use_gpu=True, skips_finished=True, number=4
    ),
    RelionJobType("relion.extract", "Extract", _MPI, skips_finished=True, number=5),
    RelionJobType("relion.select", "Select", _NONE, number=7),
    RelionJobType("relion.class2d", "Class2D", _BOTH, can_use_gpu=True, continues=True, number=8),
    RelionJobType("relion.class3d", "Class3D", _BOTH, can_use_gpu=True, continues=True, number=9),
    RelionJobType(
        "relion.refine3d", "Refine3D", _BOTH, can_use_gpu=True, continues=True, number=10
    ),
    RelionJobType("relion.maskcreate", "MaskCreate", _THREADS, number=12),
    RelionJobType("relion.joinstar", "JoinStar", _NONE, number=13),
    RelionJobType("relion.subtract", "Subtract", _MPI, number=14),
    RelionJobType("relion.postprocess", "PostProcess", _NONE, number=15),
    RelionJobType("relion.localres", "LocalRes", _MPI, number=16),
    RelionJobType(
        "relion.initialmodel", "InitialModel", _BOTH, can_use_gpu=True, continues=True, number=18
    ),
    RelionJobType(
        "relion.multibody", "MultiBody", _BOTH, can_use_gpu=True, continues=True, number=19
    ),
    RelionJobType("relion.polish", "Polish", _BOTH, skips_finished=True, number=20),
    RelionJobType("relion.ctfrefine", "CtfRefine", _BOTH, skips_finished=True, number=21),
    RelionJobType("relion.external", "External", _THREADS, number=99),
    # RELION 5 writes these two labels without the family.
    RelionJobType("dynamight", "DynaMight", _THREADS, can_use_gpu=True),
    RelionJobType("modelangelo", "ModelAngelo", _NONE, can_use_gpu=True),
    RelionJobType("relion.importtomo", "Import", _NONE),
    RelionJobType("relion.excludetilts", "ExcludeTiltImages", _NONE),
    RelionJobType(
        "relion.aligntiltseries", "AlignTiltSeries", _MPI, can_use_gpu=True, skips_finished=True
    ),
    RelionJobType("relion.reconstructtomograms", "Tomograms", _BOTH, skips_finished=True),
    RelionJobType("relion.denoisetomo", "Denoise", _NONE, can_use_gpu=True),
    RelionJobType("relion.picktomo", "Picks", _NONE),
    RelionJobType("relion.pseudosubtomo", "Extract", _BOTH, skips_finished=True),
    RelionJobType("relion.ctfrefinetomo", "CtfRefine", _BOTH, skips_finished=True),
    RelionJobType("relion.framealigntomo", "Polish", _BOTH, skips_finished=True),
    RelionJobType("relion.reconstructparticletomo", "Reconstruct", _BOTH, skips_finished=True),
)

RELION_JOB_TYPES: Mapping[str, RelionJobType] = MappingProxyType({one.label: one for one in _TYPES})
"""Label without suffixes -> job type."""

_BY_NUMBER = {one.number: one for one in _TYPES if one.number is not None}
# Versions before 4.0 called a type by its folder; the first of several has that name.
_BY_FOLDER = {one.folder.lower(): one for one in reversed(_TYPES)}


def relion_job_type(label: str) -> RelionJobType:
    """The job type of a label, as RELION itself finds it.

    RELION appends what a job does ("relion.motioncorr.own"), so parts are taken off the end
    until a label is known. A folder name ("Class2D") and a name without its family
    ("class2d") are understood as well.

    Raises:
        InputError: if no job type has that label.
    """
    tried = label
    while tried:
        for known in (tried, f"relion.{tried}", tried.removeprefix("relion.")):
            if known in RELION_JOB_TYPES:
                return RELION_JOB_TYPES[known]
        tried = tried.rpartition(".")[0]
    if found := _BY_FOLDER.get(label.lower()):
        return found
    raise unknown_name("RELION job type", label, tuple(RELION_JOB_TYPES))


def job_type_of_number(number: int) -> RelionJobType:
    """The job type that RELION 3.1 writes as a number.

    Raises:
        InputError: if no job type has that number.
    """
    if number not in _BY_NUMBER:
        known = tuple(f"{one.number} ({one.name})" for one in _BY_NUMBER.values())
        raise unknown_name("RELION job type", str(number), known)
    return _BY_NUMBER[number]

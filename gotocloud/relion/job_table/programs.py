"""What several rows of the table share."""

from __future__ import annotations

from dataclasses import replace

from gotocloud.relion.job_facts import (
    GpuUse,
    MemoryFormula,
    Parallelism,
    Program,
    SpreadRule,
    When,
    WorkUnit,
)

BOTH, MPI = Parallelism.MPI_AND_THREADS, Parallelism.MPI
THREADS, NONE = Parallelism.THREADS, Parallelism.NONE

_BLUSH = When(yes=("do_blush",), argument="--blush")
NO_ALIGNMENT = When(off=("dont_skip_align",), argument="--skip_align")
_OPTIMISATION_SET = "in_optimisation in_particles:~use_direct_entries"
TOMO_SET = (
    f"{_OPTIMISATION_SET} in_tomograms:~use_direct_entries in_trajectories:~use_direct_entries"
)
TOMO_HALVES = f"{TOMO_SET} in_halfmaps in_refmask in_post"

REFINE = Program(
    "relion_refine",
    "",
    shape=SpreadRule.REFINEMENT,
    gpu=GpuUse.FOLLOWERS,
    unit=WorkUnit.PARTICLES,
    memory=MemoryFormula.REFINEMENT,
    # The only program whose first MPI rank is idle (src/ml_optimiser_mpi.cpp).
    leader=True,
    python=_BLUSH,
)
VDAM = replace(REFINE, shape=SpreadRule.GPUS, mpi=False, refuses_mpi=True, vdam=True)
STEP = Program("", "", shape=SpreadRule.ONE_CORE, mpi=False, queue="small")
MICROGRAPHS = Program("", "", unit=WorkUnit.MICROGRAPHS)
TILTS = Program("", "", unit=WorkUnit.TILT_SERIES, items=("in_tiltseries", "in_tomoset"))

"""From particles to maps."""

from __future__ import annotations

from dataclasses import replace

from gotocloud.relion.job_facts import (
    GpuUse,
    MemoryFormula,
    Program,
    RelionJobType,
    SpreadRule,
    When,
    WorkUnit,
)
from gotocloud.relion.job_table.programs import (
    BOTH,
    MICROGRAPHS,
    MPI,
    NO_ALIGNMENT,
    REFINE,
    STEP,
    TOMO_SET,
    VDAM,
)

TYPES: tuple[RelionJobType, ...] = (
    RelionJobType(
        "relion.class2d",
        "Class2D",
        BOTH,
        (
            replace(
                VDAM,
                kind="class2d-vdam-noalign",
                when=When(yes=("do_grad",), also=(NO_ALIGNMENT,)),
                gpu_queue="class2d-vdam",
                inputs="fn_img",
                aligns=False,
            ),
            replace(
                REFINE,
                kind="class2d-noalign",
                when=NO_ALIGNMENT,
                gpu_queue="class2d",
                inputs="fn_img",
                aligns=False,
            ),
            replace(
                VDAM,
                kind="class2d-vdam",
                when=When(yes=("do_grad",)),
                gpu_queue="class2d-vdam",
                inputs="fn_img",
            ),
            replace(REFINE, kind="class2d", gpu_queue="class2d", inputs="fn_img"),
        ),
        number=8,
        continues=True,
    ),
    RelionJobType(
        "relion.class3d",
        "Class3D",
        BOTH,
        (
            # Without alignment RELION's form refuses a GPU
            # (https://github.com/3dem/relion/blob/5.0.1/src/pipeline_jobs.cpp#L4112).
            replace(
                REFINE,
                kind="class3d-noalign",
                when=NO_ALIGNMENT,
                inputs=f"fn_img fn_ref fn_mask {TOMO_SET}",
                gpu=GpuUse.NONE,
                aligns=False,
                method="classifies without alignment",
            ),
            replace(
                REFINE,
                kind="class3d",
                gpu_queue="class3d",
                inputs=f"fn_img fn_ref fn_mask {TOMO_SET}",
            ),
        ),
        number=9,
        continues=True,
    ),
    RelionJobType(
        "relion.refine3d",
        "Refine3D",
        BOTH,
        (
            replace(
                REFINE,
                kind="refine3d",
                gpu_queue="refine3d",
                inputs=f"fn_img fn_ref fn_mask {TOMO_SET}",
                halves=True,
            ),
        ),
        number=10,
        continues=True,
    ),
    RelionJobType(
        "relion.initialmodel",
        "InitialModel",
        BOTH,
        (
            replace(
                VDAM,
                kind="initialmodel",
                when=When(absent=("sgd_ini_iter",)),
                padding=1,
                gpu_queue="initialmodel",
                inputs=f"fn_img {TOMO_SET}",
            ),
            # Up to 3.1 gradient descent takes ranks, but every published shape has one.
            replace(
                VDAM,
                kind="initialmodel",
                gpu_queue="initialmodel",
                inputs="fn_img",
                refuses_mpi=False,
                vdam=False,
            ),
        ),
        number=18,
        continues=True,
    ),
    RelionJobType(
        "relion.multibody",
        "MultiBody",
        BOTH,
        (
            replace(
                REFINE,
                kind="multibody",
                gpu_queue="refine3d",
                inputs="fn_in fn_bodies",
                halves=True,
            ),
        ),
        number=19,
        continues=True,
    ),
    RelionJobType(
        "relion.polish",
        "Polish",
        BOTH,
        (
            replace(
                MICROGRAPHS,
                name="relion_motion_refine",
                kind="polish-training",
                when=When(yes=("do_param_optim",)),
                shape=SpreadRule.CORES,
                mpi=False,
                refuses_mpi=True,
                queue="polish",
                inputs="fn_mic fn_data fn_post",
                items=("fn_mic",),
                memory=MemoryFormula.POLISHING,
                trains=True,
            ),
            replace(
                MICROGRAPHS,
                name="relion_motion_refine",
                kind="polish",
                queue="polish",
                inputs="fn_mic fn_data fn_post opt_params:!do_own_params",
                items=("fn_mic",),
                memory=MemoryFormula.POLISHING,
            ),
        ),
        number=20,
        skips_finished=True,
    ),
    RelionJobType(
        "relion.ctfrefine",
        "CtfRefine",
        BOTH,
        (
            # pixel_s, also of Subtract: 3.1.3 with 200 particles of 128 px on an Intel Xeon, all
            # four fits together (30 s of one core); an upper bound, the start included.
            Program(
                "relion_ctf_refine",
                "ctfrefine",
                inputs="fn_data fn_post",
                unit=WorkUnit.PARTICLES,
                memory=MemoryFormula.CTF_REFINEMENT,
                pixel_s=9.0e-6,
            ),
        ),
        number=21,
        skips_finished=True,
    ),
    RelionJobType(
        "relion.subtract",
        "Subtract",
        MPI,
        (
            replace(
                STEP,
                name="relion_particle_subtract",
                kind="subtract-revert",
                when=When(yes=("do_fliplabel",)),
                inputs="fn_fliplabel",
                refuses_mpi=True,
                method="going back to the original particles",
            ),
            Program(
                "relion_particle_subtract",
                "subtract",
                inputs="fn_opt fn_mask fn_data:do_data",
                unit=WorkUnit.PARTICLES,
                pixel_s=2.7e-7,
                memory=MemoryFormula.SUBTRACTION,
            ),
        ),
        number=14,
    ),
)

"""From maps to their masks, sharpening and models, and programs of one's own."""

from __future__ import annotations

from dataclasses import replace

from gotocloud.relion.job_facts import (
    ALWAYS,
    GpuUse,
    MemoryFormula,
    Program,
    RelionJobType,
    SpreadRule,
    When,
)
from gotocloud.relion.job_table.programs import (
    MPI,
    NONE,
    STEP,
    THREADS,
    TOMO_SET,
)

DYNAMIGHT = Program(
    "",
    "dynamight",
    shape=SpreadRule.TYPED,
    mpi=False,
    gpu=GpuUse.ONE,
    gpu_when=ALWAYS,
    gpu_queue="prep-gpu",
    python=ALWAYS,
    inputs="fn_star fn_map fn_mask fn_checkpoint",
    memory=MemoryFormula.UNMEASURED,
)

TYPES: tuple[RelionJobType, ...] = (
    RelionJobType(
        "relion.maskcreate",
        "MaskCreate",
        THREADS,
        (
            Program(
                "relion_mask_create",
                "maskcreate",
                shape=SpreadRule.VCPUS,
                mpi=False,
                queue="small",
                inputs="fn_in",
                memory=MemoryFormula.MASKING,
            ),
        ),
        number=12,
    ),
    RelionJobType(
        "relion.joinstar",
        "JoinStar",
        NONE,
        (
            replace(
                STEP,
                name="relion_star_handler",
                kind="joinstar",
                inputs=" ".join(
                    f"fn_{what}{number}:do_{what}"
                    for what in ("part", "mic", "mov")
                    for number in range(1, 5)
                ),
            ),
        ),
        number=13,
    ),
    RelionJobType(
        "relion.postprocess",
        "PostProcess",
        NONE,
        (
            replace(
                STEP,
                name="relion_postprocess",
                kind="postprocess",
                inputs=f"fn_in fn_mask fn_mtf {TOMO_SET}",
                half_map="fn_in",
                memory=MemoryFormula.POST_PROCESSING,
            ),
        ),
        number=15,
    ),
    RelionJobType(
        "relion.localres",
        "LocalRes",
        # 3.1 offered threads as well, but its command never passed them on.
        MPI,
        (
            replace(
                STEP,
                name="",
                kind="localres",
                when=When(yes=("do_resmap_locres",)),
                inputs="fn_in fn_mask",
                half_map="fn_in",
                refuses_mpi=True,
                memory=MemoryFormula.UNMEASURED,
                method="ResMap",
            ),
            Program(
                "relion_postprocess",
                "localres",
                queue="small",
                inputs="fn_in fn_mask fn_mtf",
                half_map="fn_in",
                memory=MemoryFormula.LOCAL_RESOLUTION,
            ),
        ),
        number=16,
    ),
    RelionJobType(
        "relion.external",
        "External",
        THREADS,
        (
            Program(
                "",
                "external",
                shape=SpreadRule.TYPED,
                mpi=False,
                inputs="in_mov in_mic in_part in_coords in_3dref in_mask",
            ),
        ),
        number=99,
    ),
    # RELION 5 writes these two labels without the family
    # (https://github.com/3dem/relion/blob/5.0.1/src/pipeline_jobs.h#L359).
    RelionJobType(
        "dynamight",
        "DynaMight",
        THREADS,
        (
            # RELION leaves --gpu-id out where the field is empty, and DynaMight then takes GPU 0:
            # no setting of the form runs it on CPUs (3dem/DynaMight 358db04,
            # optimize_deformations.py:80 and :131). "Do visualization?" opens napari.
            replace(
                DYNAMIGHT,
                kind="dynamight-view",
                when=When(yes=("do_visualize",), continued=True),
                window=True,
            ),
            DYNAMIGHT,
        ),
    ),
    RelionJobType(
        "modelangelo",
        "ModelAngelo",
        NONE,
        (
            replace(
                STEP,
                name="",
                kind="modelangelo",
                # 5.0.1, pipeline_jobs.cpp:5697: "Use comma-separated values to use multiple GPUs";
                # an option -d without a value ends it.
                gpu=GpuUse.SOME,
                gpu_when=When(gpus=("gpu_id",)),
                gpu_named=True,
                memory=MemoryFormula.UNMEASURED,
                gpu_queue="prep-gpu",
                queue="prep-cpu",
                python=ALWAYS,
                inputs="fn_map p_seq d_seq r_seq fn_lib:do_hhmer",
            ),
        ),
    ),
)

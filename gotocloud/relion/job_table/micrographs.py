"""From movies to particles."""

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
    BOTH,
    MICROGRAPHS,
    MPI,
    NONE,
    STEP,
)

TYPES: tuple[RelionJobType, ...] = (
    RelionJobType(
        "relion.import",
        "Import",
        NONE,
        (
            replace(
                STEP,
                name="relion_import",
                kind="import",
                inputs="fn_in_raw:do_raw fn_in_other:do_other fn_mtf",
            ),
        ),
        number=0,
    ),
    RelionJobType(
        "relion.motioncorr",
        "MotionCorr",
        BOTH,
        (
            replace(
                MICROGRAPHS,
                name="relion_run_motioncorr",
                kind="motioncorr",
                when=When(yes=("do_own_motioncor",)),
                inputs="input_star_mics fn_gain_ref",
                items=("input_star_mics",),
                memory=MemoryFormula.MOVIE,
            ),
            # MotionCor2: src/motioncorr_runner.cpp:639 takes a list entry for each rank.
            replace(
                MICROGRAPHS,
                name="relion_run_motioncorr",
                kind="motioncorr",
                gpu=GpuUse.RANKS,
                gpu_when=ALWAYS,
                gpu_kind="motioncorr-gpu",
                gpu_queue="prep-gpu",
                memory=MemoryFormula.UNMEASURED,
                inputs="input_star_mics fn_gain_ref",
                items=("input_star_mics",),
            ),
        ),
        number=1,
        skips_finished=True,
    ),
    RelionJobType(
        "relion.ctffind",
        "CtfFind",
        MPI,
        (
            # Gctf went with 5.0.
            replace(
                MICROGRAPHS,
                name="relion_run_ctffind",
                kind="ctffind",
                when=When(yes=("use_gctf",)),
                gpu=GpuUse.RANKS,
                gpu_when=ALWAYS,
                gpu_kind="ctffind-gpu",
                gpu_queue="prep-gpu",
                memory=MemoryFormula.UNMEASURED,
                inputs="input_star_mics",
                items=("input_star_mics",),
            ),
            # item_s, also of Extract: the public run of the tutorial (settings.TUTORIAL_RUN), 24
            # micrographs on 24 ranks, took 12 s; extraction 10 s, the slower of two.
            replace(
                MICROGRAPHS,
                name="relion_run_ctffind",
                kind="ctffind",
                inputs="input_star_mics",
                items=("input_star_mics",),
                item_s=12.0,
            ),
        ),
        number=2,
        skips_finished=True,
    ),
    RelionJobType(
        "relion.manualpick",
        "ManualPick",
        NONE,
        (
            replace(
                STEP,
                name="relion_manualpick",
                kind="manualpick",
                window=True,
                inputs="fn_in",
                python=When(yes=("do_topaz_denoise",)),
            ),
        ),
        number=3,
    ),
    RelionJobType(
        "relion.autopick",
        "AutoPick",
        MPI,
        (
            replace(
                STEP,
                name="relion_manualpick",
                kind="autopick-manual",
                when=When(yes=("continue_manual",), continued=True),
                window=True,
                inputs="fn_input_autopick",
            ),
            replace(
                MICROGRAPHS,
                name="relion_autopick",
                kind="autopick-log",
                when=When(yes=("do_log",)),
                inputs="fn_input_autopick",
                items=("fn_input_autopick",),
                memory=MemoryFormula.LOG_PICKING,
                # 3.1.3, a square of 3072 px in 0.8 s of a core of an Intel Xeon, the slowest of
                # four sizes a pixel; the start included.
                pixel_s=8.4e-8,
                method="picks with the Laplacian of Gaussian",
            ),
            # Training uses one rank; the others do nothing (src/autopick_mpi.cpp:53-57).
            Program(
                "relion_autopick",
                "autopick-training",
                When(yes=("do_topaz", "do_topaz_train")),
                shape=SpreadRule.ONE_CORE,
                mpi=False,
                trains=True,
                queue="small",
                gpu=GpuUse.ONE,
                gpu_queue="prep-gpu",
                python=ALWAYS,
                inputs="fn_input_autopick topaz_train_picks:!do_topaz_train_parts "
                "topaz_train_parts:do_topaz_train_parts",
                memory=MemoryFormula.UNMEASURED,
            ),
            replace(
                MICROGRAPHS,
                name="relion_autopick",
                kind="autopick",
                when=When(yes=("do_topaz",)),
                gpu=GpuUse.RANKS,
                gpu_kind="autopick-gpu",
                gpu_queue="prep-gpu",
                python=ALWAYS,
                inputs="fn_input_autopick topaz_model",
                items=("fn_input_autopick",),
                memory=MemoryFormula.UNMEASURED,
            ),
            replace(
                MICROGRAPHS,
                name="relion_autopick",
                kind="autopick",
                gpu=GpuUse.RANKS,
                gpu_kind="autopick-gpu",
                gpu_queue="prep-gpu",
                inputs="fn_input_autopick fn_refs_autopick:!do_ref3d fn_ref3d_autopick:do_ref3d",
                items=("fn_input_autopick",),
                memory=MemoryFormula.TEMPLATE_PICKING,
            ),
        ),
        number=4,
        skips_finished=True,
    ),
    RelionJobType(
        "relion.extract",
        "Extract",
        MPI,
        (
            replace(
                MICROGRAPHS,
                name="relion_preprocess",
                kind="extract",
                inputs="star_mics coords_suffix:!do_reextract fndata_reextract:do_reextract",
                items=("star_mics",),
                item_s=10.0,
            ),
        ),
        number=5,
        skips_finished=True,
    ),
    RelionJobType(
        "relion.select",
        "Select",
        NONE,
        (
            replace(
                STEP,
                name="relion_filament_selection",
                kind="select",
                when=When(yes=("do_filaments",)),
                inputs="fn_model",
            ),
            *(
                replace(
                    STEP,
                    name="relion_star_handler",
                    kind="select",
                    when=When(yes=(flag,)),
                    inputs="fn_mic fn_data",
                )
                for flag in ("do_remove_duplicates", "do_select_values", "do_discard", "do_split")
            ),
            replace(
                STEP,
                name="relion_class_ranker",
                kind="select-ranker",
                when=When(yes=("do_class_ranker",)),
                inputs="fn_model",
                python=ALWAYS,
            ),
            replace(
                STEP,
                name="relion_display",
                kind="select",
                window=True,
                inputs="fn_model fn_mic fn_data fn_coords",
            ),
        ),
        number=7,
    ),
)

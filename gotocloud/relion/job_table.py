"""The facts of every job type of RELION 3.1 to 5, one row each.

Source: 3dem/relion, `getCommands…Job` and `initialise…Job` in src/pipeline_jobs.cpp of the
tags 3.1.3, 4.0.1 and 5.0.1; tests/relion/pipeline_jobs.csv holds what that file names, with
its lines, and a test compares. What another source gives stands beside the row.
"""

from __future__ import annotations

from dataclasses import replace

from gotocloud.relion.job_facts import (
    ALWAYS,
    GpuUse,
    Memory,
    Parallelism,
    Program,
    RelionJobType,
    Shape,
    Unit,
    When,
)

_BOTH, _MPI = Parallelism.MPI_AND_THREADS, Parallelism.MPI
_THREADS, _NONE = Parallelism.THREADS, Parallelism.NONE

_BLUSH = When(yes=("do_blush",), argument="--blush")
_NO_ALIGNMENT = When(off=("dont_skip_align",), argument="--skip_align")
_OPTIMISATION_SET = "in_optimisation in_particles:~use_direct_entries"
_TOMO_SET = (
    f"{_OPTIMISATION_SET} in_tomograms:~use_direct_entries in_trajectories:~use_direct_entries"
)
_TOMO_HALVES = f"{_TOMO_SET} in_halfmaps in_refmask in_post"
_PARTICLE_FILES = ("fn_img", "in_particles", "fn_data", "fndata_reextract", "fn_star")


_REFINE = Program(
    "relion_refine",
    "",
    shape=Shape.REFINEMENT,
    gpu=GpuUse.FOLLOWERS,
    unit=Unit.PARTICLES,
    items=_PARTICLE_FILES,
    memory=Memory.REFINEMENT,
    # The only program whose first MPI rank is idle (src/ml_optimiser_mpi.cpp).
    leader=True,
    python=_BLUSH,
)
_VDAM = replace(_REFINE, shape=Shape.GPUS, mpi=False, refuses_mpi=True, vdam=True)
_STEP = Program("", "", shape=Shape.ONE_CORE, mpi=False, queue="small")
_MICROGRAPHS = Program("", "", unit=Unit.MICROGRAPHS)
_TILTS = Program("", "", unit=Unit.TILT_SERIES, items=("in_tiltseries", "in_tomoset"))

TYPES: tuple[RelionJobType, ...] = (
    RelionJobType(
        "relion.import",
        "Import",
        _NONE,
        (
            replace(
                _STEP,
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
        _BOTH,
        (
            replace(
                _MICROGRAPHS,
                name="relion_run_motioncorr",
                kind="motioncorr",
                when=When(yes=("do_own_motioncor",)),
                inputs="input_star_mics fn_gain_ref",
                items=("input_star_mics",),
                memory=Memory.MOVIE,
            ),
            # MotionCor2: src/motioncorr_runner.cpp:639 takes a list entry for each rank.
            replace(
                _MICROGRAPHS,
                name="relion_run_motioncorr",
                kind="motioncorr",
                gpu=GpuUse.RANKS,
                gpu_when=ALWAYS,
                gpu_kind="motioncorr-gpu",
                gpu_queue="prep-gpu",
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
        _MPI,
        (
            # Gctf went with 5.0.
            replace(
                _MICROGRAPHS,
                name="relion_run_ctffind",
                kind="ctffind",
                when=When(yes=("use_gctf",)),
                gpu=GpuUse.RANKS,
                gpu_when=ALWAYS,
                gpu_kind="ctffind-gpu",
                gpu_queue="prep-gpu",
                inputs="input_star_mics",
                items=("input_star_mics",),
            ),
            replace(
                _MICROGRAPHS,
                name="relion_run_ctffind",
                kind="ctffind",
                inputs="input_star_mics",
                items=("input_star_mics",),
            ),
        ),
        number=2,
        skips_finished=True,
    ),
    RelionJobType(
        "relion.manualpick",
        "ManualPick",
        _NONE,
        (
            replace(
                _STEP,
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
        _MPI,
        (
            replace(
                _STEP,
                name="relion_manualpick",
                kind="autopick-manual",
                when=When(yes=("continue_manual",), continued=True),
                window=True,
                inputs="fn_input_autopick",
            ),
            replace(
                _MICROGRAPHS,
                name="relion_autopick",
                kind="autopick-log",
                when=When(yes=("do_log",)),
                inputs="fn_input_autopick",
                items=("fn_input_autopick",),
                method="picks with the Laplacian of Gaussian",
            ),
            # Training uses one rank; the others do nothing (src/autopick_mpi.cpp:53-57).
            Program(
                "relion_autopick",
                "autopick-training",
                When(yes=("do_topaz", "do_topaz_train")),
                shape=Shape.ONE_CORE,
                mpi=False,
                trains=True,
                queue="small",
                gpu=GpuUse.ONE,
                gpu_queue="prep-gpu",
                python=ALWAYS,
                inputs="fn_input_autopick topaz_train_picks:!do_topaz_train_parts "
                "topaz_train_parts:do_topaz_train_parts",
            ),
            replace(
                _MICROGRAPHS,
                name="relion_autopick",
                kind="autopick",
                when=When(yes=("do_topaz",)),
                gpu=GpuUse.RANKS,
                gpu_kind="autopick-gpu",
                gpu_queue="prep-gpu",
                python=ALWAYS,
                inputs="fn_input_autopick topaz_model",
                items=("fn_input_autopick",),
            ),
            replace(
                _MICROGRAPHS,
                name="relion_autopick",
                kind="autopick",
                gpu=GpuUse.RANKS,
                gpu_kind="autopick-gpu",
                gpu_queue="prep-gpu",
                inputs="fn_input_autopick fn_refs_autopick:!do_ref3d fn_ref3d_autopick:do_ref3d",
                items=("fn_input_autopick",),
            ),
        ),
        number=4,
        skips_finished=True,
    ),
    RelionJobType(
        "relion.extract",
        "Extract",
        _MPI,
        (
            replace(
                _MICROGRAPHS,
                name="relion_preprocess",
                kind="extract",
                inputs="star_mics coords_suffix:!do_reextract fndata_reextract:do_reextract",
                items=("star_mics",),
            ),
        ),
        number=5,
        skips_finished=True,
    ),
    RelionJobType(
        "relion.select",
        "Select",
        _NONE,
        (
            replace(
                _STEP,
                name="relion_filament_selection",
                kind="select",
                when=When(yes=("do_filaments",)),
                inputs="fn_model",
            ),
            *(
                replace(
                    _STEP,
                    name="relion_star_handler",
                    kind="select",
                    when=When(yes=(flag,)),
                    inputs="fn_mic fn_data",
                )
                for flag in ("do_remove_duplicates", "do_select_values", "do_discard", "do_split")
            ),
            replace(
                _STEP,
                name="relion_class_ranker",
                kind="select-ranker",
                when=When(yes=("do_class_ranker",)),
                inputs="fn_model",
                python=ALWAYS,
            ),
            replace(
                _STEP,
                name="relion_display",
                kind="select",
                window=True,
                inputs="fn_model fn_mic fn_data fn_coords",
            ),
        ),
        number=7,
    ),
    RelionJobType(
        "relion.class2d",
        "Class2D",
        _BOTH,
        (
            replace(
                _VDAM,
                kind="class2d-vdam-noalign",
                when=When(yes=("do_grad",), also=(_NO_ALIGNMENT,)),
                gpu_queue="class2d-vdam",
                inputs="fn_img",
                aligns=False,
            ),
            replace(
                _REFINE,
                kind="class2d-noalign",
                when=_NO_ALIGNMENT,
                gpu_queue="class2d",
                inputs="fn_img",
                aligns=False,
            ),
            replace(
                _VDAM,
                kind="class2d-vdam",
                when=When(yes=("do_grad",)),
                gpu_queue="class2d-vdam",
                inputs="fn_img",
            ),
            replace(_REFINE, kind="class2d", gpu_queue="class2d", inputs="fn_img"),
        ),
        number=8,
        continues=True,
    ),
    RelionJobType(
        "relion.class3d",
        "Class3D",
        _BOTH,
        (
            # Without alignment RELION's form refuses a GPU.
            replace(
                _REFINE,
                kind="class3d-noalign",
                when=_NO_ALIGNMENT,
                inputs=f"fn_img fn_ref fn_mask {_TOMO_SET}",
                gpu=GpuUse.NONE,
                aligns=False,
                method="classifies without alignment",
            ),
            replace(
                _REFINE,
                kind="class3d",
                gpu_queue="class3d",
                inputs=f"fn_img fn_ref fn_mask {_TOMO_SET}",
            ),
        ),
        number=9,
        continues=True,
    ),
    RelionJobType(
        "relion.refine3d",
        "Refine3D",
        _BOTH,
        (
            replace(
                _REFINE,
                kind="refine3d",
                gpu_queue="refine3d",
                inputs=f"fn_img fn_ref fn_mask {_TOMO_SET}",
                halves=True,
            ),
        ),
        number=10,
        continues=True,
    ),
    RelionJobType(
        "relion.maskcreate",
        "MaskCreate",
        _THREADS,
        (
            Program(
                "relion_mask_create",
                "maskcreate",
                shape=Shape.VCPUS,
                mpi=False,
                queue="small",
                inputs="fn_in",
                memory=Memory.MAPS,
            ),
        ),
        number=12,
    ),
    RelionJobType(
        "relion.joinstar",
        "JoinStar",
        _NONE,
        (
            replace(
                _STEP,
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
        "relion.subtract",
        "Subtract",
        _MPI,
        (
            replace(
                _STEP,
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
                unit=Unit.PARTICLES,
                items=("fn_data",),
            ),
        ),
        number=14,
    ),
    RelionJobType(
        "relion.postprocess",
        "PostProcess",
        _NONE,
        (
            replace(
                _STEP,
                name="relion_postprocess",
                kind="postprocess",
                inputs=f"fn_in fn_mask fn_mtf {_TOMO_SET}",
                memory=Memory.MAPS,
            ),
        ),
        number=15,
    ),
    RelionJobType(
        "relion.localres",
        "LocalRes",
        # 3.1 offered threads as well, but its command never passed them on.
        _MPI,
        (
            replace(
                _STEP,
                name="",
                kind="localres",
                when=When(yes=("do_resmap_locres",)),
                inputs="fn_in fn_mask",
                memory=Memory.MAPS,
                refuses_mpi=True,
                method="ResMap",
            ),
            Program(
                "relion_postprocess",
                "localres",
                queue="small",
                inputs="fn_in fn_mask fn_mtf",
                memory=Memory.MAPS,
            ),
        ),
        number=16,
    ),
    RelionJobType(
        "relion.initialmodel",
        "InitialModel",
        _BOTH,
        (
            replace(
                _VDAM,
                kind="initialmodel",
                when=When(absent=("sgd_ini_iter",)),
                padding=1,
                gpu_queue="initialmodel",
                inputs=f"fn_img {_TOMO_SET}",
            ),
            # Up to 3.1 gradient descent takes ranks, but every published shape has one.
            replace(
                _VDAM,
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
        _BOTH,
        (
            replace(
                _REFINE,
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
        _BOTH,
        (
            replace(
                _MICROGRAPHS,
                name="relion_motion_refine",
                kind="polish-training",
                when=When(yes=("do_param_optim",)),
                shape=Shape.CORES,
                mpi=False,
                refuses_mpi=True,
                queue="polish",
                inputs="fn_mic fn_data fn_post",
                items=("fn_mic",),
                memory=Memory.POLISHING,
                trains=True,
            ),
            replace(
                _MICROGRAPHS,
                name="relion_motion_refine",
                kind="polish",
                queue="polish",
                inputs="fn_mic fn_data fn_post opt_params:!do_own_params",
                items=("fn_mic",),
                memory=Memory.POLISHING,
            ),
        ),
        number=20,
        skips_finished=True,
    ),
    RelionJobType(
        "relion.ctfrefine",
        "CtfRefine",
        _BOTH,
        (
            Program(
                "relion_ctf_refine",
                "ctfrefine",
                inputs="fn_data fn_post",
                unit=Unit.PARTICLES,
                items=("fn_data",),
                memory=Memory.CTF_REFINEMENT,
            ),
        ),
        number=21,
        skips_finished=True,
    ),
    RelionJobType(
        "relion.external",
        "External",
        _THREADS,
        (
            Program(
                "",
                "external",
                shape=Shape.TYPED,
                mpi=False,
                inputs="in_mov in_mic in_part in_coords in_3dref in_mask",
            ),
        ),
        number=99,
    ),
    # RELION 5 writes these two labels without the family.
    RelionJobType(
        "dynamight",
        "DynaMight",
        _THREADS,
        (
            Program(
                "",
                "dynamight",
                shape=Shape.TYPED,
                mpi=False,
                gpu=GpuUse.ONE,
                gpu_when=When(filled=("gpu_id",)),
                gpu_queue="prep-gpu",
                python=ALWAYS,
                inputs="fn_star fn_map fn_mask fn_checkpoint",
            ),
        ),
    ),
    RelionJobType(
        "modelangelo",
        "ModelAngelo",
        _NONE,
        (
            replace(
                _STEP,
                name="",
                kind="modelangelo",
                gpu=GpuUse.ONE,
                gpu_when=When(filled=("gpu_id",)),
                gpu_queue="prep-gpu",
                queue="prep-cpu",
                python=ALWAYS,
                inputs="fn_map p_seq d_seq r_seq fn_lib:do_hhmer",
            ),
        ),
    ),
    RelionJobType(
        "relion.importtomo",
        "Import",
        _NONE,
        (
            replace(
                _STEP,
                name="relion_tomo_import_coordinates",
                kind="importtomo",
                when=When(yes=("do_coords",)),
                inputs="in_coords",
            ),
            # 4.0 imports tomograms and particles with programs of its own.
            replace(
                _STEP,
                name="relion_import",
                kind="importtomo",
                when=When(absent=("mdoc_files",)),
                inputs="io_tomos",
            ),
            replace(
                _STEP,
                name="relion_python_tomo_import",
                kind="importtomo",
                inputs="mdoc_files movie_files",
                python=ALWAYS,
            ),
        ),
    ),
    RelionJobType(
        "relion.excludetilts",
        "ExcludeTiltImages",
        _NONE,
        (
            replace(
                _STEP,
                name="relion_python_tomo_exclude_tilt_images",
                kind="excludetilts",
                window=True,
                python=ALWAYS,
                inputs="in_tiltseries",
            ),
        ),
    ),
    RelionJobType(
        "relion.aligntiltseries",
        "AlignTiltSeries",
        _MPI,
        (
            # AreTomo: src/align_tiltseries_runner.cpp:497 takes a list entry for each rank.
            replace(
                _TILTS,
                name="relion_align_tiltseries",
                kind="aligntiltseries",
                when=When(yes=("do_aretomo2",)),
                gpu=GpuUse.RANKS,
                gpu_when=ALWAYS,
                gpu_kind="aligntiltseries-gpu",
                gpu_queue="prep-gpu",
                inputs="in_tiltseries",
            ),
            replace(
                _TILTS,
                name="relion_align_tiltseries",
                kind="aligntiltseries",
                inputs="in_tiltseries",
            ),
        ),
        skips_finished=True,
    ),
    RelionJobType(
        "relion.reconstructtomograms",
        "Tomograms",
        _BOTH,
        (
            replace(
                _TILTS,
                name="relion_tomo_reconstruct_tomogram",
                kind="reconstructtomograms",
                inputs="in_tiltseries",
                memory=Memory.TOMOGRAM,
            ),
        ),
        skips_finished=True,
    ),
    RelionJobType(
        "relion.denoisetomo",
        "Denoise",
        _NONE,
        (
            # cryoCARE takes exactly one GPU.
            replace(
                _STEP,
                name="relion_python_tomo_denoise",
                kind="denoisetomo",
                gpu=GpuUse.ONE,
                gpu_when=ALWAYS,
                gpu_queue="prep-gpu",
                python=ALWAYS,
                inputs="in_tomoset care_denoising_model:do_cryocare_predict",
            ),
        ),
    ),
    RelionJobType(
        "relion.picktomo",
        "Picks",
        _NONE,
        (
            replace(
                _STEP,
                name="relion_python_tomo_pick",
                kind="picktomo",
                window=True,
                python=ALWAYS,
                inputs="in_tomoset in_star_file",
            ),
        ),
    ),
    RelionJobType(
        "relion.pseudosubtomo",
        "Extract",
        _BOTH,
        (
            replace(
                _TILTS,
                name="relion_tomo_subtomo",
                kind="pseudosubtomo",
                inputs=_TOMO_SET,
                items=("in_tomograms",),
            ),
        ),
        skips_finished=True,
    ),
    RelionJobType(
        "relion.ctfrefinetomo",
        "CtfRefine",
        _BOTH,
        (
            replace(
                _TILTS,
                name="relion_tomo_refine_ctf",
                kind="ctfrefinetomo",
                inputs=_TOMO_HALVES,
                items=("in_tomograms",),
                memory=Memory.CTF_REFINEMENT,
            ),
        ),
        skips_finished=True,
    ),
    RelionJobType(
        "relion.framealigntomo",
        "Polish",
        _BOTH,
        (
            replace(
                _TILTS,
                name="relion_tomo_align",
                kind="framealigntomo",
                inputs=_TOMO_HALVES,
                items=("in_tomograms",),
                memory=Memory.CTF_REFINEMENT,
            ),
        ),
        skips_finished=True,
    ),
    RelionJobType(
        "relion.reconstructparticletomo",
        "Reconstruct",
        _BOTH,
        (
            replace(
                _TILTS,
                name="relion_tomo_reconstruct_particle",
                kind="reconstructparticletomo",
                inputs=f"{_TOMO_SET} fn_mask",
                items=("in_tomograms",),
                memory=Memory.TOMO_AVERAGE,
            ),
        ),
        skips_finished=True,
    ),
)

"""A RELION 3.1 project in which RELION itself writes every job type's `job.star`.

The settings are those of RELION's single-particle tutorial where facts name them (Class3D and
Refine3D 5 x 6 on 4 GPUs, polishing 3 x 8); the rest is RELION's defaults.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from gotocloud.relion.job_types import RELION_JOB_TYPES

PIPELINE = """
# version 30001

data_pipeline_general

_rlnPipeLineJobCounter                       1

"""

_NEW = """
data_job

_rlnJobType {}
_rlnJobIsContinue 0

data_joboptions_values

loop_
_rlnJobOptionVariable #1
_rlnJobOptionValue #2
do_queue No
"""

_FIRST = "fn_img == Select/job007/particles.star"
_GPU = "use_gpu == Yes;gpu_ids == 0:1:2:3;nr_pool == 30;nr_mpi == 5;nr_threads == 6"

JOBS: tuple[tuple[str, str], ...] = (
    ("Import", "fn_in_raw == Movies/*.tiff;angpix == 0.885;kV == 200;Cs == 1.4"),
    (
        "MotionCorr",
        "input_star_mics == Import/job001/movies.star;do_own_motioncor == Yes;nr_mpi == 1;"
        "nr_threads == 12;dose_per_frame == 1.277",
    ),
    (
        "CtfFind",
        "input_star_mics == MotionCorr/job002/corrected_micrographs.star;"
        "use_ctffind4 == Yes;nr_mpi == 6",
    ),
    ("ManualPick", "fn_in == CtfFind/job003/micrographs_ctf.star"),
    (
        "AutoPick",
        "fn_input_autopick == CtfFind/job003/micrographs_ctf.star;do_log == Yes;"
        "log_diam_min == 150;log_diam_max == 180;nr_mpi == 4",
    ),
    (
        "Extract",
        "star_mics == CtfFind/job003/micrographs_ctf.star;"
        "coords_suffix == AutoPick/job005/coords_suffix_autopick.star;"
        "extract_size == 256;do_rescale == Yes;rescale == 64;nr_mpi == 4",
    ),
    ("Select", "fn_data == Extract/job006/particles.star;do_split == Yes;split_size == 5000"),
    ("Class2D", f"{_FIRST};nr_classes == 50;particle_diameter == 200;{_GPU}"),
    ("InitialModel", f"{_FIRST};particle_diameter == 200;sym_name == C1;{_GPU}"),
    ("Class3D", f"{_FIRST};fn_ref == ref.mrc;nr_classes == 4;particle_diameter == 200;{_GPU}"),
    ("Refine3D", f"{_FIRST};fn_ref == ref.mrc;sym_name == D2;particle_diameter == 200;{_GPU}"),
    ("MultiBody", f"fn_in == Refine3D/job011/run_optimiser.star;fn_bodies == bodies.star;{_GPU}"),
    ("MaskCreate", "fn_in == Refine3D/job011/run_class001.mrc;nr_threads == 12"),
    ("JoinStar", "do_part == Yes;fn_part1 == a.star;fn_part2 == b.star"),
    ("Subtract", "fn_opt == Refine3D/job011/run_optimiser.star;fn_mask == mask.mrc;nr_mpi == 2"),
    (
        "PostProcess",
        "fn_in == Refine3D/job011/run_half1_class001_unfil.mrc;fn_mask == mask.mrc;angpix == 1.24",
    ),
    (
        "LocalRes",
        "fn_in == Refine3D/job011/run_half1_class001_unfil.mrc;fn_mask == mask.mrc;"
        "do_resmap_locres == No;do_relion_locres == Yes;nr_mpi == 4",
    ),
    (
        "CtfRefine",
        "fn_data == Refine3D/job011/run_data.star;fn_post == PostProcess/job016/postprocess.star;"
        "do_ctf == Yes;do_defocus == Per-particle;nr_mpi == 3;nr_threads == 8",
    ),
    (
        "Polish",
        "fn_data == Refine3D/job011/run_data.star;fn_post == PostProcess/job016/postprocess.star;"
        "fn_mic == MotionCorr/job002/corrected_micrographs.star;do_param_optim == Yes;"
        "do_polish == No;nr_mpi == 1;nr_threads == 16",
    ),
    (
        "Polish",
        "fn_data == Refine3D/job011/run_data.star;fn_post == PostProcess/job016/postprocess.star;"
        "fn_mic == MotionCorr/job002/corrected_micrographs.star;do_own_params == Yes;"
        "nr_mpi == 3;nr_threads == 8",
    ),
    ("External", "fn_exe == ./own.sh;in_part == Select/job007/particles.star"),
)
"""Job type -> options of `relion_pipeliner --addJobOptions`, in the order of a project."""


def make_project(directory: Path) -> list[Path]:
    """Let RELION add every job type to a new project; the folders of the jobs in order."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "default_pipeline.star").write_text(PIPELINE, encoding="utf-8")
    # RELION looks at these two while it makes the command.
    (directory / "bodies.star").write_text(
        "data_\n\nloop_\n_rlnBodyMaskName #1\nb1.mrc\nb2.mrc\n", encoding="utf-8"
    )
    made = []
    numbers = {
        one.folder: one.number for one in RELION_JOB_TYPES.values() if one.number is not None
    }
    for number, (kind, options) in enumerate(JOBS, start=1):
        # `--addJob` of 3.1.3 knows neither MultiBody, CtfRefine nor Polish, and takes
        # MaskCreate for any other type; given a type's number, RELION fills in the rest.
        (directory / "new_job.star").write_text(_NEW.format(numbers[kind]), encoding="utf-8")
        subprocess.run(
            ["relion_pipeliner", "--addJobFromStar", "new_job.star", "--addJobOptions", options],
            cwd=directory,
            check=True,
            capture_output=True,
            timeout=60,
        )
        made.append(directory / kind / f"job{number:03}")
    return made

"""The work of a RELION job, in the columns of benchmark records: importers and routing use it."""

from __future__ import annotations

from typing import TypedDict

from gotocloud.relion.job import Job
from gotocloud.relion.job_facts import WorkUnit

OPTIONS = (
    *("do_blush", "do_ctf_correction", "ctf_intact_first_peak", "do_fast_subsets", "do_pad1"),
    *("do_zero_mask", "dont_skip_align", "do_local_ang_searches", "sampling", "oversampling"),
    *("auto_local_sampling", "auto_faster", "relax_sym", "psi_sampling", "offset_range"),
    *("offset_step", "allow_coarser", "highres_limit", "do_solvent_fsc", "do_helix", "do_center"),
    *("do_own_motioncor", "patch_x", "patch_y", "bin_factor", "do_dose_weighting", "do_float16"),
    *("do_even_odd_split", "group_frames", "first_frame_sum", "last_frame_sum", "do_save_noDW"),
    *("do_log", "do_topaz", "do_ref3d", "shrink", "extract_size", "do_rescale", "rescale"),
    *("do_ctf", "do_defocus", "do_aniso_mag", "do_tilt", "do_trefoil", "do_4thorder", "use_gpu"),
)
"""Settings that change how much a job computes, by RELION's names (3.1.3 to 5.0.1,
src/pipeline_jobs.cpp). Ranks, threads, GPUs and reading ahead are its shape, not its work."""


class WorkColumns(TypedDict):
    """The columns of a record that describe the work; None where it is not known."""

    particles: int | None
    movies: int | None
    box_px: int | None
    pixel_angstrom: float | None
    classes: int | None
    iterations: int | None
    symmetry: str | None
    options: str | None


def work_columns(job: Job) -> WorkColumns:
    """The work of a job as records have it."""
    work = job.work
    of_particles = work.unit is WorkUnit.PARTICLES
    classifies = job.refines and not job.splits_halves
    return WorkColumns(
        particles=work.items if of_particles else None,
        movies=work.items if work.unit is WorkUnit.MICROGRAPHS else None,
        box_px=work.box_px,
        pixel_angstrom=work.pixel_size_angstrom if of_particles else None,
        classes=work.classes if classifies else None,
        # Of a refinement until convergence they are a result, not a size.
        iterations=work.iterations if classifies else None,
        symmetry=job.text("sym_name").strip().upper() or None,
        options=_options(job),
    )


def _options(job: Job) -> str:
    given = [f"{name}={job.options[name].strip()}" for name in OPTIONS if name in job.options]
    shape = ("--j", "--gpu", "--scratch_dir", "--pool")
    extra = [word for word in job.text("other_args").split() if word not in shape]
    return ";".join([*given, *([" ".join(extra)] if extra else [])])[:500]

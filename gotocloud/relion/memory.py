"""Main memory that one MPI rank of a job needs, by the formulas of RELION's source."""

from __future__ import annotations

from math import prod, sqrt

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.errors import InputError
from gotocloud.relion.frames import Movie
from gotocloud.relion.job import Job
from gotocloud.relion.job_facts import MemoryFormula, WorkUnit
from gotocloud.relion.work import Work

BYTES_PER_GIB = 2**30
BYTES_PER_GB = 1e9
BYTES_PER_PIXEL = 4
"""RELION keeps particles in single precision, in memory and on scratch (3dem/relion #959)."""

USABLE = 0.9
"""Share of a machine's memory for a job. ParallelCluster leaves 95 % of it to Slurm's jobs
(SchedulableMemory, https://docs.aws.amazon.com/parallelcluster/latest/ug/Scheduling-v3.html);
the other 5 % are our own choice, since the formulas count a program's large arrays alone."""

_BYTES_PER_VOXEL = {
    MemoryFormula.MASKING: 27,
    MemoryFormula.POST_PROCESSING: 54,
    MemoryFormula.LOCAL_RESOLUTION: 142,
    MemoryFormula.SUBTRACTION: 158,
}
"""Own measurement, 2026-11-30: most resident memory of RELION 3.1.3 on CPUs by the voxels of the
map, the largest of boxes of 128, 192 and 256 pixels (a subtraction: 128 and 192, one reference)."""

_TILTS = 61
"""Of a tilt series that cannot be read: every 2 degrees from -60 to 60."""

_UNREAD_TOMOGRAM_BYTES = 80e9
"""Where the tilt series cannot be read: 3dem/relion #1151, 400 GB for 5 ranks were enough."""


def particles_gib(images: int, box_px: int, dimensions: int = 2) -> float:
    """Memory of particle images in single precision.

    Source: 3dem/relion 5.0.1, src/pipeline_jobs.cpp, help of 'Pre-read all particles'.
    """
    return images * float(box_px) ** dimensions * BYTES_PER_PIXEL / BYTES_PER_GIB


def all_particles_gib(job: Job) -> float | None:
    """Memory of all a job's particles; None if they cannot be read."""
    found = job.particle_set
    if found is None or found.box_px is None:
        return None
    if found.dimensions > 2:
        return particles_gib(found.particles, found.box_px, found.dimensions)
    return particles_gib(found.images, found.box_px)


def rank_gib(job: Job, threads: int) -> float | None:
    """GiB of main memory of one rank; None if unknown.

    Args:
        job: The job.
        threads: Threads of a rank.
    """
    found = _rank_bytes(job, threads)
    return None if found is None else found / BYTES_PER_GIB


def _rank_bytes(job: Job, threads: int) -> float | None:
    work = job.work
    box = float(work.box_px or 0)
    if box and (voxel := _BYTES_PER_VOXEL.get(job.program.memory)):
        return voxel * box**3
    match job.program.memory:
        case MemoryFormula.TOMO_AVERAGE if box:
            # 5.0.1, reconstruct_particle_mpi.cpp:91-116: data (16 B) and weight (8 B) a voxel.
            return 24 * box**3 * threads + _tilt_series(work)
        case MemoryFormula.SUBTOMOGRAM if box:
            return _subtomogram(job, box) * threads + _tilt_series(work)
        case MemoryFormula.CTF_REFINEMENT if box:
            return _two_references(box) + _tilt_series(work)
        case MemoryFormula.MOVIE if work.movie:
            # 5.0.1, motioncorr_runner.cpp:1528: all frames, and with dose weighting their
            # transforms.
            both = 2 if job.flag("do_dose_weighting") else 1
            return both * BYTES_PER_PIXEL * float(work.movie.pixels)
        case MemoryFormula.LOG_PICKING if work.movie and work.pixel_size_angstrom:
            return _log_picking(job, work.movie, work.pixel_size_angstrom)
        case MemoryFormula.TEMPLATE_PICKING if work.movie and work.pixel_size_angstrom:
            return _template_picking(job, work.movie, work.pixel_size_angstrom)
        case MemoryFormula.TOMOGRAM if work.movie and work.pixel_size_angstrom:
            return _tomogram(job, work.movie, work.pixel_size_angstrom, threads)
        case MemoryFormula.POLISHING if work.movie:
            # 37.5 GiB a rank for movies of 48 frames of 11520 x 8184 (3dem/relion PR 1365).
            a_pixel = 37.5 * BYTES_PER_GIB / (48 * 11520 * 8184)
            return a_pixel * work.movie.pixels + _two_references(box)
        case MemoryFormula.REFINEMENT:
            return _refinement(job, box)
    return None


def _two_references(box: float) -> float:
    # 5.0.1, reference_map.cpp:54, 144-147: two half maps, padding 2, double complex.
    return 128 * box**3


def _tilt_series(work: Work) -> float:
    """The tilt series that each rank of a program of tomography reads; else nothing."""
    if work.unit is not WorkUnit.TILT_SERIES or not work.movie:
        return 0
    # 5.0.1, tomogram_set.cpp:272-300: in double precision, then copied to single.
    return 12 * work.movie.pixels


def _subtomogram(job: Job, box: float) -> float:
    """What a thread needs for one particle: its images, and its volumes if there are any.

    Source: 3dem/relion 5.0.1, src/jaz/tomography/programs/subtomo.cpp:738-930 and extraction.h.
    """
    tilts = job.work.movie.frames if job.work.movie else _TILTS
    # Images as they are cut out, with their transforms; then binned: transforms, weights, images.
    images = tilts * (8 * (job.number("binning", 1) * box) ** 2 + 10 * box**2)
    if job.flag("do_stack2d"):
        return images
    # Data 4 + 4 B, weights and multiplicity 2 B each, what is divided 4 B, what is written 4 B.
    cropped = job.number("crop_size", -1)
    return images + 20 * (cropped if cropped > 0 else box) ** 3


def _log_picking(job: Job, micrograph: Movie, pixel_angstrom: float) -> float:
    """Own measurement, 2026-11-30: RELION 3.1.3 on CPUs, micrographs of 1024 to 4096 pixels took
    24.4 bytes a pixel of the square around them, with 31 more for one of the square at which the
    filters are applied (autopicker.cpp, autoPickLoGOneMicrograph).
    """
    side = _square_px(micrograph)
    cut = _cut_px(side, pixel_angstrom, _number(job, "log_maxres", 20))
    return 25 * side**2 + 31 * cut**2


def _template_picking(job: Job, micrograph: Movie, pixel_angstrom: float) -> float | None:
    """Own measurement, 2026-11-30: RELION 3.1.3 on CPUs, micrographs of 512 to 4096 pixels with 1
    to 20 references.

    Each took 88 bytes a pixel of the square around it, 96 with filaments: the transform of a
    reference is made in a square twice as large. A reference is kept cut at the low-pass filter,
    32 bytes a pixel (5.0.1, autopicker.cpp:921-952), and up to once more while their list grows.
    """
    if job.work.references is None:
        return None
    side = _square_px(micrograph)
    cut = _cut_px(side, pixel_angstrom, _number(job, "lowpass", 20))
    shrink = _number(job, "shrink", 0)
    grid = cut if shrink <= 0 else min(side, shrink if shrink > 1 else shrink * side)
    return 96 * side**2 + 25 * grid**2 + 64 * job.work.references * cut**2


def _square_px(image: Movie) -> float:
    return float(max(image.width_px, image.height_px))


def _cut_px(side_px: float, pixel_angstrom: float, resolution_angstrom: float) -> float:
    """Side of an image whose transform ends at a resolution (5.0.1, autopicker.cpp:743)."""
    if resolution_angstrom <= 0:
        return side_px
    return min(side_px, 2 * side_px * pixel_angstrom / resolution_angstrom)


def _number(job: Job, option: str, usual: float) -> float:
    """A number of the form; what is usual without one (a rule names what is no number)."""
    try:
        return job.number(option, usual)
    except InputError:
        return usual


def _tomogram(job: Job, tilts: Movie, pixel_angstrom: float, threads: int) -> float:
    """What a rank needs for one tomogram.

    Source: 3dem/relion 5.0.1, src/jaz/tomography/programs/reconstruct_tomogram.cpp, and
    tomogram_set.cpp:226-300: a tilt series is read in double precision (8 bytes a pixel) and
    copied to single (4).
    """
    pixels = float(tilts.pixels)
    binning = max(1.0, _number(job, "binned_angpix", 10) / pixel_angstrom)
    busy = min(threads, tilts.frames)
    if job.flag("do_fourier"):
        # Of even and of odd frames. A square around an image with the corners of any rotation;
        # the transform of the binned cube, with weights (12 B), and what it is divided into (20 B).
        square = 2 * _square_px(tilts) ** 2
        cube = (sqrt(square) / binning) ** 3
        return max(16 * pixels, 8 * pixels + max(12 * cube + 24 * square * busy, 32 * cube))
    sides = [
        _number(job, f"{axis}dim", usual) for axis, usual in (("x", 4000), ("y", 4000), ("z", 2000))
    ]
    voxels = prod(sides) / binning**3
    image = 12.0 * tilts.width_px * tilts.height_px
    # Tomogram, point spread, their transforms and a copy of one.
    filtered = 4 * pixels + 4 * pixels / binning**2
    return max(12 * pixels, filtered + max(image * busy, 20 * voxels))


def _refinement(job: Job, box: float) -> float | None:
    """References of a refinement in its last iteration, and what it reads ahead.

    Classifications stay below the box's resolution by an unknown share, so their references
    are not counted.
    """
    read_ahead = (all_particles_gib(job) or 0) * BYTES_PER_GIB if job.prereads else 0
    apart = job.flag("do_parallel_discio") or "do_parallel_discio" not in job.options
    # Without parallel disc I/O only the leader reads ahead.
    read_ahead *= 1 if apart else 0
    if not (job.splits_halves and box):
        return read_ahead or None
    # 5.0.1, ml_optimiser.cpp:4086: 2 x the projector and 3 x the back-projector, 8 B each,
    # half of a transform of (padding x box)^3.
    return read_ahead + 5 * 8 * (job.padding * box) ** 3 / 2


def fitting_ranks(job: Job, threads: int, memory_gib: float) -> int | None:
    """Ranks that fit a machine with reserve; None if unknown."""
    one = rank_gib(job, threads)
    if one is None and job.program.memory is MemoryFormula.TOMOGRAM:
        # No formula, so a machine with less may well do for a smaller tomogram.
        return max(1, int(memory_gib * BYTES_PER_GIB * USABLE / _UNREAD_TOMOGRAM_BYTES))
    return None if not one else int(memory_gib * USABLE / one)


def gpu_memory_there_gb(partition: Partition) -> float | None:
    """GB of memory of one GPU of a queue; None if unknown."""
    gib = partition.gpu_memory_gib
    return None if gib is None else gib * BYTES_PER_GIB / BYTES_PER_GB


def gpu_memory_gb(box_px: int, padding: int = 2) -> float:
    """GB of GPU memory that each rank needs in the last iteration of a refinement.

    Roughly 1.1e-8 (2 N)^3 for a box of N pixels, single precision. The 2 is the padding;
    that padding 1 needs an eighth of it follows from the size of the padded map.

    Source: 3dem/relion 5.0.1, src/error.h, ERRGPUCAOOM.
    """
    return 1.1e-8 * float(padding * box_px) ** 3

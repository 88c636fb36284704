"""A published or derived setting, cut to the size of a job: items, memory, frames."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.relion.job import Job
from gotocloud.relion.job_facts import MemoryFormula, WorkUnit
from gotocloud.relion.memory import USABLE, fitting_ranks, rank_gib
from gotocloud.relion.settings import VCPUS_A_RANK, Setting

LEAST_WORK_S = 900.0
"""A machine gets at least so much work; otherwise fewer or smaller ones do it. Beside its work it
is paid for its start and until it is off, 363 s together (advisor.paid): with so much work, no
more than 1.4 times what the work alone costs. Our own choice: it makes short steps slower by a
quarter of an hour at most, and a queue that is typed counts before it."""

# EMPIAR-10028: 105,247 particles of 360 px, 6 classes, 25 iterations in 197 min 51 s on one
# A10G (a case study of clusterra.cloud of 2 June 2026, RELION 5.0, two runs 0.5 % apart).
_PARTICLE_ITERATIONS_PER_S = 105_247 * 6 * 25 / (197 * 60 + 51)
_AT_BOX_PX = 360

_REFINEMENT = 100
"""Class-iterations that a refinement counts as. Our own choice: in RELION's tutorial on 4 GPUs
Refine3D took 7 minutes, Class3D with 4 classes and 25 iterations 6, but their boxes differ. Too
large a number gives a small refinement a machine more, never one too few."""

_TUTORIAL_PIXELS = 24 * 3838 * 3710
"""Of a movie of RELION's tutorial (EMPIAR-10204): 24 frames of 3838 x 3710."""

_MOVIE_S = {MemoryFormula.MOVIE: 44.0, MemoryFormula.POLISHING: 63 * 16 / 24}
"""Seconds of a rank for such a movie. The public run of the tutorial (settings.TUTORIAL_RUN)
corrected its 24 movies on 24 ranks x 8 threads in 44 s and polished them on 16 ranks x 12 threads
in 63 s."""


def gpu_seconds(job: Job) -> float | None:
    """About how long one GPU (A10G) works on a refinement; None if its particles are unknown.

    Images are cut to the size that the resolution needs (3dem/relion 5.0.1,
    ml_optimiser.cpp:5684), so this is an upper bound for large boxes; and for VDAM, whose
    mini-batches are a part of the particles.
    """
    work = job.work
    if work.unit is not WorkUnit.PARTICLES or not work.items or not work.box_px:
        return None
    rounds = _REFINEMENT if job.splits_halves else work.classes * work.iterations
    images = work.images or work.items
    return images * rounds * (work.box_px / _AT_BOX_PX) ** 2 / _PARTICLE_ITERATIONS_PER_S


def rank_seconds(job: Job) -> float | None:
    """About how long one rank works on a job's items; None if they or the pace are unknown."""
    program, work = job.program, job.work
    if not work.items:
        return None
    if program.item_s:
        return work.items * program.item_s
    side = work.box_px or (max(work.movie.width_px, work.movie.height_px) if work.movie else 0)
    if program.pixel_s and side:
        return work.items * side**2 * program.pixel_s / rank_threads(job)
    one = _MOVIE_S.get(program.memory)
    if one is None or not work.movie:
        return None
    return work.items * one * work.movie.pixels / _TUTORIAL_PIXELS


def unmeasured(job: Job) -> str:
    """What has neither a published nor an own measurement, in words; empty where all has one."""
    program = job.program
    foreign = program.memory is MemoryFormula.UNMEASURED
    paced = program.refines or program.item_s or program.pixel_s or program.memory in _MOVIE_S
    lacks = [
        *(["time"] if not paced and (job.runs_mpi or foreign) else []),
        *(["memory"] if foreign else []),
    ]
    return f"there is no measurement of its {' and '.join(lacks)}" if lacks else ""


def rank_threads(job: Job) -> int:
    """Threads of a rank where no figure is published."""
    return VCPUS_A_RANK if job.type.parallelism.takes_threads else 1


def sized(job: Job, partition: Partition, setting: Setting) -> tuple[Setting, list[str]]:
    """A setting with as many machines, ranks and threads as the job can use.

    Args:
        job: The job.
        partition: Its queue.
        setting: What is published, measured or derived for the kind of work.

    Returns:
        The setting, and what was changed, in words; none where nothing was.
    """
    if not job.runs_mpi:
        return setting, []
    leader = job.program.leaders(setting.ranks)
    workers = max(1, ceil((setting.ranks - leader) / setting.nodes))
    threads = _dividing(job, setting.threads, min(2 * setting.threads, partition.vcpus))
    if threads != setting.threads:
        workers = max(1, min(workers, partition.vcpus // threads))
    notes: list[str] = []
    nodes, why = _nodes(job, partition, setting, workers)
    if nodes == 1 < setting.nodes and _halves_need_two(job, partition, threads):
        # Memory decides, however little work there is.
        nodes, why = 2, []
    notes += why
    workers, threads, why = _fitting(job, partition, workers, threads, leader, nodes)
    notes += why
    total = nodes * workers
    if (most := most_workers(job, threads)) is not None and most < total:
        total = most
        nodes = min(nodes, ceil(total / workers))
        notes.append(f"{total} working ranks, because there are {job.work}")
    threads = _dividing(job, threads, min(2 * threads, partition.vcpus // ceil(total / nodes)))
    if threads != setting.threads and (frames := _shared_frames(job)) and frames % threads == 0:
        notes.append(f"{threads} threads, which divide {frames} frames")
    if not notes:
        return setting, []
    if job.splits_halves:
        total = max(2, total - total % 2)
    return replace(setting, nodes=nodes, ranks=total + leader, threads=threads), notes


def _dividing(job: Job, threads: int, most: int) -> int:
    """As many threads as divide the frames of a movie; as many as there are where none do."""
    frames = _shared_frames(job)
    return (frame_threads(frames, threads, most) if frames else None) or threads


def _shared_frames(job: Job) -> int | None:
    """Frames that the threads of a rank share out; None for other work than movies."""
    return frames_to_sum(job) if job.program.memory is MemoryFormula.MOVIE else None


def frame_threads(frames: int, near: int, most: int) -> int | None:
    """The number of threads that divides a movie's frames: RELION gives each whole frames.

    Args:
        frames: Frames that are summed.
        near: The number of threads to stay close to.
        most: The most threads.

    Returns:
        The closest divisor, of two the larger; None if none but 1 is small enough.
    """
    fitting = [one for one in range(2, min(frames, most) + 1) if frames % one == 0]
    return min(fitting, key=lambda one: (abs(one - near), -one), default=None)


def frames_to_sum(job: Job) -> int | None:
    """Frames of a movie that motion correction sums; None if not known, or if there are none."""
    first, last = max(1, job.integer("first_frame_sum", 1)), job.integer("last_frame_sum", -1)
    there = job.work.movie.frames if job.work.movie else last
    frames = (min(last, there) if last > 0 else there) - first + 1
    return frames if frames > 0 else None


def _nodes(job: Job, partition: Partition, setting: Setting, workers: int) -> tuple[int, list[str]]:
    """Machines that each have more work than their start and their idle tail cost."""
    seconds = gpu_seconds(job) if job.uses_gpu else None
    if seconds is not None:
        worth = seconds / max(1, partition.gpus)
    elif (seconds := rank_seconds(job)) is not None:
        worth = seconds / workers
    else:
        return setting.nodes, []
    nodes = min(setting.nodes, max(1, int(worth // LEAST_WORK_S)))
    if nodes == setting.nodes:
        return nodes, []
    minutes = max(1, round(worth / 60))
    machine = f"{nodes} machine{'s' if nodes > 1 else ''} instead of {setting.nodes}"
    about = f"about {minutes:,} minute{'s' if minutes > 1 else ''} of work for one machine"
    return nodes, [f"{machine}, because {job.work} are {about}"]


def _halves_need_two(job: Job, partition: Partition, threads: int) -> bool:
    """Whether the leader and a follower fit a machine's memory, but not one for each half."""
    return job.splits_halves and fitting_ranks(job, threads, partition.memory_gib) == 2


def _fitting(
    job: Job, partition: Partition, workers: int, threads: int, leader: int, nodes: int
) -> tuple[int, int, list[str]]:
    """Ranks and threads of a machine that fit its memory with reserve."""
    fits = fitting_ranks(job, threads, partition.memory_gib)
    if fits is None or fits >= workers + leader:
        return workers, threads, []
    cores = workers * threads
    one = rank_gib(job, threads)
    grows = job.program.memory.grows_with_threads
    if fits < 1 and grows:
        able = (n for n in range(threads, 1, -1) if fitting_ranks(job, n, partition.memory_gib))
        most = next(able, 1)
        return 1, most, [f"1 rank x {most} threads a machine, for its memory"]
    least = 2 if job.splits_halves and nodes == 1 else 1
    fewer = max(least, fits - leader)
    if not grows and job.type.parallelism.takes_threads:
        # Fewer ranks leave cores free, which more threads can use.
        threads = max(threads, min(cores // fewer, 2 * threads))
    ranks = f"{fewer} working rank{'s' if fewer > 1 else ''} a machine"
    takes = (
        f"each takes {one:.1f} GiB" if one else "a tomogram, whose size is unknown, can take 80 GB"
    )
    usable = f"{USABLE * partition.memory_gib:.0f} GiB of memory can be used"
    return fewer, threads, [f"{ranks}, because {takes} and {usable}"]


def most_workers(job: Job, threads: int) -> int | None:
    """Ranks that the items can feed; None if their number is not known."""
    work = job.work
    if not work.items:
        return None
    if work.unit is not WorkUnit.PARTICLES:
        return work.items
    if not job.refines:
        return None
    # The leader hands out pools for each thread (5.0.1, ml_optimiser_mpi.cpp, expectation).
    return max(2 if job.splits_halves else 1, work.items // (max(1, job.pool) * threads))

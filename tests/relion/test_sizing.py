"""Machines, ranks and threads follow from the work of a job and the memory of a rank."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.cluster_configs.model import load_configuration, used_instance_types
from gotocloud.cluster_configs.partitions import Partition, configured_partitions
from gotocloud.relion.frames import Movie
from gotocloud.relion.job import Job
from gotocloud.relion.job_types import RELION_JOB_TYPES
from gotocloud.relion.memory import rank_gib
from gotocloud.relion.overrides import overrides_of
from gotocloud.relion.routed_job import check_routed
from gotocloud.relion.routing import Route
from gotocloud.relion.sizing import frame_threads, frames_to_sum
from tests.relion.generated_jobs import MOST_MS, answers, generated_jobs
from tests.relion.routed import route
from tests.relion.samples import (
    AUTOMATIC,
    make_job,
    write_micrographs,
    write_movies,
    write_particles,
)

SPA = load_configuration("cryoem-spa")
TUTORIAL = load_configuration("tutorial")
QUEUES = {one.name: configured_partitions(one, used_instance_types()) for one in (SPA, TUTORIAL)}


def routed(job: Job, configuration: str = "cryoem-spa") -> tuple[Route, Partition]:
    queues = QUEUES[configuration]
    found = route(job, queues, overrides_of(job), configuration=load_configuration(configuration))
    return found, next(one for one in queues if one.name == found.queue)


def classification(project: Path, particles: int, box_px: int, **more: str) -> Job:
    write_particles(project / "p.star", particles, box_px)
    return make_job(project, "Class3D", AUTOMATIC | {"fn_img": "p.star"} | more)


@pytest.mark.parametrize(
    ("particles", "box_px", "classes", "nodes"),
    [
        (100_000, 128, 4, 1),
        (20_000, 256, 6, 1),
        # The run that the estimate stands on: 198 minutes of one A10G.
        (105_247, 360, 6, 3),
        (100_000, 360, 20, 8),
    ],
)
def test_followers_have_work_for_as_long_as_their_machine_costs_beside_it(
    tmp_path: Path, particles: int, box_px: int, classes: int, nodes: int
) -> None:
    job = classification(tmp_path, particles, box_px, nr_classes=str(classes), nr_iter="25")
    found, _ = routed(job)
    assert (found.queue, found.nodes, found.ranks) == ("class3d", nodes, 1 + 4 * nodes)
    if nodes < 8:
        assert f"{nodes} machine" in found.reason
        assert "instead of 8, because" in found.reason
    else:
        assert "instead of" not in found.reason


@pytest.mark.parametrize("kind", ["Class2D", "Class3D", "Refine3D"])
@pytest.mark.parametrize("particles", [300, 2_374])
def test_work_of_minutes_takes_one_gpu(tmp_path: Path, kind: str, particles: int) -> None:
    write_particles(tmp_path / "p.star", particles, 64)
    changes = {"fn_img": "p.star", "do_grad": "No", "do_em": "Yes", "nr_iter": "25"}
    job = make_job(tmp_path, kind, AUTOMATIC | changes)
    found, hardware = routed(job)
    assert (found.queue, found.nodes, hardware.gpus) == ("prep-gpu", 1, 1)
    assert f"one GPU is enough for {particles:,} particles of 64 px" in found.reason


@pytest.mark.parametrize(
    ("particles", "box_px", "queue"), [(300, 32, "prep-gpu"), (100_000, 256, "initialmodel")]
)
def test_an_initial_model_of_few_particles_takes_one_gpu(
    tmp_path: Path, particles: int, box_px: int, queue: str
) -> None:
    write_particles(tmp_path / "p.star", particles, box_px)
    job = make_job(tmp_path, "InitialModel", AUTOMATIC | {"fn_img": "p.star"})
    found, _ = routed(job)
    assert (found.queue, found.nodes, found.ranks) == (queue, 1, 1)


@pytest.mark.parametrize(
    ("movies", "size", "queue", "nodes"),
    [
        # The tutorial's own: nine minutes for two ranks.
        (24, (3838, 3710, 24), "small", 1),
        (60, (3838, 3710, 24), "prep-cpu", 1),
        (1_500, (3838, 3710, 24), "prep-cpu", 3),
        # A large camera's movies take eleven times as long.
        (150, (11520, 8184, 40), "prep-cpu", 3),
        (5_000, (3838, 3710, 24), "prep-cpu", 4),
    ],
)
def test_movies_take_machines_by_their_number_and_their_pixels(
    tmp_path: Path, movies: int, size: tuple[int, int, int], queue: str, nodes: int
) -> None:
    changes = {"input_star_mics": write_movies(tmp_path, movies, size), "do_own_motioncor": "Yes"}
    found, hardware = routed(make_job(tmp_path, "MotionCorr", AUTOMATIC | changes))
    assert (hardware.name, found.nodes) == (queue, nodes)


def test_a_number_of_machines_that_is_typed_stays(tmp_path: Path) -> None:
    job = classification(tmp_path, 20_000, 256, qsub_extra2="3")
    assert routed(job)[0].nodes == 3


@pytest.mark.parametrize("particles", [20, 300, 2_000, 100_000])
@pytest.mark.parametrize(("ranks", "nodes"), [(5, 1), (9, 2), (17, 4), (33, 8)])
def test_typed_ranks_take_as_many_machines_however_small_the_data(
    tmp_path: Path, particles: int, ranks: int, nodes: int
) -> None:
    typed = {"qsub_extra1": "typed", "nr_mpi": str(ranks), "nr_threads": "6"}
    found, _ = routed(classification(tmp_path, particles, 64, **typed))
    # The paper's density on g5.12xlarge: four followers, one for each GPU.
    assert (found.ranks, found.nodes) == (ranks, nodes)


@pytest.mark.parametrize("particles", [40, 400])
def test_no_more_followers_than_pools_of_particles(tmp_path: Path, particles: int) -> None:
    job = classification(tmp_path, particles, 64, nr_pool="30")
    found, _ = routed(job)
    assert 1 <= found.ranks - 1 <= max(1, particles // (30 * found.threads))


@pytest.mark.parametrize("box_px", [128, 256, 512, 800])
@pytest.mark.parametrize(
    ("kind", "label"),
    [("Reconstruct", ""), ("CtfRefine", ""), ("Refine3D", ""), ("Class2D", "")],
)
def test_ranks_fit_their_machine_with_reserve(
    tmp_path: Path, kind: str, label: str, box_px: int
) -> None:
    write_particles(tmp_path / "p.star", 300_000 // box_px, box_px)
    changes = AUTOMATIC | {"fn_img": "p.star", "fn_data": "p.star", "box_size": str(box_px)}
    job = make_job(tmp_path, kind, changes)
    for configuration in QUEUES:
        found, hardware = routed(job, configuration)
        one = rank_gib(job, found.threads)
        if one is None:
            continue
        least = 3 if job.splits_halves else 1
        fits = max(found.layout) * one <= 0.9 * hardware.memory_gib
        # What does not fit with the fewest ranks is said, and not started in silence.
        assert fits or max(found.layout) == least
        rules = {each.check for each in check_routed(job, found, hardware)}
        assert ("memory-host" in rules) == (max(found.layout) * one > hardware.memory_gib)


@pytest.mark.parametrize(
    ("box_px", "skips_padding", "queue"),
    [(512, "No", "refine3d"), (600, "No", "class3d"), (600, "Yes", "refine3d")],
)
def test_a_refinement_gets_gpus_that_hold_its_last_iteration(
    tmp_path: Path, box_px: int, skips_padding: str, queue: str
) -> None:
    write_particles(tmp_path / "p.star", 6_000, box_px)
    changes = AUTOMATIC | {"fn_img": "p.star", "do_pad1": skips_padding, "fn_ref": "p.star"}
    job = make_job(tmp_path, "Refine3D", changes)
    found, hardware = routed(job)
    assert found.queue == queue
    assert ("GB of a GPU, which g4dn.metal does not have" in found.reason) == (queue == "class3d")
    assert "gpu-memory" not in {one.check for one in check_routed(job, found, hardware)}


def test_halves_that_one_machine_cannot_hold_together_get_two(tmp_path: Path) -> None:
    write_particles(tmp_path / "p.star", 6_000, 1024)
    job = make_job(tmp_path, "Refine3D", AUTOMATIC | {"fn_img": "p.star", "do_pad1": "No"})
    found, hardware = routed(job)
    assert (found.nodes, found.layout) == (2, (2, 1))
    assert "instead of 2" not in found.reason
    rules = {one.check for one in check_routed(job, found, hardware)}
    assert rules & {"memory-host", "gpus-idle"} == set()


def test_visible_frames_of_subtomograms_are_images(tmp_path: Path) -> None:
    rows = "".join(f"{n:06d}@s.mrcs 1 [1,0,1,1,0,1]\n" for n in range(1, 101))
    (tmp_path / "p.star").write_text(
        "\ndata_general\n\n_rlnTomoSubTomosAre2DStacks 1\n\n"
        "data_optics\n\nloop_\n_rlnOpticsGroup #1\n_rlnImageSize #2\n_rlnImageDimensionality #3\n"
        "1 192 2\n \n\ndata_particles\n\nloop_\n_rlnImageName #1\n_rlnOpticsGroup #2\n"
        f"_rlnTomoVisibleFrames #3\n{rows} \n"
    )
    job = make_job(tmp_path, "Refine3D", {"fn_img": "p.star", "do_preread_images": "Yes"})
    assert (job.work.items, job.work.images) == (100, 400)
    # Four bytes a pixel of every image, and the references beside them.
    images_gib = 400 * 192**2 * 4 / 2**30
    references_gib = 20 * (2 * 192) ** 3 / 2**30
    assert rank_gib(job, 6) == pytest.approx(images_gib + references_gib)


@pytest.mark.parametrize(
    ("count", "queue", "ranks"),
    [(1, "small", 1), (3, "small", 3), (100, "small", 8), (1_000, "prep-cpu", 24)],
)
@pytest.mark.parametrize("kind", ["CtfFind", "Extract"])
def test_few_micrographs_take_a_part_of_a_small_machine(
    tmp_path: Path, kind: str, count: int, queue: str, ranks: int
) -> None:
    star = write_micrographs(tmp_path, count)
    found, _ = routed(
        make_job(tmp_path, kind, AUTOMATIC | dict.fromkeys(("input_star_mics", "star_mics"), star))
    )
    assert (found.queue, found.ranks) == (queue, ranks)


@pytest.mark.parametrize(
    ("kind", "particles", "box_px", "queue"),
    [
        ("CtfRefine", 300, 64, "small"),
        ("CtfRefine", 5_000, 256, "small"),
        ("CtfRefine", 20_000, 512, "prep-cpu"),
        ("CtfRefine", 100, 512, "small"),
        # Two references of 800 px do not fit the small machine.
        ("CtfRefine", 100, 800, "prep-cpu"),
        ("Subtract", 20_000, 256, "small"),
        ("Subtract", 900_000, 360, "prep-cpu"),
    ],
)
def test_particles_that_are_little_work_take_a_part_of_a_small_machine(
    tmp_path: Path, kind: str, particles: int, box_px: int, queue: str
) -> None:
    write_particles(tmp_path / "p.star", particles, box_px)
    (tmp_path / "run_optimiser.star").write_text(
        "\ndata_optimiser_general\n\n_rlnExperimentalDataStarFile p.star\n \n"
    )
    changes = {"fn_data": "p.star", "fn_opt": "run_optimiser.star", "do_data": "No"}
    found, hardware = routed(make_job(tmp_path, kind, AUTOMATIC | changes))
    assert (found.queue, found.nodes, hardware.exclusive) == (queue, 1, queue != "small")


def tilt_series(project: Path, size: tuple[int, int], tilts: int, *, stack: bool) -> str:
    """A set of three tilt series, as a stack (RELION 4) or as one file for each tilt (RELION 5)."""
    (project / "t.st").write_bytes(struct.pack("<4i", *size, tilts, 2) + bytes(1008))
    (project / "one.mrc").write_bytes(struct.pack("<4i", *size, 1, 2) + bytes(1008))
    rows = "one.mrc\n" * tilts
    (project / "ts.star").write_text(f"\ndata_TS_1\n\nloop_\n_rlnMicrographName #1\n{rows} \n")
    label, name = ("Name", "t.st:mrc") if stack else ("StarFile", "ts.star")
    (project / "tomograms.star").write_text(
        f"\ndata_global\n\nloop_\n_rlnTomoName #1\n_rlnTomoTiltSeries{label} #2\n"
        + "".join(f"TS_{n} {name}\n" for n in range(3))
        + " \n"
    )
    (project / "optimisation_set.star").write_text(
        "\ndata_\n\n_rlnTomoTomogramsFile tomograms.star\n_rlnTomoParticlesFile p.star\n \n"
    )
    return "optimisation_set.star"


def subtomograms(project: Path, **more: str) -> Job:
    changes = {"in_optimisation": "optimisation_set.star", "in_tomograms": ""} | more
    return make_job(project, "Extract", AUTOMATIC | changes, first=-1)


@pytest.mark.parametrize("stack", [True, False])
def test_pseudo_subtomograms_take_memory_by_thread_and_a_tilt_series_by_rank(
    tmp_path: Path, stack: bool
) -> None:
    tilt_series(tmp_path, (4096, 4092), 41, stack=stack)
    shape = {"box_size": "192", "crop_size": "96", "binning": "2"}
    flat = subtomograms(tmp_path, do_stack2d="Yes", **shape)
    solid = subtomograms(tmp_path, do_stack2d="No", **shape)
    assert (flat.work.items, flat.work.movie) == (3, Movie(4096, 4092, 41))
    series, images = 12 * 4096 * 4092 * 41, 41 * (8 * 384**2 + 10 * 192**2)
    assert rank_gib(flat, 6) == pytest.approx((series + 6 * images) / 2**30)
    assert rank_gib(solid, 6) == pytest.approx((series + 6 * (images + 20 * 96**3)) / 2**30)


@pytest.mark.parametrize("box_px", [64, 256, 512, 900, 1400])
@pytest.mark.parametrize("side_px", [512, 11520])
def test_pseudo_subtomograms_fit_their_machine_and_ranks_have_a_tilt_series_each(
    tmp_path: Path, box_px: int, side_px: int
) -> None:
    tilt_series(tmp_path, (side_px, side_px), 41, stack=False)
    for crop in ("-1", "64"):
        for binning in ("1", "4"):
            job = subtomograms(
                tmp_path,
                box_size=str(box_px),
                crop_size=crop,
                binning=binning,
                do_stack2d="No",
            )
            for configuration in QUEUES:
                found, hardware = routed(job, configuration)
                one = rank_gib(job, found.threads)
                assert one is not None
                assert found.ranks <= 3
                over = max(found.layout) * one > hardware.memory_gib
                # One rank with one thread can be more than the small machine of a tutorial has.
                assert not over or (found.layout, found.threads) == ((1,), 1)
                rules = {each.check for each in check_routed(job, found, hardware)}
                assert ("memory-host" in rules) == over


@pytest.mark.parametrize(
    "kind", ["Import", "MaskCreate", "PostProcess", "JoinStar", "LocalRes", "Picks"]
)
def test_steps_of_a_single_core_share_a_small_machine(tmp_path: Path, kind: str) -> None:
    found, hardware = routed(make_job(tmp_path, kind, AUTOMATIC))
    assert (found.queue, hardware.exclusive, hardware.vcpus) == ("small", False, 16)


def motion_correction(
    project: Path, size: tuple[int, int, int], *, suffix: str = ".mrcs", **more: str
) -> Job:
    star = write_movies(project, 500, size, suffix=suffix)
    changes = {"input_star_mics": star, "do_own_motioncor": "Yes", "eer_grouping": "32"}
    return make_job(project, "MotionCorr", AUTOMATIC | changes | more)


@pytest.mark.parametrize(
    ("frames", "grouping", "summed"), [(1000, "32", 31), (1000, "40", 25), (20, "32", 1)]
)
def test_raw_frames_of_eer_are_in_memory_as_sums_of_groups(
    tmp_path: Path, frames: int, grouping: str, summed: int
) -> None:
    eer = motion_correction(tmp_path, (4096, 4096, frames), suffix=".eer", eer_grouping=grouping)
    # 3dem/relion, motioncorr_runner.cpp:1149: the quotient; remaining frames are cut off.
    plain = motion_correction(tmp_path, (4096, 4096, summed))
    assert frames_to_sum(eer) == frames_to_sum(plain) == summed
    assert rank_gib(eer, 8) == rank_gib(plain, 8)


@pytest.mark.parametrize("last", [-1, 40, 1000])
@pytest.mark.parametrize("first", [1, 3, 47, 48, 1000])
def test_frames_that_are_summed_are_those_that_relion_reads(
    tmp_path: Path, first: int, last: int
) -> None:
    job = motion_correction(
        tmp_path, (8, 8, 47), first_frame_sum=str(first), last_frame_sum=str(last)
    )
    # 3dem/relion 5.0.1, motioncorr_runner.cpp:1168-1170.
    read = [one for one in range(1, 48) if one >= first and (last <= 0 or one <= last)]
    assert frames_to_sum(job) == (len(read) or None)


@pytest.mark.parametrize("side_px", [512, 11520])
@pytest.mark.parametrize("frames", [*range(1, 14), 24, 31, 40, 47, 50, 75, 97])
def test_automatic_is_not_warned_of_its_own_threads(
    tmp_path: Path, frames: int, side_px: int
) -> None:
    job = motion_correction(tmp_path, (side_px, side_px, frames))
    for configuration in QUEUES:
        found, hardware = routed(job, configuration)
        assert max(found.layout) * found.threads <= hardware.vcpus
        rules = {one.check for one in check_routed(job, found, hardware)}
        assert not rules & {"threads-frames", "threads-many"}
        # What a machine cannot hold with a single rank is an error of the machine.
        assert "memory-host" not in rules or found.layout == (1,)


@given(st.integers(1, 200), st.integers(1, 64), st.integers(1, 128))
def test_threads_that_divide_the_frames_are_the_nearest_there_are(
    frames: int, near: int, most: int
) -> None:
    found = frame_threads(frames, near, most)
    possible = {one for one in range(2, most + 1) if frames % one == 0}
    assert (found in possible) if possible else found is None
    assert all(abs((found or 0) - near) <= abs(one - near) for one in possible)


def test_no_rule_objects_to_a_route_and_no_shape_exceeds_memory(tmp_path: Path) -> None:
    """A part of what `python -m benchmarks.routes` looks at."""
    found = [*answers(generated_jobs(tmp_path, 1_000), ("cryoem-spa", "tutorial"))]
    assert {one.job.type.label for one in found} == set(RELION_JOB_TYPES)
    assert [(one.job.label, one.contradictions) for one in found if one.contradictions] == []
    assert [(one.job.label, one.found) for one in found if one.is_over_memory] == []
    # A moment of the machine's own, for example of its memory, is not the job's: what was slow
    # must be so each time, read from its files again.
    slow = [one for one in found if one.cpu_ms >= MOST_MS]
    assert [one.job.label for one in slow if fastest_ms(one.job) >= MOST_MS] == []


def fastest_ms(job: Job) -> float:
    """The shortest of five times that a job's answer takes, on the slower configuration."""
    fresh = [Job(job.directory, job.label, job.type, job.options) for _ in range(5)]
    return max(
        min(one.cpu_ms for one in answers(iter(fresh), (name,)))
        for name in ("cryoem-spa", "tutorial")
    )

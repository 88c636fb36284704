"""Memory of pickers and tomograms: formulas against RELION's own processes and bug reports."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from gotocloud.relion.job import Job
from gotocloud.relion.memory import rank_gib
from gotocloud.relion.routed_job import check_routed
from tests.needs import need_relion
from tests.relion.samples import AUTOMATIC, make_job, write_particles
from tests.relion.test_memory_of_maps import beside_its_program
from tests.relion.test_sizing import QUEUES, routed, tilt_series

LOG = {"do_log": "Yes", "do_topaz": "No", "do_refs": "No", "use_gpu": "No"}
TEMPLATES = LOG | {"do_log": "No", "do_refs": "Yes", "fn_refs_autopick": "refs.mrcs"}


def picking(
    project: Path, size: tuple[int, int], changes: dict[str, str], *, micrographs: int = 2
) -> Job:
    """A picking on micrographs of 1 Angstrom a pixel; their headers alone are there."""
    for name in ("mic.mrc", "refs.mrcs"):
        if not (project / name).exists():
            pages = size if name == "mic.mrc" else (64, 64)
            sections = 1 if name == "mic.mrc" else 5
            (project / name).write_bytes(struct.pack("<4i", *pages, sections, 2) + bytes(1008))
    rows = "mic.mrc 1\n" * micrographs
    (project / "mics.star").write_text(
        "\ndata_optics\n\nloop_\n_rlnOpticsGroup #1\n_rlnMicrographPixelSize #2\n1 1.0\n \n"
        f"\ndata_micrographs\n\nloop_\n_rlnMicrographName #1\n_rlnOpticsGroup #2\n{rows} \n"
    )
    job = make_job(project, "AutoPick", AUTOMATIC | {"fn_input_autopick": "mics.star"} | changes)
    assert job.work.items == micrographs
    return job


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Micrographs with bright spots, and stacks of 1 and 20 references."""
    import mrcfile
    import numpy as np

    need_relion()
    folder = tmp_path_factory.mktemp("pictures")
    source = np.random.default_rng(5)
    y, x = np.mgrid[:64, :64] - 32
    spot = np.exp(-(x**2 + y**2) / 128).astype(np.float32)
    for name, (width, height) in {"square": (1024, 1024), "wide": (1440, 1024)}.items():
        picture = source.normal(0, 1, (height, width)).astype(np.float32)
        for top in range(64, height - 128, 200):
            picture[top : top + 64, 64:128] += 3 * spot
        with mrcfile.new(folder / f"{name}.mrc") as made:
            made.set_data(picture)
            made.voxel_size = 1.0
    for count in (1, 20):
        with mrcfile.new(folder / f"refs{count}.mrcs") as made:
            made.set_data(np.stack([spot] * count))
            made.set_image_stack()
            made.voxel_size = 1.0
    return folder


PICK = "relion_autopick --angpix 1 --odir out/ --pickname autopick"
REFERENCES = (
    f"{PICK} --angpix_ref 1 --particle_diameter 50 --ang 360 --threshold 0.05 --min_distance 50 "
    "--max_stddev_noise -1"
)


@pytest.mark.parametrize(
    ("picture", "size", "changes", "command"),
    [
        ("square", (1024, 1024), LOG, "--shrink 0 --lowpass 20"),
        ("wide", (1440, 1024), LOG, "--shrink 0 --lowpass 20"),
        ("square", (1024, 1024), LOG | {"log_maxres": "4"}, "--shrink 0 --lowpass 4"),
    ],
)
def test_relions_own_log_picking_needs_what_the_formula_gives(
    pictures: Path,
    tmp_path: Path,
    picture: str,
    size: tuple[int, int],
    changes: dict[str, str],
    command: str,
) -> None:
    line = f"{PICK} --i {picture}.mrc --LoG --LoG_diam_min 40 --LoG_diam_max 60 {command}"
    needed = beside_its_program(line.split(), pictures)
    given_bytes = (rank_gib(picking(tmp_path, size, changes), 1) or 0) * 2**30
    assert 0.7 * given_bytes < needed < 1.05 * given_bytes


@pytest.mark.parametrize(
    ("picture", "size", "references", "changes"),
    [
        ("square", (1024, 1024), 1, {"shrink": "0", "lowpass": "20"}),
        ("wide", (1440, 1024), 1, {"shrink": "0", "lowpass": "20"}),
        ("square", (1024, 1024), 20, {"shrink": "0", "lowpass": "5"}),
        ("square", (1024, 1024), 1, {"shrink": "1", "lowpass": "8"}),
    ],
)
def test_relions_own_picking_with_references_needs_what_the_formula_gives(
    pictures: Path,
    tmp_path: Path,
    picture: str,
    size: tuple[int, int],
    references: int,
    changes: dict[str, str],
) -> None:
    options = " ".join(f"--{name} {value}" for name, value in changes.items())
    line = f"{REFERENCES} --i {picture}.mrc --ref refs{references}.mrcs {options}"
    needed = beside_its_program(line.split(), pictures)
    given = TEMPLATES | changes | {"fn_refs_autopick": str(pictures / f"refs{references}.mrcs")}
    given_bytes = (rank_gib(picking(tmp_path, size, given), 1) or 0) * 2**30
    assert 0.7 * given_bytes < needed < 1.05 * given_bytes


@pytest.mark.parametrize("size", [(3838, 3710), (11520, 8184)])
@pytest.mark.parametrize("changes", [LOG, TEMPLATES, TEMPLATES | {"lowpass": "-1", "shrink": "1"}])
@pytest.mark.parametrize("micrographs", [3, 100, 5_000])
def test_pickers_fit_their_machine(
    tmp_path: Path, size: tuple[int, int], changes: dict[str, str], micrographs: int
) -> None:
    job = picking(tmp_path, size, changes, micrographs=micrographs)
    for configuration in QUEUES:
        route, hardware = routed(job, configuration)
        one = rank_gib(job, route.threads)
        assert one is not None
        fits = max(route.layout) * one <= 0.9 * hardware.memory_gib
        assert fits or max(route.layout) == 1
        rules = {each.check for each in check_routed(job, route, hardware)}
        assert ("memory-host" in rules) == (max(route.layout) * one > hardware.memory_gib)


def test_few_micrographs_that_log_picks_in_minutes_share_a_small_machine(tmp_path: Path) -> None:
    found, _ = routed(picking(tmp_path, (4096, 4096), LOG, micrographs=500))
    assert found.queue == "small"
    assert "no measurement" not in found.reason
    found, _ = routed(picking(tmp_path, (4096, 4096), LOG, micrographs=20_000))
    assert found.queue == "prep-cpu"


@pytest.mark.parametrize(
    ("name", "content", "references"),
    [
        ("refs.mrcs", struct.pack("<4i", 64, 64, 12, 2) + bytes(1008), 12),
        (
            "refs.star",
            b"\ndata_\n\nloop_\n_rlnReferenceImage #1\n1@a.mrcs\n2@a.mrcs\n3@a.mrcs\n \n",
            3,
        ),
        (
            "refs.star",
            b"\ndata_images\n\nloop_\n_rlnImageName #1\n1@a.mrcs\n \n",
            1,
        ),
        ("refs.star", b"no star", None),
    ],
)
def test_references_are_counted_as_relion_reads_them(
    tmp_path: Path, name: str, content: bytes, references: int | None
) -> None:
    (tmp_path / name).write_bytes(content)
    job = picking(tmp_path, (64, 64), TEMPLATES | {"fn_refs_autopick": name})
    assert job.work.references == references
    assert (rank_gib(job, 1) is None) == (references is None)


def test_a_reference_in_3d_is_picked_with_in_every_direction(tmp_path: Path) -> None:
    given = TEMPLATES | {"do_ref3d": "Yes", "fn_ref3d_autopick": "map.mrc"}
    for sampling, directions in (("30 degrees", 48), ("15 degrees", 192), ("7.5 degrees", 768)):
        job = picking(tmp_path, (64, 64), given | {"ref3d_sampling": sampling})
        assert job.work.references == directions


@pytest.mark.parametrize(
    ("kind", "changes", "lacking"),
    [
        ("AutoPick", {}, "time and memory"),
        ("AutoPick", TEMPLATES, "time"),
        ("LocalRes", {"do_relion_locres": "Yes", "do_resmap_locres": "No"}, "time"),
        ("LocalRes", {"do_relion_locres": "No", "do_resmap_locres": "Yes"}, "time and memory"),
        ("Tomograms", {}, "time"),
        ("AlignTiltSeries", {}, "time and memory"),
        ("Reconstruct", {}, "time"),
        ("DynaMight", {}, "time and memory"),
    ],
)
def test_a_route_states_what_was_never_measured(
    tmp_path: Path, kind: str, changes: dict[str, str], lacking: str
) -> None:
    found, _ = routed(make_job(tmp_path, kind, AUTOMATIC | changes))
    assert f"there is no measurement of its {lacking}" in found.reason
    assert ("memory" in lacking) == ("memory;" in found.reason or "memory." in found.reason)


@pytest.mark.parametrize("kind", ["MotionCorr", "CtfFind", "Class2D", "Polish", "Import"])
def test_a_route_whose_pace_is_known_or_not_needed_states_nothing(
    tmp_path: Path, kind: str
) -> None:
    write_particles(tmp_path / "p.star", 10, 64)
    job = make_job(tmp_path, kind, AUTOMATIC | {"do_own_motioncor": "Yes", "fn_img": "p.star"})
    assert "no measurement" not in routed(job)[0].reason


def tomogram(
    project: Path, size: tuple[int, int], tilts: int, pixel_angstrom: float, **more: str
) -> Job:
    """A reconstruction of three tomograms."""
    tilt_series(project, size, tilts, stack=False)
    star = project / "tomograms.star"
    star.write_text(
        "\ndata_global\n\nloop_\n_rlnTomoName #1\n_rlnTomoTiltSeriesStarFile #2\n"
        "_rlnTomoTiltSeriesPixelSize #3\n"
        + "".join(f"TS_{n} ts.star {pixel_angstrom}\n" for n in range(3))
        + " \n"
    )
    return make_job(project, "Tomograms", AUTOMATIC | {"in_tiltseries": "tomograms.star"} | more)


def test_tomograms_by_fourier_inversion_need_what_the_report_of_1151_found(
    tmp_path: Path,
) -> None:
    # 3dem/relion #1151: 5 ranks x 12 threads; 128 GB were too little, 400 GB enough. The box was
    # 5760 x 4096, and the pixel 2.685 Angstrom, binned to 21.48; 41 tilts are usual.
    shape = {"xdim": "4096", "ydim": "5760", "zdim": "1024", "binned_angpix": "21.48"}
    job = tomogram(tmp_path, (4096, 5760), 41, 2.685, do_fourier="Yes", **shape)
    assert 128 < 5 * (rank_gib(job, 12) or 0) * 2**30 / 1e9 < 400
    # The version before reconstructed in real space, "easily" with 128 GB.
    before = tomogram(tmp_path, (4096, 5760), 41, 2.685, do_fourier="No", **shape)
    assert 5 * (rank_gib(before, 12) or 0) * 2**30 / 1e9 < 100


@pytest.mark.parametrize(
    ("fourier", "threads", "gib"),
    [
        # A cube of (4000 x sqrt(2) / 5)^3 voxels; 16 M pixels in 40 tilts.
        ("Yes", 1, (8 * 640e6 + 32 * (4000 * 2**0.5 / 5) ** 3) / 2**30),
        ("Yes", 40, (8 * 640e6 + 12 * (4000 * 2**0.5 / 5) ** 3 + 24 * 32e6 * 40) / 2**30),
        ("Yes", 400, (8 * 640e6 + 12 * (4000 * 2**0.5 / 5) ** 3 + 24 * 32e6 * 40) / 2**30),
        # 4000 x 4000 x 2000 / 5^3 voxels.
        ("No", 1, (4 * 640e6 + 4 * 640e6 / 25 + 20 * 256e6) / 2**30),
        ("No", 40, (4 * 640e6 + 4 * 640e6 / 25 + 12 * 16e6 * 40) / 2**30),
    ],
)
def test_memory_of_a_tomogram_follows_its_size_and_binning(
    tmp_path: Path, fourier: str, threads: int, gib: float
) -> None:
    job = tomogram(tmp_path, (4000, 4000), 40, 2.0, do_fourier=fourier, binned_angpix="10")
    assert rank_gib(job, threads) == pytest.approx(gib)


@pytest.mark.parametrize("fourier", ["Yes", "No"])
@pytest.mark.parametrize("binned", ["2", "5", "10", "20"])
@pytest.mark.parametrize("side_px", [1024, 4096, 11520])
def test_tomograms_fit_their_machine_or_the_rule_names_one_that_does_not(
    tmp_path: Path, fourier: str, binned: str, side_px: int
) -> None:
    job = tomogram(tmp_path, (side_px, side_px), 41, 2.0, do_fourier=fourier, binned_angpix=binned)
    for configuration in QUEUES:
        route, hardware = routed(job, configuration)
        one = rank_gib(job, route.threads)
        assert one is not None
        assert route.ranks <= 3
        over = max(route.layout) * one > hardware.memory_gib
        assert not over or (max(route.layout), route.threads) == (1, 1)
        rules = {each.check for each in check_routed(job, route, hardware)}
        assert ("memory-host" in rules) == over


def test_the_only_tomogram_that_is_named_takes_one_rank(tmp_path: Path) -> None:
    job = tomogram(tmp_path, (1024, 1024), 41, 2.0, tomo_name="TS_1")
    assert routed(job)[0].ranks == 1


@pytest.mark.parametrize("pixel_angstrom", [0.0, float("nan")])
def test_a_tomogram_without_a_pixel_size_counts_as_the_reported_one(
    tmp_path: Path, pixel_angstrom: float
) -> None:
    job = tomogram(tmp_path, (1024, 1024), 41, pixel_angstrom)
    assert rank_gib(job, 1) is None
    route, hardware = routed(job)
    assert max(route.layout) * 80e9 <= hardware.memory_gib * 2**30

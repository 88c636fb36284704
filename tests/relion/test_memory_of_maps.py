"""Memory of the programs that hold whole maps: routes, and RELION's own processes as judge."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gotocloud.relion.job import Job
from gotocloud.relion.memory import rank_gib
from gotocloud.relion.routed_job import check_routed
from tests.needs import need_relion
from tests.relion.samples import AUTOMATIC, make_job, write_map, write_particles
from tests.relion.test_sizing import routed

SIDE_PX = 128
"""In smaller ones the C library keeps what RELION frees: 68 bytes a voxel of 96 px, 50 of 128."""
PARTICLES = """
data_optics

loop_
_rlnOpticsGroup #1
_rlnOpticsGroupName #2
_rlnVoltage #3
_rlnSphericalAberration #4
_rlnAmplitudeContrast #5
_rlnImagePixelSize #6
_rlnImageSize #7
_rlnImageDimensionality #8
1 og1 300 2.7 0.1 1.0 {side_px} 2

data_particles

loop_
_rlnImageName #1
_rlnDefocusU #2
_rlnDefocusV #3
_rlnDefocusAngle #4
_rlnOpticsGroup #5
""" + "".join(f"{number}@p.mrcs 15000 15000 0 1\n" for number in range(1, 9))


@pytest.mark.parametrize("kind", ["LocalRes", "PostProcess", "MaskCreate"])
@pytest.mark.parametrize("side_px", [256, 600, 900])
def test_a_map_goes_to_a_machine_that_holds_it(tmp_path: Path, kind: str, side_px: int) -> None:
    write_map(tmp_path / "half1.mrc", side_px)
    job = make_job(tmp_path, kind, AUTOMATIC | {"fn_in": "half1.mrc"})
    route, partition = routed(job)
    one = rank_gib(job, route.threads)
    assert one is not None
    assert max(route.layout) * one <= 0.9 * partition.memory_gib
    assert partition.gpus == 0


def test_a_local_resolution_of_a_large_map_leaves_the_small_machine_and_explains_why(
    tmp_path: Path,
) -> None:
    write_map(tmp_path / "half1.mrc", 700)
    job = make_job(tmp_path, "LocalRes", AUTOMATIC | {"fn_in": "half1.mrc"})
    route, partition = routed(job)
    assert partition.memory_gib > 32
    assert "one rank does not fit 32 GiB of memory" in route.reason


def test_a_map_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "half1.mrc").write_bytes(b"short")
    job = make_job(tmp_path, "LocalRes", AUTOMATIC | {"fn_in": "half1.mrc"})
    assert rank_gib(job, 1) is None
    assert routed(job)[1].name.startswith("small")


@pytest.mark.parametrize("box_px", [128, 400, 800])
def test_ranks_of_a_subtraction_fit_their_machine(tmp_path: Path, box_px: int) -> None:
    write_particles(tmp_path / "p.star", 100_000, box_px)
    given = {"fn_opt": "", "do_data": "Yes", "fn_data": "p.star"}
    job = make_job(tmp_path, "Subtract", AUTOMATIC | given)
    route, partition = routed(job)
    one = rank_gib(job, route.threads)
    assert one is not None
    assert one == pytest.approx(158 * box_px**3 / 2**30)
    assert max(route.layout) * one <= 0.9 * partition.memory_gib


def test_typed_ranks_that_do_not_fit_are_refused_with_the_figures(tmp_path: Path) -> None:
    write_map(tmp_path / "half1.mrc", 512)
    given = {"fn_in": "half1.mrc", "qsub_extra1": "typed", "nr_mpi": "16"}
    job = make_job(tmp_path, "LocalRes", AUTOMATIC | given)
    route, partition = routed(job)
    found = check_routed(job, route, partition)
    (broken,) = [one for one in found if one.check == "memory-host"]
    assert "each rank needs about 17.8 GiB" in broken.text


MEASURE = """
import os, sys
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""
"""Linux counts what the parent had before exec as the child's: so a small parent starts it."""


def most_resident_bytes(command: list[str], folder: Path) -> int:
    """What a process had in memory at its peak."""
    small = [sys.executable, "-I", "-S", "-c", MEASURE, *command]
    done = subprocess.run(small, cwd=folder, capture_output=True, text=True, check=True)
    code, kilobytes = map(int, done.stdout.splitlines()[-1].split())
    assert code == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return kilobytes * 1024


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    """A folder with two half maps, a mask and some particles, which hold noise."""
    import mrcfile

    need_relion()
    source = np.random.default_rng(3)
    for name in ("h_half1_class001_unfil", "h_half2_class001_unfil", "mask"):
        with mrcfile.new(tmp_path / f"{name}.mrc") as made:
            voxels = source.normal(0, 1, (SIDE_PX,) * 3)
            made.set_data((voxels if name != "mask" else np.ones_like(voxels)).astype(np.float32))
            made.voxel_size = 1.0
    with mrcfile.new(tmp_path / "p.mrcs") as made:
        made.set_data(source.normal(0, 1, (8, SIDE_PX, SIDE_PX)).astype(np.float32))
        made.voxel_size = 1.0
    (tmp_path / "p.star").write_text(PARTICLES.format(side_px=SIDE_PX))
    for folder in ("post", "refine", "subtract"):
        (tmp_path / folder).mkdir()
    return tmp_path


def beside_its_program(command: list[str], folder: Path) -> float:
    """Bytes that a command takes beyond what its program takes without work."""
    return most_resident_bytes(command, folder) - most_resident_bytes(
        [command[0], "--version"], folder
    )


POST = "relion_postprocess --i h_half1_class001_unfil.mrc --mask mask.mrc --angpix 1 --o post/post"
MASK = "relion_mask_create --i h_half1_class001_unfil.mrc --o post/mask.mrc --ini_threshold 0.5"


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        ("PostProcess", POST),
        ("LocalRes", f"{POST} --locres --locres_sampling 40"),
        ("MaskCreate", f"{MASK} --extend_inimask 1 --width_soft_edge 2"),
    ],
)
def test_relions_own_process_needs_what_the_formula_gives(
    maps: Path, kind: str, command: str
) -> None:
    needed = beside_its_program(command.split(), maps)
    job = make_job(maps, kind, AUTOMATIC | {"fn_in": "h_half1_class001_unfil.mrc"})
    assert 0.6 * formula_bytes(job) < needed < 1.1 * formula_bytes(job)


def test_relions_own_subtraction_needs_what_the_formula_gives(maps: Path) -> None:
    refine = (
        "relion_refine --i p.star --o refine/run --ref h_half1_class001_unfil.mrc --K 1 --iter 1 "
        "--ini_high 40 --particle_diameter 80 --oversampling 0 --healpix_order 0 --ctf --pad 2 "
        "--offset_range 1 --offset_step 1 --firstiter_cc --norm --scale --flatten_solvent"
    )
    subprocess.run(refine.split(), cwd=maps, capture_output=True, check=True)
    subtract = "relion_particle_subtract --i refine/run_it001_optimiser.star --mask mask.mrc"
    needed = beside_its_program([*subtract.split(), "--o", "subtract"], maps)
    given = {"fn_opt": "", "do_data": "Yes", "fn_data": "p.star"}
    job = make_job(maps, "Subtract", AUTOMATIC | given)
    assert 0.6 * formula_bytes(job) < needed < 1.1 * formula_bytes(job)


def formula_bytes(job: Job) -> float:
    return (rank_gib(job, 1) or 0) * 2**30

"""Debian's RELION goes from synthetic movies to particles."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from gotocloud.rehearsal.slurm.movies import (
    DEFOCUS_ANGSTROM,
    DRIFT_PX,
    FRAMES,
    PER_SIDE,
    make_movies,
)
from tests.needs import need_relion

MICROGRAPH = "Motion/Movies/movie001"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one movie, corrected, with its defocus and its particles."""
    need_relion()
    project = tmp_path_factory.mktemp("movies")
    made = make_movies(project, movies=1)
    ctffind = made.names["ctffind"]
    environment = {**os.environ, "PATH": f"{made.programs}:{os.environ['PATH']}"}
    for line in (
        "relion_import --do_movies --optics_group_name opticsGroup1 --angpix 4 --kV 300 --Cs 2.7 "
        "--Q0 0.1 --beamtilt_x 0 --beamtilt_y 0 --i Movies/*.mrcs --odir Import/ --ofile m.star",
        "relion_run_motioncorr --use_own --i Import/m.star --o Motion/ --dose_per_frame 1 --j 2",
        "relion_run_ctffind --i Motion/corrected_micrographs.star --o Ctf/ --is_ctffind4 "
        f"--ctffind_exe {ctffind} --dFMin 5000 --dFMax 19000",
        "relion_autopick --i Ctf/micrographs_ctf.star --odir Pick/ --pickname autopick --LoG "
        "--LoG_diam_min 64 --LoG_diam_max 102 --LoG_adjust_threshold 2",
        "relion_preprocess --i Ctf/micrographs_ctf.star --coord_dir Pick/ --coord_suffix "
        "_autopick.star --part_star Extract/particles.star --part_dir Extract/ --extract "
        "--extract_size 32 --norm --bg_radius 12 --invert_contrast",
    ):
        words = [w.strip('"') for w in line.split()]
        (project / "Import").mkdir(exist_ok=True)
        done = subprocess.run(
            words, cwd=project, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, line + done.stderr
    return project


def test_relions_motion_correction_finds_the_drift(prepared: Path) -> None:
    text = (prepared / f"{MICROGRAPH}.star").read_text()
    shifts = re.findall(r"^ +(\d+) +(-?[\d.]+) +(-?[\d.]+) *$", text, re.MULTILINE)
    assert [int(frame) for frame, _, _ in shifts] == [*range(1, FRAMES + 1)]
    for frame, x, y in shifts:
        assert float(x) == pytest.approx(-DRIFT_PX * (int(frame) - 1), abs=1.0)
        assert float(y) == pytest.approx(0.0, abs=1.0)


def test_relion_reads_the_stand_in_as_ctffind(prepared: Path) -> None:
    row = (prepared / "Ctf/micrographs_ctf.star").read_text().split("movie001.ctf:mrc")[1].split()
    assert (float(row[0]), float(row[1])) == (DEFOCUS_ANGSTROM, DEFOCUS_ANGSTROM)


def test_the_particles_are_picked_and_extracted(prepared: Path) -> None:
    extracted = (prepared / "Extract/particles.star").read_text().count("@Extract/")
    assert extracted == pytest.approx(PER_SIDE**2, abs=2)

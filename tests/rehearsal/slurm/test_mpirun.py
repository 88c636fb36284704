"""The rehearsal's mpirun, which runs a few ranks of the shape that Slurm has granted."""

from __future__ import annotations

import subprocess
from importlib.resources import files
from pathlib import Path

import pytest


@pytest.fixture
def mpirun(tmp_path: Path) -> Path:
    """It stands before a program that says how it was called."""
    for folder in ("bin", "etc"):
        (tmp_path / folder).mkdir()
    real = tmp_path / "real"
    real.write_text('#!/bin/sh\nfor word; do printf "[%s]" "$word"; done\n')
    real.chmod(0o755)
    (tmp_path / "etc" / "mpirun.env").write_text(f"MPIRUN={real}\nDEFAULT_RANKS=3\n")
    program = tmp_path / "bin" / "mpirun"
    asset = files("gotocloud.rehearsal.slurm").joinpath("assets", "mpirun.sh")
    program.write_text(asset.read_text("utf-8"))
    program.chmod(0o755)
    return program


def called(program: Path, *words: str, ranks: str = "") -> list[str]:
    environment = {"PATH": "/usr/bin:/bin"}
    if ranks:
        environment["GOTOCLOUD_REHEARSAL_RANKS"] = ranks
    done = subprocess.run(
        [str(program), *words], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.splitlines()


PLACED = "[--map-by][node][--oversubscribe][--bind-to][none]"


@pytest.mark.parametrize(
    ("asked", "most", "run"),
    [(33, "", 3), (17, "", 3), (16, "", 2), (3, "", 3), (2, "", 2), (33, "6", 5), (32, "6", 6)],
)
def test_ranks_are_cut_and_an_odd_number_stays_odd(
    mpirun: Path, asked: int, most: str, run: int
) -> None:
    lines = called(mpirun, "-n", str(asked), "relion_refine_mpi", "--j", "6", ranks=most)
    assert lines[-1] == f"[-n][{run}]{PLACED}[relion_refine_mpi][--j][6]"
    assert (len(lines) == 2) is (asked != run)
    if asked != run:
        assert f"{asked} ranks were requested and granted; this machine runs {run}" in lines[0]


def test_words_of_the_program_stay_whole(mpirun: Path) -> None:
    lines = called(mpirun, "-np", "3", "program", "-n", "9", "--i", "a b*.star", "--gpu", "0:1")
    assert lines == [f"[-n][3]{PLACED}[program][-n][9][--i][a b*.star][--gpu][0:1]"]


def test_places_of_the_whole_shape_are_dropped_and_other_options_kept(mpirun: Path) -> None:
    placing = ("--map-by", "slot", "--bind-to", "none", "--hostfile", "hosts", "-machinefile", "m")
    kept = ("--mca", "pml", "ob1", "-x", "PATH", "--tag-output")
    lines = called(mpirun, "-n", "3", *placing, *kept, "-genv", "I_MPI_PIN", "0", "program")
    words = "".join(f"[{word}]" for word in kept)
    assert lines == [f"[-n][3]{PLACED}{words}[program]"]

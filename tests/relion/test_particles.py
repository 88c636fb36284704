"""Counting particles and finding their boxes without reading every value."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.relion.particles import ParticleSet, read_box, read_particles
from gotocloud.relion.star import StarError
from tests.relion.samples import write_particles


@given(count=st.integers(1, 40), box_px=st.integers(2, 1024), dimensions=st.sampled_from((2, 3)))
def test_particles_and_boxes_are_reported(
    tmp_path_factory: pytest.TempPathFactory, count: int, box_px: int, dimensions: int
) -> None:
    path = tmp_path_factory.mktemp("particles") / "a.star"
    write_particles(path, count, box_px, dimensions=dimensions)
    assert read_particles(path) == ParticleSet(count, box_px, dimensions)
    assert read_box(path) == box_px


def test_the_largest_box_of_all_optics_groups_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_text(
        "\ndata_optics\n\nloop_\n_rlnOpticsGroup #1\n_rlnImageSize #2\n1 64\n2 128\n \n"
        "\ndata_particles\n\nloop_\n_rlnImageName #1\n1@a.mrcs\n2@a.mrcs\n \n"
    )
    assert read_particles(path) == ParticleSet(2, 128)


def test_particles_before_3_1_have_no_box(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_text("\ndata_\n\nloop_\n_rlnImageName #1\n1@a.mrcs\n2@a.mrcs\n")
    assert read_particles(path) == ParticleSet(2, None)


def test_what_follows_the_particles_is_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_text(
        "\ndata_particles\n\nloop_\n_rlnImageName #1\n1@a.mrcs\n2@a.mrcs\n\n"
        "data_more\n\nloop_\n_rlnX #1\n1\n2\n3\n"
    )
    assert read_particles(path).particles == 2


@pytest.mark.parametrize("content", ["", "data_optics\n", "data_movies\n\nloop_\n_rlnX #1\n1\n"])
def test_a_file_without_particles_is_reported(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.star").write_text(content)
    with pytest.raises(StarError, match="holds no particles"):
        read_particles(tmp_path / "a.star")


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StarError, match="does not exist"):
        read_particles(tmp_path / "a.star")


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail_otherwise_than_in_words(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("particles") / "a.star"
    path.write_bytes(b"data_optics\n" + content + b"\ndata_particles\n" + content)
    with suppress(StarError):
        assert read_particles(path).particles >= 0

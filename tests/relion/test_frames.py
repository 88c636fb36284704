"""Frames of movies, from their headers."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.relion.frames import first_movie, frames_of


def tiff(pages: int, *, order: str = "<", big: bool = False) -> bytes:
    """Directories of no entries, one after the other."""
    mark = {"<": b"II", ">": b"MM"}[order]
    if big:
        head, size, step = mark + struct.pack(order + "HHHQ", 43, 8, 0, 16), 16, "QQ"
    else:
        head, size, step = mark + struct.pack(order + "HI", 42, 8), 6, "HI"
    start = len(head)
    places = [start + size * number for number in range(1, pages)] + [0]
    return head + b"".join(struct.pack(order + step, 0, place) for place in places)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("pages", [1, 2, 40])
def test_every_page_of_a_tiff_is_a_frame(tmp_path: Path, order: str, big: bool, pages: int) -> None:
    path = tmp_path / ("a.eer" if big else "a.tiff")
    path.write_bytes(tiff(pages, order=order, big=big))
    assert frames_of(path) == pages


def test_every_section_of_an_mrc_is_a_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.mrcs"
    path.write_bytes(struct.pack("<4i", 64, 64, 24, 2) + bytes(1008))
    assert frames_of(path) == 24


def test_a_tiff_that_leads_back_to_itself_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"II" + struct.pack("<HI", 42, 8) + struct.pack("<HI", 0, 8))
    assert frames_of(path) is None


@given(st.binary(max_size=60), st.sampled_from((".mrc", ".tif", ".eer", ".txt")))
def test_no_bytes_make_it_fail(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str
) -> None:
    path = tmp_path_factory.mktemp("movie") / f"a{suffix}"
    path.write_bytes(content)
    found = frames_of(path)
    assert found is None or found > 0


def test_the_first_movie_is_found_in_a_star_file(tmp_path: Path) -> None:
    (tmp_path / "m.star").write_text(
        "\ndata_optics\n\nloop_\n_rlnOpticsGroup #1\n1\n \n"
        "\ndata_movies\n\nloop_\n_rlnMicrographMovieName #1\nMovies/a.tiff\nMovies/b.tiff\n \n"
    )
    assert first_movie(tmp_path / "m.star", tmp_path) == tmp_path / "Movies/a.tiff"
    assert first_movie(tmp_path / "none.star", tmp_path) is None

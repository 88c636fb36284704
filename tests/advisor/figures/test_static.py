"""Pictures for a publication."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from gotocloud.advisor.figures.static import FORMATS, save_chart, save_resolution
from gotocloud.errors import InputError
from tests.advisor.figures.drawn import STEPS, chart, points

SVG = "{http://www.w3.org/2000/svg}"


def texts(path: Path) -> list[str]:
    root = ET.parse(path).getroot()  # noqa: S314 - our own file
    return ["".join(one.itertext()).strip() for one in root.iter(f"{SVG}text")]


def test_an_svg_holds_its_words_as_text(tmp_path: Path) -> None:
    save_chart(chart(), tmp_path / "a.svg")
    words = texts(tmp_path / "a.svg")
    for expected in (
        "refine3d, a formula",
        "16@2x g4dn(8,96)",
        "16@4x g5(4,48) spot",
        "time in the job (hours)",
        "cost (US dollars)",
        "a formula, not a run",
    ):
        assert expected in words


def test_the_same_data_give_the_same_picture(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg", "a.pdf", "b.pdf"):
        save_chart(chart(), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_a_png_has_300_dots_per_inch(tmp_path: Path) -> None:
    save_chart(chart(), tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    at = content.index(b"pHYs") + 4
    # 300 dots per inch are 11,811 per metre.
    assert int.from_bytes(content[at : at + 4]) == 11811


def test_without_prices_the_times_are_drawn_all_the_same(tmp_path: Path) -> None:
    free = tuple(replace(one, usd=None, optimum=False) for one in points())
    save_chart(chart(points=free), tmp_path / "a.svg")
    words = texts(tmp_path / "a.svg")
    assert "no cost is known" in words
    assert "16@2x g4dn(8,96)" in words


def test_one_point_is_enough(tmp_path: Path) -> None:
    save_chart(chart(points=points()[:1]), tmp_path / "a.svg")
    assert "8@1x g4dn(8,96)" in texts(tmp_path / "a.svg")


def test_resolution_is_drawn_against_time_and_cost(tmp_path: Path) -> None:
    save_resolution(STEPS, "streptavidin", tmp_path / "a.svg", source="Moriya et al. 2024")
    words = texts(tmp_path / "a.svg")
    assert {"cumulative time (hours)", "cumulative cost (US dollars)", "resolution (Å)"} <= {*words}
    assert words.count("4") == 2
    assert "1 cycle 1; 2 cycle 2; 3 cycle 3; 4 cycle 4" in words


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.svg.gz"])
def test_another_format_is_refused_with_those_that_there_are(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=", ".join(FORMATS)):
        save_chart(chart(), tmp_path / name)

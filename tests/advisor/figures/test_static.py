"""Pictures for a publication."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import cached_property
from itertools import combinations
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from gotocloud.advisor.evidence import evidence
from gotocloud.advisor.figures.chart import chart as chart_of
from gotocloud.advisor.figures.palette import INK
from gotocloud.advisor.figures.sheet import drawn_on
from gotocloud.advisor.figures.static import draw_chart, save_chart
from tests.advisor.figures.drawn import DESIGNS, chart, points

SVG = "{http://www.w3.org/2000/svg}"


def texts(path: Path) -> list[str]:
    root = ET.parse(path).getroot()  # noqa: S314 - our own file
    return ["".join(one.itertext()).strip() for one in root.iter(f"{SVG}text")]


def test_an_svg_holds_its_words_as_text(tmp_path: Path) -> None:
    save_chart(chart(), tmp_path / "a.svg")
    words = texts(tmp_path / "a.svg")
    for expected in (
        "refine3d, a formula",
        "*16@4x g5(4,48)",
        "32@4x g4dn(8,96)",
        "8@1x",
        "g4dn.metal",
        "GPUs in use",
        "time in the job (hours)",
        "cost on spot (US dollars)",
        "a formula, not a run",
    ):
        assert expected in words


def test_the_same_data_give_the_same_picture(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg", "a.pdf", "b.pdf"):
        save_chart(chart(points=points()[:4]), tmp_path / name)
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
    assert "No cost is known, so there is no plot of time against cost." in " ".join(words)
    assert {"8", "16", "32", "g4dn.metal"} <= {*words}


def test_one_point_is_enough(tmp_path: Path) -> None:
    save_chart(chart(points=points()[:1]), tmp_path / "a.svg")
    assert "8@1x g4dn(8,96)" in texts(tmp_path / "a.svg")


class Drawn:
    """A drawing, and what can be read from it."""

    def __init__(self, design: str) -> None:
        records = DESIGNS[design]
        self.chart = chart_of(evidence(records[0].job_type, records, region="us-east-1"))
        with drawn_on(Path("a.svg")) as self.figure:
            draw_chart(self.figure, self.chart)
            self.figure.draw_without_rendering()

    @cached_property
    def texts(self) -> list[Text]:
        """Every text that is drawn."""
        unseen = set()
        for axes in self.axes:
            for axis, ends in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
                for tick in axis.get_major_ticks():
                    if not ends[0] <= tick.get_loc() <= ends[1]:
                        unseen.add(id(tick.label1))
                    unseen.add(id(tick.label2))
        found = self.figure.findobj(Text)
        texts = [one for one in found if isinstance(one, Text) and one.get_text()]
        return [one for one in texts if one.get_visible() and id(one) not in unseen]

    @cached_property
    def axes(self) -> list[Axes]:
        return [*self.figure.axes, *(inset for axes in self.figure.axes for inset in insets(axes))]

    def plane(self, *, spot: bool) -> Axes:
        words = "on spot" if spot else "on demand"
        return next(axes for axes in self.figure.axes if words in axes.get_ylabel())

    def places(self, axes: Axes) -> set[tuple[float, float]]:
        """Where a single mark stands."""
        lines = [line.get_xydata() for line in axes.get_lines()]
        return {(float(it[0][0]), float(it[0][1])) for it in lines if len(it) == 1}  # type: ignore[arg-type, index]


def insets(axes: Axes) -> list[Axes]:
    return [child for child in axes.child_axes if isinstance(child, Axes)]


@pytest.fixture(scope="module", params=DESIGNS)
def drawn(request: pytest.FixtureRequest) -> Drawn:
    return Drawn(request.param)


def test_no_text_lies_on_another_one_or_outside_of_the_sheet(drawn: Drawn) -> None:
    sheet = drawn.figure.bbox
    boxes = [(text, text.get_window_extent()) for text in drawn.texts]
    for text, box in boxes:
        assert sheet.x0 <= box.x0 < box.x1 <= sheet.x1, text.get_text()
        assert sheet.y0 <= box.y0 < box.y1 <= sheet.y1, text.get_text()
    for (one, box), (other, its_box) in combinations(boxes, 2):
        assert not box.overlaps(its_box), f"{one.get_text()} lies on {other.get_text()}"


def test_no_label_lies_on_a_mark(drawn: Drawn) -> None:
    for axes in drawn.figure.axes[1:]:
        labels = [text.get_window_extent() for text in axes.texts]
        for place in drawn.places(axes):
            x, y = axes.transData.transform(place)
            assert not [box for box in labels if box.x0 < x < box.x1 and box.y0 < y < box.y1]


def test_no_text_is_smaller_than_7_points_at_178_mm(drawn: Drawn) -> None:
    assert drawn.figure.get_size_inches()[0] * 25.4 == pytest.approx(178)
    assert min(float(text.get_fontsize()) for text in drawn.texts) >= 7


def test_every_measured_time_and_cost_is_drawn_at_its_value(drawn: Drawn) -> None:
    measured = [one for one in drawn.chart.points if one.measured]
    bars = drawn.figure.axes[0]
    heights = {float(patch.get_height()) for patch in bars.patches if isinstance(patch, Rectangle)}
    heights |= {y for _, y in drawn.places(bars)}
    assert {one.hours for one in measured} <= heights
    for spot in (False, True):
        priced = {(p.hours, p.usd) for p in measured if p.usd is not None and p.spot == spot}
        if not priced:
            continue
        plane = drawn.plane(spot=spot)
        shown = (*insets(plane), plane)[0]
        assert priced <= drawn.places(shown)
        assert max(hours for hours, _ in priced) < shown.get_xlim()[1]
        assert max(usd for _, usd in priced) < shown.get_ylim()[1]


def test_the_optima_are_outlined_and_the_best_has_the_asterisk(drawn: Drawn) -> None:
    for spot in (False, True):
        optima = drawn.chart.optima(spot=spot).values()
        if not optima:
            continue
        plane = drawn.plane(spot=spot)
        outlined = {
            tuple(map(float, line.get_xydata()[0]))  # type: ignore[index, arg-type]
            for line in plane.get_lines()
            if line.get_markeredgecolor() == INK and line.get_marker() != "None"
        }
        assert outlined == {(p.hours, p.usd) for p in optima}
        best = drawn.chart.best(spot=spot)
        starred = [t.get_text() for t in plane.texts if t.get_text().startswith("*")]
        assert starred == [f"*{best.label}" if best else ""]


def test_one_scale_is_that_of_the_paper(drawn: Drawn) -> None:
    for axes in drawn.figure.axes[1:]:
        width, height = axes.bbox.size
        per_hour, per_usd = width / axes.get_xlim()[1], height / axes.get_ylim()[1]
        assert per_hour / per_usd == pytest.approx(20)


SPOT_OF_2024 = {
    "g5.48xlarge": 7.4722,
    "g5.12xlarge": 2.9119,
    "g4dn.metal": 3.5863,
    "g4dn.12xlarge": 1.6888,
}
"""Mean spot prices of us-east-1, 8 to 15 February 2024 (KEK-SBRC-CryoEM/CS-Schemes)."""


def test_labels_of_the_papers_design_have_all_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where points lie follows the prices; the room for labels is that of one list of prices.
    rows = [
        f"{name},us-east-1,{usd},spot-instance-hour,a test,2026-11-30\n"
        for name, usd in SPOT_OF_2024.items()
    ]
    (tmp_path / "prices.csv").write_text("item,region,usd,unit,source,date\n" + "".join(rows))
    monkeypatch.setenv("GOTOCLOUD_PRICES", str(tmp_path / "prices.csv"))
    words = " ".join(text.get_text() for text in Drawn("the paper's").texts)
    assert "Labels without room" not in words

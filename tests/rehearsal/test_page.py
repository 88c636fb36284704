"""The demo's page and the picture on it."""

from __future__ import annotations

import http.server
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import ClassVar
from xml.etree import ElementTree

import pytest

from gotocloud.rehearsal.page import page
from gotocloud.rehearsal.picture import description, narrow_picture, wide_picture
from gotocloud.rehearsal.survey_model import Survey
from tests.rehearsal.reports import report
from tests.rehearsal.surveys import medium, small

SVG = "{http://www.w3.org/2000/svg}"
VOID = {"meta", "link", "br"}


class Structure(HTMLParser):
    """Checks that tags are closed in order, and keeps their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - our own picture, made a line ago


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in parsed(svg).iter(f"{SVG}text")]


def boxes(svg: str) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of every network's box."""
    root = parsed(svg)
    found = []
    for rect in root.iter(f"{SVG}rect"):
        if rect.get("class") in ("vpc", "share"):
            x, y, w, h = (float(rect.get(key, "0")) for key in ("x", "y", "width", "height"))
            found.append((x, y, x + w, y + h))
    return found


@pytest.fixture(params=["small", "medium"])
def survey(request: pytest.FixtureRequest) -> Survey:
    return small() if request.param == "small" else medium()


def test_the_same_report_gives_the_same_page(survey: Survey) -> None:
    assert page(report(survey)) == page(report(survey))


def test_every_tag_is_closed_and_every_id_is_used_once(survey: Survey) -> None:
    found = Structure(page(report(survey)))
    ids = [attributes["id"] for _, attributes in found.seen if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_the_page_loads_nothing_from_anywhere(survey: Survey) -> None:
    found = Structure(page(report(survey)))
    loaded = [
        (tag, value)
        for tag, attributes in found.seen
        for name, value in attributes.items()
        if name in ("src", "srcset", "data", "href") and tag != "a" and value != "data:,"
    ]
    assert loaded == []
    assert not re.search(r"url\(|@import|<script", page(report(survey)))


def test_tables_have_headers_with_a_scope(survey: Survey) -> None:
    found = Structure(page(report(survey)))
    headers = [attributes for tag, attributes in found.seen if tag == "th"]
    assert headers
    assert {attributes.get("scope") for attributes in headers} == {"col", "row"}


def test_a_table_that_scrolls_can_be_reached_with_the_keyboard() -> None:
    found = Structure(page(report(small())))
    scrolls = [attributes for _, attributes in found.seen if attributes.get("class") == "scroll"]
    assert scrolls
    assert all(s.get("tabindex") == "0" and s.get("aria-label") for s in scrolls)


@pytest.mark.parametrize("draw", [wide_picture, narrow_picture])
def test_the_picture_states_in_words_what_it_shows(draw: object, survey: Survey) -> None:
    assert callable(draw)
    root = parsed(draw(survey))
    described = {root.findtext(f"{SVG}title"), root.findtext(f"{SVG}desc")}
    assert None not in described
    labels = set((root.get("aria-labelledby") or "").split())
    assert labels == {node.get("id") for node in root.iter() if node.get("id")}


@pytest.mark.parametrize("draw", [wide_picture, narrow_picture])
def test_every_network_is_drawn_once_inside_the_picture(draw: object, survey: Survey) -> None:
    assert callable(draw)
    svg = draw(survey)
    found = boxes(svg)
    assert len(found) == sum(len(region.vpcs) for _, region in survey.everywhere())
    width, height = map(float, (parsed(svg).get("viewBox") or "").split()[2:])
    assert all(x >= 0 and y >= 0 and r <= width and b <= height for x, y, r, b in found)


@pytest.mark.parametrize("draw", [wide_picture, narrow_picture])
def test_no_two_networks_overlap(draw: object, survey: Survey) -> None:
    assert callable(draw)
    found = boxes(draw(survey))
    for number, (x, y, right, bottom) in enumerate(found):
        for other in found[number + 1 :]:
            assert x >= other[2] or other[0] >= right or y >= other[3] or other[1] >= bottom


def test_every_peering_is_drawn_as_a_link() -> None:
    svg = wide_picture(medium())
    assert svg.count('class="link active"') == len(medium().peerings())


def test_every_copy_of_the_software_is_drawn_with_its_source() -> None:
    copies = [copy for _, region in medium().everywhere() for copy in region.copies]
    assert copies
    for drawn in (wide_picture(medium()), narrow_picture(medium())):
        assert drawn.count("copied from ap-northeast-1") == len(copies)


def test_a_peering_that_waits_is_distinguished_without_colour() -> None:
    survey = small(peering_state="pending-acceptance", routed=False)
    svg = wide_picture(survey)
    assert 'class="link waiting"' in svg
    assert 'class="link active"' not in svg
    assert any("pending-acceptance" in text for text in texts(svg))
    assert "0 of 3 peerings" in description(survey)


def test_an_active_peering_without_a_route_is_not_called_whole() -> None:
    svg = wide_picture(small(routed=False))
    assert any(text.startswith("Peering active, no route there") for text in texts(svg))


def test_an_unknown_price_is_called_unknown_and_the_total_a_lower_bound() -> None:
    text = page(report(small(), region="ap-northeast-1"))
    assert "at least 0.3259" in text
    assert "No public price is on record for: Lustre file system." in text
    assert "at least" not in page(report(small(), region="us-east-1"))


def test_names_from_outside_cannot_become_markup() -> None:
    made = report(small())
    hostile = '<script>alert("x")</script>'
    account = made.survey.accounts[1]
    changed = type(account)(**{**vars(account), "name": hostile, "users": (hostile,)})
    survey = Survey((made.survey.accounts[0], changed))
    text = page(type(made)(**{**vars(made), "survey": survey, "platform": hostile}))
    assert "<script" not in text
    Structure(text)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the page and remembers what was asked for."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "index.html").write_text(page(report(small())), encoding="utf-8")
    Quiet.asked.clear()
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *args: Quiet(*args, directory=str(tmp_path))
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/index.html"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_it_without_errors_or_requests(
    served: str, tmp_path: Path, width: int
) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("chromium is not installed")
    screenshot = tmp_path / "page.png"
    result = subprocess.run(
        [
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--enable-logging=stderr",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--window-size={width},1000",
            f"--screenshot={screenshot}",
            served,
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert screenshot.stat().st_size > 10_000, result.stderr
    assert "CONSOLE" not in result.stderr
    assert Quiet.asked == ["/index.html"]

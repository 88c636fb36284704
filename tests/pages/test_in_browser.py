"""A browser shows hostile names on a page as text, and runs none of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gotocloud.pages.parts import frame, identifier, identifiers, lines, section
from tests.browser import probed

RUNS = "document.documentElement.dataset.reached = 1"
NAMES = (
    "<!--<script>",
    f"</title><script>{RUNS}</script>",
    f"</td></table><img src=x onerror='{RUNS}'>",
    f'" autofocus tabindex=0 onfocus="{RUNS}',
    f"' autofocus tabindex=0 onfocus='{RUNS}",
    f"<svg onload='{RUNS}'></svg>",
    f"<iframe srcdoc='&lt;script&gt;parent.{RUNS}&lt;/script&gt;'></iframe>",
    f"javascript:{RUNS}",
    "<style>body { display: none }</style>",
    "<base href=//evil.example><meta http-equiv=refresh content=0;url=//evil.example>",
    "</script></style></textarea></svg>",
    "&lt;script&gt; ${title} \u2028\u2029\u0085\u202e",
)
LAST = "the end of the page"
PROBE = """<script>
addEventListener("load", () => setTimeout(() => {
  const shown = document.createElement("pre");
  shown.id = "probe";
  const cells = [...document.querySelectorAll("tbody .id")].map((cell) => cell.textContent);
  shown.textContent = JSON.stringify([
    document.documentElement.dataset.reached ?? null,
    document.querySelectorAll("img, iframe, base, body style, body script:not(#own)").length,
    document.body.innerText.includes("LAST"),
    cells,
  ]);
  document.body.append(shown);
}, 100));
</script>"""


PHONE_PX = 390
MEASURE = """<script id=own>
addEventListener("load", () => setTimeout(() => {
  const inside = document.querySelector("iframe").contentDocument;
  const wide = (one) => one.scrollWidth > one.clientWidth + 1;
  const cut = [...inside.querySelectorAll(".scroll, td, td > div")].filter(wide);
  const names = [...inside.querySelectorAll("td")].map(
    (one) => inside.defaultView.getComputedStyle(one, "::before").content);
  const shown = document.createElement("pre");
  shown.id = "probe";
  shown.textContent = JSON.stringify([
    inside.documentElement.scrollWidth, cut.map((one) => one.textContent), names]);
  document.body.append(shown);
}, 100));
</script>"""


@pytest.mark.browser
def test_on_a_phone_no_column_is_cut_and_each_value_has_the_name_of_its_column(
    tmp_path: Path,
) -> None:
    columns = ("Item", "Price and its date", "Source", "Id")
    row = (
        "Lustre",
        "0.14 per GB-month (2025-04)",
        "github.com/infracost/" * 4,
        identifier("x" * 80),
    )
    page = frame(
        title="x", lead="", numbers=(), footer="", sections=[section("Prices", "", columns, [row])]
    )
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    outer = tmp_path / "outer.html"
    outer.write_text(f"<iframe src=page.html width={PHONE_PX} height=900></iframe>{MEASURE}")
    width, cut, names = probed(outer, "--allow-file-access-from-files")
    assert (width <= PHONE_PX, cut) == (True, [])
    assert names == [f'"{name}"' for name in columns[1:]]


@pytest.mark.browser
def test_hostile_names_are_shown_and_not_run(tmp_path: Path) -> None:
    rows = [[identifier(name), lines([name]), identifiers([name])] for name in NAMES]
    page = frame(
        title=NAMES[1],
        lead="",
        numbers=[(name, name) for name in NAMES],
        sections=[section("Jobs", "Names", ["a", "b", "c"], rows)],
        footer=LAST,
    )
    path = tmp_path / "page.html"
    probe = PROBE.replace("LAST", LAST).replace("<script>", "<script id=own>")
    path.write_text(page.replace("</body>", f"{probe}</body>"), encoding="utf-8")
    reached, foreign, whole, cells = probed(path)
    assert (reached, foreign, whole) == (None, 0, True)
    assert cells == [name for name in NAMES for _ in range(2)]

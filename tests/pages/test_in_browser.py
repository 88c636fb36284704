"""A browser shows hostile names on a page as text, and runs none of them."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path

import pytest

from gotocloud.pages.parts import frame, identifier, identifiers, lines, section
from tests.needs import need_chromium

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
    done = subprocess.run(
        [
            need_chromium(),
            *("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/chrome"),
            *("--virtual-time-budget=5000", "--dump-dom", f"file://{path}"),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.S)
    assert found, done.stderr[-2000:]
    reached, foreign, whole, cells = json.loads(html.unescape(found[1]))
    assert (reached, foreign, whole) == (None, 0, True)
    assert cells == [name for name in NAMES for _ in range(2)]

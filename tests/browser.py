"""Pages in a real browser, without a window."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.needs import need_chromium


def probed(path: Path, *options: str) -> Any:
    """What a page's own script wrote as JSON into `<pre id="probe">`, once it was shown.

    Args:
        path: The page.
        options: More options of the browser.
    """
    done = subprocess.run(
        [
            need_chromium(),
            *("--headless", "--no-sandbox", "--disable-gpu", *options),
            *(f"--user-data-dir={path.parent}/chrome", "--virtual-time-budget=5000"),
            *("--dump-dom", f"file://{path}"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.S)
    assert found, done.stderr[-2000:]
    return json.loads(html.unescape(found[1]))

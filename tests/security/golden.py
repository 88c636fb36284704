"""Golden files: compared in full, and written anew on request.

`GOTOCLOUD_REFRESH=1 pytest tests/security/test_golden.py`, then read the difference.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "golden"
REFRESH = "GOTOCLOUD_REFRESH=1 pytest tests/security/test_golden.py"


def written(value: Any) -> str:
    """A value as a golden file holds it."""
    return json.dumps(value, indent=1, sort_keys=True) + "\n"


def golden(name: str, value: Any) -> tuple[str, str]:
    """What is there and what the golden file says; the file is written first, if asked."""
    path = FOLDER / f"{name}.json"
    if os.environ.get("GOTOCLOUD_REFRESH"):
        path.write_text(written(value))
    return written(value), path.read_text() if path.exists() else ""

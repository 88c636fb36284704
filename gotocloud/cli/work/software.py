"""What `gotocloud software check` runs."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

_TIMEOUT_S = 60


def run_for_version(command: Sequence[str]) -> tuple[int, str]:
    """Run a program for its version; its exit status and what it printed."""
    try:
        done = subprocess.run(
            list(command),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 124, f"no answer within {_TIMEOUT_S} s"
    except OSError as error:
        return 126, str(error.strerror)
    return done.returncode, done.stdout + done.stderr

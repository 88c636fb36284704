"""The command line in a process that kills itself: python -m tests.cli.mortal POINT COMMAND …

POINT counts as in `killed_everywhere`: twice the number of the call before it, one more after.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import botocore.client


def main() -> None:
    """Run a command until its point has come."""
    left = int(sys.argv.pop(1))
    original = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def die() -> None:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    def call(self: Any, operation: str, arguments: Any) -> Any:
        die()
        try:
            return original(self, operation, arguments)
        finally:
            die()

    botocore.client.BaseClient._make_api_call = call  # type: ignore[attr-defined]
    from gotocloud.cli.main import main as gotocloud

    gotocloud()


if __name__ == "__main__":
    main()

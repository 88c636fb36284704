"""The kernel's own limit of memory, for tests of what it does to a program."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

MEMORY_GROUPS = Path("/sys/fs/cgroup/memory")


@pytest.fixture
def small_group() -> Iterator[Path]:
    """A control group of the kernel with 1 MiB of memory."""
    group = MEMORY_GROUPS / f"gotocloud-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(2**20))
    except OSError:
        pytest.skip("the kernel's memory controller (cgroup v1) cannot be used here")
    yield group
    deadline = time.monotonic() + 10
    while (group / "cgroup.procs").read_text() and time.monotonic() < deadline:
        time.sleep(0.1)
    group.rmdir()

"""The process in which ParallelCluster's own library makes and deletes clusters."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from gotocloud.errors import GoToCloudError
from gotocloud.rehearsal.judge import pcluster_python

_SCRIPT = Path(__file__).with_name("pcluster_operator.py")


class Operator:
    """One process for all orders: importing ParallelCluster takes longer than an order.

    Args:
        version: ParallelCluster's version.
    """

    def __init__(self, version: str) -> None:
        self._version = version
        self._process: subprocess.Popen[str] | None = None
        self._one_at_a_time = threading.Lock()

    def work(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out an order of `pcluster_operator.py`; returns its answer.

        Raises:
            GoToCloudError: if ParallelCluster is not set up or its process has ended.
        """
        with self._one_at_a_time:
            process = self._running()
            if process.stdin is None or process.stdout is None:
                raise RuntimeError("the operator was started without pipes")
            try:
                process.stdin.write(json.dumps(order) + "\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except BrokenPipeError:
                line = ""
            if not line:
                self._process = None
                raise GoToCloudError(
                    "ParallelCluster's process has ended.", next_command="make env"
                )
            answer: dict[str, Any] = json.loads(line)
            return answer

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                # Isolated: else this folder would hide modules of the library.
                [str(pcluster_python(self._version)), "-I", "-W", "ignore", str(_SCRIPT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ},
            )
        return self._process


@cache
def operator_of(version: str) -> Operator:
    """The process of one version of ParallelCluster."""
    return Operator(version)

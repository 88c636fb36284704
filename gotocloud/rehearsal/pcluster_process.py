"""The process in which ParallelCluster's own library makes and deletes clusters."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from gotocloud.errors import GoToCloudError
from gotocloud.printed import lines_of
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
        self._stated: IO[str] | None = None
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
                raise self._ended(process)
            answer: dict[str, Any] = json.loads(line)
            return answer

    def _ended(self, process: subprocess.Popen[str]) -> GoToCloudError:
        """What is known about a process that answers no longer; it is ended for certain."""
        try:
            process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        self._process = None
        stated: list[str] = []
        if self._stated is not None:
            with self._stated as stream:
                stream.seek(0)
                stated = lines_of(stream.read().strip())
        return GoToCloudError(
            f"ParallelCluster's process has ended (exit code {process.returncode}).",
            problems=stated[-3:],
            next_command="make env",
        )

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            # A file, not a pipe: what is not read would stop the process when it is full.
            self._stated = TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
            self._process = subprocess.Popen(
                # Isolated: else this folder would hide modules of the library.
                [
                    str(pcluster_python(self._version)),
                    "-I",
                    "-W",
                    "ignore",
                    str(_SCRIPT),
                    self._version,
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stated,
                text=True,
                env={key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ},
            )
        return self._process


@cache
def operator_of(version: str) -> Operator:
    """The process of one version of ParallelCluster."""
    return Operator(version)

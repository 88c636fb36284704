"""Runs the real CDK command line and our own, each in the environment that it is given."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer

from gotocloud.errors import GoToCloudError, InputError

REPOSITORY = Path(__file__).parent.parent.parent
"""Folder of cdk.json; the app is deployed from a clone."""

SHOWN_LINES = 40
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_QUIET = {
    "AWS_CDK_DISABLE_VERSION_CHECK": "1",
    # The CDK's notices, telemetry and version check ask the internet.
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "CDK_DISABLE_VERSION_CHECK": "1",
    "CI": "true",
    "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "true",
    "NO_COLOR": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


@dataclass(frozen=True)
class CommandLine:
    """Command lines for one deployment.

    Args:
        workdir: Folder for cloud assemblies and for the CDK's cache of account ids, which
            must not be shared with another AWS.
        detail: Gets every line that the commands print.
        longest_s: How long a command may run. Default: as long as it needs.
    """

    workdir: Path
    detail: Callable[[str], None]
    longest_s: float | None = None
    _running: set[subprocess.Popen[str]] = field(default_factory=set)

    def end(self) -> None:
        """End whatever still runs."""
        for process in list(self._running):
            process.terminate()

    def cdk(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Run `cdk` in the repository.

        Raises:
            InputError: if it is not installed.
            GoToCloudError: if it fails, with the end of its output.
        """
        path = self._path(environment)
        cdk = shutil.which("cdk", path=path)
        if cdk is None:
            raise InputError("The CDK command line is not installed.", next_command="make env")
        command = [cdk, *arguments, "--no-notices"]
        self._run(command, environment, shown=f"cdk {' '.join(arguments)}")

    def gotocloud(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Run our own command line, as a person would.

        Raises:
            GoToCloudError: if it fails, with the end of its output.
        """
        command = [sys.executable, "-m", "gotocloud", *arguments]
        self._run(command, environment, shown=f"gotocloud {' '.join(arguments)}")

    def _path(self, environment: Mapping[str, str]) -> str:
        # `python3 app.py` must be the Python that runs this.
        here = Path(sys.executable).parent
        modules = REPOSITORY / "node_modules" / ".bin"
        return os.pathsep.join((str(here), str(modules), environment.get("PATH", "")))

    def _run(self, command: Sequence[str], environment: Mapping[str, str], *, shown: str) -> None:
        given = {
            **environment,
            **_QUIET,
            "PATH": self._path(environment),
            "CDK_HOME": str((self.workdir / "cdk-home").resolve()),
        }
        self.detail(f"$ {shown}")
        stated: list[str] = []
        with subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            self._running.add(process)
            late = Timer(self.longest_s or 0, process.terminate)
            try:
                if self.longest_s is not None:
                    late.start()
                for line in process.stdout or ():
                    stated.append(_COLOUR.sub("", line.rstrip()))
                    self.detail(stated[-1])
            except BaseException:
                process.terminate()
                raise
            finally:
                late.cancel()
                self._running.discard(process)
        if process.returncode:
            raise GoToCloudError(
                f"This command failed (exit code {process.returncode}): {shown}",
                problems=[line for line in stated if line.strip()][-SHOWN_LINES:],
            )

"""Runs commands on the head node when this program runs there itself."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from gotocloud.aws.head_node import SHORT_S, NodeError
from gotocloud.files import scratch_folder
from gotocloud.printed import lines_of

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin"
"""As the agent of Systems Manager has it, so that both kinds of node run the same scripts."""


KILL_S = 10.0
"""How long a process that was killed is waited for."""


class Runner(Protocol):
    """A head node, wherever this program runs."""

    def run(self, script: str, doing: str, *, timeout_s: int = SHORT_S) -> str:
        """Run a shell script as root and return what it printed.

        Raises:
            NodeError: if it fails, or the head node does not answer.
        """


@dataclass(frozen=True)
class LocalNode:
    """The machine that this program runs on, as `HeadNode` is one far away.

    No permission to send commands is needed: this runs on the node itself.

    Args:
        path: Where programs are looked for.
    """

    path: str = PATH

    def run(self, script: str, doing: str, *, timeout_s: int = SHORT_S) -> str:
        """Run a shell script and return what it printed.

        Raises:
            NodeError: if it fails or takes too long.
        """
        with scratch_folder("node") as folder:
            # A file, as the agent does: scripts read their own standard input.
            file = folder / "script.sh"
            file.write_text(script)
            # Not as a context: that waits for a process that not even a signal ends, as one
            # does that waits for a file system which does not answer.
            process = subprocess.Popen(
                ["sh", str(file)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "PATH": self.path},
                start_new_session=True,
            )
            try:
                out, err = process.communicate(timeout=timeout_s)
            except BaseException as error:
                os.killpg(process.pid, signal.SIGKILL)
                with suppress(subprocess.TimeoutExpired):
                    process.communicate(timeout=KILL_S)
                if isinstance(error, subprocess.TimeoutExpired):
                    raise _failed(doing, f"took longer than {timeout_s} s", -1) from error
                raise
        text = out.decode(errors="replace")
        if process.returncode:
            stated = lines_of(err.decode(errors="replace").strip())[-5:]
            ended = f"ended with exit code {process.returncode}"
            raise _failed(doing, ended, process.returncode, text, tuple(stated))
        return text


def _failed(
    doing: str, ended: str, code: int, output: str = "", problems: tuple[str, ...] = ()
) -> NodeError:
    return NodeError(f"Cannot {doing}: the command {ended}.", code, output, problems=problems)

"""A shell at a terminal, and a person who answers what commands request there."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SIZE = (50, 120)
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Session:
    """A terminal.

    Args:
        environment: Of the commands.
        folder: Where they are typed.
        prompts: Pattern of a prompt, at the end of the output -> what is typed then.
        longest_s: A command that takes longer is ended.
    """

    environment: Mapping[str, str]
    folder: Path
    prompts: Mapping[str, str]
    longest_s: float

    def types(self, command: str) -> tuple[int, str]:
        """Type a command line; returns its exit code and what the terminal shows."""
        mine, its = pty.openpty()
        termios.tcsetwinsize(its, SIZE)
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.folder,
            env={**self.environment, "TERM": "xterm"},
            stdin=its,
            stdout=its,
            stderr=its,
            start_new_session=True,
        )
        os.close(its)
        try:
            return self._attended(process, mine)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            os.close(mine)

    def _attended(self, process: subprocess.Popen[bytes], terminal: int) -> tuple[int, str]:
        deadline = time.monotonic() + self.longest_s
        raw, read_to = b"", 0
        while True:
            assert time.monotonic() < deadline, f"{process.args!r}: {_shown(raw)}"
            ready, _, _ = select.select([terminal], [], [], 0.5)
            if not ready:
                continue
            try:
                more = os.read(terminal, 65536)
            except OSError:  # Linux: no process has the other end open.
                more = b""
            if not more:
                return process.wait(), _shown(raw)
            raw += more
            if answer := self._answer(_shown(raw[read_to:])):
                read_to = len(raw)
                os.write(terminal, f"{answer}\n".encode())

    def _answer(self, shown: str) -> str | None:
        found = (typed for prompt, typed in self.prompts.items() if re.search(prompt, shown))
        return next(found, None)


def _shown(raw: bytes) -> str:
    return _COLOURS.sub("", raw.decode(errors="replace")).replace("\r\n", "\n")

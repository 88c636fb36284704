"""What commands print fits the terminal of a head node: 80 letters."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest

COLUMNS = 80


def in_terminal(*arguments: str) -> list[str]:
    """The lines that a command shows in a terminal of 80 x 24."""
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "dumb", "NO_COLOR": "1"}
    environment.pop("COLUMNS", None)
    command = (sys.executable, "-m", "gotocloud", *arguments)
    with subprocess.Popen(command, stdout=inside, stderr=inside, env=environment) as running:
        os.close(inside)
        shown = _read(terminal)
    assert running.returncode == 0, shown
    return shown.decode().replace("\r\n", "\n").split("\n")


def _read(terminal: int) -> bytes:
    shown = b""
    try:
        while part := os.read(terminal, 65536):
            shown += part
    except OSError:
        pass  # So a terminal tells that nobody writes to it any more.
    os.close(terminal)
    return shown


@pytest.mark.parametrize(
    ("command", "whole"),
    [
        (
            "form --show --config cryoem-spa --region us-east-1",
            ("class2d-vdam-spot", "g4dn.12xlarge"),
        ),
        ("platform prices us-east-1", ("fsx-lustre-persistent-2", "spot-instance-hour")),
        ("advise project --region us-east-1", ("256@4x c6i(0,128)", "InitialModel")),
        ("advise refine3d --region us-east-1", ("10.1038/s42003-024-07031-6,",)),
        ("advise columns", ("usd_per_node_hour", "progress-bars")),
    ],
)
def test_a_terminal_of_80_letters_breaks_no_name(command: str, whole: tuple[str, ...]) -> None:
    lines = in_terminal(*command.split())
    long = [line for line in lines if len(line) > COLUMNS and "https://" not in line]
    assert long == []
    for name in whole:
        assert any(name in line for line in lines), name

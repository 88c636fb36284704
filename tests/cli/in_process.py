"""The command line in this process: what is typed, and what comes of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from gotocloud.cli.main import main


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


def typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object
) -> Outcome:
    """Run `gotocloud WORDS`; no traceback may come of it."""
    monkeypatch.setattr(sys, "argv", ["gotocloud", *map(str, words)])
    try:
        main()
        code: Any = 0
    except SystemExit as stop:
        code = stop.code or 0
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    return Outcome(int(code), printed.out, printed.err)

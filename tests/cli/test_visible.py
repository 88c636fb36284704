"""What other people wrote is shown as text: no name and no log drives a terminal."""

from __future__ import annotations

import json
import os
import pty
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gotocloud.cli.visible import visible

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\b\x0bapo\u202egpj.exe\u2028"


@settings(deadline=None)
@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    for character in visible(text):
        category = unicodedata.category(character)
        assert character in "\n\t" or category not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_json_document_keeps_its_content(text: str) -> None:
    document = json.dumps({"name": text}, ensure_ascii=False)
    assert json.loads(visible(document)) == {"name": text}


@pytest.mark.parametrize("text", ["ライン\u3000一\n", "café\tµm Å", "Ünï🔬"])
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def in_a_terminal(*command: str, folder: Path) -> bytes:
    """What a command writes into a terminal, on both streams."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execv(sys.executable, [sys.executable, *command])  # noqa: S606
    shown = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.waitpid(child, 0)
    os.close(terminal)
    return shown


def commands(shown: bytes) -> set[str]:
    """Control characters in what was shown, beside the terminal's own line ends."""
    text = shown.decode().replace("\r\n", "\n")
    return {it for it in text if not it.isprintable() and it not in "\n\t "}


# As `main` starts any command.
TABLE = """
import sys
import typer
from gotocloud.cli import main
from gotocloud.cli.output import narrate, table

def command(**options):
    name = sys.argv[1]
    table(("project",), [(name,)], title=name)
    narrate(name)
    print(name)
    typer.echo(name)

main.app = command
main.main()
"""


def test_a_name_in_a_table_or_a_line_drives_no_terminal(tmp_path: Path) -> None:
    shown = in_a_terminal("-c", TABLE, HOSTILE, folder=tmp_path)
    own = shown
    for sequence in (b"\x1b[0m", b"\x1b[1m", b"\x1b[3m"):
        own = own.replace(sequence, b"")
    assert commands(own) == set()
    assert shown.count(rb"\u202e") == 5, "the table, its title and three lines"


BAR = """
import sys
from gotocloud.cli import main
from gotocloud.cli.output import narrate
from gotocloud.cli.views.transfer import _bar

def command(**options):
    with _bar() as bar:
        bar.add_task("x", total=1)
        narrate(sys.argv[1])

main.app = command
main.main()
"""


def test_a_line_beside_a_bar_drives_no_terminal(tmp_path: Path) -> None:
    shown = in_a_terminal("-c", BAR, HOSTILE, folder=tmp_path)
    assert b"\x1b[" in shown, "the bar itself may move the cursor"
    assert b"owned\x07" not in shown
    assert b"\xc2\x9b" not in shown
    assert b"\x1b[2J" not in shown

"""What commands print fits the terminal, loses no letter and breaks no command; pipes are plain."""

from __future__ import annotations

import io
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.cli.main import main
from gotocloud.cli.output import table, wrapped
from tests.needs import ROOT

EXAMPLE = "platform.example.yaml"
SGR = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    """A stream that takes itself for a terminal."""

    def isatty(self) -> bool:
        return True


def shown(columns: int, show: Callable[[], object]) -> list[str]:
    """The lines that something prints in a terminal so wide."""
    out = Terminal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(columns))
        patch.setenv("LINES", "24")
        patch.setattr(sys, "stdout", out)
        show()
    return SGR.sub("", out.getvalue()).split("\n")


def piped(show: Callable[[], object]) -> list[str]:
    """The lines that something prints into a pipe."""
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        show()
    return out.getvalue().split("\n")


def command(text: str) -> Callable[[], None]:
    """Runs a command in this process."""

    def run() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["gotocloud", *text.split()])
            with pytest.raises(SystemExit) as ended:
                main()
        assert ended.value.code in {0, None}

    return run


VIEWS = {
    "form --show --config cryoem-spa --region us-east-1": ("class2d-vdam-spot", "g4dn.12xlarge"),
    f"platform prices us-east-1 --platform {EXAMPLE}": ("fsx-lustre-persistent-2",),
    f"platform check --platform {EXAMPLE}": (
        "membrane-lab",
        "222222222222",
        "3 scientists,",
    ),
    f"platform plan --platform {EXAMPLE}": ("10.0.0.0/24", "membrane-lab"),
    f"platform cost --platform {EXAMPLE}": ("a month while no cluster exists",),
    f"platform zones --platform {EXAMPLE}": ("apne1-az4",),
    "advise project --region us-east-1": (
        "InitialModel",
        "gotocloud advise stop --record FILE --target 2.0",
    ),
    "advise refine3d --region us-east-1": ("10.1038/s42003-024-07031-6,",),
    "advise motioncorr --region us-east-1": ("gotocloud bench plan JOBDIR",),
    "advise columns": ("usd_per_node_hour", "progress-bars"),
    "cluster list": ("cryoem-spa",),
    "software list": ("RELION",),
}


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A working folder with the example platform, so that no line is as long as a path here."""
    for name in (EXAMPLE, "platform.example.record.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("view", VIEWS)
def test_a_narrow_terminal_breaks_no_name_and_no_command(view: str, columns: int) -> None:
    lines = shown(columns, command(view))
    long = [line for line in lines if len(line) > columns and "https://" not in line]
    # A word or a command that is longer than the terminal has a line of its own.
    assert [line for line in long if " gotocloud " not in f" {line}"] == []
    for name in VIEWS[view]:
        assert any(name in line for line in lines), name


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("view", VIEWS)
def test_a_pipe_gets_plain_tables_with_the_same_words(view: str) -> None:
    lines = piped(command(view))
    assert not [line for line in lines if re.search("[\u2500-\u257f\x1b]", line)]
    for name in VIEWS[view]:
        assert any(name in line for line in lines), name
    in_terminal = letters("\n".join(shown(120, command(view))))
    assert letters("\n".join(lines)) == in_terminal


def letters(text: str) -> Counter[str]:
    return Counter(it for it in text if not it.isspace() and it not in "\u2500")


COMMAND = st.sampled_from(
    [
        "gotocloud start apoferritin --config tutorial",
        "AWS_REGION=us-east-1 gotocloud finish a-project-with-a-long-name --keep-data --yes",
        "gotocloud setup",
    ]
)
CELL = st.one_of(
    COMMAND, st.text("ab-./ [é", max_size=70), st.sampled_from(["", "10.1038/s42003-024-07031-6"])
)
TABLE = st.integers(1, 9).flatmap(
    lambda n: st.tuples(
        st.lists(st.text("xyz ", min_size=1, max_size=14), min_size=n, max_size=n),
        st.lists(st.lists(CELL, min_size=n, max_size=n), min_size=1, max_size=4),
    )
)


@given(TABLE, st.sampled_from([40, 60, 80, 200]))
def test_no_letter_of_a_table_is_lost_and_no_command_is_broken(
    made: tuple[list[str], list[list[str]]], columns: int
) -> None:
    names, rows = made
    lines = shown(columns, lambda: table(names, rows, title="T"))
    inside = "\n".join(line.strip() for line in lines)
    cells = letters("".join(cell for row in rows for cell in row) + "T")
    assert cells <= letters(inside)
    for row in rows:
        for cell in row:
            if "gotocloud" in cell:
                assert cell in inside

    for row, line in zip(rows, piped(lambda: table(names, rows))[1:], strict=False):
        assert letters("".join(row)) == letters(line)


def test_a_text_that_ends_in_a_command_keeps_it_whole() -> None:
    text = "Unknown in ap-northeast-1: gotocloud platform prices --refresh; a second sentence."
    lines = wrapped(text, 30)
    assert "gotocloud platform prices --refresh;" in lines
    assert " ".join(lines) == text

"""A line of another program stays one line, whatever a name in it holds."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.printed import lines_of
from gotocloud.projects.jobs_now import COUNT, read_count
from gotocloud.projects.observation import read_observation
from gotocloud.projects.pausing import read_look
from gotocloud.proving.jobs import ended
from gotocloud.slurm.accounting import parse_sacct
from gotocloud.slurm.sinfo import parse_sinfo

LOOKALIKES = "\x0b\x0c\r\x1c\x1d\x1e\x85\u2028\u2029"
"""What `str.splitlines` takes for the end of a line, and no program of Slurm or the shell does."""

NAMES = st.text(st.sampled_from(f"{LOOKALIKES}ab=|7 "), max_size=40)


@given(st.lists(NAMES))
def test_lines_come_back_as_they_were_printed(names: list[str]) -> None:
    assert lines_of("".join(f"{name}\n" for name in names)) == names


def test_a_last_line_without_an_end_is_a_line() -> None:
    assert lines_of("a\nb") == ["a", "b"]
    assert lines_of("\n") == [""]
    assert lines_of("") == []


def test_no_module_splits_lines_in_another_way() -> None:
    package = Path(__file__).parent.parent / "gotocloud"
    found = [
        f"{path.relative_to(package)}:{node.lineno}"
        for path in sorted(package.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "splitlines"
    ]
    assert found == []


@pytest.mark.parametrize("sign", LOOKALIKES)
def test_no_name_becomes_a_line_of_its_own(sign: str) -> None:
    now, job = "now=1795363341226210282", f"job=1|RUNNING|ana|all|2|None|a{sign}job=2|"
    assert [one.name for one in read_look(f"{now}\n{job}\n").jobs] == [f"a{sign}job=2|"]

    shells = f"job=1|RUNNING|ana|all|1|None|a{sign}shells=0"
    seen = read_observation(f"{shells}\nslurm=ok\n{now}\nshells=2\n")
    assert (seen.shells, len(seen.jobs or ())) == (2, 1)

    account = f"7|COMPLETED|all|1|60|ana|0:0|a{sign}8|COMPLETED|all|1|9|ana|0:0|b|/p"
    assert [one.slurm_id for one in parse_sacct(f"{account}\n")] == ["7"]

    feature = f"all|2|4|8000|(null)|c5.large{sign}x|NO"
    assert len(parse_sinfo(f"{feature}\n")) == 1

    log = ended(f"found{sign}gpu other\ngotocloud-proof-exit 0\n")
    assert log is not None
    assert log.lines == (f"found{sign}gpu other", "gotocloud-proof-exit 0")


def test_a_name_with_a_line_end_makes_the_jobs_unknown_and_not_fewer() -> None:
    """Slurm takes such a name; what follows it could be read as facts of the machine."""
    lines = "job=1|RUNNING|ana|all|1|None|a\nslurm=ok\nshells=0\nnow=1795363341226210282\n"
    assert read_observation(lines + "slurm=ok\n").jobs is None
    assert read_observation(lines.replace("slurm=ok", "b") + "slurm=ok\n").jobs is None
    with pytest.raises(ValueError, match="answered"):
        read_look(lines)


def test_a_line_that_counts_no_jobs_makes_the_count_unknown() -> None:
    assert "sort" in COUNT
    assert read_count("counted\n  2 RUNNING all\u2028  9 PENDING all\n").why
    assert read_count("counted\n  2 RUNNING all\n").running == 2

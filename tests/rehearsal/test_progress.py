"""What is told while a demo runs, and at its end."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from gotocloud.rehearsal.progress import StepDisplay
from gotocloud.rehearsal.report import Step
from gotocloud.rehearsal.summary import show
from tests.rehearsal.reports import report
from tests.rehearsal.surveys import small


def clock(*times: float) -> Iterator[float]:
    yield from times


def progress(log: Path | None = None) -> StepDisplay:
    ticks = clock(0.0, 2.5, 10.0, 11.0)
    return StepDisplay(stream=io.StringIO(), log=log, clock=lambda: next(ticks))


def text(made: StepDisplay) -> str:
    assert isinstance(made.stream, io.StringIO)
    return made.stream.getvalue()


def test_a_pipe_gets_one_plain_line_for_each_step() -> None:
    made = progress()
    with made.step("Deploy"):
        assert text(made) == ""
    with made.step("Publish"):
        pass
    assert text(made) == "   2.5 s  Deploy\n   1.0 s  Publish\n"
    assert made.steps == [Step("Deploy", 2.5), Step("Publish", 1.0)]


def test_a_failed_step_is_known_by_name_and_not_counted() -> None:
    made = progress()
    with pytest.raises(ValueError, match="boo"), made.step("Deploy"):
        raise ValueError("boo")
    assert made.running == "Deploy"
    assert made.steps == []
    assert text(made) == ""


def test_details_go_to_the_log_only(tmp_path: Path) -> None:
    made = progress(tmp_path / "demo.log")
    with made.step("Deploy"):
        made.detail("CREATE_COMPLETE")
    assert "CREATE_COMPLETE" in (tmp_path / "demo.log").read_text()
    assert "CREATE_COMPLETE" not in text(made)


def test_the_account_states_what_exists_what_it_costs_and_what_to_type(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(report(small()), "build/demo/index.html")
    out = capsys.readouterr().out
    assert "network 10.1.0.0/20 in apne1-az4, peering active, routes both ways" in out
    assert "idle: at least USD 0.33 per hour" in out
    assert "No price on record for: Lustre file system." in " ".join(out.split())
    assert "gotocloud rehearse up" in out
    assert "build/demo/index.html" in out
    assert "\x1b" not in out


def test_a_missing_route_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    show(report(small(routed=False)), "index.html")
    assert "peering active, a route is missing" in capsys.readouterr().out

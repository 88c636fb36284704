"""The gaps between a project's own jobs, and what they make of the idle time of a queue."""

from __future__ import annotations

import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gotocloud.advisor.imports.spans import Span, gaps_between, project_spans
from gotocloud.advisor.queue_times import PUBLIC, queue_times
from gotocloud.cluster_configs.model import load_configuration
from tests.advisor.imports.relion_project import EXITED, NAME, NOTE, SUBMITTED, refinement

START = datetime(2026, 11, 5, 9, 0)


def spans(gap_s: float, count: int, work: str = "refine3d") -> list[Span]:
    """Jobs of ten minutes with such gaps between them."""
    step = timedelta(seconds=600 + gap_s)
    ten = timedelta(minutes=10)
    return [Span(work, work, START + n * step, START + n * step + ten) for n in range(count)]


def test_a_jobs_span_is_from_its_start_in_relion_to_its_exit_file(tmp_path: Path) -> None:
    refinement(tmp_path, "")
    (span,) = project_spans(tmp_path)
    assert (span.work, span.kind) == ("refine3d", "refine3d")
    assert (span.submitted, span.ended) == (datetime(2026, 11, 5, 10, 0), EXITED)


@pytest.mark.parametrize(
    "changes",
    [
        {"exit_file": ""},
        {"note": NOTE.format(SUBMITTED) + NOTE.format(SUBMITTED)},
        {"note": "no clock"},
        {"exited": datetime(2026, 11, 5, 9, 0)},
        {"exited": datetime(2029, 11, 5, 9, 0)},
    ],
)
def test_jobs_without_two_clocks_that_agree_have_no_span(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    refinement(tmp_path, "", **changes)  # type: ignore[arg-type]
    assert project_spans(tmp_path) == ()


def test_a_damaged_job_does_not_hide_the_others(tmp_path: Path) -> None:
    folder = refinement(tmp_path, "")
    other = folder.with_name("job013")
    shutil.copytree(folder, other)
    (other / "job.star").write_text("nothing")
    pipeline = tmp_path / "default_pipeline.star"
    line = f"{NAME}/ None relion.refine3d Succeeded\n"
    pipeline.write_text(pipeline.read_text() + line.replace("job012", "job013"))
    os.utime(other / "RELION_JOB_EXIT_SUCCESS", (EXITED.timestamp(),) * 2)
    assert len(project_spans(tmp_path)) == 1


def test_gaps_are_between_an_end_and_the_next_start_and_the_last_never_ends() -> None:
    assert gaps_between(spans(90, 3)) == (90, 90, float("inf"))
    assert gaps_between([]) == ()
    first = spans(0, 1)[0]
    beside = Span("refine3d", "refine3d", first.submitted + timedelta(seconds=5), first.ended)
    assert gaps_between([first, beside]) == (float("inf"),)


def test_ones_own_gaps_choose_the_idle_time_and_few_of_them_do_not() -> None:
    configuration = load_configuration("cryoem-spa")

    def of(own: list[Span]) -> tuple[int | None, str]:
        found, _ = queue_times(configuration, own, "us-east-1")
        (one,) = [one for one in found if one.name == "refine3d"]
        return one.minutes, one.source

    assert of(spans(200, 30)) == (4, "project")
    assert of(spans(200, 5)) == (1, PUBLIC)
    assert of(spans(3000, 30)) == (1, "project")

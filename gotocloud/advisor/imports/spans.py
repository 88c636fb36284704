"""When the jobs of a project were submitted and when they ended, for the gaps between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gotocloud.advisor.columns import LONGEST_S
from gotocloud.advisor.imports.clocks import copied_from, executions
from gotocloud.advisor.job_names import queue_of
from gotocloud.errors import GoToCloudError
from gotocloud.relion.job import read_job
from gotocloud.relion.pipeline import read_pipeline
from gotocloud.relion.run_log import ExitStatus, exit_status


@dataclass(frozen=True)
class Span:
    """One job's time in a project.

    Args:
        work: Its class of work (`cluster_configs.model.JOB_TYPES`).
        kind: Its kind of work.
        submitted: When RELION started it.
        ended: When it ended.
    """

    work: str
    kind: str
    submitted: datetime
    ended: datetime


def project_spans(project: Path) -> tuple[Span, ...]:
    """The jobs of a project that have both clocks, in the order of their submission.

    Copies, and jobs that were continued, lay still in between and are left out; so are those
    whose two clocks contradict each other.

    Raises:
        GoToCloudError: if the folder is no project.
    """
    found = []
    for process in read_pipeline(project):
        folder = project / process.name
        try:
            span = _span(folder)
        except GoToCloudError:
            continue
        if span and 0 <= (span.ended - span.submitted).total_seconds() <= LONGEST_S:
            found.append(span)
    return tuple(sorted(found, key=lambda one: one.submitted))


def _span(folder: Path) -> Span | None:
    exited = exit_status(folder)
    note = folder / "note.txt"
    if exited is ExitStatus.NONE or not note.is_file():
        return None
    job, text = read_job(folder), note.read_text(encoding="utf-8", errors="replace")
    starts = executions(text)
    if len(starts) != 1 or copied_from(text, job.name):
        return None
    marker = folder / f"RELION_JOB_EXIT_{exited.upper()}"
    ended = datetime.fromtimestamp(marker.stat().st_mtime)
    return Span(queue_of(job.kind, on_gpu=job.uses_gpu), job.kind, starts[0], ended)


def gaps_between(spans: Iterable[Span]) -> tuple[float, ...]:
    """Seconds from the end of each job of a queue to the next submission; the last is infinite.

    A job that was submitted while another one of its queue ran needs other machines, and has no
    gap before it.

    Args:
        spans: The jobs of one queue, in the order of their submission.
    """
    gaps: list[float] = []
    ended: datetime | None = None
    for span in spans:
        if ended is not None and span.submitted >= ended:
            gaps.append((span.submitted - ended).total_seconds())
        ended = span.ended if ended is None else max(ended, span.ended)
    return (*gaps, float("inf")) if ended else ()

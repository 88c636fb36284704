"""`jobs`, a sweep's budget, `advise import` and `stop --project` count the same time and money."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gotocloud.advisor.imports.job import StatedFacts
from gotocloud.advisor.records import LOWER_BOUND
from gotocloud.advisor.sweep.ledger import LedgerEntry, Stage, Sweep, new_sweep
from gotocloud.advisor.sweep.plan import Planned, SweepSetting
from gotocloud.costs.machine_time import Cost
from gotocloud.jobs.measuring import gather, progress_of
from gotocloud.jobs.sweep_running import ended
from gotocloud.jobs.watching import job_rows
from gotocloud.slurm.submissions import Attempt, AttemptState, Submission, save
from tests.advisor.imports.relion_project import attempt
from tests.relion.samples import write_job
from tests.slurm.fake_slurm import FakeSlurm, install

PIPELINE = """
data_pipeline_general

_rlnPipeLineJobCounter 2

data_pipeline_processes

loop_
_rlnPipeLineProcessName #1
_rlnPipeLineProcessAlias #2
_rlnPipeLineProcessTypeLabel #3
_rlnPipeLineProcessStatusLabel #4
{} None relion.refine3d Succeeded

"""
SETTING = SweepSetting("refine3d", "g4dn.12xlarge", False, 2, 9, 6, 4, "")


@pytest.fixture
def slurm_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    return install(tmp_path / "slurm", monkeypatch)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Attempt, ...]:
    """Attempts one after the other: some never started, some lost without an end."""
    now, made = 1_000_000.0, []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        one = attempt(
            number,
            round=draw(st.integers(1, 2)),
            layout=(5,) * draw(st.integers(1, 3)),
            price_usd_per_hour=draw(st.none() | st.sampled_from((1.5, 3.912))),
            instance_type=draw(st.sampled_from(("g4dn.12xlarge", "g5.12xlarge"))),
            spot=draw(st.booleans()),
            state=AttemptState.ENDED,
            submitted_at_s=now,
        )
        now += draw(st.integers(1, 500))
        if draw(st.booleans()):
            one = replace(one, started_at_s=now)
            now += draw(st.integers(1, 90_000))
            if draw(st.booleans()):
                one = replace(one, ended_at_s=now)
        made.append(one)
        now += draw(st.integers(0, 500))
    return tuple(made)


def finished_job(project: Path, attempts: tuple[Attempt, ...]) -> Path:
    folder = write_job(project, "Refine3D")
    name = f"Refine3D/{folder.name}/"
    save(
        folder,
        Submission(
            workload="relion",
            job=name,
            label="relion.refine3d",
            stamp="s",
            round=2,
            attempts=attempts,
        ),
    )
    (folder / "RELION_JOB_EXIT_SUCCESS").touch()
    (folder / "run.out").write_text(" Auto-refine: + Final resolution (without masking) is: 3.1\n")
    (project / "default_pipeline.star").write_text(PIPELINE.format(name))
    return folder


def sweep(folder: Path, budget_usd: float, *estimates_usd: float) -> Sweep:
    runs = [Planned(SETTING, 1, 1.0, usd, "a test") for usd in estimates_usd]
    made = new_sweep("Refine3D/job001/", "relion.refine3d", budget_usd, runs)
    return made.with_entry(0, stage=Stage.RUNNING, job=f"Refine3D/{folder.name}/")


def entry_of(folder: Path) -> LedgerEntry:
    return ended(sweep(folder, 10.0, 4.0), 0, folder).entries[0]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(attempts=histories())
def test_every_command_counts_the_same_seconds_and_dollars(
    slurm_commands: FakeSlurm,
    tmp_path_factory: pytest.TempPathFactory,
    attempts: tuple[Attempt, ...],
) -> None:
    folder = finished_job(tmp_path_factory.mktemp("project"), attempts)
    (row,) = job_rows(folder.parents[1], everything=True)
    entry = entry_of(folder)
    assert (entry.usd, entry.usd_complete) == (row.cost.usd, row.cost.complete)
    known = StatedFacts(region="us-east-1", source="a test")
    whole = progress_of(folder.parents[1], "us-east-1")
    (step,) = whole.progress.steps
    assert step.hours * 3600 == pytest.approx(row.elapsed_s)
    assert step.usd == pytest.approx(row.cost.usd or 0.0)
    assert bool(whole.without_price) != row.cost.complete
    found = gather([folder], known, sacct=None, columns={}, constants={})
    if not row.elapsed_s:
        assert found.records == ()
        return
    (record,) = found.records
    # Only one whole attempt is a measure for the next run; the others cost all the same.
    assert record.is_benchmark == (row.attempts == 1)
    assert record.in_job_s == pytest.approx(row.elapsed_s)
    if record.timing == LOWER_BOUND:
        assert not row.cost.complete
    elif row.cost.complete:
        assert record.usd_in_job == pytest.approx(row.cost.usd)


def test_an_ended_run_with_an_attempt_without_an_end_counts_in_the_budget(
    slurm_commands: FakeSlurm, tmp_path: Path
) -> None:
    """The fault: such a run cost 4 USD in `jobs` and 0 in the budget of the sweep."""
    lost = attempt(1, price_usd_per_hour=2.0, started_at_s=1_000_000.0, state=AttemptState.ENDED)
    later = attempt(2, price_usd_per_hour=2.0, submitted_at_s=1_003_600.0, state=AttemptState.ENDED)
    folder = finished_job(tmp_path, (lost, later))
    (row,) = job_rows(tmp_path, everything=True)
    assert str(row.cost) == "4.00 USD"
    made = ended(sweep(folder, 10.0, 4.0, 4.0, 4.0), 0, folder)
    made = ended(made.with_entry(1, stage=Stage.RUNNING), 1, folder)
    assert str(made.spent) == "8.00 USD"
    assert "8.00 USD spent" in (made.over_budget(2) or "")


def test_a_start_that_slurm_put_back_in_the_same_job_is_not_zero_seconds(
    slurm_commands: FakeSlurm, tmp_path: Path
) -> None:
    """Both attempts have the time of the one submission; the second starts later."""
    first = attempt(1, started_at_s=1_000_100.0, state=AttemptState.ENDED)
    second = attempt(2, started_at_s=1_007_300.0, ended_at_s=1_010_900.0, state=AttemptState.ENDED)
    folder = finished_job(tmp_path, (first, second))
    (row,) = job_rows(folder.parents[1], everything=True)
    assert row.elapsed_s == 7200 + 3600


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (Cost(None, complete=True), "unknown"),
        (Cost(4.0, complete=True), "4.00 USD"),
        (Cost(4.0, complete=False), "at least 4.00 USD"),
        (Cost(0.001, complete=True), "under 0.01 USD"),
    ],
)
def test_an_amount_that_is_not_complete_is_a_lower_bound(cost: Cost, text: str) -> None:
    assert str(cost) == text

"""The views with long names, in narrow terminals and pipes; and that there is no other way."""

from __future__ import annotations

import ast
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

import gotocloud.cli
from gotocloud.advisor.sweep.ledger import LedgerEntry, Stage, Sweep
from gotocloud.advisor.sweep.plan import Planned, SweepPlan, SweepSetting
from gotocloud.cli.commands import bench, check, jobs, status
from gotocloud.cli.views import findings
from gotocloud.costs.machine_time import Cost
from gotocloud.findings import Finding, Severity
from gotocloud.projects.overview import ClusterRow, HourlyCost, ProjectRow
from gotocloud.projects.states import State
from gotocloud.slurm.job_rows import JobRow
from tests.cli.test_output import letters, piped, shown

PROJECT = "apoferritin-with-a-name-that-is-long-a-second-time"
NEXT = f"AWS_REGION=ap-northeast-1 gotocloud pause {PROJECT} --yes"
JOB = "Class2D/job012-of-a-project-with-a-long-name/"
QUEUE = "class2d-vdam-spot-gpu"
TYPE = "g5.48xlarge"
SETTING = SweepSetting(QUEUE, TYPE, spot=True, nodes=16, ranks=129, threads=24, gpus_per_node=8)
PLANNED = Planned(SETTING, 1, 123.4, 12345.67, "scaled from runs with other particles")
FINDING = Finding(
    "scratch-size",
    Severity.WARNING,
    f"{JOB} copies 123,456 particles to the scratch folder of each of its machines in {QUEUE}",
    f"gotocloud check {JOB}",
    "3dem/relion 5.0.1, src/ml_optimiser_mpi.cpp, initialiseWorkLoad",
)


def show_status() -> None:
    cost = HourlyCost(Decimal("123.45"))
    cluster = ClusterRow(
        PROJECT, f"gotocloud-cluster-{PROJECT}", State.READY, "cryoem-spa", "1.2", 1200, (), cost
    )
    row = ProjectRow(
        *(PROJECT, "ap-northeast-1", "a-scientist-of-the-group", True, "stack", State.READY),
        *("bucket", cluster, NEXT),
    )
    status._print((row,), regional=True)


def show_jobs() -> None:
    row = JobRow(
        *(JOB, "/fsx/p", "123456", "ann", QUEUE, 16, "waiting", "PENDING"),
        "waits for machines that AWS does not have in this zone now",
        *("Resources", 12, 25, 3.21, 3, 123456.0, Cost(12345.67, complete=False), True),
        waits=True,
    )
    jobs._show([row], everything=True)


def show_plan() -> None:
    bench._show(SweepPlan((PLANNED,), ()))


def show_sweep() -> None:
    entry = LedgerEntry(
        PLANNED, Stage.ENDED, JOB, outcome="succeeded", usd=12345.67, usd_complete=True
    )
    bench._show_sweep(Sweep(JOB, "relion.class2d", None, (entry,)))


VIEWS: dict[str, tuple[Callable[[], None], tuple[str, ...]]] = {
    "status": (show_status, (NEXT, "All clusters together: USD 123.45/h.")),
    "jobs": (show_jobs, (QUEUE, JOB, "0 running, 1 waiting.")),
    "check": (lambda: print(check.text_of(FINDING)), (f"gotocloud check {JOB}", "scratch-size")),
    "doctor": (lambda: print(findings.text_of(FINDING)), (f"gotocloud check {JOB}", QUEUE)),
    "bench plan": (show_plan, (QUEUE, TYPE)),
    "bench run": (show_sweep, (JOB, "All runs together: 12,345.67 USD.")),
}


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("view", VIEWS)
def test_long_names_and_commands_are_whole_in_a_narrow_terminal(view: str, columns: int) -> None:
    show, names = VIEWS[view]
    lines = shown(columns, show)
    long = [line for line in lines if len(line) > columns]
    # A word or a command that is longer than the terminal has a line of its own.
    assert [line for line in long if "gotocloud " not in line and len(line.split()) > 2] == []
    for name in names:
        assert any(name in line for line in lines), (name, lines)
    # A block leaves out the names of columns whose cells are empty.
    assert letters("\n".join(piped(show)[1:])) <= letters("\n".join(lines))


@pytest.mark.parametrize("view", VIEWS)
def test_a_pipe_gets_each_row_and_each_sum_on_one_line(view: str) -> None:
    show, names = VIEWS[view]
    lines = piped(show)
    assert all(any(name in line for line in lines) for name in names)


def test_no_command_draws_a_table_in_another_way() -> None:
    folder = Path(gotocloud.cli.__file__).parent
    found = {
        str(path.relative_to(folder))
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in {"rich.table", "rich.columns"}
    }
    assert found == {"output.py"}


def test_sums_are_printed_on_stdout() -> None:
    """A sentence with a sum of USD or a count of what was found is no narration."""
    folder = Path(gotocloud.cli.__file__).parent
    sums = ("All clusters", "All runs", "prices are known", "costs {made", " passed, judged")
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "narrate":
                assert not any(words in ast.unparse(node) for words in sums), ast.unparse(node)

"""A real sweep: RELION's Class2D on a rehearsed Slurm, killed and continued, then reported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from gotocloud.advisor.sweep.ledger import Stage, load
from gotocloud.advisor.tables import read_records
from gotocloud.rehearsal.slurm.cluster import RehearsalCluster
from gotocloud.rehearsal.slurm.dataset import make_dataset
from gotocloud.rehearsal.slurm.show import STEPS, Project
from gotocloud.slurm.recovery import AttemptOutcome
from tests.needs import need_chromium, need_relion

SWEEP = "bench-job002.json"
BENCH = (sys.executable, "-m", "gotocloud", "bench")


@pytest.fixture(scope="module")
def project(slurm: RehearsalCluster, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a finished Class2D."""
    need_relion()
    made = Project.made(tmp_path_factory.mktemp("sweep"), slurm.environment())
    data = make_dataset(made.directory, particles=60, box_px=24)
    for _ in made.run(data, lambda _: nullcontext(), STEPS[:2]):
        pass
    return made


def bench(project: Project, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*BENCH, *words],
        cwd=project.directory,
        env=dict(project.environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def swept(project: Project) -> Project:
    """The project after a sweep over three shapes that was killed in its first run."""
    axes = ("--queues", "class2d,class2d-spot", "--nodes", "1,2", "--ranks", "3,5")
    made = bench(project, "plan", "Class2D/job002", *axes, "--budget", "50", "--json")
    shapes = [run["setting"] for run in json.loads(made.stdout)["runs"]]
    assert {(s["queue"], s["nodes"], s["ranks"]) for s in shapes} == {
        (queue, nodes, ranks)
        for queue in ("class2d", "class2d-spot")
        for nodes in (1, 2)
        for ranks in (3, 5)
    }
    keep_three(project.directory / SWEEP)
    killed = subprocess.Popen(
        [*BENCH, "run", SWEEP, "--yes"],
        cwd=project.directory,
        env=dict(project.environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while load(project.directory / SWEEP).entries[0].stage is not Stage.RUNNING:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(1)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    bench(project, "run", SWEEP, "--yes")
    return project


def keep_three(path: Path) -> None:
    """Leave three of a sweep's runs: each takes a while."""
    content = json.loads(path.read_text())
    content["entries"] = [content["entries"][number] for number in (0, 3, 4)]
    path.write_text(json.dumps(content))


def test_a_killed_sweep_goes_on_and_runs_nothing_twice(swept: Project) -> None:
    sweep = load(swept.directory / SWEEP)
    assert [entry.outcome for entry in sweep.entries] == ["succeeded"] * 3
    jobs = [entry.job for entry in sweep.entries]
    assert jobs == ["Class2D/job003/", "Class2D/job004/", "Class2D/job005/"]
    assert sorted(path.name for path in (swept.directory / "Class2D").iterdir()) == [
        *("job002", "job003", "job004", "job005")
    ]
    for job in jobs:
        attempts = json.loads((swept.directory / job / "gotocloud_submission.json").read_text())
        # The killed one may have been recorded before Slurm got it.
        ran = [one for one in attempts["attempts"] if one["outcome"] != AttemptOutcome.WITHDRAWN]
        assert len(ran) == 1
    assert sweep.spent.complete
    assert 0 < (sweep.spent.usd or 0) < 50


def test_each_run_had_the_shape_that_was_planned(swept: Project) -> None:
    for entry in load(swept.directory / SWEEP).entries:
        content = json.loads(
            (swept.directory / entry.job / "gotocloud_submission.json").read_text()
        )
        ran = content["attempts"][0]
        planned = entry.plan.setting
        assert (ran["queue"], len(ran["layout"]), ran["ranks"], ran["threads"]) == (
            planned.queue,
            planned.nodes,
            planned.ranks,
            planned.threads,
        )


def test_collecting_twice_adds_every_run_once(swept: Project) -> None:
    bench(swept, "collect", SWEEP, "--to", "twice.csv")
    again = bench(swept, "collect", SWEEP, "--to", "twice.csv")
    assert "it had 3 already" in again.stderr
    records = read_records(swept.directory / "twice.csv")
    assert len(records) == 3
    assert {record.market for record in records} == {"on-demand", "spot"}
    assert all(record.in_job_s > 0 for record in records)
    assert {record.timing for record in records} == {"job-script"}


def test_the_report_shows_what_was_measured(swept: Project) -> None:
    bench(swept, "collect", SWEEP)
    rows = json.loads(bench(swept, "report", "--json").stdout)
    assert [(row["job"], row["market"]) for row in rows] == [
        ("class2d", "on demand"),
        ("class2d", "spot"),
    ]
    folder = swept.directory / "benchmark-report"
    assert (folder / "class2d.svg").stat().st_size > 10_000
    shown = subprocess.run(
        [
            need_chromium(),
            *("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000"),
            *("--dump-dom", f"file://{folder / 'index.html'}"),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f"Best: {min(rows, key=lambda row: row['usd'])['label']}" in shown


def test_a_finished_sweep_is_not_planned_over(swept: Project) -> None:
    done = bench(swept, "plan", "Class2D/job002", "--nodes", "1", code=2)
    assert "a sweep that has begun" in done.stderr


def test_a_budget_stops_the_sweep_before_the_run_that_would_exceed_it(swept: Project) -> None:
    bench(
        swept,
        *("plan", "Class2D/job002", "--nodes", "1", "--hours-each", "1"),
        *("--budget", "0.0001", "--to", "dear.json"),
    )
    # The setting was measured, and what was measured counts, not the hour that was stated.
    done = bench(swept, "run", "dear.json", "--yes", code=1)
    assert "and the budget is" in done.stderr
    assert load(swept.directory / "dear.json").entries[0].stage is Stage.PLANNED


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("plan", "Class2D/job002", "--nodes", "1,two"), "'two' is not a whole number"),
        (("plan", "Class2D/job002", "--queues", "clas2d"), "clas2d"),
        (("plan", "Class2D/job099"), "job099"),
        (("plan", "Class2D/job002", "--budget", "-1"), "--budget"),
        (("run", "absent.json", "--yes"), "no sweep"),
        (("run", SWEEP), "asked"),
        (("collect", "absent.json"), "no sweep"),
        (("report", "--benchmarks", "absent.csv"), "absent.csv"),
        (("report", "--picture", "gif"), "gif"),
    ],
)
def test_wrong_words_are_refused_with_a_reason(
    project: Project, words: tuple[str, ...], told: str
) -> None:
    keeper = project.directory / SWEEP
    if words == ("run", SWEEP) and not keeper.exists():
        bench(project, "plan", "Class2D/job002", "--nodes", "1")
        done: Any = bench(project, *words, code=2)
        keeper.unlink()
    elif words == ("run", SWEEP):
        return
    else:
        done = bench(project, *words, code=2)
    assert told in done.stderr

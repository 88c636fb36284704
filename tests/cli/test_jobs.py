"""`gotocloud jobs` and `gotocloud form`, as typed on a head node with a real Slurm."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gotocloud.cluster_configs.model import load_configuration
from gotocloud.cluster_configs.partitions import configured_partitions
from gotocloud.platform.zones import zone_map
from gotocloud.rehearsal.slurm.cluster import RehearsalCluster
from gotocloud.slurm import client
from gotocloud.slurm.submissions import Attempt, AttemptState, Submission, save
from tests.needs import ROOT


@pytest.fixture
def submitted(head_node: RehearsalCluster, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Submits scripts as `gotocloud submit` would, and cancels them at the end."""
    numbers = []

    def submit(job: str, *options: str, body: str = "sleep 300") -> str:
        (tmp_path / job).mkdir(parents=True, exist_ok=True)
        script = tmp_path / job / "script.sh"
        script.write_text(f"#!/bin/bash\n{body}\n")
        where = (f"--chdir={tmp_path}", f"--job-name={job}", "--output=/dev/null")
        numbers.append(client.submit(script, (*where, "--partition=polish", *options)))
        return numbers[-1]

    yield submit
    for number in numbers:
        client.cancel(number)


def gotocloud(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gotocloud", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        timeout=60,
    )


def rows(*arguments: str, cwd: Path = ROOT) -> dict[str, Any]:
    done = gotocloud("jobs", "--json", *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return {one["slurm_id"]: one for one in json.loads(done.stdout)["jobs"]}


def test_waiting_jobs_state_why_in_plain_words(submitted: Callable[..., str]) -> None:
    held = submitted("Polish/job030", "--hold", "--comment=gotocloud:a")
    behind = submitted("Polish/job031", f"--dependency=afterok:{held}", "--comment=gotocloud:b")
    found = rows()
    assert found[held]["name"] == "Polish/job030/"
    assert found[held]["why"].startswith("is held by its owner")
    assert found[behind]["why"] == "waits for the end of another job"
    shown = gotocloud("jobs")
    assert "Polish/job030/" in shown.stdout
    assert "waits for the end of another job" in shown.stdout
    assert "waiting.\n" in shown.stdout
    assert "Costs are those of the jobs' own hours" in shown.stderr


def test_a_running_job_shows_its_iteration_time_and_cost(
    submitted: Callable[..., str], tmp_path: Path
) -> None:
    number = submitted("Refine3D/job025", "--nodes=2", "--comment=gotocloud:run")
    folder = tmp_path / "Refine3D" / "job025"
    (folder / "run.out").write_text(
        " Auto-refine: Iteration= 7\n"
        " Auto-refine: Resolution= 4.21 (no gain for 1 iter) \n"
        " Expectation iteration 8\n"
    )
    now_s = time.time()
    lost = Attempt(
        number=1,
        round=1,
        token="lost",
        queue="polish-spot",
        layout=(4, 4),
        ranks=8,
        threads=16,
        vcpus=128,
        price_usd_per_hour=2.0,
        state=AttemptState.ENDED,
        started_at_s=now_s - 7200,
        ended_at_s=now_s - 3600,
    )
    save(
        folder,
        Submission(
            workload="relion",
            job="Refine3D/job025/",
            label="relion.refine3d",
            stamp="s",
            attempts=(lost,),
        ),
    )
    row = _once_it_has_machines(number)
    assert (row["nodes"], row["iteration"], row["attempts"]) == (2, 8, 2)
    assert row["state"] in ("running", "machines are starting")
    assert row["resolution_angstrom"] == 4.21
    assert row["elapsed_s"] >= 3600
    assert row["cost_usd"] >= 4.0
    assert row["cost_complete"] is True


def _once_it_has_machines(number: str) -> dict[str, Any]:
    """Slurm takes up to 30 s more until it calls a job on new nodes running."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        row: dict[str, Any] = rows()[number]
        if row["slurm_state"] in ("CONFIGURING", "RUNNING"):
            return row
        time.sleep(0.5)
    raise AssertionError(f"job {number} gets no machines")


def test_ended_jobs_are_shown_on_request(head_node: RehearsalCluster, tmp_path: Path) -> None:
    folder = tmp_path / "Class2D" / "job012"
    folder.mkdir(parents=True)
    done = Attempt(
        number=1,
        round=1,
        token="x",
        queue="class2d",
        layout=(1,),
        ranks=1,
        threads=1,
        vcpus=48,
        slurm_id="999001",
        state=AttemptState.ENDED,
    )
    save(
        folder,
        Submission(
            workload="relion",
            job="Class2D/job012/",
            label="relion.class2d",
            stamp="s",
            attempts=(done,),
        ),
    )
    (folder / "RELION_JOB_EXIT_SUCCESS").touch()
    assert "999001" not in rows(cwd=tmp_path)
    assert rows("--all", cwd=tmp_path)["999001"]["state"] == "done"


def test_an_empty_queue_is_no_error(head_node: RehearsalCluster) -> None:
    done = gotocloud("jobs", "--json")
    assert done.returncode == 0
    assert isinstance(json.loads(done.stdout)["jobs"], list)


def test_without_slurm_the_error_shows_where_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    done = gotocloud("jobs")
    assert done.returncode == 1
    assert "there is no Slurm here" in done.stderr
    assert "Next: gotocloud ssh" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_form_of_a_running_cluster_is_that_of_its_configuration(
    head_node: RehearsalCluster, tmp_path: Path
) -> None:
    offered = zone_map().region("us-east-1").best.offered
    expected = configured_partitions(load_configuration("cryoem-spa"), offered)
    found = json.loads(gotocloud("form", "--json").stdout)
    assert {one["name"] for one in found["queues"]} == {one.name for one in expected}
    shown = gotocloud("form", "--show").stdout
    assert all(one.name in shown for one in expected)
    done = gotocloud("form", "--install", str(tmp_path / "etc"))
    assert done.returncode == 0, done.stderr
    said = subprocess.run(
        ["sh", "-c", f'. {tmp_path}/etc/relion-form.sh; cat "$RELION_QSUB_TEMPLATE"'],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said == (ROOT / "gotocloud" / "node" / "relion-submit-template.sh").read_text()


def test_the_form_needs_no_slurm_for_a_named_configuration() -> None:
    done = gotocloud("form", "--config", "tutorial", "--region", "ap-northeast-1")
    assert done.returncode == 0, done.stderr
    assert "export RELION_QUEUE_NAME=automatic" in done.stdout
    assert "gpu-spot: up to 1 x" in done.stdout


def test_before_slurm_runs_the_form_is_that_of_the_clusters_record(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    facts = tmp_path / "cluster.json"
    facts.write_text('{"configuration": "cryoem-spa", "region": "us-east-1"}')
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("GOTOCLOUD_CLUSTER_FACTS", str(facts))
    done = gotocloud("form")
    assert done.returncode == 0, done.stderr
    assert "refine3d-spot: up to 2 x g4dn.metal" in done.stdout
    assert "The queues are those of the configuration" in done.stderr


def test_a_form_for_nowhere_shows_what_to_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("GOTOCLOUD_CLUSTER_FACTS", str(tmp_path / "none"))
    done = gotocloud("form")
    assert done.returncode == 2
    assert "Next: gotocloud form --config" in done.stderr
    assert done.stdout == ""


def test_a_long_list_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    from gotocloud.cli.commands.jobs import _show
    from gotocloud.costs.machine_time import Cost
    from gotocloud.slurm.job_rows import JobRow

    plain = JobRow(
        *("Class2D/job001/", "/fsx", "1", "u", "class2d", 8, "waiting", "PENDING"),
        *("waits until machines of its queue are free", "Resources", None, None, None),
        *(0, None, Cost(0.0, complete=True)),
        looked_up=True,
        waits=True,
    )
    for count in (3, 500):
        _show([plain] * count, everything=False)
        said = capsys.readouterr()
        assert said.out.count("waits until machines of its queue are free") == count
        assert f"{count} waiting" in said.out

"""Slurm's commands as they are called, and what becomes of their errors."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from gotocloud.errors import GoToCloudError
from gotocloud.slurm import client
from gotocloud.slurm.client import (
    NoAnswerError,
    SlurmError,
    clean_environment,
    parse_job,
    syntax_error,
)
from gotocloud.slurm.cluster_facts import cluster_facts, facts_path, known_facts
from gotocloud.slurm.evidence import is_lost
from tests.slurm.fake_slurm import FakeSlurm, install


@pytest.fixture
def slurm_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    return install(tmp_path / "slurm", monkeypatch)


def program(folder: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_a_job_s_facts_may_hold_blanks() -> None:
    text = (
        "JobId=7 JobName=Class2D/job001 JobState=NODE_FAIL Reason=NodeDown Restarts=1 "
        "Command=/fsx/Anna's project/x y.sh WorkDir=/fsx/Anna's project TRES=cpu=1,node=1"
    )
    found = parse_job(text)
    assert found["JobState"] == "NODE_FAIL"
    assert found["Command"] == "/fsx/Anna's project/x y.sh"
    assert found["WorkDir"] == "/fsx/Anna's project"
    assert found["TRES"] == "cpu=1,node=1"


def test_a_job_does_not_hand_its_own_settings_on() -> None:
    kept = clean_environment(
        {
            "PATH": "/bin",
            "SLURM_CONF": "/etc/slurm.conf",
            "SLURM_GPUS_PER_NODE": "4",
            "SLURM_RESTART_COUNT": "1",
            "SBATCH_PARTITION": "x",
            "OMPI_COMM_WORLD_RANK": "0",
            "OMPI_MCA_btl": "tcp",
            "GOTOCLOUD_RESTART": "1",
            "GOTOCLOUD_CLUSTER_FACTS": "/x",
        }
    )
    assert set(kept) == {"PATH", "SLURM_CONF", "OMPI_MCA_btl", "GOTOCLOUD_CLUSTER_FACTS"}


def test_without_slurm_that_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SlurmError, match="There is no sinfo on this machine"):
        client.partitions("%R")


def test_a_controller_that_is_down_is_no_refusal(slurm_commands: FakeSlurm) -> None:
    slurm_commands.trouble(sinfo="down", sbatch="refuse")
    with pytest.raises(NoAnswerError, match="does not answer"):
        client.partitions("%R")
    with pytest.raises(SlurmError, match="Invalid partition name") as refused:
        client.submit(Path("x.sh"))
    assert not isinstance(refused.value, NoAnswerError)


def test_a_command_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "squeue", "exec sleep 30", monkeypatch)
    monkeypatch.setattr(client, "TIMEOUT_S", 0.2)
    started = time.monotonic()
    with pytest.raises(NoAnswerError, match=r"has not answered within 0\.2 s"):
        client.jobs("%i")
    assert time.monotonic() - started < 10


def test_an_answer_that_is_no_id_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "sbatch", "echo welcome", monkeypatch)
    with pytest.raises(NoAnswerError, match="which is no job id"):
        client.submit(Path("x.sh"))


def test_the_id_is_found_among_a_federation_s_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "sbatch", "echo 'note: something'; echo '12;cluster'", monkeypatch)
    assert client.submit(Path("x.sh")) == "12"


def test_a_dropped_job_is_no_error(slurm_commands: FakeSlurm) -> None:
    assert client.job("99") is None


def test_without_accounting_there_are_no_accounts(slurm_commands: FakeSlurm) -> None:
    assert client.accounted("State", "--jobs=1") is None


def test_a_script_that_no_shell_reads_is_noticed(tmp_path: Path) -> None:
    script = tmp_path / "x.sh"
    script.write_text("echo 'a\n")
    assert "unexpected EOF" in (syntax_error(script) or "")
    script.write_text("echo a\n")
    assert syntax_error(script) is None


@pytest.mark.parametrize("state", ["down", "down*", "idle*", "allocated*", "fail", "powered_down"])
def test_lost_machines_are_reported_by_their_state(state: str) -> None:
    assert is_lost(state)


@pytest.mark.parametrize("state", ["allocated", "mixed", "idle", "completing", "draining"])
def test_machines_that_work_are_not_lost(state: str) -> None:
    assert not is_lost(state)


def test_facts_are_where_the_environment_states(tmp_path: Path) -> None:
    path = tmp_path / "cluster.json"
    path.write_text('{"region": "us-east-1", "capacity": "spot", "later": 1}')
    assert facts_path({"GOTOCLOUD_CLUSTER_FACTS": str(path)}) == path
    assert str(facts_path({})) == "/etc/gotocloud/cluster.json"
    assert (cluster_facts(path).region, cluster_facts(path).capacity) == ("us-east-1", "spot")


@pytest.mark.parametrize("text", [None, "", "[1]", "{"])
def test_missing_facts_are_reported_or_unknown(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "cluster.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(GoToCloudError, match=r"cluster\.json"):
        cluster_facts(path)
    assert known_facts(path).region == ""

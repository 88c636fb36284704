"""How a rehearsed Slurm begins and ends: alone, beside others, and when somebody is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gotocloud.errors import GoToCloudError, InputError
from gotocloud.rehearsal.slurm import furnishing
from gotocloud.rehearsal.slurm.cluster import RehearsalCluster
from gotocloud.rehearsal.slurm.furnishing import refuse_unfit
from gotocloud.rehearsal.slurm.keeper import reserve_ports
from tests.needs import need_slurm

WITHIN_S = 20.0


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def processes_of(folder: Path) -> list[str]:
    """Command lines of what runs with files of a folder."""
    shown = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True)
    return [line for line in shown.stdout.splitlines() if str(folder) in line]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[RehearsalCluster]:
    """A small one, whose nodes end soon."""
    need_slurm()
    made = RehearsalCluster.start(
        *(tmp_path / "c", "tutorial"), boot_delay_s=0.0, idle_s=2.0, owner=os.getpid()
    )
    yield made
    made.stop()


def test_idle_nodes_end_and_everything_ends_with_it(cluster: RehearsalCluster) -> None:
    assert cluster.running_nodes() == ()
    cluster.warm("gpu-spot")
    assert cluster.running_nodes() == ("gpu-spot-dy-g6-4xlarge-1",)
    assert any("slurmd" in line for line in processes_of(cluster.directory))
    until(lambda: cluster.running_nodes() == ())
    cluster.stop()
    assert processes_of(cluster.directory) == []
    assert RehearsalCluster.running(cluster.directory) is None
    cluster.stop()


def test_nothing_outlives_a_killed_keeper(cluster: RehearsalCluster) -> None:
    cluster.warm("cpu")
    os.kill(cluster.pid, signal.SIGKILL)
    until(lambda: processes_of(cluster.directory) == [])
    again = RehearsalCluster.start(cluster.directory, "tutorial", owner=os.getpid())
    assert again.running_nodes() == ()
    again.stop()


def test_it_ends_with_its_owner(tmp_path: Path) -> None:
    need_slurm()
    folder = tmp_path / "c"
    program = (
        "import os, sys, time; from pathlib import Path\n"
        "from gotocloud.rehearsal.slurm.cluster import RehearsalCluster\n"
        "RehearsalCluster.start(Path(sys.argv[1]), 'tutorial', owner=os.getpid())\n"
        "print('up', flush=True); time.sleep(60)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == "up\n"
    owner.kill()
    owner.wait()
    until(lambda: processes_of(folder) == [])


def test_two_at_once_do_not_meet(cluster: RehearsalCluster, tmp_path: Path) -> None:
    other = RehearsalCluster.start(tmp_path / "d", "tutorial", owner=os.getpid())
    try:
        other.warm("cpu")
        assert (cluster.running_nodes(), len(other.running_nodes())) == ((), 1)
        assert cluster.layout.munge_key.read_bytes() != other.layout.munge_key.read_bytes()
        with pytest.raises(GoToCloudError, match="already runs"):
            RehearsalCluster.start(tmp_path / "d", "tutorial")
    finally:
        other.stop()
    cluster.warm("cpu")


def test_slurm_listens_on_loopback_only(cluster: RehearsalCluster) -> None:
    cluster.warm("cpu")
    listening = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout
    addresses = {line.split()[3] for line in listening.splitlines() if '"slurm' in line}
    assert addresses
    assert all(address.startswith("127.0.0.1:") for address in addresses)


def test_ports_of_two_are_never_the_same() -> None:
    first, held = reserve_ports(65)
    second, also_held = reserve_ports(65)
    held.close()
    also_held.close()
    assert abs(first - second) >= 65


def test_the_facts_of_the_cluster_are_those_of_a_head_node(cluster: RehearsalCluster) -> None:
    facts = json.loads(Path(cluster.environment()["GOTOCLOUD_CLUSTER_FACTS"]).read_text())
    assert {
        *("cluster", "project", "scientist", "region", "configuration", "release", "bucket"),
        *("stack", "software", "lustre"),
    } == set(facts)
    assert (facts["configuration"], facts["region"]) == ("tutorial", "us-east-1")


def test_another_clusters_variables_are_left_behind(
    cluster: RehearsalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_CLUSTERS", "elsewhere")
    monkeypatch.setenv("SBATCH_PARTITION", "elsewhere")
    monkeypatch.setenv("RELION_QSUB_EXTRA9", "elsewhere")
    assert "elsewhere" not in cluster.environment().values()


def test_without_root_it_refuses_and_states_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(InputError) as caught:
        RehearsalCluster.start(tmp_path / "c")
    assert any("needs root" in problem for problem in caught.value.problems)
    assert not (tmp_path / "c").exists()


def test_without_the_programs_it_shows_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(furnishing, "DAEMON_PATH", str(tmp_path))
    with pytest.raises(InputError) as caught:
        refuse_unfit(tmp_path / "c")
    assert caught.value.next_command == (
        "apt-get install hostname munge slurm-client slurm-wlm util-linux"
    )


def test_daemons_are_found_where_debian_has_them_without_the_path_of_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_slurm()
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    refuse_unfit(tmp_path / "c")


@pytest.mark.parametrize("name", ["x" * 120, "a b", "a,b", "a%n"])
def test_a_folder_that_slurm_cannot_use_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        refuse_unfit(tmp_path / name)
    assert any(name in problem for problem in caught.value.problems)


def test_somebodys_folder_is_left_alone(tmp_path: Path) -> None:
    need_slurm()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "precious").touch()
    with pytest.raises(InputError, match="other files"):
        RehearsalCluster.start(tmp_path, "tutorial")
    assert (tmp_path / "bin" / "precious").exists()


def test_an_unknown_configuration_or_region_is_reported(tmp_path: Path) -> None:
    need_slurm()
    with pytest.raises(InputError, match="cryoem-sap"):
        RehearsalCluster.start(tmp_path / "c", "cryoem-sap")
    with pytest.raises(InputError, match="mars-1"):
        RehearsalCluster.start(tmp_path / "c", region="mars-1")

"""Head nodes: what a command sees, and what it cannot reach."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gotocloud.rehearsal.engine.site import Site
from gotocloud.rehearsal.nodes import NODES, Finished, Isolation, Node, isolation
from gotocloud.rehearsal.resources.pcluster import PclusterCluster
from gotocloud.rehearsal.services import run_command_slurm
from gotocloud.rehearsal.services.data_repository_lustre import LUSTRE
from gotocloud.rehearsal.services.run_command import add_head_node

ALL = (
    [isolation(), Isolation.REWRITTEN] if isolation() is not Isolation.REWRITTEN else [isolation()]
)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    lustre = tmp_path / "lustre"
    lustre.mkdir()
    monkeypatch.setattr(NODES, "folder", tmp_path / "nodes")
    yield add_head_node("i-0123456789abcdef0", "1", "r", "cluster", {"/fsx": lustre})
    NODES.remove("i-0123456789abcdef0")


def lines(node: Node, *commands: str, kind: Isolation | None = None) -> list[str]:
    done = node.run(commands, timeout_s=10, kind=kind)
    assert done.code == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("kind", ALL)
def test_lustre_is_at_its_mount_point(node: Node, kind: Isolation) -> None:
    (node.mounts["/fsx"] / "movie").write_text("frames")
    assert lines(node, "cat /fsx/movie; echo; ls -d /fsx/*", kind=kind) == ["frames", "/fsx/movie"]
    assert lines(node, "cd /fsx && echo new > made && pwd -P", kind=kind) == ["/fsx"]
    assert (node.mounts["/fsx"] / "made").read_text() == "new\n"


@pytest.mark.parametrize("kind", ALL)
def test_exit_codes_and_both_outputs_come_back(node: Node, kind: Isolation) -> None:
    done = node.run(["echo out", "echo err >&2", "exit 3"], timeout_s=10, kind=kind)
    assert done == Finished(3, "out\n", "err\n")


def test_a_script_may_choose_its_interpreter(node: Node) -> None:
    assert lines(node, "#!/bin/bash", "echo ${BASH_VERSION:+bash}") == ["bash"]


@pytest.mark.parametrize("kind", ALL)
def test_what_takes_too_long_is_ended_with_its_children(node: Node, kind: Isolation) -> None:
    began = time.monotonic()
    done = node.run(["(sleep 5; echo late > /fsx/late) & sleep 5"], timeout_s=0.3, kind=kind)
    assert done.timed_out
    assert done.code != 0
    assert time.monotonic() - began < 3


def test_what_is_stopped_ends_at_once(node: Node) -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    done = node.run(["sleep 20"], timeout_s=20, stop=stop)
    assert not done.timed_out
    assert done.code != 0


def test_a_command_that_floods_is_ended(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gotocloud.rehearsal.nodes.MOST_OUTPUT_BYTES", 100_000)
    done = node.run(["yes"], timeout_s=20)
    assert done.code != 0
    assert len(done.stdout) == 100_000


@pytest.mark.skipif(isolation() is Isolation.REWRITTEN, reason="this machine has no namespaces")
class TestIsolated:
    def test_this_machines_files_are_out_of_reach(self, node: Node, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text("secret")
        assert node.run([f"cat {secret}"], timeout_s=10).code != 0
        assert node.run(["touch /usr/written"], timeout_s=10).code != 0
        assert not Path("/usr/written").exists()
        lines(node, "echo mine > /etc/mine && echo mine > /tmp/mine-of-node")
        assert not Path("/etc/mine").exists()
        assert not Path("/tmp/mine-of-node").exists()

    def test_this_machines_processes_are_out_of_reach(self, node: Node) -> None:
        assert len(lines(node, "ls /proc | grep -c '^[0-9]*$'")) == 1
        assert int(lines(node, "ls -d /proc/[0-9]* | wc -l")[0]) < 8
        assert node.run([f"kill -0 {os.getpid()}"], timeout_s=10).code != 0

    def test_nothing_stays_mounted_here(self, node: Node) -> None:
        lines(node, "true")
        assert str(node.root) not in Path("/proc/mounts").read_text()

    def test_the_disk_of_a_node_stays_as_it_was_left(self, node: Node) -> None:
        lines(node, "echo kept > /home/ubuntu/kept")
        assert lines(node, "cat /home/ubuntu/kept", "whoami") == ["kept", "root"]

    @pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
    def test_user_namespaces_do_as_well(self, node: Node) -> None:
        (node.mounts["/fsx"] / "movie").write_text("frames")
        try:
            shown = lines(node, "cat /fsx/movie", "pwd", kind=Isolation.ROOTLESS)
        except AssertionError:
            pytest.skip("this kernel gives users no namespaces")
        assert shown == ["frames/var/lib/amazon/ssm"]


class TestSlurm:
    JOBS = (
        '{"jobs": [{"job_id": 7, "name": "refine", "partition": "refine3d", "state": "RUNNING"},'
        ' {"job_id": 8, "name": "wait", "partition": "class2d", "state": "PENDING", "nodes": 3}],'
        ' "partitions": [{"name": "refine3d", "nodes": 8}]}'
    )

    @pytest.fixture(autouse=True)
    def jobs(self, node: Node) -> None:
        (node.root / "opt/slurm/etc/rehearsal.json").write_text(self.JOBS)

    @pytest.mark.parametrize("kind", ALL)
    def test_jobs_are_listed(self, node: Node, kind: Isolation) -> None:
        asked = "/opt/slurm/bin/squeue --noheader --format='%i|%j|%T|%D|%u'"
        assert lines(node, asked, kind=kind) == [
            "7|refine|RUNNING|1|ubuntu",
            "8|wait|PENDING|3|ubuntu",
        ]
        assert lines(node, "/opt/slurm/bin/squeue -h -t R -o %i", kind=kind) == ["7"]

    def test_only_login_shells_find_slurm_by_name(self, node: Node) -> None:
        # This machine may have a Slurm of its own, which nodes see below /usr.
        own = "/opt/slurm/bin/squeue"
        assert own not in lines(node, "bash -c 'type -ap squeue || true'")
        if isolation() is not Isolation.REWRITTEN:
            assert own in lines(node, "bash -lc 'type -ap squeue'")

    def test_jobs_are_listed_as_a_table_and_as_json(self, node: Node) -> None:
        header, first, _ = lines(node, "/opt/slurm/bin/squeue")
        assert header.split()[:3] == ["JOBID", "PARTITION", "NAME"]
        assert first.split()[:5] == ["7", "refine3d", "refine", "ubuntu", "R"]
        assert '"job_state": ["RUNNING"]' in lines(node, "/opt/slurm/bin/squeue --json")[0]

    def test_cancelled_jobs_are_gone(self, node: Node) -> None:
        assert lines(node, "/opt/slurm/bin/scancel 7", "/opt/slurm/bin/squeue -h -o %i") == ["8"]
        unknown = node.run(["/opt/slurm/bin/scancel 99"], timeout_s=10)
        assert unknown.code == 1
        assert "Invalid job id" in unknown.stderr

    def test_partitions_and_the_controller_answer(self, node: Node) -> None:
        assert lines(node, "/opt/slurm/bin/sinfo -h -o '%P %D %T'") == ["refine3d 8 idle"]
        assert "UP" in lines(node, "/opt/slurm/bin/scontrol ping")[0]
        assert "JobId=8 JobName=wait" in lines(node, "/opt/slurm/bin/scontrol show job 8")

    def test_a_controller_that_is_down_is_no_empty_queue(self, node: Node) -> None:
        (node.root / "opt/slurm/etc/rehearsal.json").write_text('{"down": true}')
        done = node.run(["/opt/slurm/bin/squeue"], timeout_s=10)
        assert (done.code, done.stdout) == (1, "")
        assert "Unable to contact slurm controller" in done.stderr


def test_a_head_node_mounts_the_lustre_of_its_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NODES, "folder", tmp_path / "nodes")
    monkeypatch.setattr(LUSTRE, "folder", tmp_path / "lustre")
    lustre = LUSTRE.make("fs-0123456789abcdef0")
    site = Site("1", "r", "http://localhost:9", "stack", "arn")
    cluster = PclusterCluster(site, "Cluster", {"ClusterName": "c"})
    cluster.notes["instance"] = "i-0123456789abcdef1"
    storage = {"MountDir": "/fsx", "FsxLustreSettings": {"FileSystemId": lustre.file_system}}
    cluster._furnish({"SharedStorage": [storage, {"MountDir": "/other"}]})
    (lustre.root / "movie").write_text("frames")
    made = NODES.get("i-0123456789abcdef1")
    assert made is not None
    assert lines(made, "cat /fsx/movie") == ["frames"]
    assert made.cluster == "c"
    NODES.remove("i-0123456789abcdef1")
    assert not made.folder.exists()
    assert (lustre.root / "movie").exists()
    LUSTRE.delete(lustre.file_system)


def test_slurms_commands_need_nothing_but_python() -> None:
    source = run_command_slurm.__file__
    script = f"import runpy; runpy.run_path({source!r})"
    subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True)

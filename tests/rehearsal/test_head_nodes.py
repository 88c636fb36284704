"""Rehearsed head nodes: Slurm's commands, and the Lustre of a cluster."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gotocloud.rehearsal.extension import slurm_commands
from gotocloud.rehearsal.extension.head_node_slurm import put_commands
from gotocloud.rehearsal.extension.pcluster_head import ClusterInstance
from local_aws.engine.site import Endpoint, Site
from local_aws.nodes import NODES, Isolation, Node, isolation
from local_aws.services.data_repository_lustre import LUSTRE

ALL = (
    [isolation(), Isolation.REWRITTEN] if isolation() is not Isolation.REWRITTEN else [isolation()]
)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    lustre = tmp_path / "lustre"
    lustre.mkdir()
    monkeypatch.setattr(NODES, "folder", tmp_path / "nodes")
    monkeypatch.setattr(NODES, "programs", [put_commands])
    yield NODES.add("i-0123456789abcdef0", "1", "r", "cluster", {"/fsx": lustre})
    NODES.remove("i-0123456789abcdef0")


def lines(node: Node, *commands: str, kind: Isolation | None = None) -> list[str]:
    done = node.run(commands, timeout_s=10, kind=kind)
    assert done.code == 0, done.stderr
    return done.stdout.splitlines()


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
    site = Site("1", "r", Endpoint("http://localhost:9"), "stack", "arn")
    machine = ClusterInstance(site, "HeadNode", {})
    machine.physical_id = "i-0123456789abcdef1"
    storage = {"MountDir": "/fsx", "FsxLustreSettings": {"FileSystemId": lustre.file_system}}
    signal = machine._boot("c", {"SharedStorage": [storage, {"MountDir": "/other"}]})
    assert signal.success
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
    source = slurm_commands.__file__
    script = f"import runpy; runpy.run_path({source!r})"
    subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True)

"""Nodes: what a command sees, and what it cannot reach."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws.nodes import NODES, Finished, Isolation, Node, isolation
from local_aws.testing import until

ALL = (
    [isolation(), Isolation.REWRITTEN] if isolation() is not Isolation.REWRITTEN else [isolation()]
)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    lustre = tmp_path / "lustre"
    lustre.mkdir()
    monkeypatch.setattr(NODES, "folder", tmp_path / "nodes")
    yield NODES.add("i-0123456789abcdef0", "1", "r", "cluster", {"/fsx": lustre})
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
    monkeypatch.setattr("local_aws.nodes.MOST_OUTPUT_BYTES", 100_000)
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

    def test_a_change_of_roots_does_not_lead_out(self, node: Node, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("secret")
        code = (
            "import os; os.mkdir('/tmp/trap'); top = os.open('/', os.O_RDONLY);"
            "os.chroot('/tmp/trap'); os.fchdir(top);"
            "[os.chdir('..') for _ in range(64)]; os.chroot('.');"
            f"print(os.path.exists({str(tmp_path / 'secret')!r}))"
        )
        assert lines(node, f'python3 -c "{code}"') == ["False"]

    def test_this_machines_disks_are_out_of_reach(self, node: Node) -> None:
        assert node.run(["mknod /tmp/disk b 8 0"], timeout_s=10).code != 0
        assert node.run(["mount -t tmpfs none /mnt"], timeout_s=10).code != 0
        devices = {"fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "tty"}
        assert set(lines(node, "ls /dev")) == devices | {"urandom", "zero"}
        assert lines(node, "echo gone >/dev/null; echo kept >/dev/stdout") == ["kept"]

    def test_programs_of_the_node_lie_beside_this_machines(self, node: Node) -> None:
        node.install("/usr/local/sbin/own", "#!/bin/sh\necho own\n")
        assert lines(node, "own") == ["own"]
        assert not Path("/usr/local/sbin/own").exists()

    def test_nothing_of_this_processs_environment_is_seen(
        self, node: Node, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TOKEN_OF_THE_USER", "secret")
        assert "TOKEN_OF_THE_USER" not in "\n".join(lines(node, "env"))

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


def running(words: str) -> list[str]:
    """Processes of this machine whose command line has these words."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if words in path.read_bytes().replace(b"\0", b" ").decode(errors="replace"):
                found.append(path.parent.name)
    return found


@pytest.mark.skipif(isolation() is Isolation.REWRITTEN, reason="needs namespaces")
def test_commands_end_with_the_process_that_runs_them(tmp_path: Path) -> None:
    server = f"""
from pathlib import Path
from local_aws.nodes import NODES
NODES.folder = Path({str(tmp_path)!r})
node = NODES.add("i-0123456789abcdef0", "1", "r", "cluster", {{}})
node.run(["sleep 98765.25"], timeout_s=60)
"""
    process = subprocess.Popen([sys.executable, "-c", server])
    until(lambda: running("sleep 98765.25"))
    process.kill()
    process.wait()
    until(lambda: not running("sleep 98765.25"))

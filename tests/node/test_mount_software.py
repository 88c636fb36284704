"""The node script, run by bash with stand-ins for the commands that touch the system."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "gotocloud" / "node" / "mount-software.sh"
FILE_SYSTEM = "fs-0123456789abcdef0"
TARGETS = "apne1-az4=10.0.0.5,apne1-az1=10.0.0.37"
FSTAB_BEFORE = "UUID=1234 / ext4 defaults 0 1\n"

CURL = """#!/bin/bash
echo "curl $*" >>"$LOG"
[[ -e "$NODE/imds-down" ]] && exit 28
case "$*" in
    *"-X PUT"*"/api/token") echo TOKEN ;;
    *"X-aws-ec2-metadata-token: TOKEN"*availability-zone-id) cat "$NODE/zone" ;;
    *) exit 22 ;;
esac
"""

MOUNT = """#!/bin/bash
echo "mount $*" >>"$LOG"
left=$(cat "$NODE/mount-failures")
if ((left > 0)); then
    echo $((left - 1)) >"$NODE/mount-failures"
    echo "mount.nfs4: Connection timed out" >&2
    exit 32
fi
echo "$1" >>"$NODE/mounted"
"""

MOUNTPOINT = """#!/bin/bash
grep -qxF -- "$2" "$NODE/mounted" 2>/dev/null
"""

SLEEP = """#!/bin/bash
echo "sleep $*" >>"$LOG"
"""


@dataclass(frozen=True)
class Node:
    """A node of a cluster, as far as the script can see one."""

    folder: Path

    @property
    def fstab(self) -> str:
        return (self.folder / "fstab").read_text()

    @property
    def point(self) -> str:
        return str(self.folder / "efs")

    @property
    def log(self) -> list[str]:
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []

    def calls(self, command: str) -> list[str]:
        return [line for line in self.log if line.startswith(command + " ")]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "LOG": str(self.folder / "log"),
            "NODE": str(self.folder),
            "GOTOCLOUD_FSTAB": str(self.folder / "fstab"),
        }
        given = arguments or (FILE_SYSTEM, TARGETS, self.point)
        return subprocess.run(
            ["bash", str(SCRIPT), *given],
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


@pytest.fixture
def node(tmp_path: Path) -> Node:
    (tmp_path / "bin").mkdir()
    stubs = {"curl": CURL, "mount": MOUNT, "mountpoint": MOUNTPOINT, "sleep": SLEEP}
    for name, text in stubs.items():
        path = tmp_path / "bin" / name
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "zone").write_text("apne1-az1")
    (tmp_path / "mount-failures").write_text("0\n")
    (tmp_path / "fstab").write_text(FSTAB_BEFORE)
    return Node(tmp_path)


def expected_line(node: Node, address: str) -> str:
    options = f"_netdev,nofail,tls,ro,noresvport,mounttargetip={address}"
    return f"{FILE_SYSTEM}:/ {node.point} efs {options} 0 0\n"


def test_the_mount_target_of_the_own_zone_is_mounted_and_remembered(node: Node) -> None:
    done = node.run()

    assert done.returncode == 0, done.stderr
    assert "zone apne1-az1 has the mount target 10.0.0.37" in done.stdout
    assert node.fstab == FSTAB_BEFORE + expected_line(node, "10.0.0.37")
    assert node.calls("mount") == [f"mount {node.point}"]
    assert Path(node.point).is_dir()


def test_the_zone_is_requested_with_a_session_token(node: Node) -> None:
    node.run()

    token, question = node.calls("curl")
    assert "-X PUT" in token
    assert "X-aws-ec2-metadata-token: TOKEN" in question


def test_a_second_run_changes_nothing(node: Node) -> None:
    node.run()
    before = node.fstab

    done = node.run()

    assert done.returncode == 0, done.stderr
    assert "is mounted already" in done.stdout
    assert node.fstab == before
    assert len(node.calls("mount")) == 1


def test_a_changed_mount_target_replaces_the_line_in_fstab(node: Node) -> None:
    node.run()

    node.run(FILE_SYSTEM, "apne1-az1=10.0.9.9", node.point)

    assert node.fstab == FSTAB_BEFORE + expected_line(node, "10.0.9.9")


def test_an_unknown_zone_takes_the_first_mount_target_and_states_it(node: Node) -> None:
    (node.folder / "zone").write_text("apne1-az2")

    done = node.run()

    assert done.returncode == 0, done.stderr
    assert "no mount target in zone 'apne1-az2'; using apne1-az4 (10.0.0.5)" in done.stdout
    assert "mounttargetip=10.0.0.5" in node.fstab


def test_a_silent_metadata_service_takes_the_first_mount_target_and_states_it(node: Node) -> None:
    (node.folder / "imds-down").touch()

    done = node.run()

    assert done.returncode == 0, done.stderr
    assert "the metadata service did not return this node's zone ID" in done.stdout
    assert "mounttargetip=10.0.0.5" in node.fstab


def test_a_zone_whose_id_begins_like_another_is_not_mixed_up(node: Node) -> None:
    (node.folder / "zone").write_text("use1-az1")

    node.run(FILE_SYSTEM, "use1-az10=10.0.0.1,use1-az1=10.0.0.2", node.point)

    assert "mounttargetip=10.0.0.2" in node.fstab


def test_a_mount_that_fails_at_first_is_tried_again_with_growing_waits(node: Node) -> None:
    (node.folder / "mount-failures").write_text("3\n")

    done = node.run()

    assert done.returncode == 0, done.stderr
    assert node.calls("sleep") == ["sleep 2", "sleep 4", "sleep 8"]
    assert len(node.calls("mount")) == 4


def test_a_mount_that_keeps_failing_ends_with_what_to_look_at(node: Node) -> None:
    (node.folder / "mount-failures").write_text("99\n")

    done = node.run()

    assert done.returncode == 1
    assert f"could not mount {FILE_SYSTEM} (10.0.0.37) at {node.point} after 6" in done.stderr
    assert "/var/log/amazon/efs/mount.log" in done.stderr
    assert "peering" in done.stderr
    assert len(node.calls("mount")) == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fs-1",), "expected FILE_SYSTEM_ID"),
        (("vol-1", TARGETS, "/efs"), "'vol-1' is not a file system id"),
        ((FILE_SYSTEM, "10.0.0.5", "/efs"), "is not a list of mount targets"),
        ((FILE_SYSTEM, "", "/efs"), "is not a list of mount targets"),
        ((FILE_SYSTEM, "use1-az1=10.0.0.5;reboot", "/efs"), "is not a list of mount targets"),
        ((FILE_SYSTEM, TARGETS, "efs"), "'efs' is not an absolute path"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_before_anything_is_changed(
    node: Node, arguments: tuple[str, ...], message: str
) -> None:
    done = node.run(*arguments)

    assert done.returncode == 1
    assert message in done.stderr
    assert node.log == []
    assert node.fstab == FSTAB_BEFORE


def test_shellcheck_finds_nothing() -> None:
    shellcheck = shutil.which("shellcheck")
    assert shellcheck, "shellcheck comes with the dev extra: make env"
    done = subprocess.run([shellcheck, str(SCRIPT)], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.returncode == 0


def test_nothing_is_built_or_downloaded() -> None:
    text = SCRIPT.read_text()
    code = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for word in ("apt", "yum", "dnf", "pip", "wget", "make ", "gcc", "aws s3", "git "):
        assert not any(line.lstrip().startswith(word) for line in code), word
    assert text.count("169.254.169.254") == 1
    assert "http" not in "\n".join(code).replace("http://169.254.169.254", "")

"""What the head node tells, read from the very script that it runs, with stand-in programs."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from gotocloud.aws.head_node import SHORT_S
from gotocloud.projects.observation import OBSERVE, read_observation, uses, warning_script

JOB = "job=7|RUNNING|ubuntu|refine3d|2|None|a|b"


class Node:
    """A machine whose programs say what a test wants."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.gpus = folder / "gpus"
        self.gpus.mkdir()
        self.has("squeue", "true")
        self.has("ps", "echo bash")

    def has(self, name: str, script: str) -> None:
        (self.bin / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.bin / name).chmod(0o755)

    def run(self, script: str) -> str:
        text = script.replace("/opt/slurm/bin:", "")
        done = subprocess.run(
            ["sh", "-c", text.replace("/proc/driver/nvidia/gpus", str(self.gpus))],
            env={"PATH": f"{self.bin}:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        return done.stdout


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def test_a_machine_without_desktop_gpu_or_jobs_is_seen_as_such(node: Node) -> None:
    seen = read_observation(node.run(OBSERVE))
    assert (seen.jobs, seen.desktops, seen.shells, seen.gpu_percent) == ((), 0, 0, 0)
    assert uses(seen, None) == ()
    assert seen.boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert seen.cpu_s is not None
    assert seen.cpu_s > 0
    assert seen.network_bytes is not None


def test_jobs_desktops_shells_and_gpus_are_counted(node: Node) -> None:
    (node.gpus / "0000:00:1e.0").mkdir()
    node.has("squeue", f"echo '{JOB}'")
    node.has("ps", "printf 'bash\\nssm-session-wor\\nssm-agent-worke\\n'")
    sessions = '[\n {"id": "a", "num-of-connections" : 1},\n {"id": "b", "num-of-connections": 2}]'
    node.has("dcv", f"[ \"$1 $2\" = 'list-sessions --json' ] && echo '{sessions}'")
    node.has("nvidia-smi", 'case "$*" in *utilization*) printf "3\\n17\\n";; esac')
    seen = read_observation(node.run(OBSERVE))
    assert [(one.id, one.name) for one in seen.jobs or ()] == [("7", "a|b")]
    assert (seen.desktops, seen.shells, seen.gpu_percent) == (3, 1, 17)


def test_a_program_that_computes_on_the_gpu_counts_even_between_two_steps(node: Node) -> None:
    (node.gpus / "0000:00:1e.0").mkdir()
    node.has("nvidia-smi", 'case "$*" in *utilization*) echo 0;; *) echo 4711;; esac')
    assert read_observation(node.run(OBSERVE)).gpu_percent == 100


@pytest.mark.parametrize(
    ("program", "field", "said"),
    [
        ("squeue", "jobs", "Slurm does not report"),
        ("dcv", "desktops", "DCV does not report"),
        ("nvidia-smi", "gpu_percent", "load of the head node's GPU is unknown"),
        ("ps", "shells", "is not known"),
    ],
)
def test_what_fails_is_unknown_and_counts_as_use(
    node: Node, program: str, field: str, said: str
) -> None:
    (node.gpus / "0000:00:1e.0").mkdir()
    node.has("nvidia-smi", 'case "$*" in *utilization*) echo 0;; esac')
    node.has(program, "echo '[]'; exit 9")
    seen = read_observation(node.run(OBSERVE))
    assert getattr(seen, field) is None
    assert any(said in one for one in uses(seen, None))


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ("sessions=[{}]", "desktops"),
        ("sessions=Could not connect", "desktops"),
        ("gpus=[N/A] /", "gpu_percent"),
        ("gpus=/", "gpu_percent"),
        ("shells=", "shells"),
        ("cpu=100 cpu  x", "cpu_s"),
        ("network=-", "network_bytes"),
    ],
)
def test_what_cannot_be_read_is_unknown(told: str, field: str) -> None:
    assert getattr(read_observation(f"now=1800000000000000000\n{told}\n"), field) is None


def test_a_broken_driver_on_a_machine_without_a_gpu_does_not_matter(node: Node) -> None:
    node.has("nvidia-smi", "echo 'has failed because it could not communicate' >&2; exit 9")
    assert read_observation(node.run(OBSERVE)).gpu_percent == 0


def test_an_answer_without_a_time_is_no_answer() -> None:
    with pytest.raises(ValueError, match="answered"):
        read_observation("slurm=ok\n")


def test_a_garbled_job_is_not_no_job() -> None:
    assert read_observation("now=1800000000000000000\njob=7|RUNNING\nslurm=ok\n").jobs is None


def test_a_warning_reaches_terminals_whatever_it_states(node: Node, tmp_path: Path) -> None:
    node.has("wall", f"cat > {tmp_path}/walled")
    text = "It's $(reboot) `time`; to keep it: gotocloud start 'a b' --keep-for 4"
    node.run(warning_script(text))
    assert (tmp_path / "walled").read_text() == f"{text}\n"


def test_a_desktop_is_reported_with_the_rights_of_its_owner_alone(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind("X7")
        node.has("wall", "cat")
        node.has("notify-send", "true")
        node.has("setpriv", f'echo "$@" >{tmp_path}/run')
        node.run(warning_script("x").replace("/tmp/.X11-unix", str(tmp_path)))
    words = (tmp_path / "run").read_text().split()
    user, group = str(os.getuid()), str(os.getgid())
    assert words[:5] == ["--reuid", user, "--regid", group, "--clear-groups"]
    assert words[5:7] == ["env", "--ignore-environment"]
    assert "DISPLAY=:7" in words


def test_the_scripts_are_clean(tmp_path: Path) -> None:
    for name, script in {"observe": OBSERVE, "warn": warning_script("x y")}.items():
        path = tmp_path / f"{name}.sh"
        path.write_text(f"#!/bin/sh\n{script}")
        done = subprocess.run(
            ["shellcheck", str(path)], capture_output=True, text=True, check=False, env=os.environ
        )
        assert done.stdout == ""


def test_a_lustre_that_never_answers_is_seen_and_holds_nothing_up(node: Node) -> None:
    assert read_observation(node.run(OBSERVE)).lustre
    node.has("stat", "exec sleep 60")
    began = time.monotonic()
    seen = read_observation(node.run(OBSERVE.replace("-lt 400", "-lt 4")))
    assert time.monotonic() - began < 10
    assert not seen.lustre
    assert "Lustre does not answer" in uses(seen, None)
    assert seen.jobs == ()


@pytest.mark.parametrize(
    ("program", "limit", "field"),
    [("squeue", "timeout -k 5 40", "jobs"), ("dcv", "timeout -k 5 15", "desktops")],
)
def test_a_program_that_does_not_answer_in_time_is_unknown(
    node: Node, program: str, limit: str, field: str
) -> None:
    node.has(program, "exec sleep 60")
    assert limit in OBSERVE
    seen = read_observation(node.run(OBSERVE.replace(limit, "timeout -k 1 0.2")))
    assert getattr(seen, field) is None
    assert seen.network_bytes is not None


def test_everything_that_may_hang_is_given_less_time_than_the_whole_look() -> None:
    limits = [int(one) for one in re.findall(r"timeout -k 5 (\d+)", OBSERVE)]
    waits = re.search(r'"\$waits" -lt (\d+)', OBSERVE)
    assert waits
    assert sum(limits) + 5 * len(limits) + int(waits[1]) * 0.05 < SHORT_S


@pytest.mark.skipif(os.geteuid() != 0, reason="another person's program needs root")
@pytest.mark.parametrize("how", ["nohup", *filter(shutil.which, ("screen", "tmux"))])
def test_a_computation_without_a_viewer_is_seen_by_the_time_it_takes(node: Node, how: str) -> None:
    # The folders of pytest are for root alone.
    place = Path(tempfile.mkdtemp())
    place.chmod(0o777)
    work = "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; exec sleep 30"
    started = {
        "nohup": ["nohup", "sh", "-c", work],
        "screen": ["screen", "-D", "-m", "sh", "-c", work],
        "tmux": ["tmux", "-S", str(place / "socket"), "new-session", "-d", work],
    }[how]
    before = read_observation(node.run(OBSERVE)).people_cpu_s or 0.0
    environment = {**os.environ, "SCREENDIR": str(place / "screens"), "TERM": "xterm"}
    (place / "screens").mkdir(mode=0o700)
    os.chown(place / "screens", 1234, 1234)
    with subprocess.Popen(
        ["setpriv", "--reuid=1234", "--regid=1234", "--clear-groups", *started],
        cwd=place,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as running:
        try:
            after, until = before, time.monotonic() + 20
            while after - before < 0.1 and time.monotonic() < until:
                after = read_observation(node.run(OBSERVE)).people_cpu_s or 0.0
        finally:
            if how == "tmux":
                subprocess.run(["tmux", "-S", started[2], "kill-server"], check=False)
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            shutil.rmtree(place)
    assert after - before >= 0.1


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York", "Europe/Berlin"])
def test_the_time_of_a_look_has_no_zones_and_no_summer(
    node: Node, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    seen = read_observation(node.run(f"export TZ={zone}\n{OBSERVE}"))
    assert abs(seen.at_s - time.time()) < 30

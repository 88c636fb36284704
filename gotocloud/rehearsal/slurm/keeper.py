"""The process that keeps a rehearsed Slurm: munged, the controller, and the nodes.

What EC2 and ParallelCluster's clustermgtd do in a real cluster, it does here: it starts the
nodes that Slurm's power saving requests after a boot delay, ends those that are idle, and notifies
Slurm of a node that died. Everything dies with it: its children have a parent-death signal, and
a node is a process namespace, whose processes end with its first one.

python -m gotocloud.rehearsal.slurm.keeper DIRECTORY [--owner PID]
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom
from types import FrameType
from typing import IO, Any

from gotocloud.printed import lines_of
from gotocloud.rehearsal.slurm.machines import SlurmQueue, slurm_queues
from gotocloud.rehearsal.slurm.slurm_conf import (
    DAEMON_PATH,
    HEAD,
    NODE_SPOOL,
    SlurmFolder,
    Timing,
    gres_conf,
    hosts_file,
    most_gpus,
    ports_needed,
    slurm_conf,
)
from gotocloud.waiting import looks
from gotocloud.yaml_files import load_block

LOCK = "slurm.lock"
"""Held by the keeper as long as it lives; holds its pid and whether Slurm answers."""
PLAN = "plan.json"
"""What the keeper is to keep: cluster's name, configuration as rendered, timing."""
PORTS = range(12000, 31000)
"""Below those that the kernel hands out."""
BLOCK = 256
"""Ports of a cluster; a cluster has at most 200 nodes."""
LOST = "GoToCloud rehearsal: the node's instance is gone"
_TICK_S = 0.05
_READY_WITHIN_S = 30.0
_NULL_DEVICE = os.makedev(1, 3)
_ALONE = ("setpriv", "--pdeathsig", "KILL")
_NAMESPACE = (
    *(*_ALONE, "unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child=KILL"),
    "--mount-proc",
)
# The shell is the namespace's first process and collects what its orphans leave behind. Memory
# that ranks share is named after the node, and another cluster may have a node of that name.
_ENTER = (
    'hostname "$1"; mount -t tmpfs gotocloud /dev/shm; mount --bind "$2" /etc/hosts; '
    'mount --bind "$3" "$4"; shift 4; "$@" & wait "$!"'
)


class KeeperError(Exception):
    """Slurm did not come up; the message is for the person who started it."""


def take_lock(root: Path, content: Mapping[str, Any]) -> IO[str]:
    """Take the folder; only one keeper can have it.

    Raises:
        BlockingIOError: if another has it.
    """
    held = (root / LOCK).open("a+")
    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    write_lock(held, content)
    return held


def write_lock(held: IO[str], content: Mapping[str, Any]) -> None:
    """State in the lock what its holder is doing."""
    held.seek(0)
    held.truncate()
    json.dump(content, held)
    held.flush()


def reserve_ports(needed: int) -> tuple[int, socket.socket]:
    """The first of a block of free ports, and what keeps other rehearsals off it.

    A name in the kernel's abstract space is taken by one process at most and vanishes with it.

    Raises:
        KeeperError: if no block is free.
    """
    starts = list(range(PORTS.start, PORTS.stop - BLOCK, BLOCK))
    SystemRandom().shuffle(starts)
    for start in starts:
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            claim.bind(f"\0gotocloud-rehearsal-slurm-{start}")
        except OSError:
            claim.close()
            continue
        if all(_is_free(port) for port in range(start, start + needed)):
            return start, claim
        claim.close()
    raise KeeperError(f"No {needed} free ports in a row between {PORTS.start} and {PORTS.stop}.")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("", port))
        except OSError:
            return False
    return True


def write_configuration(
    layout: SlurmFolder, cluster: str, queues: Sequence[SlurmQueue], timing: Timing, base_port: int
) -> None:
    """Write what Slurm and munge read, and make the stand-ins for GPUs."""
    for path, daemons in ((layout.conf, False), (layout.daemon_conf, True)):
        path.write_text(slurm_conf(cluster, queues, layout, timing, base_port, daemons=daemons))
        (path.parent / "gres.conf").write_text(gres_conf(queues, layout))
    layout.hosts.write_text(hosts_file(queues))
    layout.munge_key.unlink(missing_ok=True)
    layout.munge_key.touch(mode=0o400)
    layout.munge_key.write_bytes(os.urandom(128))
    for number in range(most_gpus(queues)):
        if not layout.gpu(number).exists():
            os.mknod(layout.gpu(number), 0o666 | stat.S_IFCHR, _NULL_DEVICE)


@dataclass
class Keeper:
    """Starts, watches and ends the processes of one rehearsed Slurm.

    Args:
        layout: Where everything stands.
        timing: How fast nodes come and go.
    """

    layout: SlurmFolder
    timing: Timing
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    booting: dict[str, float] = field(default_factory=dict)
    lost: dict[str, float] = field(default_factory=dict)
    ended: bool = False

    def start(self) -> None:
        """Start munged and the controller and wait until Slurm answers.

        Raises:
            KeeperError: if it does not.
        """
        log = self.layout.log
        self.daemons["munged"] = self._spawn([*_ALONE, *self._munged()], log / "munged.out")
        self._await("munged", self.layout.munge_socket.exists, log / "munged.log")
        controller = ["slurmctld", "-D", "-i", "-f", str(self.layout.daemon_conf)]
        self.daemons["slurmctld"] = self._spawn(
            self._inside(HEAD, controller), log / "slurmctld.out"
        )
        self._await("slurmctld", self._answers, log / "slurmctld.log")

    def tick(self) -> None:
        """Do what is due now.

        Raises:
            KeeperError: if munged or the controller has died.
        """
        for what, names in self._requested():
            for name in names:
                getattr(self, f"_{what}")(name)
        now = time.monotonic()
        for name in [name for name, due in self.booting.items() if due <= now]:
            del self.booting[name]
            self._boot(name)
        self._look_for_deaths(now)
        reported = [name for name, due in self.lost.items() if due <= now]
        if reported:
            self._update_slurm(reported)

    def stop(self) -> None:
        """End everything, the nodes first."""
        for name in list(self.running):
            self._suspend(name)
        for name in ("slurmctld", "munged"):
            if process := self.daemons.pop(name, None):
                # What it has is of no use to the next one.
                process.kill()
                process.wait()
        self.layout.munge_socket.unlink(missing_ok=True)

    def _munged(self) -> list[str]:
        layout = self.layout
        return [
            # Forced, because a folder of the user's own may be closed to others.
            *("munged", "--foreground", "--force", "--num-threads=2"),
            f"--socket={layout.munge_socket}",
            f"--key-file={layout.munge_key}",
            f"--log-file={layout.log}/munged.log",
            f"--pid-file={layout.spool}/munged.pid",
            f"--seed-file={layout.spool}/munged.seed",
        ]

    def _inside(self, name: str, command: Sequence[str]) -> list[str]:
        """A command on a machine of its own: host name, host table and processes."""
        spool = self.layout.spool / name
        spool.mkdir(exist_ok=True)
        places = (str(self.layout.hosts), str(spool), NODE_SPOOL)
        return [*_NAMESPACE, "sh", "-c", _ENTER, "sh", name, *places, *command]

    def _spawn(self, command: Sequence[str], output: Path) -> subprocess.Popen[bytes]:
        with output.open("ab") as file:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                cwd="/",
                env=_daemon_environment(),
            )

    def _await(self, name: str, ready: Any, log: Path) -> None:
        for _ in looks(_TICK_S, within_s=_READY_WITHIN_S):
            if ready():
                return
            if self.ended:
                raise KeeperError("A request to end came before Slurm was up.")
            if self.daemons[name].poll() is not None:
                break
        stated = _last_lines(log) or _last_lines(self.layout.log / f"{name}.out")
        raise KeeperError(f"{name} did not come up; its log is {log}.\n" + stated)

    def _answers(self) -> bool:
        return self._scontrol("ping").returncode == 0

    def _scontrol(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        environment = {**_daemon_environment(), "SLURM_CONF": str(self.layout.conf)}
        return subprocess.run(
            ["scontrol", *words], env=environment, capture_output=True, check=False
        )

    def _requested(self) -> Iterator[tuple[str, list[str]]]:
        found = [path for path in self.layout.requests.iterdir() if path.name[0] != "."]
        for path in sorted(found, key=lambda path: path.name.partition("-")[2]):
            names = path.read_text().split()
            path.unlink()
            yield path.name.partition("-")[0], names

    def _resume(self, name: str) -> None:
        self._suspend(name)
        self.booting[name] = time.monotonic() + self.timing.boot_delay_s

    def _suspend(self, name: str) -> None:
        """End an instance, as EC2 does: all its processes at once."""
        self.booting.pop(name, None)
        self.lost.pop(name, None)
        if process := self.running.pop(name, None):
            process.kill()
            process.wait()
        (self.layout.nodes / name).unlink(missing_ok=True)

    def _kill(self, name: str) -> None:
        """The instance dies; only the watch over the nodes will notice."""
        if process := self.running.get(name):
            process.kill()
            process.wait()

    def _boot(self, name: str) -> None:
        shutil.rmtree(self.layout.spool / name, ignore_errors=True)
        # Without -b Slurm takes this machine's own start for the node's and waits on.
        command = ["slurmd", "-D", "-b", "-N", name, "-f", str(self.layout.daemon_conf)]
        log = self.layout.log / "nodes.out"
        self.running[name] = self._spawn(self._inside(name, command), log)
        (self.layout.nodes / name).write_text(str(self.running[name].pid))

    def _look_for_deaths(self, now: float) -> None:
        for name, process in self.daemons.items():
            if process.poll() is not None:
                raise KeeperError(f"{name} has died.\n{_last_lines(self.layout.log / name)}")
        for name in [name for name, process in self.running.items() if process.poll() is not None]:
            del self.running[name]
            (self.layout.nodes / name).unlink(missing_ok=True)
            self.lost[name] = now + self.timing.notice_s

    def _update_slurm(self, names: Sequence[str]) -> None:
        """As clustermgtd: the nodes are powered down by force, which ends what ran on them.

        Down first: otherwise the job hangs in "completing" until the dead node's time is up.
        """
        for name in names:
            del self.lost[name]
        for state in ("down", "power_down_force"):
            self._scontrol(
                *("update", f"nodename={','.join(names)}", f"state={state}", f"reason={LOST}")
            )


def _daemon_environment() -> dict[str, str]:
    return {"PATH": DAEMON_PATH, "HOME": "/root", "LANG": "C.UTF-8"}


def _last_lines(path: Path, count: int = 5) -> str:
    if not path.is_file():
        return ""
    return "\n".join(lines_of(path.read_text(errors="replace"))[-count:])


def keep(root: Path, owner: int | None) -> None:
    """Keep a rehearsed Slurm until a request to end, or until its owner has gone.

    Raises:
        KeeperError: if Slurm cannot be kept.
    """
    plan = json.loads((root / PLAN).read_text())
    layout = SlurmFolder(root)
    queues = slurm_queues(load_block(plan["rendered"], PLAN).data)
    watch = None if owner is None else os.pidfd_open(owner)
    content = {"pid": os.getpid(), "cluster": plan["cluster"], "ready": False}
    lock = take_lock(root, content)
    keeper = Keeper(layout, Timing(**plan["timing"]))

    def end(_signal: int, _frame: FrameType | None) -> None:
        keeper.ended = True

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    base_port, _claim = reserve_ports(ports_needed(queues))
    write_configuration(layout, plan["cluster"], queues, keeper.timing, base_port)
    try:
        keeper.start()
        write_lock(lock, {**content, "ready": True})
        while not keeper.ended and not _gone(watch):
            keeper.tick()
            time.sleep(_TICK_S)
    finally:
        keeper.stop()


def _gone(watch: int | None) -> bool:
    return watch is not None and bool(select.select([watch], [], [], 0)[0])


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and keep."""
    parser = argparse.ArgumentParser(description="Keep a rehearsed Slurm.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--owner", type=int, help="Process that it ends with.")
    given = parser.parse_args(arguments)
    try:
        keep(given.directory.resolve(), given.owner)
    except (KeeperError, BlockingIOError, ProcessLookupError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Machines of the local AWS on which commands run: a directory each, in which commands really run.

As root, or where the kernel lets users have namespaces, a command sees a machine of its own: the
directory as `/`, the host's programs read-only below `/usr`, Lustre at its mount point, its own
processes only; and root there may neither mount nor make devices. Elsewhere the paths of mount
points are rewritten in the commands and in their output, which keeps honest programs apart and
nothing else. The network is the host's.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import IO

from local_aws.paths import beneath

FOLDER = "nodes"
USER, USER_ID = "ubuntu", 1000
UNPRIVILEGED = "nobody"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin"
"""As systemd gives it to the SSM agent."""
MOST_OUTPUT_BYTES = 64 * 1024 * 1024
"""A command that writes more is ended, before it fills this machine's disk."""

_DIRECTORIES = (
    *("dev", "etc/profile.d", "home/ubuntu", "opt", "proc"),
    *("mnt", "root", "run", "tmp", "usr/local/sbin", "var/lib/amazon/ssm", "var/log", "var/tmp"),
)
_FROM_HOST = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
_ETC = (
    *(
        "alternatives/awk",
        "alternatives/which",
        "bash.bashrc",
        "hosts",
        "ld.so.cache",
        "ld.so.conf",
    ),
    *("localtime", "login.defs", "nsswitch.conf", "pam.d", "profile", "resolv.conf", "security"),
)
_CAPABILITIES = (
    *("audit_write", "chown", "dac_override", "fowner", "fsetid", "kill"),
    *("net_bind_service", "setfcap", "setgid", "setuid", "sys_chroot"),
)
"""What root of a node may do; containers get about the same. Neither mount nor mknod."""

_INSTANCE = re.compile(r"i-[0-9a-f]{8}(?:[0-9a-f]{9})?")
_MOUNT_POINT = re.compile(r"(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)+")

_ENTER = r"""
set -e
root=$1; name=$2; work=$3; script=$4; shift 4
mount --rbind "$root" "$root"
cd "$root"
mount --bind usr/local/sbin mnt
mount --rbind /usr usr
mount -o remount,bind,ro usr || [ "$LOCAL_AWS_ROOTLESS" = 1 ]
if [ -d usr/local/sbin ]; then mount --move mnt usr/local/sbin; else umount mnt; fi
mount -t tmpfs -o mode=755 dev dev
for device in null zero full random urandom tty; do
    : >"dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
ln -s /proc/self/fd dev/fd
for number in 0:stdin 1:stdout 2:stderr; do
    ln -s "/proc/self/fd/${number%%:*}" "dev/${number#*:}"
done
mkdir -m 1777 dev/shm
mount -t proc proc proc
while [ $# -gt 0 ]; do mount --bind "$1" "$root$2"; shift 2; done
hostname "$name" 2>/dev/null || true
pivot_root . mnt
umount -l /mnt
unset LOCAL_AWS_ROOTLESS
exec setpriv --inh-caps=-all --bounding-set=CAPABILITIES \
    sh -c 'cd "$1" && exec sh -c "$2"' sh "$work" "$script"
""".replace("CAPABILITIES", ",".join(("-all", *(f"+{name}" for name in _CAPABILITIES))))
"""Makes the node's folder the root of a mount namespace in which nothing else of this machine is
left, without the capabilities by which root could bring it back."""


class Isolation(Enum):
    """How far a node's commands are kept apart from this machine."""

    ROOT = "namespaces"
    ROOTLESS = "user namespaces"
    REWRITTEN = "rewritten paths"


@functools.cache
def isolation() -> Isolation:
    """The best that this machine offers."""
    for kind in (Isolation.ROOT, Isolation.ROOTLESS):
        tried = subprocess.run(
            [*_unshare(kind), "sh", "-c", "mount -t proc proc /proc && mount -t tmpfs none /tmp"],
            capture_output=True,
            check=False,
        )
        if tried.returncode == 0:
            return kind
    return Isolation.REWRITTEN


WITH_THIS_PROCESS = ("setpriv", "--pdeathsig", "KILL")
"""Before a command: it ends when the thread that started it does, so with the server."""


def _unshare(kind: Isolation) -> list[str]:
    # First the user namespace: with new rights a process loses the signal of its parent's death.
    mapped = ["unshare", "--user", "--map-root-user"] if kind is Isolation.ROOTLESS else []
    separate = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child"]
    return [*mapped, *WITH_THIS_PROCESS, *separate]


@dataclass(frozen=True)
class Finished:
    """What became of a script.

    Args:
        code: Exit code.
        stdout: Everything that it wrote.
        stderr: Everything that it wrote there.
        timed_out: Whether it was ended because it took too long.
    """

    code: int
    stdout: str
    stderr: str
    timed_out: bool = False


@dataclass
class Node:
    """An instance on which commands run.

    Args:
        instance: Id of its EC2 instance.
        account: Whose.
        region: Where.
        cluster: Name of the cluster.
        folder: Its directory on this machine.
        mounts: Mount point -> the directory that stands for the file system.
        environment: Variables of every command.
    """

    instance: str
    account: str
    region: str
    cluster: str
    folder: Path
    mounts: Mapping[str, Path] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """What its commands see as `/`."""
        return self.folder / "root"

    def make_folder(self) -> None:
        """Make the directory, with an `/etc` of its own."""
        for name in _DIRECTORIES:
            (self.root / name).mkdir(parents=True, exist_ok=True)
        for place in self.mounts:
            (self.root / place.strip("/")).mkdir(parents=True, exist_ok=True)
        for name in _FROM_HOST:
            host = Path("/") / name
            if host.is_symlink():
                (self.root / name).symlink_to(host.readlink())
            elif host.is_dir():
                (self.root / name).symlink_to(f"usr/{name}")
        self._write_etc()
        for name in ("tmp", "var/tmp"):
            (self.root / name).chmod(0o1777)
        if os.geteuid() == 0:
            os.chown(self.root / "home/ubuntu", USER_ID, USER_ID)

    def _write_etc(self) -> None:
        etc = self.root / "etc"
        (etc / "alternatives").mkdir()
        for name in _ETC:
            host = Path("/etc") / name
            if host.is_symlink():
                (etc / name).symlink_to(host.readlink())
            elif host.is_dir():
                shutil.copytree(host, etc / name, symlinks=True, dirs_exist_ok=True)
            elif host.is_file():
                shutil.copy(host, etc / name)
        (etc / "passwd").write_text(
            "root:x:0:0:root:/root:/bin/bash\n"
            f"{USER}:x:{USER_ID}:{USER_ID}::/home/{USER}:/bin/bash\n"
            f"{UNPRIVILEGED}:x:65534:65534::/:/usr/sbin/nologin\n"
        )
        (etc / "group").write_text(f"root:x:0:\n{USER}:x:{USER_ID}:\nnogroup:x:65534:\n")

    def install(self, path: str, text: str) -> None:
        """Put a program onto the node.

        Args:
            path: Where, absolute on the node.
            text: With its `#!` line.
        """
        target = beneath(self.root, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(0o755)

    def run(
        self,
        commands: Iterable[str],
        *,
        timeout_s: float,
        work: str = "/var/lib/amazon/ssm",
        environment: Mapping[str, str] | None = None,
        stop: threading.Event | None = None,
        kind: Isolation | None = None,
    ) -> Finished:
        """Run a script as the SSM agent does: as root, by `sh` or what its first line names.

        Args:
            commands: Its lines.
            timeout_s: How long it may take.
            work: Working directory on the node.
            environment: More variables.
            stop: Ends it when set.
            kind: How far it is kept apart. Default: as far as this machine can.
        """
        kind = kind or isolation()
        with tempfile.TemporaryDirectory(prefix="script-", dir=beneath(self.root, "run")) as place:
            script = Path(place) / "_script.sh"
            text = "\n".join(commands) + "\n"
            script.write_text(self._rewritten(text) if kind is Isolation.REWRITTEN else text)
            script.chmod(0o700)
            given = {"PATH": PATH, "LANG": "C.UTF-8", **self.environment, **(environment or {})}
            given["LOCAL_AWS_ROOTLESS"] = "1" if kind is Isolation.ROOTLESS else "0"
            with (
                (Path(place) / "stdout").open("w+b") as out,
                (Path(place) / "err").open("w+b") as err,
            ):
                process = subprocess.Popen(
                    self._command(kind, script, work),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    env=given,
                    cwd=None if kind is not Isolation.REWRITTEN else self._here(work),
                    start_new_session=True,
                )
                timed_out = _wait(process, (out, err), timeout_s, stop)
                texts = [_text(stream) for stream in (out, err)]
        if kind is Isolation.REWRITTEN:
            texts = [self._with_own_paths(text) for text in texts]
        return Finished(process.returncode, texts[0], texts[1], timed_out)

    def _command(self, kind: Isolation, script: Path, work: str) -> list[str]:
        if kind is Isolation.REWRITTEN:
            return [*WITH_THIS_PROCESS, "sh", "-c", str(script)]
        seen = f"/{script.relative_to(self.root)}"
        mounts = [text for place, path in self.mounts.items() for text in (str(path), place)]
        name = f"ip-{self.instance[-8:]}"
        return [
            *_unshare(kind),
            "sh",
            "-c",
            _ENTER,
            "sh",
            str(self.root),
            name,
            work,
            seen,
            *mounts,
        ]

    def _here(self, path: str) -> Path:
        """Where a path of the node lies on this machine."""
        for place, target in self._places().items():
            if path == place or path.startswith(f"{place}/"):
                return beneath(target, path[len(place) :])
        return beneath(self.root, path)

    def _places(self) -> dict[str, Path]:
        return {**self.mounts, "/opt": self.root / "opt", "/home": self.root / "home"}

    def _rewritten(self, text: str) -> str:
        for place, target in self._places().items():
            text = re.sub(rf"(?<![\w./-]){re.escape(place)}(?![\w.-])", str(target), text)
        return text

    def _with_own_paths(self, text: str) -> str:
        for place, target in self._places().items():
            text = text.replace(str(target), place)
        return text


def _wait(
    process: subprocess.Popen[bytes],
    outputs: Iterable[IO[bytes]],
    timeout_s: float,
    stop: threading.Event | None,
) -> bool:
    """Wait for the end of a process, or bring it about; whether it took too long."""
    deadline = time.monotonic() + timeout_s
    pause = 0.005
    while process.poll() is None:
        late = time.monotonic() > deadline
        full = any(os.fstat(stream.fileno()).st_size > MOST_OUTPUT_BYTES for stream in outputs)
        if late or full or (stop and stop.is_set()):
            _end(process)
            return late
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    # Its group is its own, and in a namespace of processes nothing outlives the first.
    os.killpg(process.pid, 9)
    process.wait()


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read(MOST_OUTPUT_BYTES).decode(errors="replace")


class Nodes:
    """Every node of this process."""

    def __init__(self) -> None:
        self.folder = Path()
        self.programs: list[Callable[[Node], None]] = []
        self._all: dict[str, Node] = {}

    def open(self, state_dir: Path) -> None:
        """Begin with none; what a former process left behind has no use."""
        self.folder = state_dir.resolve() / FOLDER
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def add(
        self, instance: str, account: str, region: str, cluster: str, mounts: Mapping[str, Path]
    ) -> Node:
        """A node for an instance.

        Raises:
            ValueError: if the id or a mount point is none.
        """
        if not _INSTANCE.fullmatch(instance):
            raise ValueError(f"{instance!r} is no id of an instance.")
        wrong = [place for place in mounts if not _MOUNT_POINT.fullmatch(place)]
        if wrong:
            raise ValueError(f"{', '.join(map(repr, wrong))} cannot be a mount point.")
        node = Node(instance, account, region, cluster, self.folder / instance, dict(mounts))
        node.make_folder()
        for put in self.programs:
            put(node)
        self._all[instance] = node
        return node

    def get(self, instance: str) -> Node | None:
        """The node of an instance, if it has one."""
        return self._all.get(instance)

    def of(self, account: str, region: str) -> list[Node]:
        """Those of an account and region."""
        return [
            node
            for node in list(self._all.values())
            if (node.account, node.region) == (account, region)
        ]

    def remove(self, instance: str) -> None:
        """Forget a node, and what lay on its disk."""
        if node := self._all.pop(instance, None):
            shutil.rmtree(node.folder, ignore_errors=True)


NODES = Nodes()
"""Those of this process."""

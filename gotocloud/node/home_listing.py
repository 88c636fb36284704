"""Lists what an archive of a head node's own disks holds; a module of `home_archive.py`."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from typing import Any

from gotocloud.node.home import HOME, RESTORING, SET_UP, STATE, place, text

PASSING = (
    *(b".cache", b".ccache", b".nv", b".dbus", b".Xauthority", b".ICEauthority"),
    *(b".config/pulse", b".local/share/gvfs-metadata", b".local/share/tracker"),
    *(b".local/share/Trash", b".local/state/wireplumber", b".xsession-errors"),
    *(b".xsession-errors.old", b".dcv"),
)
"""Of each person's folder: caches, and what a desktop's session writes for itself."""
CLUSTER_KEY_MARK = b".ssh/authorized_keys_cluster"
CLUSTER_KEYS = (b".ssh/id_ed25519", b".ssh/id_ed25519.pub", CLUSTER_KEY_MARK)
"""What ParallelCluster makes again for each cluster (cluster_user.rb of its cookbook)."""

SYSTEM = {
    *(b"bin", b"boot", b"dev", b"efs", b"etc", b"home", b"lib", b"lib32", b"lib64", b"libx32"),
    *(b"lost+found", b"proc", b"run", b"sbin", b"snap", b"sys", b"usr", b"var"),
}
ALSO = (b"usr/local", b"var/spool/cron", b"var/tmp")
"""Below the folders of the system, where people may have files all the same."""
ROOTS_OWN = b"root"
TEMPORARY = (b"tmp", b"var/tmp")
FIRST_PERSON, NO_PERSON = 1000, 65534
REMOTE = {b"nfs", b"nfs4", b"lustre", b"cifs", b"smb3", b"9p", b"autofs"}
MOUNTS = "/proc/mounts"
KINDS = {stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK}


class Listing:
    """Walks over what an archive holds, and counts it.

    Args:
        lustre: Where Lustre is mounted; nothing below it belongs to this machine.
        names: A file that takes each name, ended by a zero byte.
    """

    def __init__(self, lustre: bytes, names: Any = None) -> None:
        self.names = names
        self.away = {lustre} | mounted_from_elsewhere()
        self.elsewhere: list[str] = []
        self.digest = hashlib.sha256()
        self.entries = self.files = self.bytes = self.special = 0
        self.sizes: dict[str, list[int]] = {}
        self.left_out: dict[str, int] = {}

    def read(self) -> dict[str, Any]:
        """Walk; returns the counts."""
        for path, status in self.everything():
            self.digest.update(fingerprint(path, status))
            self.entries += 1
            if self.names:
                self.names.write(path + b"\0")
            if not stat.S_ISREG(status.st_mode):
                continue
            self.files += 1
            self.bytes += status.st_size
            parts = text(path).split("/")
            where = "/" + "/".join(parts[: 2 if parts[0] in {"home", "var", "usr"} else 1])
            counted = self.sizes.setdefault(where, [0, 0])
            counted[0] += 1
            counted[1] += status.st_size
        return {
            "entries": self.entries,
            "files": self.files,
            "bytes": self.bytes,
            "special": self.special,
            "places": self.sizes,
            "left_out": self.left_out,
            "mounted": self.elsewhere,
            "digest": self.digest.hexdigest(),
        }

    def everything(self) -> Iterator[tuple[bytes, os.stat_result]]:
        """Every entry below /home, then people's files elsewhere; folders before their content."""
        yield HOME, os.lstat(place(HOME))
        for person in sorted(names_in(HOME)):
            if person == RESTORING:
                continue
            home = os.path.join(HOME, person)
            passing = {os.path.join(home, one) for one in PASSING}
            if os.path.lexists(place(os.path.join(home, CLUSTER_KEY_MARK))):
                passing |= {os.path.join(home, one) for one in CLUSTER_KEYS}
            yield from self.below(home, passing)
        since_ns = set_up_ns()
        for other in other_places(self.away):
            yield from self.of_people(other, since_ns)

    def below(
        self, path: bytes, passing: set[bytes], device: int | None = None
    ) -> Iterator[tuple[bytes, os.stat_result]]:
        """A path and everything below it, on one device if that is given."""
        waiting = [path]
        while waiting:
            path = waiting.pop()
            if place(path) in self.away:
                # Another machine's files, or a person's mount, which even root may not look at.
                self.elsewhere.append(text(path))
                continue
            try:
                status = os.lstat(place(path))
            except FileNotFoundError:
                continue
            if path in passing:
                if device is None:
                    self.left_out[text(path)] = size_below(path)
                continue
            if device not in (None, status.st_dev):
                continue
            if stat.S_IFMT(status.st_mode) not in KINDS:
                self.special += device is None
                continue
            yield path, status
            if stat.S_ISDIR(status.st_mode):
                inside = sorted(names_in(path), reverse=True)
                waiting += [os.path.join(path, name) for name in inside]

    def of_people(self, top: bytes, since_ns: int) -> Iterator[tuple[bytes, os.stat_result]]:
        """Files and links of people below a folder that is not theirs."""
        passing = {os.path.join(top, name) for name in names_in(top) if is_passing(top, name)}
        for path, status in self.below(top, passing, os.lstat(place(top)).st_dev):
            people = FIRST_PERSON <= status.st_uid != NO_PERSON or top == ROOTS_OWN
            if people and status.st_ctime_ns >= since_ns and not stat.S_ISDIR(status.st_mode):
                yield path, status


def names_in(path: bytes) -> list[bytes]:
    """What is in a folder; nothing where it has gone."""
    try:
        return os.listdir(place(path))
    except (FileNotFoundError, NotADirectoryError):
        return []


def is_passing(top: bytes, name: bytes) -> bool:
    """Whether something directly in a place other than /home belongs to programs."""
    if top in TEMPORARY:
        return name.startswith((b".", b"gotocloud", b"systemd-private-", b"snap-private-tmp"))
    return top == ROOTS_OWN and name.startswith((b".", b"snap"))


def mounted_from_elsewhere() -> set[bytes]:
    """Where file systems of other machines, or of programs (FUSE), are mounted."""
    with open(MOUNTS, "rb") as mounts:
        lines = [line.split(b" ") for line in mounts]
    return {
        # A blank in a path is written as its octal number.
        re.sub(rb"\\([0-7]{3})", lambda it: bytes([int(it[1], 8)]), line[1])
        for line in lines
        if line[2] in REMOTE or line[2].startswith(b"fuse")
    }


def other_places(away: set[bytes]) -> list[bytes]:
    """Folders of local disks, besides /home and those of the system."""
    top = [one for one in names_in(b"") if one not in SYSTEM]
    return sorted(
        one
        for one in (*top, *ALSO)
        if not {b"/" + one, place(one)} & away
        and os.path.isdir(place(one))
        and not os.path.islink(place(one))
    )


def set_up_ns() -> int:
    """When this machine was set up; 0 where that is not known."""
    try:
        return os.lstat(place(STATE + b"/" + SET_UP)).st_mtime_ns
    except FileNotFoundError:
        return 0


def size_below(path: bytes) -> int:
    """Bytes of the files below a path."""
    total = 0
    for folder, _, files in os.walk(place(path)):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size
    return total


def fingerprint(path: bytes, status: os.stat_result) -> bytes:
    """A line about an entry, which any change to it changes."""
    size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
    about: list[Any] = [text(path), status.st_mode, status.st_uid, status.st_gid, size]
    about += [status.st_mtime_ns, status.st_ctime_ns]
    if stat.S_ISLNK(status.st_mode):
        with contextlib.suppress(OSError):
            about.append(text(os.readlink(place(path))))
    return json.dumps(about).encode() + b"\n"

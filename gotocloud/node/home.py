#!/usr/bin/env -S python3 -I
"""Brings back what people had in /home of the project's last head node; runs as root.

usage: home.py install            put this program where systemd finds it
       home.py restore LUSTRE     bring the archive of an earlier head node back

The archive is written by `home_archive.py`, which a pause runs beside this program. Only /home is
restored. LUSTRE is where it is mounted. GOTOCLOUD_ROOT is a folder that stands for /. Only the
standard library of Python 3.10 is used.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from typing import Any

ROOT = os.fsencode(os.environ.get("GOTOCLOUD_ROOT") or "/")
PROGRAM = b"usr/local/sbin/gotocloud-home"
STATE = b"var/lib/gotocloud"
SET_UP = b"head-node-set-up"
"""Its time is when ParallelCluster was done with this machine: what is younger is people's."""
ARCHIVES = b"home-archives"
"""Ids of the archives whose content is in this /home: restored from, or made of it."""

FOLDER = b".gotocloud/home"
ARCHIVE = b"home.tar"
ABOUT = ".gotocloud-archive.json"
HOME = b"home"
RESTORING = b".gotocloud-restoring"
SHOWN, SHOWN_CHARACTERS = 5, 200
"""Examples, which must stay below the 24,000 characters that Run Command returns."""


def main(arguments: list[str]) -> None:
    """Do what the arguments state and print the result as one line of JSON."""
    verb = arguments[0]
    if verb == "install":
        install()
    elif verb == "restore":
        with alone():
            print(json.dumps(restore(os.fsencode(arguments[1]))))
    else:
        sys.exit(f"home: no verb {verb!r}")


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Wait for another run: an interrupted one may have left its program at work."""
    with open(place(b"run/gotocloud-home.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def place(path: bytes) -> bytes:
    """Where something of this machine is."""
    return os.path.join(ROOT, path)


def text(path: bytes) -> str:
    """A path as text from which the very bytes can be had back."""
    return path.decode("utf-8", "surrogateescape")


def install() -> None:
    """Put this program where systemd finds it, and note when the machine was set up."""
    for folder in (os.path.dirname(PROGRAM), STATE):
        os.makedirs(place(folder), exist_ok=True)
    draft = place(PROGRAM) + b".gotocloud"
    shutil.copyfile(os.path.abspath(__file__), draft)
    os.chmod(draft, 0o755)  # noqa: S103 - as programs are
    os.replace(draft, place(PROGRAM))
    with contextlib.suppress(FileExistsError):
        os.close(os.open(place(STATE + b"/" + SET_UP), os.O_CREAT | os.O_EXCL, 0o644))


def restore(lustre: bytes) -> dict[str, Any]:
    """Bring /home back from the archive of an earlier head node, once; never over newer files.

    Everything is unpacked beside, then each file is moved to its place in one step: one that was
    killed leaves no half file, and the next one begins again.
    """
    about = about_of(lustre)
    if about is None or about["id"] in archives():
        return {"restored": False}
    home = place(HOME)
    staging = os.path.join(home, RESTORING)
    shutil.rmtree(staging, ignore_errors=True)
    os.mkdir(staging, 0o700)
    command: list[str | bytes] = [
        "tar",
        "--extract",
        "--file",
        os.path.join(lustre, FOLDER, ARCHIVE),
        "--directory",
    ]
    command += [staging, "--numeric-owner", "--same-owner", "--same-permissions", "--acls"]
    command += ["--xattrs", "--", os.fsdecode(HOME)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        # What was unpacked may have filled the disk.
        shutil.rmtree(staging, ignore_errors=True)
        sys.exit(f"home: tar: {done.stderr.decode(errors='replace').strip()[-500:]}")
    counts: dict[str, Any] = {"restored": True, "placed": 0, "newer": 0, "shown": []}
    with opened(staging + b"/" + HOME) as source, opened(home) as target:
        settle(source, target, HOME, counts)
    shutil.rmtree(staging)
    remember(str(about["id"]))
    kept = [one for one in about.get("places", {}) if not one.startswith("/" + text(HOME))]
    return {**counts, "made_s": about["made_s"], "not_restored": kept}


def settle(source: int, target: int, path: bytes, counts: dict[str, Any]) -> None:
    """Move what is in one open folder into another, which keeps what is newer there."""
    for name in os.listdir(source):
        here = os.path.join(path, os.fsencode(name))
        ours = os.stat(name, dir_fd=source, follow_symlinks=False)
        theirs = None
        with contextlib.suppress(FileNotFoundError):
            theirs = os.stat(name, dir_fd=target, follow_symlinks=False)
        folder = stat.S_ISDIR(ours.st_mode)
        if theirs and (
            folder != stat.S_ISDIR(theirs.st_mode)
            or (not folder and theirs.st_mtime_ns > ours.st_mtime_ns)
        ):
            counts["newer"] += 1
            if len(counts["shown"]) < SHOWN:
                counts["shown"].append(text(here)[:SHOWN_CHARACTERS])
            continue
        if not folder:
            os.rename(name, name, src_dir_fd=source, dst_dir_fd=target)
            counts["placed"] += 1
            continue
        if theirs is None:
            os.mkdir(name, 0o700, dir_fd=target)
        with opened(name, source) as inner, opened(name, target) as place_of_it:
            settle(inner, place_of_it, here, counts)
            os.fchown(place_of_it, ours.st_uid, ours.st_gid)
            os.fchmod(place_of_it, stat.S_IMODE(ours.st_mode))
            os.utime(place_of_it, ns=(ours.st_atime_ns, ours.st_mtime_ns))


@contextlib.contextmanager
def opened(name: Any, above: int | None = None) -> Iterator[int]:
    """A folder, open; a link in its place is none."""
    handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
    try:
        yield handle
    finally:
        os.close(handle)


def about_of(lustre: bytes) -> dict[str, Any] | None:
    """The first member of the archive on Lustre; None where there is no archive."""
    path = os.path.join(lustre, FOLDER, ARCHIVE)
    try:
        with tarfile.open(os.fsdecode(path), "r:") as tar:
            first = tar.next()
            content = tar.extractfile(first) if first and first.name == ABOUT else None
            found: dict[str, Any] | None = json.load(content) if content else None
    except FileNotFoundError:
        return None
    except (tarfile.TarError, ValueError, OSError) as error:
        sys.exit(f"home: the archive of an earlier head node cannot be read: {error}")
    if found is None or not found.get("id"):
        sys.exit("home: the archive of an earlier head node does not begin with what it is")
    return found


def archives() -> list[str]:
    """Ids of the archives whose content is in this /home."""
    with contextlib.suppress(FileNotFoundError), open(place(STATE + b"/" + ARCHIVES)) as file:
        return file.read().split()
    return []


def remember(identifier: str) -> None:
    """Note that the content of an archive is in this /home."""
    os.makedirs(place(STATE), exist_ok=True)
    path = place(STATE + b"/" + ARCHIVES)
    with open(path + b".draft", "w") as file:
        file.write("\n".join([*archives(), identifier]) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + b".draft", path)


if __name__ == "__main__":
    main(sys.argv[1:])

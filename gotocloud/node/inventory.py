#!/usr/bin/env python3
"""Lists everything on a cluster's working file system; runs on the head node, as root.

usage: inventory.py list ROOT FOLDER CHECKSUM_BYTES    write the list into ROOT/FOLDER
       inventory.py look ROOT                          the same digest, writing nothing
       inventory.py sums ROOT LIST                     MD5 by parts of the files named in LIST

`list` writes gzipped JSON lines in the order in which S3 lists keys, so that both can be
compared as streams, and prints one JSON object about them, far below what Run Command returns.
Each line is [path, kind, size, mtime_ns, ctime_ns, mode, uid, gid, more]; a folder's path ends
in a slash, bytes that are not UTF-8 are escaped (surrogateescape), so any name survives.
Only the standard library of Python 3.10 is used: nothing has to be installed.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import fcntl
import gzip
import hashlib
import json
import os
import shutil
import stat
import struct
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

RESERVED = b".gotocloud"
UNPROVEN = (
    *(b".gotocloud/proofs/", b".gotocloud/reports/", b".gotocloud/keep-until.json"),
    *(b".gotocloud/last-cluster.json", b".gotocloud/guard-notice.json"),
)
"""Our own folder at the root, and what in it is no part of a list; all else there is."""

LIST = "inventory.jsonl.gz"
LOCK = "/run/gotocloud-inventory.lock"
if os.geteuid() != 0:
    LOCK = f"/tmp/gotocloud-inventory-{os.geteuid()}.lock"  # noqa: S108 - tests only; root's is in /run
SHOWN = 5
SHOWN_BYTES = 120
"""Examples of each kind of finding, and how much of each; counts are complete. However they are
escaped, the summary stays below the 24,000 characters that Run Command returns."""

BLOCK = 4 * 1024 * 1024

# Lustre's own interface: lustre_user.h, LL_IOC_HSM_STATE_GET = _IOR('f', 211, 32 bytes).
HSM_STATE_GET = 0x802066D3
HSM_STATE_BYTES = 32
HSM_RELEASED = 0x04

KINDS = {stat.S_IFREG: "f", stat.S_IFDIR: "d", stat.S_IFLNK: "l"}


class Findings:
    """What is counted and shown beside the list."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.shown: dict[str, list[str]] = {}

    def add(self, kind: str, path: bytes) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if len(self.shown.setdefault(kind, [])) < SHOWN:
            self.shown[kind].append(text(path[:SHOWN_BYTES]))


def text(path: bytes) -> str:
    """A path as text from which the very bytes can be had back."""
    return path.decode("utf-8", "surrogateescape")


def entries(
    root: bytes, findings: Findings
) -> Iterator[tuple[bytes, os.stat_result, bytes | None]]:
    """Every entry below the root in the order of S3's keys, as (path, stat, link target).

    Siblings sorted with a slash behind folders' names put whole paths in the order of their
    bytes, while no more than the names in one folder for each level are in memory.
    """
    waiting = [(b"", iter(siblings(root, b"", findings)))]
    while waiting:
        above, names = waiting[-1]
        name = next(names, None)
        if name is None:
            waiting.pop()
            continue
        path = above + name
        if path in UNPROVEN:
            continue
        full = os.path.join(root, path.rstrip(b"/"))
        try:
            status = os.lstat(full)
            target = os.readlink(full) if stat.S_ISLNK(status.st_mode) else None
        except FileNotFoundError:
            findings.add("vanished", path)
            continue
        except OSError as error:
            findings.add("unreadable", path + b": " + str(error.strerror).encode())
            continue
        if path != RESERVED + b"/":
            yield path, status, target
        if name.endswith(b"/"):
            waiting.append((path, iter(siblings(root, path, findings))))


def siblings(root: bytes, folder: bytes, findings: Findings) -> list[bytes]:
    """The names in a folder, in the order of the keys; those of folders end in a slash."""
    try:
        with os.scandir(os.path.join(root, folder)) as listed:
            found = [
                entry.name + (b"/" if entry.is_dir(follow_symlinks=False) else b"")
                for entry in listed
            ]
    except OSError as error:
        findings.add("unreadable", folder + b": " + str(error.strerror).encode())
        return []
    found.sort()
    return found


def extended(path: bytes) -> bool:
    """Whether people gave an entry attributes or access lists, which no object keeps."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        return False
    return any(name.startswith(("user.", "system.posix_acl")) for name in names)


def archive_state(path: bytes) -> int | None:
    """Lustre's own flags of a file; None where the file system is not Lustre."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        answer = fcntl.ioctl(handle, HSM_STATE_GET, bytes(HSM_STATE_BYTES))
        return int(struct.unpack_from("<I", answer)[0])
    except OSError:
        return None
    finally:
        os.close(handle)


def md5(path: bytes, part_bytes: int = 0) -> str:
    """MD5 of a file, or S3's ETag of a file that was uploaded in parts of that size."""
    whole, part, digests, filled = new_md5(), new_md5(), [], 0
    with open(path, "rb", opener=open_file) as data:
        while True:
            block = data.read(min(BLOCK, part_bytes - filled) if part_bytes else BLOCK)
            if not block:
                break
            if not part_bytes:
                whole.update(block)
                continue
            part.update(block)
            filled += len(block)
            if filled == part_bytes:
                digests.append(part.digest())
                part, filled = new_md5(), 0
    if not part_bytes:
        return whole.hexdigest()
    if filled or not digests:
        digests.append(part.digest())
    return f"{new_md5(b''.join(digests)).hexdigest()}-{len(digests)}"


def open_file(path: str, flags: int) -> int:
    """Open what is still a file: users may have put a link or a pipe in its place meanwhile."""
    handle = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise OSError(errno.EINVAL, "no longer a file", path)


def new_md5(data: bytes = b"") -> hashlib._Hash:
    """MD5 as S3 uses it: against accidents, not against attackers."""
    return hashlib.md5(data, usedforsecurity=False)


def walk(root: bytes, write: Callable[[bytes], Any], checksum_bytes: int) -> dict[str, Any]:
    """List the root; `write` takes each line. Returns the summary."""
    findings, digest = Findings(), hashlib.sha256()
    totals = {"f": 0, "d": 0, "l": 0, "bytes": 0, "hashed": 0, "hashed_bytes": 0}
    left, began_ns = checksum_bytes, time.time_ns()
    for path, status, target in entries(root, findings):
        kind = KINDS.get(stat.S_IFMT(status.st_mode))
        if kind is None:
            findings.add("special", path)
            continue
        if maybe_after(status.st_ctime_ns, began_ns):
            findings.add("just changed", path)
        size = status.st_size if kind == "f" else 0
        line: list[Any] = [text(path), kind, size, status.st_mtime_ns, status.st_ctime_ns]
        line += [stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid]
        more: dict[str, Any] = {} if target is None else {"link": text(target)}
        digest.update(json.dumps([*line, more]).encode() + b"\n")
        totals[kind] += 1
        totals["bytes"] += size
        if kind == "f" and status.st_nlink > 1:
            findings.add("hard links", path)
        full = os.path.join(root, path.rstrip(b"/"))
        if checksum_bytes >= 0 and extended(full):
            findings.add("extended", path)
        if kind == "f" and checksum_bytes >= 0:
            state = archive_state(full)
            if state is not None:
                more["hsm"] = state
            # A released file's content is in the bucket only: reading it would fetch it.
            if size <= left and not (state or 0) & HSM_RELEASED:
                try:
                    more["md5"] = md5(full)
                except OSError as error:
                    findings.add("unreadable", path + b": " + str(error.strerror).encode())
                left -= size
                totals["hashed"] += 1
                totals["hashed_bytes"] += size
        write(json.dumps([*line, more]).encode() + b"\n")
    for path in writers(root):
        findings.add("open for writing", path)
    return {
        "files": totals["f"],
        "folders": totals["d"],
        "links": totals["l"],
        "bytes": totals["bytes"],
        "hashed": totals["hashed"],
        "hashed_bytes": totals["hashed_bytes"],
        "digest": digest.hexdigest(),
        "counts": findings.counts,
        "shown": findings.shown,
    }


def maybe_after(time_ns: int, moment_ns: int) -> bool:
    """Whether a change with this time may be younger than a moment; Lustre keeps whole seconds.

    A second change within the same second shows no other time, so a later look at the times
    could not find it.
    """
    second_ns = 1_000_000_000
    if time_ns % second_ns == 0:
        moment_ns -= moment_ns % second_ns
    return time_ns >= moment_ns


def writers(root: bytes) -> Iterator[bytes]:
    """Files below the root that a process on this machine holds open for writing."""
    below = os.path.join(os.path.realpath(root), b"")
    for process in filter(str.isdigit, os.listdir("/proc")):
        if int(process) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            for handle in os.listdir(f"/proc/{process}/fd"):
                with contextlib.suppress(OSError, IndexError, ValueError):
                    path = os.readlink(f"/proc/{process}/fd/{handle}".encode())
                    if not path.startswith(below) or path.startswith(below + RESERVED):
                        continue
                    with open(f"/proc/{process}/fdinfo/{handle}") as handle_facts:
                        flags = next(line for line in handle_facts if line.startswith("flags:"))
                    if int(flags.split()[1], 8) & os.O_ACCMODE != os.O_RDONLY:
                        yield path[len(below) :] + f" (process {process})".encode()


def write_list(root: bytes, folder: str, checksum_bytes: int) -> dict[str, Any]:
    """Write the list into a folder of its own; returns the summary."""
    above, run = os.path.split(os.fsencode(folder))
    with own_folder(root, above) as proofs:
        remove_unproven(proofs)
        with own_folder(proofs, run) as place:
            return write_into(place, root, checksum_bytes)


def write_into(place: bytes, root: bytes, checksum_bytes: int) -> dict[str, Any]:
    """Write the list into an open folder."""
    draft, final = os.path.join(place, b"draft"), os.path.join(place, LIST.encode())
    with contextlib.suppress(FileNotFoundError):
        os.unlink(draft)
    with open(draft, "xb") as raw:
        with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed:
            summary = walk(root, packed.write, checksum_bytes)
        raw.flush()
        os.fsync(raw.fileno())
    os.replace(draft, final)
    packed_digest = hashlib.sha256()
    with open(final, "rb", opener=open_file) as data:
        while block := data.read(BLOCK):
            packed_digest.update(block)
        summary["packed_bytes"] = os.fstat(data.fileno()).st_size
    summary["packed_sha256"] = packed_digest.hexdigest()
    return summary


@contextlib.contextmanager
def own_folder(above: bytes, below: bytes) -> Iterator[bytes]:
    """Make a folder that only this user writes in; gives a path that stays that very folder.

    Everybody may write at the root, and this runs as root: a link there could lead it anywhere.
    """
    how = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    handle = os.open(above, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in below.split(b"/"):
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=handle)
            try:
                inner = os.open(name, how, dir_fd=handle)
            except OSError as error:
                at = os.path.join(above, below)
                sys.exit(f"inventory: {text(at)}: {text(name)} is no folder ({error.strerror})")
            os.close(handle)
            handle = inner
            os.fchown(handle, os.geteuid(), os.getegid())
            os.fchmod(handle, 0o755)
        yield f"/proc/self/fd/{handle}".encode()
    finally:
        os.close(handle)


def remove_unproven(proofs: bytes) -> None:
    """Remove what interrupted runs left; a finished one has its proof beside the list."""
    for name in os.listdir(proofs):
        place = os.path.join(proofs, name)
        folder = stat.S_ISDIR(os.lstat(place).st_mode)
        if folder and not os.path.lexists(os.path.join(place, b"proof.json")):
            shutil.rmtree(place, ignore_errors=True)


def sums(root: bytes, listed: list[tuple[str, int]]) -> dict[str, Any]:
    """MD5 by parts of [path, part size] pairs, in their order; None for what is unreadable."""
    found: list[str | None] = []
    for name, part_bytes in listed:
        try:
            found.append(
                md5(os.path.join(root, name.encode("utf-8", "surrogateescape")), part_bytes)
            )
        except OSError:
            found.append(None)
    return {"sums": found}


def main(arguments: list[str]) -> None:
    """Do what the arguments state and print the result as one line of JSON."""
    verb, root = arguments[0], os.fsencode(arguments[1])
    started_ns = time.time_ns()
    if not os.path.isdir(root):
        sys.exit(f"inventory: there is no folder {arguments[1]}")
    with open(LOCK, "w") as lock:
        # An interrupted run may have left one at work: then this one waits for it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if verb == "list":
            result = write_list(root, arguments[2], int(arguments[3]))
        elif verb == "look":
            result = walk(root, lambda line: None, -1)
        elif verb == "sums":
            result = sums(root, json.loads(gzip.decompress(base64.b64decode(arguments[2]))))
        else:
            sys.exit(f"inventory: no verb {verb!r}")
    result["started_ns"] = started_ns
    result["seconds"] = round((time.time_ns() - started_ns) / 1e9, 3)
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])

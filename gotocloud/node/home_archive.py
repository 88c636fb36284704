"""Archives what people wrote on the head node's own disks, which go with it; runs there, as root.

usage: home_archive.py archive LUSTRE LIMIT_BYTES EARLIER    write it onto Lustre, and verify it
       home_archive.py look LUSTRE                           digest of what it would hold now

An archive holds all of /home, with what `PASSING` names left out, and the files of people
elsewhere on local disks (/tmp, /opt, /scratch …). GNU tar writes it; Python's tarfile, which
shares no code with it, reads it back beside the live files. EARLIER is 1 where the bucket holds
an archive. Only the standard library of Python 3.10 is used, and the modules beside this one.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
import uuid
from collections.abc import Iterator
from typing import Any

from gotocloud.node.home import (
    ABOUT,
    ARCHIVE,
    FOLDER,
    ROOT,
    SHOWN,
    SHOWN_CHARACTERS,
    about_of,
    alone,
    archives,
    place,
    remember,
    restore,
    text,
)
from gotocloud.node.home_listing import Listing

GIB = 1024**3
BLOCK = 1024 * 1024
CODE_TOO_LARGE = 3


def main(arguments: list[str]) -> None:
    """Do what the arguments state and print the result as one line of JSON."""
    verb, lustre = arguments[0], os.fsencode(arguments[1])
    with alone():
        if verb == "archive":
            result = archive(lustre, int(arguments[2]), arguments[3] == "1")
        elif verb == "look":
            result = Listing(lustre).read()
        else:
            sys.exit(f"home: no verb {verb!r}")
    print(json.dumps(result))


def archive(lustre: bytes, limit: int, earlier: bool) -> dict[str, Any]:
    """Write the archive onto Lustre, and read it back beside the live files."""
    require_restored(lustre, earlier)
    with own_folder(lustre, FOLDER) as folder, tempfile.TemporaryDirectory() as scratch:
        draft = os.path.join(folder, b"draft")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft)
        names = os.path.join(os.fsencode(scratch), b"names")
        with open(names, "wb") as listed:
            found = Listing(lustre, listed).read()
        before = about_of(lustre)
        same = before and before["digest"] == found["digest"] and before["id"] in archives()
        if before and same and not verify(os.path.join(folder, ARCHIVE), names, before):
            # Nothing changed since the last attempt: the bucket needs no further version.
            return {**before, "differs": []}
        require_room(found, limit, folder)
        about = {"format": 1, "id": uuid.uuid4().hex, "made_s": int(time.time()), **found}
        with open(os.path.join(scratch, ABOUT), "w") as file:
            json.dump(about, file)
        write(draft, os.fsencode(scratch), names)
        with open(draft, "rb+") as written:
            os.fsync(written.fileno())
        differs = verify(draft, names, about)
        if Listing(lustre).read()["digest"] != found["digest"]:
            differs.append("something was written, renamed or removed while it was archived")
        if differs:
            os.unlink(draft)
        else:
            # First: this head node must never restore its own archive over itself.
            remember(str(about["id"]))
            os.replace(draft, os.path.join(folder, ARCHIVE))
            wait_for_next_second(os.path.join(folder, ARCHIVE))
    return {**about, "differs": [one[:SHOWN_CHARACTERS] for one in differs[:SHOWN]]}


def wait_for_next_second(path: bytes) -> None:
    """Lustre keeps whole seconds: until the next one, the export could be taken for older."""
    changed_ns = os.lstat(path).st_ctime_ns
    if changed_ns % 10**9 == 0:
        time.sleep(max(0.0, changed_ns / 1e9 + 1.01 - time.time()))


def require_restored(lustre: bytes, earlier: bool) -> None:
    """An archive of an earlier head node is brought back before another takes its place."""
    found = about_of(lustre)
    if found is not None:
        restore(lustre)
    elif earlier and not archives():
        sys.exit(
            "home: the bucket holds /home of an earlier head node, which Lustre does not show yet: "
            "another archive would take its place"
        )


def require_room(found: dict[str, Any], limit: int, folder: bytes) -> None:
    """Refuse what is too large for the archive, and name the largest places."""
    room = os.statvfs(folder)
    free = room.f_bavail * room.f_frsize
    need = found["bytes"] + 2048 * found["entries"]
    if need <= min(limit, free):
        return
    what = f"{limit / GIB:.1f} GiB are archived at most"
    if need > free:
        what = f"Lustre has {free / GIB:.1f} GiB free"
    print(f"home: {need / GIB:.1f} GiB on the head node's disks; {what}:", file=sys.stderr)
    largest = sorted(found["places"].items(), key=lambda one: -one[1][1])[:4]
    for where, (count, size) in largest:
        print(f"{where}: {size / GIB:.1f} GiB in {count} files", file=sys.stderr)
    sys.exit(CODE_TOO_LARGE)


def write(draft: bytes, scratch: bytes, names: bytes) -> None:
    """Let GNU tar write the archive; it ends with 1 where files changed meanwhile."""
    command: list[str | bytes] = ["tar", "--create", "--file", draft, "--format=posix", "--sparse"]
    command += ["--pax-option=delete=atime,delete=ctime", "--numeric-owner", "--acls", "--xattrs"]
    command += ["--directory", scratch, ABOUT, "--directory", ROOT]
    command += ["--no-recursion", "--null", "--no-unquote", "--files-from", names]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode > 1:
        sys.exit(f"home: tar: {done.stderr.decode(errors='replace').strip()[-500:]}")


def verify(draft: bytes, names: bytes, about: dict[str, Any]) -> list[str]:
    """How the archive and the live files differ: everything in it beside what is there now."""
    try:
        return compared(draft, names, about)
    except tarfile.TarError as error:
        return [f"the archive cannot be read: {error}"]


def compared(draft: bytes, names: bytes, about: dict[str, Any]) -> list[str]:
    """As `verify`; raises TarError where the archive is damaged."""
    differs: list[str] = []
    with (
        tarfile.open(os.fsdecode(draft), "r:", encoding="utf-8", errors="surrogateescape") as tar,
        open(names, "rb") as listed,
    ):
        first = tar.next()
        if first is None or first.name != ABOUT:
            return ["the archive does not begin with what it is"]
        count = 0
        for path in zero_ended(listed):
            member = tar.next()
            # The module keeps every member; of a million that is too many.
            tar.__dict__["members"] = []
            if member is None:
                return [*differs, f"{text(path)}: not in the archive"]
            count += 1
            if problem := difference(tar, member, path):
                differs.append(f"{text(path)}: {problem}")
        if tar.next() is not None or count != about["entries"]:
            differs.append("the archive holds something else as well")
    return differs


def zero_ended(listed: Any) -> Iterator[bytes]:
    """Names that end in a zero byte, of a file."""
    rest = b""
    while block := listed.read(BLOCK):
        *whole, rest = (rest + block).split(b"\0")
        yield from whole


def difference(tar: tarfile.TarFile, member: tarfile.TarInfo, path: bytes) -> str:
    """How a member and the live file differ; empty if they do not."""
    try:
        status = os.lstat(place(path))
        if os.fsencode(member.name) != path:
            return f"the archive has {member.name!r} in its place"
        if member.islnk():
            other = os.lstat(place(os.fsencode(member.linkname)))
            same = (other.st_ino, other.st_dev) == (status.st_ino, status.st_dev)
            return "" if same else "another hard link"
        kinds = (member.isreg(), member.isdir(), member.issym())
        is_now = (stat.S_ISREG, stat.S_ISDIR, stat.S_ISLNK)
        if kinds != tuple(is_kind(status.st_mode) for is_kind in is_now):
            return "something else"
        if (member.uid, member.gid) != (status.st_uid, status.st_gid):
            return "another owner"
        if time_ns(member) != status.st_mtime_ns:
            return "another time"
        if member.issym():
            same = os.fsencode(member.linkname) == os.readlink(place(path))
            return "" if same else "another target"
        if member.mode & 0o7777 != stat.S_IMODE(status.st_mode):
            return "other permissions"
        if member.isreg() and not same_content(tar, member, path):
            return "another content"
    except OSError as error:
        return str(error.strerror)
    return ""


def time_ns(member: tarfile.TarInfo) -> int:
    """Its time; as a number of the module it would have lost the nanoseconds."""
    whole, _, part = member.pax_headers.get("mtime", str(int(member.mtime))).partition(".")
    fraction = int(f"{part:0<9}"[:9]) if part else 0
    return int(whole) * 10**9 + (-fraction if whole.startswith("-") else fraction)


def same_content(tar: tarfile.TarFile, member: tarfile.TarInfo, path: bytes) -> bool:
    """Whether each byte is the same."""
    kept = tar.extractfile(member)
    handle = os.open(place(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(handle, "rb") as live:
        while True:
            block = live.read(BLOCK)
            if block != (kept.read(BLOCK) if kept else b""):
                return False
            if not block:
                return True


@contextlib.contextmanager
def own_folder(above: bytes, below: bytes) -> Iterator[bytes]:
    """Make a folder that only this user reads; gives a path that stays that very folder.

    Everybody may write at the root of Lustre: a link there could lead root anywhere.
    """
    handle = os.open(above, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in below.split(b"/"):
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=handle)
            try:
                inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
            except OSError as error:
                sys.exit(f"home: {text(name)} on Lustre is no folder ({error.strerror})")
            os.close(handle)
            handle = inner
            os.fchown(handle, os.geteuid(), os.getegid())
        os.fchmod(handle, 0o700)
        yield f"/proc/{os.getpid()}/fd/{handle}".encode()
    finally:
        os.close(handle)


if __name__ == "__main__":
    main(sys.argv[1:])

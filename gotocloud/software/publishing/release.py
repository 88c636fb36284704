"""Puts a release of the command line, its settings and the module files on a file system.

A release lies beside the older ones and is never changed: running jobs keep what they began
with. One link names the one in force; it is switched last, in one step. Whatever interrupts
this leaves the old release in force, and running it again finishes it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shlex
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gotocloud.errors import GoToCloudError, InputError
from gotocloud.software.catalogue import Catalogue
from gotocloud.software.in_force import CATALOGUE_VARIABLE
from gotocloud.software.inspection import damage
from gotocloud.software.layout import (
    BIN,
    CATALOGUE,
    COMMAND,
    CURRENT,
    FILE,
    FOLDER,
    LINKS,
    MODULES,
    RELEASES,
    SETTINGS,
    SUMS,
    TEMPLATE,
    Layout,
)
from gotocloud.software.load import dump_catalogue
from gotocloud.software.modules import CPUINFO, module_files


@dataclass(frozen=True)
class Content:
    """What a release holds.

    Args:
        version: GoToCloud's version.
        files: Contents by path in the release.
    """

    version: str
    files: Mapping[str, bytes]

    @property
    def sums(self) -> bytes:
        """SHA-256 of every file, as `sha256sum --check` reads it."""
        lines = [
            f"{hashlib.sha256(content).hexdigest()}  {path}"
            for path, content in sorted(self.files.items())
        ]
        return ("\n".join(lines) + "\n").encode()

    @property
    def name(self) -> str:
        """Folder of the release: the version, and the checksum of its content."""
        return f"{self.version}-{hashlib.sha256(self.sums).hexdigest()[:12]}"


@dataclass(frozen=True)
class Installed:
    """What was done.

    Args:
        folder: The release.
        written: Whether it was not there before.
        before: The release that was in force; None at the first time.
        in_force: The release in force now; None if there is none yet.
    """

    folder: Path
    written: bool
    before: str | None
    in_force: str | None


def content(version: str, one_file: bytes, template: bytes, catalogue: Catalogue) -> Content:
    """Put a release together."""
    files = {
        FILE: one_file,
        TEMPLATE: template,
        CATALOGUE: dump_catalogue(catalogue).encode(),
        SETTINGS: settings(catalogue).encode(),
    }
    files |= {f"{MODULES}/{path}": text.encode() for path, text in module_files(catalogue).items()}
    return Content(version, files)


def settings(catalogue: Catalogue) -> str:
    """What a login shell reads: the command, its catalogue, RELION's template, the modules."""
    top = f"{catalogue.root}/{FOLDER}"
    bin_, modules = shlex.quote(f"{top}/{BIN}"), shlex.quote(f"{top}/{MODULES}")
    return f"""\
# shellcheck shell=sh
# Read by login shells. Written by gotocloud; changes are lost.
case ":$PATH:" in
*:{bin_}:*) ;;
*) export PATH="$PATH":{bin_} ;;
esac
export {CATALOGUE_VARIABLE}={shlex.quote(f"{top}/{CATALOGUE}")}
if [ -z "${{RELION_QSUB_TEMPLATE:-}}" ]; then
    export RELION_QSUB_TEMPLATE={shlex.quote(f"{top}/{TEMPLATE}")}
fi
# Before the modules of the system are set up, a module path of our own would hide theirs.
if ! command -v module >/dev/null 2>&1 && [ -r /etc/profile.d/modules.sh ]; then
    # shellcheck source=/dev/null
    . /etc/profile.d/modules.sh
fi
if command -v module >/dev/null 2>&1; then
    module use {modules}
fi
"""


def install(layout: Layout, release: Content, *, switch: bool = True) -> Installed:
    """Write a release and put it in force.

    Args:
        switch: Whether it comes into force. Without, it only lies there, for a file system
            that is copied elsewhere before it is used.

    Raises:
        InputError: if the file system is not there or something else is in the way.
        GoToCloudError: if it cannot be written, or what is there under its name is damaged.
    """
    if not layout.root.is_dir():
        raise InputError(f"{layout.root} is not there: is the shared file system mounted?")
    _require_free(layout)
    folder = layout.releases / release.name
    before = in_force(layout)
    try:
        layout.releases.mkdir(parents=True, exist_ok=True)
        for made in (layout.top, layout.releases):
            made.chmod(0o755)
        with _alone(layout):
            written = not folder.exists()
            if written:
                _write(folder, release)
            elif faults := damage(folder):
                raise GoToCloudError(
                    f"{folder} is not as it was published.",
                    problems=faults,
                    next_command=f"rm -r {shlex.quote(str(folder))} && gotocloud software publish",
                )
            if switch:
                for name in LINKS:
                    _link(layout.top / name, f"{CURRENT}/{name}")
                _link(layout.current, f"{RELEASES}/{release.name}")
    except OSError as error:
        raise GoToCloudError(
            f"{error.filename or layout.top} cannot be written: {error.strerror}."
        ) from error
    return Installed(folder, written, before, in_force(layout))


def write_tree(directory: Path, catalogue: Catalogue, *, cpuinfo: str = CPUINFO) -> list[Path]:
    """Write the module files of a catalogue below a folder, for `module use`.

    Returns:
        What was written.

    Raises:
        OSError: if the folder cannot be written.
    """
    written = []
    for name, text in module_files(catalogue, cpuinfo=cpuinfo).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def lay_out_system(layout: Layout, catalogue: Catalogue) -> dict[str, str]:
    """Write modules and catalogue of programs that a machine has itself, without a release.

    For rehearsals, whose command line is the one that runs them.

    Returns:
        Environment variables by which commands find the catalogue.

    Raises:
        OSError: if they cannot be written.
    """
    write_tree(layout.modules, catalogue)
    path = layout.top / CATALOGUE
    path.write_text(dump_catalogue(catalogue), encoding="utf-8")
    return {CATALOGUE_VARIABLE: str(path)}


def in_force(layout: Layout) -> str | None:
    """Name of the release that the link leads to; None without one."""
    try:
        return layout.current.readlink().name
    except OSError:
        return None


def _require_free(layout: Layout) -> None:
    taken = [
        f"{path} is there, and is no link of gotocloud's"
        for path in (layout.current, *(layout.top / name for name in LINKS))
        if path.exists() and not path.is_symlink()
    ]
    if taken:
        raise InputError("Something else is in the way; move it first.", problems=taken)


def _write(folder: Path, release: Content) -> None:
    """Write beside, with modes that let everybody read whatever the umask, then rename."""
    part = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    try:
        for path, data in (*release.files.items(), (SUMS, release.sums)):
            target = part / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            target.chmod(0o755 if path in (FILE, TEMPLATE) else 0o644)
        (part / COMMAND).parent.mkdir()
        (part / COMMAND).symlink_to(f"../{FILE}")
        for made in (part, *(each for each in part.rglob("*") if each.is_dir())):
            made.chmod(0o755)
        part.rename(folder)
    except BaseException as error:
        shutil.rmtree(part, ignore_errors=True)
        if isinstance(error, OSError) and error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            # Another run published the same just now.
            return
        raise


def _link(path: Path, target: str) -> None:
    if path.is_symlink() and path.readlink() == Path(target):
        return
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(path)


@contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    """Wait until no other publication runs, and remove what a killed one left.

    EFS keeps locks for all its clients, and releases those of a client that is gone (Amazon
    EFS User Guide, "NFS client locking", read 2026-11-30).
    """
    with (layout.releases / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in layout.releases.glob(".*"):
            if stat.S_ISDIR(left.lstat().st_mode):
                shutil.rmtree(left, ignore_errors=True)
        yield

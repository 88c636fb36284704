"""The `__main__` of the one-file command line: unpacks it once on this machine, then runs it.

Native modules cannot be imported out of a ZIP file, and reading thousands of small files from a
shared file system is slow, the more so when forty nodes start at once. So each machine reads the
one file in one go and unpacks it on its own disk, for each user; later starts only look whether
it is there. Uses nothing but the standard library, and as little of that as possible.
"""

from __future__ import annotations

import importlib
import os
import stat
import sys
import time

BUILD = "@BUILD@"
PYTHON = "@PYTHON@"

CACHE_VARIABLE = "GOTOCLOUD_CACHE"
SITE = "site.zip"
IDENTITY = "BUILD"
COMPLETE = ".complete"
KEEP_S = 7 * 86400
"""Age at which the files are touched: systemd-tmpfiles empties /var/tmp of files 30 days old."""


def start() -> None:
    """Run the command line out of this file."""
    archive = os.path.abspath(sys.argv[0])
    running = ".".join(str(each) for each in sys.version_info[:2])
    if running != PYTHON:
        sys.exit(
            f"Error: {archive} is made for Python {PYTHON}, not {running}.\n"
            f"Next: /usr/bin/python{PYTHON} -I {archive}"
        )
    try:
        folder = unpacked(archive, BUILD)
    except OSError as error:
        sys.exit(
            f"Error: {archive} cannot be unpacked: {error}.\n"
            f"Set {CACHE_VARIABLE} to a folder on this machine with 500 MB to spare."
        )
    sys.path[:] = [folder, *(each for each in sys.path if os.path.abspath(each) != archive)]
    # The package inside this file, which is there only now.
    importlib.import_module("gotocloud.cli.main").main()


def unpacked(archive: str, build: str) -> str:
    """The folder with the modules of a build; unpacks them if they are not there.

    Raises:
        OSError: if they cannot be written, or another user could have written them.
    """
    base = os.environ.get(CACHE_VARIABLE) or f"/var/tmp/gotocloud-{os.geteuid()}"  # noqa: S108
    _require_own(base)
    folder = os.path.join(base, build)
    try:
        age_s = time.time() - os.stat(os.path.join(folder, COMPLETE)).st_mtime
    except FileNotFoundError:
        _unpack(archive, build, base, folder)
    else:
        if age_s > KEEP_S:
            _touch(folder)
    return folder


def _require_own(base: str) -> None:
    """Make a folder, or make sure that no other user may write in it: code is run from there."""
    try:
        os.makedirs(base, mode=0o700)
    except FileExistsError:
        found = os.lstat(base)
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(f"{base} is not a folder") from None
        if found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise PermissionError(f"{base} is not yours alone") from None


def _unpack(archive: str, build: str, base: str, folder: str) -> None:
    import fcntl
    import shutil
    import zipfile

    part = folder + ".part"
    with open(folder + ".lock", "w") as lock:
        # One process unpacks, the others wait; the lock ends with its process, however it ends.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(os.path.join(folder, COMPLETE)):
            return
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        with zipfile.ZipFile(archive) as outer:
            if outer.read(IDENTITY).decode() != build:
                # Another release was put in force since this process began: run that one.
                os.execv(  # noqa: S606 (this program again)
                    sys.executable, [sys.executable, "-I", archive, *sys.argv[1:]]
                )
            try:
                with outer.open(SITE) as site, zipfile.ZipFile(site) as inner:
                    inner.extractall(part)
                with open(os.path.join(part, COMPLETE), "w"):
                    pass
                os.rename(part, folder)
            except BaseException:
                shutil.rmtree(part, ignore_errors=True)
                raise


def _touch(folder: str) -> None:
    for place, _folders, names in os.walk(folder):
        for name in names:
            if name != COMPLETE:
                _touch_one(os.path.join(place, name))
    # Last: it stands for all the others.
    _touch_one(os.path.join(folder, COMPLETE))


def _touch_one(path: str) -> None:
    try:
        os.utime(path)
    except OSError:
        return


if __name__ == "__main__":
    start()

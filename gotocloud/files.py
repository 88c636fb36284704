"""Files that are there whole or as they were, and folders that no killed run leaves for ever."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gotocloud.errors import InputError, shell_line

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[Path]:
    """A draft to write instead of a file; it takes the file's place when all went well.

    The draft has the file's ending and the mode that a new file gets. After an error or an
    interruption nothing is left of it, and the file is as it was.

    Args:
        private: Whether only its owner may read the file (mode 600). Default: by the umask.

    Raises:
        OSError: if the folder cannot be written, or the disk is full.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".gotocloud-", suffix=path.suffix)
    os.close(handle)
    draft = Path(name)
    try:
        if not private:
            umask = os.umask(0)
            os.umask(umask)
            draft.chmod(0o666 & ~umask)
        yield draft
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """An empty temporary folder; what killed runs with the same purpose left is removed first.

    Args:
        purpose: Part of its name, for example "publish".

    Raises:
        OSError: if it cannot be made.
    """
    base = Path(tempfile.gettempdir())
    for left in base.glob(f"gotocloud.{purpose}.*"):
        _remove_abandoned(left)
    with (
        tempfile.TemporaryDirectory(prefix=f"gotocloud.{purpose}.", dir=base) as name,
        (Path(name) / _LOCK).open("w") as lock,
    ):
        # The kernel releases the lock when this process ends, however it ends.
        fcntl.flock(lock, fcntl.LOCK_EX)
        inner = Path(name) / "work"
        inner.mkdir()
        yield inner


_LOCK = "in-use"


def _remove_abandoned(folder: Path) -> None:
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        return
    try:
        with (folder / _LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        # In use, or not complete yet.
        return


def cache_folder() -> Path:
    """Where this user's programs keep what they can find out again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "gotocloud"


def write_whole(path: Path, text: str) -> None:
    """Write a text file in one step.

    Raises:
        OSError: if the folder cannot be written, or the disk is full.
    """
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


def write_file(path: Path, text: str, *, private: bool = False) -> None:
    """Write a text file in one step; it is there whole, or as it was.

    Args:
        private: Whether only its owner may read the file (mode 600). Default: by the umask.

    Raises:
        InputError: if it cannot be written.
    """
    try:
        with replacing(path, private=private) as draft:
            draft.write_text(text, encoding="utf-8")
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> InputError:
    """The error for a file or folder that cannot be written, with what to look at next."""
    folder = path.absolute().parent
    if error.errno in _FULL:
        following = shell_line("df", "-h", folder)
    elif not folder.exists():
        following = shell_line("mkdir", "-p", folder)
    else:
        following = shell_line("ls", "-ld", folder, path)
    return InputError(
        f"{str(path)!r} cannot be written: {error.strerror or error}.", next_command=following
    )

"""Reads a folder: every file, folder and symbolic link, and what has to be left out."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from gotocloud.transfer.exclusion import Exclusion

TEMPORARY = ".gotocloud-download"
"""Ending of a file that a download is still writing; an upload leaves it here."""


class TreeKind(StrEnum):
    """What lies under a name."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One name in a folder, as it was when it was looked at.

    Args:
        path: Relative to the folder, separated by "/"; empty for the folder itself.
        size: Bytes of a file, or of the UTF-8 text of a link's target; 0 for a folder.
        mode: `st_mode`: kind and permissions.
        changed_ns: `st_ctime_ns`, which no program can set back.
        target: Where a link points.
        inode: Number of the file in its file system.
    """

    path: str
    kind: TreeKind
    size: int
    mtime_ns: int
    atime_ns: int
    mode: int
    changed_ns: int = 0
    target: str = ""
    inode: int = 0

    def same_state(self, other: TreeEntry) -> bool:
        """Whether nothing has touched the content between two looks."""
        return self._state() == other._state()

    def _state(self) -> tuple[object, ...]:
        if self.kind is TreeKind.FOLDER:
            return (self.kind,)
        return (self.kind, self.size, self.mtime_ns, self.changed_ns, self.target)


@dataclass(frozen=True, order=True, slots=True)
class TransferProblem:
    """Something that could not be moved, or not as it should.

    Args:
        path: Relative path, or "" for the whole.
        text: What is wrong, and what to do about it.
    """

    path: str
    text: str

    def __str__(self) -> str:
        return f"{shown(self.path)}: {self.text}" if self.path else self.text


@dataclass
class Tree:
    """What a folder holds, sorted by path, and what could not be read.

    Args:
        left_out: What cannot be transferred as long as the folder is as it is.
        problems: What could not be read this time.
        excluded: Names that `--exclude` matched; a folder counts once.
    """

    entries: dict[str, TreeEntry] = field(default_factory=dict)
    left_out: list[TransferProblem] = field(default_factory=list)
    problems: list[TransferProblem] = field(default_factory=list)
    excluded: int = 0

    @property
    def size(self) -> int:
        """Bytes of all files and links."""
        return sum(entry.size for entry in self.entries.values())


def shown(path: str) -> str:
    """A path on one line, whatever its name holds."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in path)


def walk(root: Path, exclude: Exclusion | None = None) -> Tree:
    """Everything below a folder that is not excluded. Links are never followed."""
    tree = Tree()
    top = entry_of(root, "")
    if top is not None:
        tree.entries[""] = top
    folders = [""]
    while folders:
        folders.extend(_walk_one(root, folders.pop(), tree, exclude or Exclusion()))
    tree.entries = dict(sorted(tree.entries.items()))
    return tree


def _walk_one(root: Path, folder: str, tree: Tree, exclude: Exclusion) -> Iterator[str]:
    """Take in one folder; gives the folders in it."""
    try:
        with os.scandir(root / folder) as found:
            names = [(item.name, item.is_dir(follow_symlinks=False)) for item in found]
    except OSError as error:
        _note_unreadable(tree, folder or ".", "cannot be listed", error)
        return
    for name, is_folder in names:
        path = f"{folder}/{name}" if folder else name
        if exclude and exclude.matches(path, folder=is_folder):
            tree.excluded += 1
            continue
        if name.startswith(".") and name.endswith(TEMPORARY):
            continue
        if trouble := name_trouble(path):
            tree.left_out.append(TransferProblem(path, trouble))
            continue
        try:
            entry = entry_of(root / path, path)
        except OSError as error:
            _note_unreadable(tree, path, "cannot be looked at", error)
            continue
        if entry is None:
            tree.left_out.append(TransferProblem(path, "is neither a file nor a folder nor a link"))
            continue
        tree.entries[path] = entry
        if entry.kind is TreeKind.FOLDER:
            yield path
        elif entry.kind is TreeKind.LINK and (trouble := link_trouble(path, entry.target)):
            tree.left_out.append(TransferProblem(path, trouble))


def _note_unreadable(tree: Tree, path: str, what: str, error: OSError) -> None:
    """Missing permissions stay as they are; everything else may have passed at the next run."""
    found = tree.left_out if isinstance(error, PermissionError) else tree.problems
    found.append(TransferProblem(path, f"{what} ({error.strerror})"))


def entry_of(place: Path, path: str) -> TreeEntry | None:
    """How a name stands now; None if it is something that cannot be stored.

    Raises:
        OSError: if it cannot be looked at.
    """
    return described(os.lstat(place), path, place)


def described(found: os.stat_result, path: str, place: Path | None = None) -> TreeEntry | None:
    """An entry from the result of `stat`; a link's target is read from `place`."""
    target = ""
    if stat.S_ISREG(found.st_mode):
        kind, size = TreeKind.FILE, found.st_size
    elif stat.S_ISDIR(found.st_mode):
        kind, size = TreeKind.FOLDER, 0
    elif stat.S_ISLNK(found.st_mode) and place is not None:
        target = os.readlink(place)  # noqa: PTH115  # pathlib would tidy the text
        kind, size = TreeKind.LINK, len(target.encode("utf-8", "surrogateescape"))
    else:
        return None
    return TreeEntry(
        path=path,
        kind=kind,
        size=size,
        mtime_ns=found.st_mtime_ns,
        atime_ns=found.st_atime_ns,
        mode=found.st_mode,
        changed_ns=found.st_ctime_ns,
        target=target,
        inode=found.st_ino,
    )


def name_trouble(path: str) -> str | None:
    """Why S3 cannot hold a name, or None when it can."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return "the name is not UTF-8; S3 takes nothing else. Rename it"
    return None


def link_trouble(path: str, target: str) -> str | None:
    """Why a link will point nowhere on the cluster, or None when it will not."""
    if posixpath.isabs(target):
        return (
            f"is a link to {shown(target)}, which the cluster does not have; "
            "the link is stored, what it points to is not. Upload that too"
        )
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    if joined == ".." or joined.startswith("../"):
        return (
            f"is a link to {shown(target)}, outside of the folder; "
            "the link is stored, what it points to is not. Upload that too"
        )
    return None

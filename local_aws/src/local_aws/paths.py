"""Paths of other file systems, below the folders that stand for them."""

from __future__ import annotations

from pathlib import Path


def beneath(root: Path, path: str, *, link: bool = False) -> Path:
    """Where a path lies below a folder; never outside of it.

    Programs of a node may put symbolic links into its file systems. They mean something there;
    for this process they would lead into this machine's own files.

    Args:
        root: The folder that stands for a file system.
        path: A path in that file system.
        link: Whether the path itself, not only something above it, may be a symbolic link.

    Raises:
        ValueError: if it has a part `.` or `..`, or leads through a symbolic link.
    """
    parts = [part for part in path.split("/") if part]
    place = root
    for number, part in enumerate(parts, start=1):
        if part in (".", "..") or "\0" in part:
            raise ValueError(f"The path {path!r} leads out of the file system.")
        place /= part
        if place.is_symlink() and not (link and number == len(parts)):
            raise ValueError(f"The path {path!r} leads through a symbolic link.")
    return place

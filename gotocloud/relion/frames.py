"""How many frames a movie has, from its header alone."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from gotocloud.relion.star import StarError, read_star

MOST_FRAMES = 20_000
"""Where counting ends: more pages than any detector writes mean a broken file."""

_MRC = (".mrc", ".mrcs")
_TIFF = (".tif", ".tiff", ".eer")


def frames_of(movie: Path) -> int | None:
    """Frames of an MRC, TIFF or EER movie; None if unknown.

    Source: the MRC2014 format (sections of the map) and the TIFF 6.0 and BigTIFF formats
    (one directory a frame), of which EER is a kind.
    """
    try:
        with movie.open("rb") as file:
            if movie.suffix.lower() in _MRC:
                return _sections(file)
            if movie.suffix.lower() in _TIFF:
                return _directories(file)
    except (OSError, ValueError, struct.error, OverflowError):
        return None
    return None


def first_movie(star: Path, project: Path) -> Path | None:
    """The first movie of a STAR file of movies; None if there is none."""
    try:
        tables = read_star(star).tables.values()
    except StarError:
        return None
    for table in tables:
        if names := table.columns.get("_rlnMicrographMovieName"):
            return project / names[0]
    return None


def _sections(file: BinaryIO) -> int | None:
    (sections,) = struct.unpack("<8xi", file.read(12))
    return sections if 0 < sections <= MOST_FRAMES else None


def _directories(file: BinaryIO) -> int | None:
    order = {b"II": "<", b"MM": ">"}.get(file.read(2))
    if order is None:
        return None
    (magic,) = struct.unpack(order + "H", file.read(2))
    if magic == 42:
        return _walk(file, order, first_at=4, count="H", entry_bytes=12, offset="I")
    if magic == 43:
        return _walk(file, order, first_at=8, count="Q", entry_bytes=20, offset="Q")
    return None


def _walk(
    file: BinaryIO, order: str, *, first_at: int, count: str, entry_bytes: int, offset: str
) -> int | None:
    def number(kind: str) -> int:
        value: int
        (value,) = struct.unpack(order + kind, file.read(struct.calcsize(order + kind)))
        return value

    file.seek(first_at)
    place = number(offset)
    pages = 0
    while place and pages <= MOST_FRAMES:
        file.seek(place)
        entries = number(count)
        file.seek(entries * entry_bytes, 1)
        place = number(offset)
        pages += 1
    return pages if 0 < pages <= MOST_FRAMES else None

"""How large a movie is and how many frames it has, from its header alone."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import BinaryIO

from gotocloud.formats import whole_number
from gotocloud.relion.star import StarError, read_star

MOST_FRAMES = 20_000
"""Where counting ends: more pages than any detector writes mean a broken file."""

_MRC = (".mrc", ".mrcs")
_TIFF = (".tif", ".tiff", ".eer")


def frames_of(movie: Path, *, mrc: bool = False) -> int | None:
    """Frames of an MRC, TIFF or EER movie; None if unknown.

    Args:
        movie: The file.
        mrc: Whether it is an MRC file, whatever its name.

    Source: the MRC2014 format (sections of the map) and the TIFF 6.0 and BigTIFF formats
    (one directory a frame), of which EER is a kind.
    """
    try:
        with movie.open("rb") as file:
            if mrc or movie.suffix.lower() in _MRC:
                return _sections(file)
            if movie.suffix.lower() in _TIFF:
                return _directories(file)
    except (OSError, ValueError, struct.error, OverflowError):
        return None
    return None


@dataclass(frozen=True)
class Movie:
    """The size of a movie.

    Args:
        width_px: Pixels of a line.
        height_px: Lines.
        frames: Frames.
    """

    width_px: int
    height_px: int
    frames: int

    @property
    def pixels(self) -> int:
        """Pixels of all frames."""
        return self.width_px * self.height_px * self.frames


def movie_of(movie: Path, *, mrc: bool = False) -> Movie | None:
    """The size of an MRC, TIFF or EER movie; None if it cannot be read.

    Args:
        movie: The file.
        mrc: Whether it is an MRC file, whatever its name.
    """
    mrc = mrc or movie.suffix.lower() in _MRC
    frames = frames_of(movie, mrc=mrc)
    try:
        with movie.open("rb") as file:
            size = struct.unpack("<2i", file.read(8)) if mrc else _tiff_size(file)
    except (OSError, ValueError, struct.error, OverflowError, KeyError):
        return None
    if frames is None or min(size) < 1:
        return None
    return Movie(size[0], size[1], frames)


def corrected_movie(star: Path, project: Path) -> Movie | None:
    """The size of the first movie behind a STAR file of corrected micrographs.

    RELION's motion correction writes it into a STAR file beside each micrograph
    (3dem/relion 5.0.1, src/micrograph_model.cpp).
    """
    try:
        names = [
            name
            for table in read_star(star).tables.values()
            for name in table.columns.get("_rlnMicrographMetadata", ())[:1]
        ]
        general = read_star(project / names[0]).table("general") if names else None
        sizes = [general.value(f"_rlnImageSize{axis}") if general else None for axis in "XYZ"]
        width, height, frames = (whole_number(one or "") or 0 for one in sizes)
    except (StarError, ValueError):
        return None
    return Movie(width, height, frames) if min(width, height, frames) > 0 else None


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


def first_micrograph(star: Path, project: Path) -> Movie | None:
    """The size of the first micrograph of a STAR file; None if it cannot be read."""
    try:
        tables = read_star(star).tables.values()
    except StarError:
        return None
    names = [one for table in tables for one in table.columns.get("_rlnMicrographName", ())[:1]]
    return movie_of(project / names[0]) if names else None


def pixel_size_in(star: Path, label: str) -> float | None:
    """The largest pixel size of a STAR file, in Angstrom; None if there is none.

    Args:
        star: The file.
        label: Whose pixel size.
    """
    try:
        tables = read_star(star).tables.values()
        found = [float(one) for table in tables for one in table.columns.get(label, ())]
    except (StarError, ValueError):
        return None
    return max((one for one in found if isfinite(one) and one > 0), default=None)


def first_tilt_series(star: Path, project: Path) -> Movie | None:
    """Width, height and tilts of the first tilt series of a set; None if they cannot be read.

    A tilt series is one stack (rlnTomoTiltSeriesName), or one file for each tilt in a table of
    its own (3dem/relion 5.0.1, src/jaz/tomography/tomogram_set.cpp:192 and 226).
    """
    try:
        series = read_star(star).table("global")
        if stacks := series.columns.get("_rlnTomoTiltSeriesName"):
            # Up to IMOD 4 a stack's name ends with ".st", and ":mrc" states its format.
            return movie_of(project / stacks[0].partition(":")[0], mrc=True)
        (own,) = series.columns.get("_rlnTomoTiltSeriesStarFile", ())[:1]
        tables = read_star(project / own).tables.values()
    except (StarError, ValueError):
        return None
    names = [one for table in tables for one in table.columns.get("_rlnMicrographName", ())]
    first = movie_of(project / names[0]) if names else None
    return replace(first, frames=len(names)) if first else None


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


_WIDTH, _HEIGHT = 256, 257


def _tiff_size(file: BinaryIO) -> tuple[int, int]:
    """Width and height in the first directory of a TIFF."""
    order = {b"II": "<", b"MM": ">"}[file.read(2)]
    (magic,) = struct.unpack(order + "H", file.read(2))
    big = magic == 43
    file.seek(8 if big else 4)
    (place,) = struct.unpack(order + ("Q" if big else "I"), file.read(8 if big else 4))
    file.seek(place)
    (entries,) = struct.unpack(order + ("Q" if big else "H"), file.read(8 if big else 2))
    found: dict[int, int] = {}
    for _ in range(min(entries, 1000)):
        entry = file.read(20 if big else 12)
        tag, kind = struct.unpack_from(order + "2H", entry)
        # A SHORT stands at the start of the value, LONG and LONG8 fill more of it.
        form = {3: "H", 4: "I", 16: "Q"}.get(kind)
        if tag in (_WIDTH, _HEIGHT) and form:
            (found[tag],) = struct.unpack_from(order + form, entry, 12 if big else 8)
    return found[_WIDTH], found[_HEIGHT]

"""How many particles a STAR file holds and how large their boxes are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil, isfinite
from pathlib import Path
from typing import BinaryIO

from gotocloud.relion.star import StarError, StarTable, parse_star, unreadable


@dataclass(frozen=True)
class ParticleSet:
    """The facts of a particle STAR file about its images.

    Args:
        particles: Rows of the particle table.
        box_px: Side of the box in pixels, the largest of all optics groups; None in
            files older than RELION 3.1, which have no optics table.
        dimensions: 2 for images, 3 for subtomograms.
        frames: Visible frames of a subtomogram that is a stack of images (RELION 5), the
            mean of the first ones; 1 for single particles.
        pixel_size_angstrom: Pixel size, the largest of all optics groups.
    """

    particles: int
    box_px: int | None
    dimensions: int = 2
    frames: float = 1.0
    pixel_size_angstrom: float | None = None

    @property
    def images(self) -> int:
        """Images: every visible frame of a subtomogram is one."""
        return ceil(self.particles * self.frames)


def read_particles(path: Path) -> ParticleSet:
    """Count the particles of a STAR file, line by line: such files reach gigabytes.

    Raises:
        StarError: if the file is missing, cut off before its particles, or holds none.
    """
    head, rows, frames = _read(path, count=True)
    if rows is None:
        raise StarError(f"{path} holds no particles; is it a particle STAR file?")
    optics = _optics(head, path)
    return ParticleSet(
        particles=rows,
        box_px=_box(optics),
        dimensions=max(map(int, _numbers(optics, "_rlnImageDimensionality")), default=2),
        frames=frames,
        pixel_size_angstrom=max(_numbers(optics, "_rlnImagePixelSize"), default=None),
    )


def read_box(path: Path) -> int | None:
    """Side of the particles' box in pixels, without counting them; None if unknown.

    Raises:
        StarError: if the file is missing or what stands above its particles is cut off.
    """
    return _box(_optics(_read(path, count=False)[0], path))


def _read(path: Path, *, count: bool) -> tuple[bytes, int | None, float]:
    try:
        with path.open("rb") as file:
            head = _before_particles(file)
            if not count:
                return head, None, 1.0
            place = file.tell()
            frames = _visible_frames(file)
            file.seek(place)
            return head, _count_rows(file), frames
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error


def _box(optics: StarTable | None) -> int | None:
    return max(map(int, _numbers(optics, "_rlnImageSize")), default=None)


# `data_` and `data_images` are what versions before 3.1 wrote.
_PARTICLE_TABLES = (b"data_particles", b"data_images", b"data_")


def _before_particles(file: BinaryIO) -> bytes:
    """Everything above the particle table; the file then stands below its name."""
    head: list[bytes] = []
    for line in file:
        if line.strip() in _PARTICLE_TABLES:
            break
        head.append(line)
    return b"".join(head)


_SAMPLED_ROWS = 200
_VISIBLE = re.compile(rb"\[([01](?:,[01])*)\]")


def _visible_frames(file: BinaryIO) -> float:
    """Visible frames of a particle: ones in `_rlnTomoVisibleFrames`, the mean of the first."""
    found: list[int] = []
    labelled = False
    for _ in range(_SAMPLED_ROWS):
        line = file.readline()
        labelled = labelled or line.strip().startswith(b"_rlnTomoVisibleFrames")
        if labelled and (row := _VISIBLE.search(line)):
            found.append(row[1].count(b"1"))
    return max(1.0, sum(found) / len(found)) if found else 1.0


def count_rows(path: Path, tables: tuple[str, ...]) -> int:
    """Rows of the first of some tables of a STAR file.

    Raises:
        StarError: if the file is missing or has none of the tables.
    """
    wanted = {f"data_{name}".encode() for name in tables}
    try:
        with path.open("rb") as file:
            for line in file:
                if line.strip() in wanted and (rows := _count_rows(file)) is not None:
                    return rows
    except OSError as error:
        raise StarError(f"{path} cannot be read: {error.strerror}.") from error
    raise StarError(f"{path} has no table {' or '.join(tables)}.")


def _count_rows(file: BinaryIO) -> int | None:
    """Rows of the loop that follows; None if none does."""
    in_header = False
    rows = 0
    for line in file:
        if rows:
            # RELION ends a table with a blank line
            # (https://github.com/3dem/relion/blob/5.0.1/src/metadata_table.cpp#L1087).
            if len(line) < 3 and not line.strip():
                break
            if line.startswith((b"data_", b"#")):
                break
            rows += 1
            continue
        text = line.strip()
        if text.startswith(b"_"):
            in_header = True
        elif text.startswith(b"data_"):
            break
        elif in_header and text and not text.startswith(b"#"):
            rows = 1
    return rows if in_header else None


def _optics(head: bytes, path: Path) -> StarTable | None:
    if b"data_optics" not in head:
        return None
    return parse_star(head.decode("utf-8", errors="replace"), path).tables.get("optics")


def _numbers(optics: StarTable | None, label: str) -> list[float]:
    if optics is None:
        return []
    single = optics.values.get(label)
    values = optics.columns.get(label, () if single is None else (single,))
    found = []
    for value in values:
        try:
            number = float(value)
        except (ValueError, OverflowError):
            continue
        if isfinite(number):
            found.append(number)
    return found

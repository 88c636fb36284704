"""How many particles a STAR file holds and how large their boxes are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gotocloud.relion.star import StarError, StarTable, parse_star


@dataclass(frozen=True)
class ParticleSet:
    """The facts of a particle STAR file about its images.

    Args:
        particles: Rows of the particle table.
        box_px: Side of the box in pixels, the largest of all optics groups; None in
            files older than RELION 3.1, which have no optics table.
        dimensions: 2 for images, 3 for subtomograms.
    """

    particles: int
    box_px: int | None
    dimensions: int = 2


def read_particles(path: Path) -> ParticleSet:
    """Count the particles of a STAR file, line by line: such files reach gigabytes.

    Raises:
        StarError: if the file is missing, cut off before its particles, or holds none.
    """
    head, rows = _read(path, count=True)
    if rows is None:
        raise StarError(f"{path} holds no particles; is it a particle STAR file?")
    optics = _optics(head, path)
    return ParticleSet(
        particles=rows,
        box_px=_box(optics),
        dimensions=max(_numbers(optics, "_rlnImageDimensionality"), default=2),
    )


def read_box(path: Path) -> int | None:
    """Side of the particles' box in pixels, without counting them; None if unknown.

    Raises:
        StarError: if the file is missing or what stands above its particles is cut off.
    """
    return _box(_optics(_read(path, count=False)[0], path))


def _read(path: Path, *, count: bool) -> tuple[bytes, int | None]:
    try:
        with path.open("rb") as file:
            head = _before_particles(file)
            return head, _count_rows(file) if count else None
    except FileNotFoundError as error:
        raise StarError(f"{path} does not exist.") from error
    except (OSError, ValueError) as error:
        raise StarError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}."
        ) from error


def _box(optics: StarTable | None) -> int | None:
    return max(_numbers(optics, "_rlnImageSize"), default=None)


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


def _count_rows(file: BinaryIO) -> int | None:
    """Rows of the loop that follows; None if none does."""
    in_header = False
    rows = 0
    for line in file:
        if rows:
            # RELION ends a table with a blank line.
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


def _numbers(optics: StarTable | None, label: str) -> list[int]:
    if optics is None:
        return []
    single = optics.values.get(label)
    values = optics.columns.get(label, () if single is None else (single,))
    found = []
    for value in values:
        try:
            found.append(int(float(value)))
        except (ValueError, OverflowError):
            continue
    return found

"""What a job has to work through: one description for routing, rules and advice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from gotocloud.errors import InputError
from gotocloud.relion.frames import (
    Movie,
    corrected_movie,
    first_micrograph,
    first_movie,
    first_tilt_series,
    frames_of,
    movie_of,
    pixel_size_in,
)
from gotocloud.relion.job_facts import MemoryFormula, Program, WorkUnit
from gotocloud.relion.particles import ParticleSet, count_rows
from gotocloud.relion.star import StarError, named_in, read_star

UNIT_TABLES = {
    WorkUnit.MICROGRAPHS: ("movies", "micrographs"),
    WorkUnit.TILT_SERIES: ("global",),
}
"""Tables of a STAR file whose rows are the items."""

EER_GROUPING = 32
"""Raw frames that RELION sums, by default (5.0.1, pipeline_jobs.cpp, "EER fractionation")."""

ITERATIONS = 25
"""Of a classification, by default (5.0.1, pipeline_jobs.cpp, "Number of iterations")."""

MINI_BATCHES = 200
"""Of VDAM, by default (5.0.1, pipeline_jobs.cpp, "Number of VDAM mini-batches")."""

PIXEL_SIZES = {
    WorkUnit.MICROGRAPHS: "_rlnMicrographPixelSize",
    WorkUnit.TILT_SERIES: "_rlnTomoTiltSeriesPixelSize",
}
"""Labels of the pixel size of the items."""

_SAMPLINGS = ("30", "15", "7.5", "3.7", "1.8", "0.9", "0.5", "0.2", "0.1")
"""Degrees of the form's "3D angular sampling" (5.0.1, pipeline_jobs.h); the first is of order 1."""

_OF_MAPS = (
    MemoryFormula.MASKING,
    MemoryFormula.POST_PROCESSING,
    MemoryFormula.LOCAL_RESOLUTION,
)


@dataclass(frozen=True)
class Work:
    """The size of a job; None is what could not be read.

    Args:
        unit: What the items are.
        items: How many there are: particles, micrographs, tilt series.
        images: Two-dimensional images; of a subtomogram every visible frame is one.
        box_px: Side of the particles' box; of the map, for a job that has a map alone.
        dimensions: 2, or 3 for subtomograms that are volumes.
        pixel_size_angstrom: Pixel size of the particles; of the micrographs or tilt series, for a
            job whose memory depends on it.
        classes: Number of classes.
        iterations: Iterations of a classification; of VDAM and of 3.1's gradient descent,
            mini-batches.
        symmetry: Point group.
        movie: Width, height and frames of the first movie, or of the first tilt series; of EER,
            frames summed in groups; for a picker, of the first micrograph.
        references: Two-dimensional references of a picker.
    """

    unit: WorkUnit = WorkUnit.NONE
    items: int | None = None
    images: int | None = None
    box_px: int | None = None
    dimensions: int = 2
    pixel_size_angstrom: float | None = None
    classes: int = 1
    iterations: int = ITERATIONS
    symmetry: str = "C1"
    movie: Movie | None = None
    references: int | None = None

    def __str__(self) -> str:
        """In words: "2,000 particles of 64 px"."""
        if self.items is None:
            return f"an unknown number of {self.unit or 'items'}"
        box = f" of {self.box_px} px" if self.box_px and self.unit is WorkUnit.PARTICLES else ""
        return f"{self.items:,} {self.unit}{box}"


class ReadableJob(Protocol):
    """What of a job its work is read from (`gotocloud.relion.job.Job`)."""

    @property
    def project(self) -> Path:
        """The project folder."""

    @property
    def program(self) -> Program:
        """The program that it starts."""

    @property
    def particle_set(self) -> ParticleSet | None:
        """The facts of its particle file."""

    @property
    def box_px(self) -> int | None:
        """Side of the particles' box."""

    def text(self, name: str) -> str:
        """A setting as it stands."""

    def number(self, name: str, default: float | None = None) -> float:
        """A setting that is a number."""


def work_of(job: ReadableJob) -> Work:
    """The work of a job, from its settings and the files that they name."""
    program = job.program
    found = job.particle_set
    items = found.particles if found and program.unit is WorkUnit.PARTICLES else None
    star = _star_of_items(job) if program.unit in UNIT_TABLES else None
    if star:
        items = _rows(star, UNIT_TABLES[program.unit])
    if program.memory is MemoryFormula.TOMOGRAM and job.text("tomo_name").strip():
        # "Reconstruct only this tomogram".
        items = 1
    return Work(
        unit=program.unit,
        items=items,
        images=found.images if found else None,
        box_px=_count(job, "box_size") or job.box_px or _map_px(job),
        dimensions=found.dimensions if found else 2,
        pixel_size_angstrom=found.pixel_size_angstrom if found else _pixel_size(program, star),
        classes=_count(job, "nr_classes") or 1,
        iterations=_iterations(job),
        symmetry=job.text("sym_name").strip() or "C1",
        movie=_movie(job, star) if star else None,
        references=_references(job),
    )


def _map_px(job: ReadableJob) -> int | None:
    """Side of the map that a job takes; None if it takes none, or that cannot be read."""
    if job.program.memory not in _OF_MAPS:
        return None
    name = job.text(job.program.half_map or "fn_in").strip().strip('"')
    found = movie_of(job.project / name, mrc=True) if name else None
    return found.width_px if found else None


def _iterations(job: ReadableJob) -> int:
    # 3.1's InitialModel has three phases.
    phases = [_count(job, f"sgd_{phase}_iter") for phase in ("ini", "inbetween", "fin")]
    if any(phases):
        return sum(one or 0 for one in phases)
    own, usual = ("nr_iter_grad", MINI_BATCHES) if job.program.vdam else ("nr_iter_em", ITERATIONS)
    return _count(job, own) or _count(job, "nr_iter") or usual


def _count(job: ReadableJob, option: str) -> int | None:
    """A positive whole number of the form; None without one (a rule names what is no number)."""
    try:
        value = int(job.number(option, 0))
    except InputError:
        return None
    return value if value > 0 else None


def _rows(star: Path, tables: tuple[str, ...]) -> int | None:
    try:
        return count_rows(star, tables)
    except StarError:
        return None


def _star_of_items(job: ReadableJob) -> Path | None:
    """The STAR file of the job's micrographs or tilt series."""
    names = (job.text(option).strip() for option in job.program.items)
    if name := next((one for one in names if one), None):
        return job.project / name
    if not (found := job.text("in_optimisation").strip()):
        return None
    try:
        named = named_in(job.project / found, "_rlnTomoTomogramsFile")
    except StarError:
        return None
    return job.project / named if named else None


def _movie(job: ReadableJob, star: Path) -> Movie | None:
    """The first movie that the job's micrographs lead to, or its first tilt series."""
    if job.program.unit is WorkUnit.TILT_SERIES:
        return first_tilt_series(star, job.project)
    if job.program.memory.is_of_picking:
        return first_micrograph(star, job.project)
    path = first_movie(star, job.project)
    if path is None:
        return corrected_movie(star, job.project)
    movie = movie_of(path)
    if movie is None or path.suffix.lower() != ".eer":
        return movie
    # RELION sums raw frames in groups while it reads them, so they are never in memory one by
    # one (https://github.com/3dem/relion/blob/5.0.1/src/motioncorr_runner.cpp#L1149).
    grouping = _count(job, "eer_grouping") or EER_GROUPING
    return replace(movie, frames=max(1, movie.frames // grouping))


def _pixel_size(program: Program, star: Path | None) -> float | None:
    """Pixel size of the items, where memory depends on it."""
    depends = program.memory.is_of_picking or program.memory is MemoryFormula.TOMOGRAM
    return pixel_size_in(star, PIXEL_SIZES[program.unit]) if star and depends else None


def _references(job: ReadableJob) -> int | None:
    """References that a picker compares a micrograph with; None if it has none, or unknown."""
    if job.program.memory is not MemoryFormula.TEMPLATE_PICKING:
        return None
    if job.text("do_ref3d") == "Yes":
        # One for each direction of HEALPix; fewer with symmetry (5.0.1, autopicker.cpp:516).
        degrees = job.text("ref3d_sampling").partition(" ")[0]
        return 12 * 4 ** (_SAMPLINGS.index(degrees) + 1) if degrees in _SAMPLINGS else None
    path = job.project / job.text("fn_refs_autopick").strip()
    if path.suffix != ".star":
        return frames_of(path, mrc=True)
    try:
        tables = read_star(path).tables.values()
    except StarError:
        return None
    labels = ("_rlnReferenceImage", "_rlnImageName")
    return max(
        (len(t.columns[one]) for t in tables for one in labels if one in t.columns), default=None
    )

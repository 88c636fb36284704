"""From which optimiser file an interrupted job can continue.

RELION writes the optimiser file of an iteration before the model, data and sampling files
that it names, and other ranks write some of those; a killed job can leave any of them empty,
cut off or missing (3dem/relion #596 for the empty one).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gotocloud.relion.particles import read_particles
from gotocloud.relion.star import StarError, StarFile, StarTable, ends_completely, read_star

# 3.1 starts the names of a continued run again: run_ct3_it004.
_NAME = re.compile(r"run(?:_ct(?P<ct>\d{1,9}))?_it(?P<it>\d{1,9})_optimiser\.star")

STALE_S = 60
"""How much younger a file of an earlier iteration must be to prove that a run restarted from it."""

_MRC_HEADER = 1024
_MRC_BYTES = {0: 1, 1: 2, 2: 4, 4: 8, 6: 2, 12: 2}
"""Bytes of one voxel by mode; source: the MRC2014 format."""


@dataclass(frozen=True)
class Skipped:
    """An optimiser file that cannot be continued from.

    Args:
        path: The file.
        reason: Why not, in plain words.
    """

    path: Path
    reason: str


@dataclass(frozen=True)
class OptimiserChoice:
    """What was found in a job's folder.

    Args:
        path: The file to continue from; None if the job must start again.
        iteration: Its iteration, the last one that is not repeated.
        skipped: Newer files that are unusable, newest first.
    """

    path: Path | None
    iteration: int
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True)
class _Candidate:
    path: Path
    iteration: int
    continued_from: int
    written_s: float

    @property
    def order(self) -> tuple[int, int]:
        return self.iteration, self.continued_from


def newest_optimiser(job_directory: Path) -> Path | None:
    """The newest optimiser file that a job can continue from, or None.

    Args:
        job_directory: The job's folder, two levels below the project's.
    """
    return choose_optimiser(job_directory).path


def choose_optimiser(job_directory: Path) -> OptimiserChoice:
    """The newest optimiser file that is complete, with all the files that it names.

    Files of later iterations that are older than an earlier one were left by a run that
    that was abandoned; they are passed over.

    Args:
        job_directory: The job's folder, two levels below the project's.
    """
    folder = job_directory.resolve()
    skipped: list[Skipped] = []
    for candidate in _newest_first(folder):
        reason = why_unusable(candidate.path, folder.parent.parent)
        if reason is None:
            return OptimiserChoice(candidate.path, candidate.iteration, tuple(skipped))
        skipped.append(Skipped(candidate.path, reason))
    return OptimiserChoice(None, 0, tuple(skipped))


def why_unusable(path: Path, project: Path) -> str | None:
    """Why a job cannot continue from an optimiser file; None if it can.

    Args:
        path: The optimiser file.
        project: The project folder, which the names in the file start from.
    """
    try:
        table = _complete(path).table("optimiser_general")
        _check_data(project / _named(table, "_rlnExperimentalDataStarFile"))
        _complete(project / _named(table, "_rlnOrientSamplingStarFile"))
        models = [_named(table, "_rlnModelStarFile")]
        if table.value("_rlnDoSplitRandomHalves") == "1":
            models.append(_named(table, "_rlnModelStarFile2"))
        descends = table.value("_rlnDoStochasticGradientDescent") == "1"
        for model in models:
            _check_model(_complete(project / model), project, descends=descends)
    except StarError as error:
        return error.message
    return None


def _newest_first(folder: Path) -> Iterator[_Candidate]:
    found = []
    for path in folder.glob("run*_optimiser.star"):
        # Iteration 0 is the start; its file lacks --firstiter_cc, so start again instead.
        if (match := _NAME.fullmatch(path.name)) and int(match["it"]) > 0:
            written_s = path.stat().st_mtime
            found.append(_Candidate(path, int(match["it"]), int(match["ct"] or 0), written_s))
    youngest_s = float("-inf")
    fresh = []
    for candidate in sorted(found, key=lambda one: one.order):
        # Everything before it with a much later date makes it a leftover.
        if candidate.written_s + STALE_S >= youngest_s:
            fresh.append(candidate)
        youngest_s = max(youngest_s, candidate.written_s)
    return reversed(fresh)


def _complete(path: Path) -> StarFile:
    star = read_star(path)
    if not ends_completely(path):
        raise StarError(f"{path} is cut off: the blank line that RELION ends a table with is gone.")
    return star


def _named(table: StarTable, label: str) -> str:
    value = (table.value(label) or "").strip()
    if value in ("", "None"):
        raise StarError(f"The optimiser file does not contain {label}.")
    return value


def _check_data(path: Path) -> None:
    if read_particles(path).particles == 0:
        raise StarError(f"{path} holds no particles.")
    if not ends_completely(path):
        raise StarError(f"{path} is cut off: the blank line that RELION ends a table with is gone.")


def _check_model(model: StarFile, project: Path, *, descends: bool) -> None:
    found = (model.tables.get(name) for name in ("model_classes", "model_bodies"))
    table = next((one for one in found if one is not None), None)
    columns = dict(table.columns) if table else {}
    # Class averages share one stack; gradients have maps of their own.
    maps = {
        value.rpartition("@")[2]
        for values in columns.values()
        for value in values
        if value.endswith((".mrc", ".mrcs"))
    }
    if not maps:
        raise StarError(f"{model.path} names no reference map.")
    if descends:
        maps |= set(_second_moments(columns.get(_MOMENT, ())))
    for name in sorted(maps):
        _check_map(project / name)


_MOMENT = "_rlnGradMoment1"


def _second_moments(names: Sequence[str]) -> Iterator[str]:
    """The gradients of the other half, which VDAM reads but does not name.

    Of K classes in 3D they have the numbers K + 1 to 2 K; in 2D they share the stack.
    Source: 3dem/relion 4.0.1 and 5.0.1, `MlModel::read`.
    """
    for name in names:
        if found := re.fullmatch(r"([^@]*_1moment)(\d{3,9})\.mrc", name):
            yield f"{found[1]}{int(found[2]) + len(names):03}.mrc"


def _check_map(path: Path) -> None:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = file.read(_MRC_HEADER)
    except FileNotFoundError as error:
        raise StarError(f"{path} does not exist.") from error
    except (OSError, ValueError) as error:
        raise StarError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}."
        ) from error
    if len(header) < _MRC_HEADER:
        raise StarError(f"{path} is cut off: it has no complete MRC header.")
    columns, rows, sections, mode = struct.unpack("<4i", header[:16])
    (extended,) = struct.unpack("<i", header[92:96])
    if min(columns, rows, sections) < 1 or mode not in _MRC_BYTES:
        raise StarError(f"{path} is no map: its MRC header makes no sense.")
    needed = _MRC_HEADER + max(extended, 0) + columns * rows * sections * _MRC_BYTES[mode]
    if size < needed:
        raise StarError(f"{path} is cut off: {size} of {needed} bytes.")

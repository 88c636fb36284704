"""Sub-sets of a sample's particles with their resolutions, out of a project's own folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gotocloud.advisor.subsets import Subset, Subsets
from gotocloud.errors import GoToCloudError
from gotocloud.relion.job import Job, read_job
from gotocloud.relion.pipeline import ProcessStatus, read_pipeline
from gotocloud.relion.run_log import read_run_log

MASKED_RESOLUTION = "postprocess"
"""Job type whose resolution is that of the masked map; Refine3D's own is of the whole box."""


@dataclass(frozen=True)
class ProjectSubsets:
    """What the folders of a project contain.

    Args:
        subsets: One for each PostProcess of maps with the same box and pixel size.
        box_px: Of these maps; None if the particles do not state it.
        pixel_angstrom: Likewise.
        left_out: Name of a PostProcess that does not count -> why.
    """

    subsets: Subsets
    box_px: int | None
    pixel_angstrom: float | None
    left_out: dict[str, str]


def project_subsets(project: Path) -> ProjectSubsets:
    """The sub-sets of a project: the PostProcess jobs, each with the particles of its Refine3D.

    A bin changes the limit of the resolution, so that only the maps of the most frequent box
    and pixel size are compared; of the last where several are as frequent.

    Raises:
        GoToCloudError: if the folder is no project, or has no such job.
    """
    found = list(_post_processed(project))
    left_out = {name: found_or_why for name, found_or_why in found if isinstance(found_or_why, str)}
    maps = [(name, one) for name, one in found if not isinstance(one, str)]
    if not maps:
        raise GoToCloudError(
            f"The project {str(project)!r} has no PostProcess of a Refine3D with a resolution.",
            problems=[f"{name}: {why}" for name, why in left_out.items()],
        )
    frequent = Counter(one.grid for _, one in reversed(maps)).most_common(1)[0][0]
    left_out |= {
        name: "its box and pixel size are other ones" for name, one in maps if one.grid != frequent
    }
    kept = tuple(one.subset for _, one in maps if one.grid == frequent)
    source = f"the project {project.resolve().name}"
    return ProjectSubsets(Subsets(kept, source), *frequent, left_out)


@dataclass(frozen=True)
class _Map:
    subset: Subset
    grid: tuple[int | None, float | None]


def _post_processed(project: Path) -> Iterator[tuple[str, _Map | str]]:
    for process in sorted(read_pipeline(project), key=lambda process: process.number or 0):
        if process.type is None or process.type.name != MASKED_RESOLUTION:
            continue
        if process.status is not ProcessStatus.SUCCEEDED:
            continue
        yield process.name.rstrip("/"), _map_or_why(project, process.name)


def _map_or_why(project: Path, name: str) -> _Map | str:
    resolution = read_run_log(project / name).final_resolution_angstrom
    if resolution is None:
        return "its run.out names no resolution"
    try:
        refinement = _refinement(read_job(project / name))
    except GoToCloudError as error:
        return error.message
    if refinement is None:
        return "its half map is of no Refine3D here"
    if refinement.particles is None:
        return f"the particles of {refinement.name} are not there"
    given = refinement.particle_set
    pixel = given.pixel_size_angstrom if given else None
    return _Map(Subset(refinement.particles, resolution), (refinement.box_px, pixel))


def _refinement(post: Job) -> Job | None:
    """The Refine3D whose half map a PostProcess takes."""
    half = post.text(post.program.half_map).strip().strip('"')
    folder = post.project / Path(half).parent
    if not half or not (folder / "job.star").is_file():
        return None
    found = read_job(folder)
    return found if found.refines and found.splits_halves else None

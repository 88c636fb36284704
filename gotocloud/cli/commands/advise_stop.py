"""`gotocloud advise stop`: whether another step of a project is worth its cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gotocloud.cli.options import Box, Json, Picture, Pixel, Target, Template
from gotocloud.cli.output import narrate, print_json
from gotocloud.cli.work.advising import known_region, question_problems
from gotocloud.errors import GoToCloudError, InputError

if TYPE_CHECKING:
    from gotocloud.advisor.imports.progress import ProjectProgress

EPILOG = "Example: gotocloud advise stop --example --target 2.0"


def stop(
    record: Annotated[
        Path | None, typer.Option(help="The project's record of resolution, hours and USD.")
    ] = None,
    project: Annotated[
        Path | None, typer.Option(help="RELION project folder to take the record from instead.")
    ] = None,
    example: Annotated[
        bool, typer.Option("--example", help="The paper's streptavidin project instead.")
    ] = False,
    target: Target = None,
    worth: Annotated[float | None, typer.Option(help="What an Å may cost, in US dollars.")] = None,
    pixel: Pixel = None,
    box: Box = None,
    refinement: Annotated[
        Path | None, typer.Option(help="Folder of a Refine3D job, for its own signs of an end.")
    ] = None,
    template: Template = False,
    picture: Picture = None,
    as_json: Json = False,
) -> None:
    """Estimate whether another step is worth its cost."""
    from gotocloud.advisor.progress import STREPTAVIDIN, progress_text, read_progress
    from gotocloud.advisor.stopping import stop_advice
    from gotocloud.cli.views.advise import show_stop
    from gotocloud.cli.views.pictures import check_picture, draw_progress
    from gotocloud.jobs.measuring import progress_of

    check_picture(picture)
    if template:
        typer.echo(progress_text(STREPTAVIDIN), nl=False)
        return
    _check_stop(
        [record is not None, project is not None, example],
        {"target": target, "worth": worth, "pixel": pixel},
    )
    if project is not None:
        found = progress_of(project, known_region())
        _show_uncounted(found)
        progress = found.progress
        box, pixel = _grid(project, box, pixel)
    else:
        progress = STREPTAVIDIN if record is None else read_progress(record)
    advice = stop_advice(
        progress,
        target_angstrom=target,
        worth_usd_per_angstrom=worth,
        pixel_angstrom=pixel,
        box_px=box,
        stalled_iterations=_stalled(refinement),
    )
    if as_json:
        print_json(advice.as_dict())
    else:
        show_stop(advice, progress)
    if picture:
        from gotocloud.advisor.evidence import resolution_points

        draw_progress(picture, resolution_points(progress), progress.source)


def _show_uncounted(found: ProjectProgress) -> None:
    for names, what in (
        (found.without_time, "time and cost are not known"),
        (found.without_price, "cost is not known"),
    ):
        if names:
            narrate(f"Not counted, because their {what}: {', '.join(names)}.")


def _grid(project: Path, box: int | None, pixel: float | None) -> tuple[int | None, float | None]:
    """Box and pixel size of a project's maps, where they are not typed."""
    from gotocloud.advisor.imports.subsets import project_subsets

    try:
        found = project_subsets(project)
    except GoToCloudError:
        return box, pixel
    return box or found.box_px, pixel or found.pixel_angstrom


def _check_stop(sources: list[bool], figures: dict[str, float | None]) -> None:
    problems = question_problems(sources, figures)
    if figures["target"] is not None and figures["worth"] is not None:
        problems.append("--target and --worth exclude each other")
    if problems:
        raise InputError(
            "These options are not valid:",
            problems=problems,
            next_command="gotocloud advise stop --example --target 2.0",
        )


def _stalled(refinement: Path | None) -> int | None:
    if refinement is None:
        return None
    from gotocloud.relion.run_log import LOG_FILE, read_run_log

    if not (refinement / LOG_FILE).is_file():
        raise InputError(
            f"There is no {LOG_FILE} in {str(refinement)!r}.", next_command="ls -d Refine3D/job*"
        )
    return read_run_log(refinement).no_gain_iterations

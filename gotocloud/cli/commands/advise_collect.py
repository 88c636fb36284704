"""`gotocloud advise collect`: how many more particles, from sub-sets of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gotocloud.cli.options import Box, Json, Pixel, Target, Template
from gotocloud.cli.output import narrate, print_json
from gotocloud.cli.work.advising import question_problems
from gotocloud.errors import InputError

if TYPE_CHECKING:
    from gotocloud.advisor.subsets import Subsets

EPILOG = "Example: gotocloud advise collect --example --target 2.6 --box 256 --pixel 0.9"


def collect(
    record: Annotated[
        Path | None, typer.Option(help="Table of sub-sets: particles and resolution.")
    ] = None,
    project: Annotated[
        Path | None, typer.Option(help="RELION project folder to take the sub-sets from instead.")
    ] = None,
    example: Annotated[bool, typer.Option("--example", help="A made-up table instead.")] = False,
    target: Target = None,
    pixel: Pixel = None,
    box: Box = None,
    per_movie: Annotated[
        float | None, typer.Option(help="Particles of a movie, to count movies as well.")
    ] = None,
    template: Template = False,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the line as well: .svg, .pdf or .png.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Estimate what more particles will bring, from sub-sets of them."""
    from gotocloud.advisor.collecting import collect_advice
    from gotocloud.advisor.subsets import EXAMPLE, read_subsets, subsets_text
    from gotocloud.cli.views.collect import show_collect
    from gotocloud.cli.views.pictures import check_drawing, draw_b_factor

    check_drawing(picture)
    if template:
        typer.echo(subsets_text(EXAMPLE), nl=False)
        return
    _check(
        [record is not None, project is not None, example],
        {"target": target, "pixel": pixel, "per-movie": per_movie},
    )
    if project is not None:
        subsets, box, pixel = _of_project(project, box, pixel)
    else:
        subsets = EXAMPLE if record is None else read_subsets(record)
    advice = collect_advice(
        subsets,
        target_angstrom=target,
        pixel_angstrom=pixel,
        box_px=box,
        particles_per_movie=per_movie,
    )
    if as_json:
        print_json(advice.as_dict())
    else:
        show_collect(advice, subsets)
    if picture:
        draw_b_factor(picture, advice, subsets, target)


def _of_project(
    project: Path, box: int | None, pixel: float | None
) -> tuple[Subsets, int | None, float | None]:
    from gotocloud.advisor.imports.subsets import project_subsets

    found = project_subsets(project)
    for name, why in found.left_out.items():
        narrate(f"Left out: {name}: {why}")
    return found.subsets, box or found.box_px, pixel or found.pixel_angstrom


def _check(sources: list[bool], figures: dict[str, float | None]) -> None:
    problems = question_problems(sources, figures)
    if problems:
        raise InputError(
            "These options are not valid:",
            problems=problems,
            next_command="gotocloud advise collect --example --target 2.6",
        )

"""Pictures of advice: files for print, or one page to explore; by the ending."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gotocloud.cli.needs import need_pictures
from gotocloud.cli.output import narrate
from gotocloud.errors import InputError
from gotocloud.files import replacing, unwritable

if TYPE_CHECKING:
    from gotocloud.advisor.collecting import CollectAdvice
    from gotocloud.advisor.evidence import Evidence, ResolutionPoint
    from gotocloud.advisor.subsets import Subsets

PAGE = ".html"
TITLE = "Resolution against time and cost"


def check_picture(path: Path | None) -> None:
    """Refuse a picture that cannot be drawn before anything is worked out.

    Raises:
        InputError: if its ending is no format, or its folder is not there.
        GoToCloudError: if this program cannot draw at all.
    """
    if path is None:
        return
    need_pictures()
    from gotocloud.advisor.figures.sheet import FORMATS

    problems = []
    if path.suffix.lower() not in {PAGE, *(f".{ending}" for ending in FORMATS)}:
        problems.append(f"its ending must be one of {', '.join(FORMATS)}, html")
    if not path.absolute().parent.is_dir():
        problems.append(f"there is no folder {str(path.parent)!r}")
    if problems:
        raise InputError(
            f"--picture {str(path)!r} cannot be drawn.",
            problems=problems,
            next_command="gotocloud advise refine3d --benchmarks public --picture refine3d.svg",
        )


def check_drawing(path: Path | None) -> None:
    """As `check_picture`, for a picture that is no page.

    Raises:
        InputError: likewise, and if it is a page.
    """
    if path is not None and path.suffix.lower() == PAGE:
        raise InputError(
            f"--picture {str(path)!r} cannot be drawn: its ending must be one of svg, pdf, png.",
            next_command="gotocloud advise collect --example --picture line.svg",
        )
    check_picture(path)


def draw_job(path: Path, measured: Evidence) -> None:
    """Draw the paper's two plots of a job, or a page with both.

    Raises:
        InputError: if nothing was measured, or the file cannot be written.
    """
    from gotocloud.advisor.figures.chart import chart
    from gotocloud.advisor.figures.page import page
    from gotocloud.advisor.figures.static import save_chart

    if not measured.points:
        raise InputError(
            f"There is no measurement of {measured.job} to draw; the paper's raw timings are not "
            "published.",
            next_command="gotocloud bench plan --help",
        )
    try:
        with replacing(path) as draft:
            if path.suffix.lower() == PAGE:
                draft.write_text(page([chart(measured)]), encoding="utf-8")
            else:
                save_chart(chart(measured), draft)
    except OSError as error:
        raise unwritable(path, error) from error
    narrate(f"Drew {path}.")


def draw_progress(path: Path, steps: Sequence[ResolutionPoint], source: str) -> None:
    """Draw resolution against cumulative time and cost, or a page with both.

    Raises:
        InputError: if the file cannot be written.
    """
    from gotocloud.advisor.figures.page import page
    from gotocloud.advisor.figures.static import save_resolution

    try:
        with replacing(path) as draft:
            if path.suffix.lower() == PAGE:
                draft.write_text(page([], steps, source=source), encoding="utf-8")
            else:
                save_resolution(steps, TITLE, draft, source=source)
    except OSError as error:
        raise unwritable(path, error) from error
    narrate(f"Drew {path}.")


def draw_b_factor(
    path: Path, advice: CollectAdvice, subsets: Subsets, target_angstrom: float | None
) -> None:
    """Draw 1/d² against the number of particles, with the line and its interval.

    Raises:
        InputError: if there is no line, or the file cannot be written.
    """
    from gotocloud.advisor.figures.b_factor import save_b_factor

    if advice.line is None:
        raise InputError(
            "There is no line to draw: sub-sets of at least two sizes are needed.",
            next_command="gotocloud advise collect --example --picture line.svg",
        )
    try:
        with replacing(path) as draft:
            save_b_factor(advice.line, subsets, draft, target_angstrom=target_angstrom)
    except OSError as error:
        raise unwritable(path, error) from error
    narrate(f"Drew {path}.")

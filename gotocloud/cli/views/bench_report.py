"""The pictures and the page of a group's measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gotocloud.advisor.evidence import Evidence, evidence
from gotocloud.advisor.figures.chart import chart
from gotocloud.advisor.figures.page import page
from gotocloud.advisor.figures.sheet import FORMATS
from gotocloud.advisor.figures.static import save_chart
from gotocloud.advisor.places import load_records
from gotocloud.cli.output import narrate
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.files import replacing, unwritable, write_whole


def write_report(
    benchmarks: str | None, folder: Path, *, picture: str, region: str | None
) -> list[dict[str, Any]]:
    """Draw everything that was measured into a folder.

    Args:
        benchmarks: A table, `public`, or None for the group's own.
        folder: Made if it is not there; files of the same names are replaced.
        picture: Format of the pictures.
        region: AWS region whose prices count. Default: that of the newest record.

    Returns:
        The best setting of every job and market, as data.

    Raises:
        InputError: if there is nothing to draw, or the format is unknown.
    """
    if picture not in FORMATS:
        raise InputError(
            f"--picture {picture!r} is none of {', '.join(FORMATS)}.",
            next_command="gotocloud bench report --picture svg",
        )
    records, name = load_records(benchmarks)
    if not records:
        raise InputError(
            "You have no benchmark records here.", next_command="gotocloud bench plan --help"
        )
    narrate(f"{len(records)} benchmark records from {name}.")
    regions = [record.region for record in sorted(records, key=lambda r: r.date) if record.region]
    where = region or (regions[-1] if regions else "us-east-1")
    kinds = sorted({(record.job_type, record.variant) for record in records}, key=str)
    measured = [evidence(job, records, region=where, variant=variant) for job, variant in kinds]
    for one in measured:
        for note in one.notes:
            narrate(f"{one.job}: {note}")
    drawn = [one for one in measured if one.points]
    if not drawn:
        raise GoToCloudError("None of these runs is a whole, successful one.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for one in drawn:
            words = "-".join(filter(None, (one.job, one.variant)))
            with replacing(folder / f"{words}.{picture}") as draft:
                save_chart(chart(one), draft)
        write_whole(folder / "index.html", page([chart(one) for one in drawn]))
    except OSError as error:
        raise unwritable(folder, error) from error
    return [row for one in drawn for row in _rows(one)]


def _rows(measured: Evidence) -> list[dict[str, Any]]:
    rows = []
    for spot in (False, True):
        own = [point for point in measured.points if point.spot == spot]
        best = next((point for point in own if point.optimum), None)
        priced = any(point.usd is not None for point in own)
        if best is None and spot and not priced:
            continue
        rows.append(
            {
                "job": measured.job
                if measured.variant is None
                else f"{measured.job} ({measured.variant})",
                "market": "spot" if spot else "on demand",
                "label": best.label if best else None,
                "hours": best.hours if best else None,
                "usd": best.usd if best else None,
                "basis": best.basis if best else "no price is known",
                "settings": len(own),
            }
        )
    return rows

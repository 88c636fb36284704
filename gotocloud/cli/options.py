"""The options and arguments that several commands share, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gotocloud.cli.completion import configurations, projects, regions

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would happen, and change nothing.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for a confirmation.")]

Confirm = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The project's name, instead of typing it."),
]

PROJECT_HELP = "The project. Default: the only one that you have."
ProjectArgument = Annotated[str | None, typer.Argument(help=PROJECT_HELP, autocompletion=projects)]
ProjectOption = Annotated[
    str | None, typer.Option("--project", help=PROJECT_HELP, autocompletion=projects)
]
Release = Annotated[str | None, typer.Option(help="Published version. Default: the newest.")]

EngineVersion = Annotated[
    str | None,
    typer.Option(
        "--parallelcluster", help="Version of ParallelCluster. Default: the newest supported one."
    ),
]

QueuesOf = Annotated[
    str | None,
    typer.Option(
        "--config",
        help="Cluster configuration. Default: this cluster's queues.",
        autocompletion=configurations,
    ),
]
QueuesIn = Annotated[
    str | None,
    typer.Option(
        "--region",
        help="Region of that configuration. Default: this cluster's.",
        autocompletion=regions,
    ),
]

PricesOf = Annotated[
    str | None,
    typer.Option("--region", help="AWS region whose prices count.", autocompletion=regions),
]
Dataset = Annotated[str | None, typer.Option(help="Name of the data set.")]
MeasuredBy = Annotated[str | None, typer.Option(help="The person or group who measured it.")]

Target = Annotated[float | None, typer.Option(help="Resolution needed, in Å.")]
Pixel = Annotated[float | None, typer.Option(help="Pixel size in Å.")]
Box = Annotated[int | None, typer.Option(min=2, help="Box size in pixels.")]
Template = Annotated[
    bool, typer.Option("--template", help="Print the example as a table to fill in.")
]

PlatformFile = Annotated[
    Path, typer.Option("--platform", metavar="FILE", help="The platform file.")
]
PLATFORM_FILE = Path("platform.yaml")
USUAL_CONFIGURATION = "cryoem-spa"
"""The cluster configuration of a project that has had no cluster yet."""

PlatformRegions = Annotated[
    list[str] | None,
    typer.Argument(metavar="[REGION]...", help="Default: the platform's.", autocompletion=regions),
]

Picture = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Draw it as well: .svg, .pdf, .png or .html.")
]

"""`gotocloud advise …`: which machines, how long, how much; from measurements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from gotocloud.cli.commands import advise_collect, advise_queues, advise_stop
from gotocloud.cli.options import Box, Dataset, Json, MeasuredBy, Picture, PricesOf
from gotocloud.cli.output import narrate, paragraph, print_json, table
from gotocloud.cli.work.advising import prices_region
from gotocloud.errors import GoToCloudError, InputError

if TYPE_CHECKING:
    from gotocloud.advisor.imports.project import Imported

_JOB = "JOBTYPE"


class JobsAsCommands(TyperGroup):
    """`gotocloud advise refine3d`: what is no command is a job type."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in self.commands and not args[0].startswith("-"):
            return "", self.commands[_JOB], args
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=JobsAsCommands,
    no_args_is_help=True,
    help="Show which machines suit a job, how long it takes and what it costs; from measurements.",
    epilog="Example: gotocloud advise refine3d --priority balanced",
)

Particles = Annotated[int | None, typer.Option(min=1, help="Particles in the job.")]
Movies = Annotated[int | None, typer.Option(min=1, help="Movies, for preparation jobs.")]
Classes = Annotated[int | None, typer.Option(min=1, help="Classes.")]
Priority = Annotated[
    str | None,
    typer.Option(help="speed, balanced, cost; or paper: balanced, of the time in the job alone."),
]
Weight = Annotated[float | None, typer.Option(help="Instead of a priority: 1 is speed, 0 is cost.")]
Deadline = Annotated[float | None, typer.Option(help="Longest time in hours.")]
Budget = Annotated[float | None, typer.Option(help="Highest cost in US dollars.")]
Spot = Annotated[bool, typer.Option("--spot", help="On spot machines, at their mean price.")]
Benchmarks = Annotated[
    str | None,
    typer.Option(
        help="Table of benchmark records, or 'public'. Default: $GOTOCLOUD_BENCHMARKS, else "
        "gotocloud-benchmarks.csv here."
    ),
]


@app.command(_JOB, epilog="Example: gotocloud advise class2d --particles 100000 --box 256")
def job(
    job_type: Annotated[
        str, typer.Argument(metavar="JOBTYPE", help="For example refine3d, class2d-vdam.")
    ],
    particles: Particles = None,
    box: Box = None,
    movies: Movies = None,
    classes: Classes = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="Iterations.")] = None,
    variant: Annotated[str | None, typer.Option(help="Variant of the records.")] = None,
    symmetry: Annotated[str | None, typer.Option(help="Point group, for example C3.")] = None,
    pixel: Annotated[float | None, typer.Option(help="Pixel size of the particles, Å.")] = None,
    dataset: Dataset = None,
    priority: Priority = None,
    weight: Weight = None,
    deadline: Deadline = None,
    budget: Budget = None,
    spot: Spot = False,
    region: PricesOf = None,
    benchmarks: Benchmarks = None,
    picture: Picture = None,
    as_json: Json = False,
) -> None:
    """Recommend machines for a RELION job, with time and cost."""
    from gotocloud.advisor.advice import MEASURED, Question, advise
    from gotocloud.advisor.job_names import job_name
    from gotocloud.advisor.places import load_records
    from gotocloud.advisor.preference import preference
    from gotocloud.advisor.sizes import Size
    from gotocloud.cli.views.advise import show_advice
    from gotocloud.cli.views.pictures import check_picture, draw_job

    check_picture(picture)
    chosen = preference(priority=priority, weight=weight, deadline_h=deadline, budget_usd=budget)
    question = Question(
        job=job_name(job_type),
        size=Size(particles, movies, box, pixel, classes, iterations),
        variant=variant,
        preference=chosen,
        region=prices_region(region),
        spot=spot,
        symmetry=symmetry,
        dataset=dataset,
    )
    records, name = load_records(benchmarks)
    _print_what_is_read(len(records), name)
    advice = advise(question, records)
    if as_json:
        print_json(advice.as_dict())
    else:
        show_advice(advice)
    if picture:
        from gotocloud.advisor.evidence import evidence

        here = evidence(
            question.job,
            records,
            region=question.region,
            size=question.size,
            variant=variant,
        )
        draw_job(picture, here)
    if advice.basis == MEASURED and advice.best is None:
        raise GoToCloudError(
            f"No measured setting fits your options: {chosen.words}.", problems=advice.refusals
        )


@app.command(epilog="Example: gotocloud advise project --polish-cycles 2")
def project(
    particles: Particles = None,
    box: Box = None,
    movies: Movies = None,
    classes: Classes = None,
    polish_cycles: Annotated[
        int, typer.Option(min=0, max=100, help="Cycles of CTF refinement and polishing.")
    ] = 1,
    vdam: Annotated[bool, typer.Option("--vdam", help="Class2D with VDAM instead of EM.")] = False,
    priority: Priority = None,
    weight: Weight = None,
    spot: Spot = False,
    region: PricesOf = None,
    benchmarks: Benchmarks = None,
    as_json: Json = False,
) -> None:
    """Recommend machines for every step of a project."""
    from gotocloud.advisor.advice import Question
    from gotocloud.advisor.places import load_records
    from gotocloud.advisor.preference import preference
    from gotocloud.advisor.sizes import Size
    from gotocloud.advisor.workflow import advise_project, single_particle_workflow
    from gotocloud.cli.views.advise import show_project

    chosen = Question(
        job="",
        size=Size(particles, movies, box, classes=classes),
        preference=preference(priority=priority, weight=weight),
        region=prices_region(region),
        spot=spot,
    )
    records, name = load_records(benchmarks)
    _print_what_is_read(len(records), name)
    advice = advise_project(
        chosen, records, single_particle_workflow(polish_cycles=polish_cycles, vdam=vdam)
    )
    if as_json:
        print_json(advice.as_dict())
    else:
        show_project(advice)


app.command(epilog=advise_stop.EPILOG)(advise_stop.stop)
app.command(epilog=advise_collect.EPILOG)(advise_collect.collect)
app.command(epilog=advise_queues.IDLE_EXAMPLE)(advise_queues.idle)
app.command(epilog=advise_queues.REPLAY_EXAMPLE)(advise_queues.replay)


@app.command(
    "import",
    epilog="Example: gotocloud advise import . --instance-type g4dn.metal --nodes 2 >> records.csv",
)
def import_(
    sources: Annotated[
        list[Path], typer.Argument(help="RELION project or job folders, or CSV tables.")
    ],
    to: Annotated[
        Path | None, typer.Option(help="Table to add them to. Default: print them.")
    ] = None,
    sacct: Annotated[Path | None, typer.Option(help="What sacct printed (--parsable2).")] = None,
    instance_type: Annotated[
        str | None, typer.Option(help="Of the nodes, where the jobs do not state it.")
    ] = None,
    nodes: Annotated[int | None, typer.Option(min=1, help="Likewise, their number.")] = None,
    region: PricesOf = None,
    dataset: Dataset = None,
    source: MeasuredBy = None,
    column: Annotated[
        list[str] | None, typer.Option(help="THEIRS=ours, for tables of others.")
    ] = None,
    constant: Annotated[
        list[str] | None, typer.Option("--set", help="ours=VALUE, for what a table leaves out.")
    ] = None,
) -> None:
    """Make benchmark records from projects, Slurm or tables."""
    from gotocloud.advisor.imports.job import StatedFacts
    from gotocloud.advisor.records import records_text
    from gotocloud.jobs.measuring import add_to, gather

    typed = StatedFacts(instance_type, nodes, region, dataset, source or _measurer())
    found = gather(sources, typed, sacct=sacct, columns=_pairs(column), constants=_pairs(constant))
    _print_what_was_skipped(found)
    if not found.records:
        raise GoToCloudError(
            "Nothing could be imported.", next_command="gotocloud advise import --help"
        )
    if to is None:
        typer.echo(records_text(found.records), nl=False)
        return
    narrate(add_to(to, found.records))


@app.command(epilog="Example: gotocloud advise columns")
def columns(as_json: Json = False) -> None:
    """List the columns of a table of benchmark records."""
    from gotocloud.advisor.columns import HEADLINE
    from gotocloud.advisor.tables import columns_table

    rows = columns_table()
    names = ("column", "need", "content", "meaning")
    if as_json:
        print_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    paragraph(f"The first line is {HEADLINE!r}, the second one names columns:")
    table(names, rows)


def _print_what_is_read(count: int, name: str) -> None:
    if name:
        narrate(f"{count} benchmark records from {name}.")
    else:
        narrate("You have no benchmark records here (gotocloud-benchmarks.csv).")


def _pairs(texts: list[str] | None) -> dict[str, str]:
    problems = [f"{text!r} is not NAME=VALUE" for text in texts or () if "=" not in text]
    if problems:
        raise InputError(
            "Columns and values are given as NAME=VALUE.",
            problems=problems,
            next_command="gotocloud advise columns",
        )
    return dict(text.rsplit("=", 1) for text in texts or ())


def _measurer() -> str:
    import getpass

    try:
        return f"own runs of {getpass.getuser()}"
    except (KeyError, OSError):
        return "own runs"


def _print_what_was_skipped(found: Imported) -> None:
    for name, reason in found.skipped:
        narrate(f"Left out: {name}: {reason}")

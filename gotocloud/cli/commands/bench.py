"""`gotocloud bench …`: measure which machines suit a RELION job best."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gotocloud.cli.confirm import agree
from gotocloud.cli.needs import need_pictures
from gotocloud.cli.options import Dataset, DryRun, Json, MeasuredBy, PricesOf, Yes
from gotocloud.cli.output import narrate, paragraph, print_json, stoppable, suggest, table
from gotocloud.errors import GoToCloudError, InputError, shell_line
from gotocloud.files import write_file
from gotocloud.formats import usd_text, whole_number

if TYPE_CHECKING:
    from gotocloud.advisor.sweep.ledger import Sweep
    from gotocloud.advisor.sweep.plan import Axes, SweepPlan

app = typer.Typer(
    no_args_is_help=True,
    help="Measure which machines suit a RELION job best.",
    epilog="Example: gotocloud bench plan Class2D/job012 --nodes 1,2,4 --repeats 2 --budget 50",
)

SweepFile = Annotated[Path, typer.Argument(metavar="SWEEP", help="The file that `plan` wrote.")]


@app.command(epilog="Example: gotocloud bench plan Class2D/job012 --nodes 1,2,4 --budget 50")
def plan(
    job: Annotated[Path, typer.Argument(help="Folder of the job to measure, with its job.star.")],
    queues: Annotated[str, typer.Option(help="Queues, with commas. Default: the usual.")] = "",
    nodes: Annotated[str, typer.Option(help="Numbers of machines. Default: the usual.")] = "",
    ranks: Annotated[str, typer.Option(help="MPI ranks, the leader counted.")] = "",
    threads: Annotated[str, typer.Option(help="Threads of each rank.")] = "",
    repeats: Annotated[int, typer.Option(help="Runs of each shape.")] = 1,
    budget: Annotated[
        float | None, typer.Option(help="US dollars at which the sweep stops.")
    ] = None,
    hours_each: Annotated[
        float | None, typer.Option(help="How long a run takes, where no measurement exists.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="File for the sweep. Default: bench-JOB.json.")
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Plan a sweep over queues, machines, ranks and threads."""
    from gotocloud.advisor.sweep import ledger
    from gotocloud.jobs.sweep_planning import planned
    from gotocloud.relion.job import read_job

    for name, given in (("budget", budget), ("hours-each", hours_each)):
        if given is not None and not 0 < given < math.inf:
            raise InputError(f"--{name} {given:g} is not a number above 0.")
    base = read_job(job)
    made = planned(base, _axes(queues, nodes, ranks, threads, repeats), hours_each)
    path = base.project / (to or Path(f"bench-{base.directory.name}.json"))
    if as_json:
        print_json(_as_dict(made))
    else:
        _show(made)
    _show_budget(made, budget, narrate if as_json else paragraph)
    if dry_run:
        return
    if path.exists() and any(entry.job for entry in ledger.load(path).entries):
        raise InputError(
            f"{path.name} is a sweep that has begun; a new one needs another name.",
            next_command=shell_line("gotocloud", "bench", "run", _from_here(path)),
        )
    write_file(path, ledger.dump(ledger.new_sweep(base.name, base.label, budget, made.runs)))
    narrate(f"Wrote {path}.")
    suggest(shell_line("gotocloud", "bench", "run", _from_here(path)))


def _from_here(path: Path) -> Path:
    """A file as it can be named in this folder."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


@app.command(epilog="Example: gotocloud bench run bench-job012.json")
def run(
    sweep: SweepFile,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Run a sweep, or continue it: one RELION job at a time."""
    from gotocloud.advisor.sweep import ledger
    from gotocloud.jobs.sweep_running import run_sweep

    ended_runs = ledger.load(sweep)
    left = [entry for entry in ended_runs.entries if not entry.outcome]
    usd = [entry.plan.usd for entry in left]
    total = None if None in usd else sum(map(float, usd))  # type: ignore[arg-type]
    price = "of unknown cost" if total is None else f"for about {usd_text(total)} USD"
    if left:
        agree(
            f"Run {len(left)} jobs {price}?",
            yes=yes,
            refusal=f"This would run {len(left)} jobs {price}.",
            retry=shell_line("gotocloud", "bench", "run", sweep, "--yes"),
            otherwise=shell_line("gotocloud", "bench", "report"),
        )
    with stoppable(
        "Stopped. A job that runs continues, and its machines are billed until it ends.",
        next_command=shell_line("gotocloud", "bench", "run", sweep),
    ):
        report = run_sweep(sweep, _show_run)
    if as_json:
        print_json(_sweep_dict(report.sweep))
    else:
        _show_sweep(report.sweep)
    if report.stopped:
        raise GoToCloudError(f"The sweep stopped: {report.stopped}.")
    narrate("All has run.")
    suggest(shell_line("gotocloud", "bench", "collect", sweep))


@app.command(epilog="Example: gotocloud bench collect bench-job012.json --dataset EMPIAR-10581")
def collect(
    sweep: SweepFile,
    to: Annotated[
        Path | None, typer.Option(help="Table to add the records to. Default: your own.")
    ] = None,
    dataset: Dataset = None,
    source: MeasuredBy = None,
) -> None:
    """Add the times of a sweep to your benchmark records."""
    from gotocloud.advisor.imports.job import StatedFacts
    from gotocloud.advisor.places import BESIDE_THE_PROJECT, own_benchmarks
    from gotocloud.advisor.sweep import ledger
    from gotocloud.jobs.measuring import add_to, gather
    from gotocloud.slurm.cluster_facts import known_facts

    project = sweep.absolute().parent
    jobs = [entry.job for entry in ledger.load(sweep).entries if entry.outcome]
    typed = StatedFacts(
        region=known_facts().region or None,
        dataset=dataset,
        source=source or f"sweep {sweep.stem}",
    )
    found = gather([project / job for job in jobs], typed, sacct=None, columns={}, constants={})
    for name, why in found.skipped:
        narrate(f"Left out: {name}: {why}")
    if not found.records:
        raise GoToCloudError(
            "Nothing has been measured yet.",
            next_command=shell_line("gotocloud", "bench", "run", sweep),
        )
    table_path = to or own_benchmarks(Path()) or Path(BESIDE_THE_PROJECT)
    narrate(add_to(table_path, found.records))
    suggest(shell_line("gotocloud", "bench", "report", "--benchmarks", table_path))


@app.command(epilog="Example: gotocloud bench report --to report")
def report(
    benchmarks: Annotated[
        str | None, typer.Option(help="Table of records, or 'public'. Default: your own.")
    ] = None,
    to: Annotated[Path, typer.Option(help="Folder for the page and the pictures.")] = Path(
        "benchmark-report"
    ),
    picture: Annotated[str, typer.Option(help="Format of the pictures: svg, pdf, png.")] = "svg",
    region: PricesOf = None,
    as_json: Json = False,
) -> None:
    """Show the measurements as a table, plots and a page."""
    need_pictures()
    from gotocloud.cli.views.bench_report import write_report

    rows = write_report(benchmarks, to, picture=picture, region=region)
    if as_json:
        print_json(rows)
        return
    table(
        ("job", "best setting", "bought", "hours", "USD", "measured"),
        [
            (
                row["job"],
                row["label"] or "unknown",
                row["market"],
                "" if row["hours"] is None else f"{row['hours']:.3g}",
                usd_text(row["usd"]),
                row["basis"],
            )
            for row in rows
        ],
    )
    narrate(f"Look at {to / 'index.html'}; pictures for print lie beside it.")


def _axes(queues: str, nodes: str, ranks: str, threads: str, repeats: int) -> Axes:
    from gotocloud.advisor.sweep.plan import Axes

    problems: list[str] = []

    def numbers(name: str, text: str) -> tuple[int, ...]:
        words = [word.strip() for word in text.split(",") if word.strip()]
        wrong = [word for word in words if whole_number(word, most=10_000) is None]
        problems.extend(f"--{name}: {word!r} is not a whole number up to 10,000" for word in wrong)
        return tuple(dict.fromkeys(int(word) for word in words if word not in wrong))

    axes = Axes(
        queues=tuple(dict.fromkeys(word.strip() for word in queues.split(",") if word.strip())),
        nodes=numbers("nodes", nodes),
        ranks=numbers("ranks", ranks),
        threads=numbers("threads", threads),
        repeats=repeats,
    )
    if problems:
        raise InputError(
            "The axes of the sweep cannot be read; write numbers with commas, as in --nodes 1,2,4.",
            problems=problems,
        )
    return axes


def _show(made: SweepPlan) -> None:
    table(
        ("run", "queue", "shape", "repeat", "hours", "USD", "time from"),
        [
            (
                number,
                one.setting.queue,
                one.setting.words,
                one.repeat,
                "unknown" if one.hours is None else f"{one.hours:.2g}",
                usd_text(one.usd),
                one.basis,
            )
            for number, one in enumerate(made.runs, 1)
        ],
    )
    for name, why in made.left_out:
        narrate(f"Left out: {name}: {why}")


def _show_budget(made: SweepPlan, budget: float | None, show: Callable[[str], None]) -> None:
    limit = f", stop at {budget:g} USD" if budget is not None else ""
    runs = "1 run" if len(made.runs) == 1 else f"{len(made.runs)} runs"
    show(f"This sweep of {runs} costs {made.headline}{limit}.")
    if budget is not None and made.unknown:
        narrate("With a budget, a run of unknown cost is not started. Add --hours-each HOURS.")


def _show_run(sweep: Sweep, number: int) -> None:
    entry = sweep.entries[number]
    done = f"run {number + 1} of {len(sweep.entries)}"
    left = [e.plan.hours for e in sweep.entries[number:]]
    time_left = "" if None in left else f", at most {sum(map(float, left)):.2g} h left"  # type: ignore[arg-type]
    narrate(f"{done}: {entry.plan.setting.words}{time_left}; {sweep.spent} spent ...")


def _show_sweep(sweep: Sweep) -> None:
    table(
        ("run", "job", "shape", "repeat", "state", "USD"),
        [
            (
                number,
                entry.job,
                entry.plan.setting.words,
                entry.plan.repeat,
                entry.outcome or entry.stage.value,
                str(entry.cost) if entry.outcome else "",
            )
            for number, entry in enumerate(sweep.entries, 1)
        ],
    )
    paragraph(f"All runs together: {sweep.spent}.")


def _as_dict(made: SweepPlan) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "runs": [asdict(one) for one in made.runs],
        "left_out": [{"shape": name, "why": why} for name, why in made.left_out],
        "known_usd": made.known_usd,
        "runs_of_unknown_cost": made.unknown,
    }


def _sweep_dict(sweep: Sweep) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        **asdict(sweep),
        "spent_usd": sweep.spent.usd,
        "spent_complete": sweep.spent.complete,
    }

"""Run two small RELION projects on a rehearsed Slurm, and write their tables.

    python -m benchmarks.small_project
    python -m benchmarks.small_project --particles 200 --movies 6 --dry-run

One goes from movies to classes, the other one from particles to PostProcess.

RELION 3.1.3's own pipeliner submits every job through `gotocloud submit`, with the automatic
settings. Slurm, RELION and the routing are real; the machines are names on this one, without GPUs,
so times and costs are those of this machine at AWS's prices: simulated. Beside each job stands
where the same job would run with 100,000 particles of 256 px, or with 5,000 movies of 40 frames of
5,760 x 4,092; that is the routing alone. The tables go into docs/rehearsal-slurm.md. It needs root,
Debian's Slurm and RELION.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from gotocloud.jobs.cluster import described_cluster
from gotocloud.jobs.watching import machine_time
from gotocloud.rehearsal.slurm.cluster import RehearsalCluster
from gotocloud.rehearsal.slurm.dataset import make_dataset
from gotocloud.rehearsal.slurm.movies import make_movies
from gotocloud.rehearsal.slurm.show import PREPARATION, Landed, Project
from gotocloud.relion.job import read_job
from gotocloud.relion.overrides import overrides_of
from gotocloud.relion.routing import route
from gotocloud.slurm.submissions import load
from tests.relion.samples import write_particles

PAGE = Path(__file__).parent.parent / "docs" / "rehearsal-slurm.md"
MARK = "<!-- small {}: python -m benchmarks.small_project -->\n"
END = "<!-- end -->\n"
CONFIGURATION, REGION = "cryoem-spa", "us-east-1"
LARGE = 100_000
LARGE_BOX_PX = 256
LARGE_MOVIES = 5_000
LARGE_FRAMES = (40, 5_760, 4_092)
USUAL = {
    "fn_img": "large.star",
    "nr_iter": "25",
    "sgd_ini_iter": "50",
    "sgd_inbetween_iter": "200",
    "sgd_fin_iter": "50",
}
"""RELION's default iterations, instead of the few of a rehearsal."""

MOVIES = {
    "input_star_mics": "large_movies.star",
    "fn_input_autopick": "large_movies.star",
    "star_mics": "large_movies.star",
}
CLASSES = {"Class2D": "50", "Class3D": "4"}


@dataclass(frozen=True)
class SmallJob:
    """One job.

    Args:
        job: RELION's name of it.
        shape: Machines, ranks, threads and GPUs.
        seconds: In the job.
        cost: US dollars of its machines in that time, simulated.
        large: The shape with 100,000 particles, or with 5,000 movies.
    """

    job: str
    shape: str
    seconds: float
    cost: str
    large: str

    def __str__(self) -> str:
        return f"| {self.job} | {self.shape} | {self.seconds:.0f} | {self.cost} | {self.large} |\n"


def particle_rows(project: Project, particles: int) -> Iterator[SmallJob]:
    data = make_dataset(project.directory, particles=particles)
    yield from _rows(project, project.run(data, lambda _: nullcontext()))


def movie_rows(project: Project, movies: int) -> Iterator[SmallJob]:
    data = make_movies(project.directory, movies=movies)
    path = os.pathsep.join([str(data.programs), project.environment["PATH"]])
    project = replace(project, environment={**project.environment, "PATH": path})
    yield from _rows(project, project.run(data, lambda _: nullcontext(), PREPARATION))


def _rows(project: Project, jobs: Iterator[Landed]) -> Iterator[SmallJob]:
    write_particles(project.directory / "large.star", LARGE, LARGE_BOX_PX)
    _write_large_movies(project.directory)
    for landed in jobs:
        folder = project.directory / landed.job
        spent, record = machine_time(folder, REGION), load(folder)
        assert spent is not None
        assert record is not None
        # The reason begins with the shape: "class2d: 1 x g6.4xlarge, …: why".
        _, shape, _ = record.attempts[-1].why.split(": ", 2)
        cost = "unknown" if spent.cost.usd is None else f"{spent.cost.usd:.4f}"
        yield SmallJob(landed.job.rstrip("/"), shape, spent.seconds, cost, _large(folder))


def _large(folder: Path) -> str:
    cluster = described_cluster(CONFIGURATION, REGION)
    job = read_job(folder)
    kept = {name: value for name, value in (USUAL | MOVIES).items() if name in job.options}
    if folder.parent.name in CLASSES:
        kept["nr_classes"] = CLASSES[folder.parent.name]
    job = replace(job, options={**job.options, **kept})
    found = route(
        job,
        cluster.partitions,
        overrides_of(job),
        configuration=cluster.configuration,
        prefer_spot=False,
        settings=(),
    )
    return found.shape


def _write_large_movies(project: Path) -> None:
    """As many movies as a project has; a header is all that is read of the first one."""
    import mrcfile

    frames, columns, lines = LARGE_FRAMES
    # The data are a hole in the file.
    mrcfile.new_mmap(project / "large.mrcs", (frames, lines, columns), mrc_mode=0).close()
    rows = "\n".join("large.mrcs 1" for _ in range(LARGE_MOVIES))
    (project / "large_movies.star").write_text(
        f"data_movies\n\nloop_\n_rlnMicrographMovieName #1\n_rlnOpticsGroup #2\n{rows}\n"
    )


def table(made: list[SmallJob], large: str) -> str:
    head = f"| job | machines, ranks, threads | seconds | USD | with {large} |\n"
    return head + "|---|---|---|---|---|\n" + "".join(map(str, made))


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a small project and write its table.")
    parser.add_argument("--particles", type=int, default=300, help="How many particles.")
    parser.add_argument("--movies", type=int, default=3, help="How many movies.")
    parser.add_argument("--dry-run", action="store_true", help="Print the table only.")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        cluster = RehearsalCluster.start(Path(name) / "slurm", owner=os.getpid())
        try:
            os.environ.update(cluster.environment())
            around = cluster.environment()
            movies = movie_rows(Project.made(Path(name) / "movies", around), chosen.movies)
            preparation = [_shown(row) for row in movies]
            particles = particle_rows(Project.made(Path(name) / "p", around), chosen.particles)
            project = [_shown(row) for row in particles]
        finally:
            cluster.stop()
    if not chosen.dry_run:
        write("preparation", table(preparation, f"{LARGE_MOVIES:,} movies"))
        write("project", table(project, f"{LARGE:,} particles"))


def _shown(row: SmallJob) -> SmallJob:
    print(row, end="", flush=True)
    return row


def write(what: str, text: str) -> None:
    begin = MARK.format(what)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    PAGE.write_text(before + begin + text + END + rest.partition(END)[2], "utf-8")


if __name__ == "__main__":
    main()

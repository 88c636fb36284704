"""Jobs of all types and versions with settings of all sizes, and what the answers to them break."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time

from gotocloud.cluster_configs.model import load_configuration, used_instance_types
from gotocloud.cluster_configs.partitions import Partition, configured_partitions
from gotocloud.findings import Finding, Severity
from gotocloud.relion.job import Job, read_job
from gotocloud.relion.job_types import RELION_JOB_TYPES
from gotocloud.relion.memory import rank_gib
from gotocloud.relion.overrides import overrides_of
from gotocloud.relion.routed_job import as_routed, check_routed
from gotocloud.relion.routing import Route
from tests.relion.routed import route
from tests.relion.samples import (
    AUTOMATIC,
    VERSIONS,
    job_files,
    write_map,
    write_micrographs,
    write_movies,
    write_particles,
)

MOST_MS = 20.0
"""Of routing and rules for one job."""

EXPECTED = {
    # What the form itself says wrong, or what the fixtures lack.
    *("input-missing", "gpu-no-alignment", "gpu-log-picking", "gpu-useless", "gpu-not-ticked"),
    *("class2d-algorithm", "window", "pool-gpu", "continue-from", "setting"),
}
OF_ONE_MACHINE = {"gpu-shared", "gpu-memory", "memory-host", "preread-memory"}
"""A single rank, or the two halves on one GPU, can be more than any machine of the queue has."""

OF_A_MAP = ("LocalRes", "MaskCreate", "PostProcess")


@dataclass(frozen=True)
class Answered:
    """A job's answer.

    Args:
        job: The job.
        found: Its route.
        hardware: The machines of its queue.
        findings: What the rules state.
        cpu_ms: Processor time that both took.
    """

    job: Job
    found: Route
    hardware: Partition
    findings: tuple[Finding, ...]
    cpu_ms: float

    @property
    def contradictions(self) -> list[str]:
        """What the rules state against the route's own choice."""
        ignored = EXPECTED | OF_ONE_MACHINE
        return [
            str(one)
            for one in self.findings
            if one.severity is not Severity.NOTE and one.check not in ignored
        ]

    @property
    def is_over_memory(self) -> bool:
        """Whether ranks that could be fewer need more memory than a machine has."""
        one_gib = rank_gib(as_routed(self.job, self.found), self.found.threads)
        beside = max(self.found.layout)
        could_be_fewer = beside > (3 if self.job.splits_halves else 2)
        return bool(could_be_fewer and one_gib and beside * one_gib > self.hardware.memory_gib)


def generated_jobs(project: Path, count: int) -> Iterator[Job]:
    """So many jobs, always the same ones."""
    chance = random.Random(12)  # noqa: S311, no secret
    bases = [*_bases()]
    sets = []
    # The last four are too much work for one GPU, and memory limits their followers.
    many = (600, 700, 800, 1024)
    for number, box_px in enumerate((32, 64, 200, 360, 512, *many)):
        particles = 5_000 if box_px in many else chance.choice((1, 7, 300, 5_000))
        write_particles(project / f"p{number}.star", particles, box_px)
        sets.append(f"p{number}.star")
    maps = ["m64.mrc", "m512.mrc", "m1000.mrc"]
    for name in maps:
        write_map(project / name, int(name[1:-4]))
    movies = (write_micrographs(project, 5), write_movies(project, 40, (4096, 4096, 50)))
    for _ in range(count):
        job = chance.choice(bases)
        changes = AUTOMATIC | {
            "use_gpu": chance.choice(("Yes", "No")),
            "nr_classes": str(chance.choice((1, 4, 50, 200))),
            "nr_pool": str(chance.choice((1, 3, 30, 100))),
            "do_preread_images": chance.choice(("Yes", "No")),
            "do_grad": chance.choice(("Yes", "No")),
            "do_pad1": chance.choice(("Yes", "No")),
            "dont_skip_align": chance.choice(("Yes", "No")),
            "do_own_motioncor": chance.choice(("Yes", "No")),
            "box_size": str(chance.choice((64, 256, 512, 900))),
            "nr_mpi": str(chance.choice((1, 2, 5, 33))),
            "nr_threads": str(chance.choice((1, 6, 64))),
            "gpu_ids": chance.choice(("", "0", "0:1:2:3", "3")),
        }
        for option in ("fn_img", "fn_data", "input_star_mics", "fn_input_autopick", "star_mics"):
            changes[option] = chance.choice(movies if "mic" in option else sets)
        if job.type.folder in OF_A_MAP:
            changes["fn_in"] = chance.choice(maps)
        kept = {one: value for one, value in changes.items() if one in job.options}
        yield Job(
            project / job.type.folder / "job001",
            job.label,
            job.type,
            {**job.options, **AUTOMATIC, **kept},
        )


def _bases() -> Iterator[Job]:
    """A job of every file of the fixtures, and one of every type that they lack."""
    seen = set()
    for version in VERSIONS:
        for path in job_files(version):
            job = read_job(path)
            seen.add(job.type.label)
            yield job
    shape = dict.fromkeys(("nr_mpi", "nr_threads", "box_size", "gpu_ids", "use_gpu"), "1")
    for label, kind in RELION_JOB_TYPES.items():
        if label not in seen:
            yield Job(Path("/project/Other/job001"), label, kind, shape)


def answers(jobs: Iterator[Job], configurations: Sequence[str]) -> Iterator[Answered]:
    """What is answered about each job, in turn on each of the configurations."""
    known = {name: load_configuration(name) for name in configurations}
    queues = {
        name: configured_partitions(one, used_instance_types()) for name, one in known.items()
    }
    for number, job in enumerate(jobs):
        name = configurations[number % len(configurations)]
        begun = process_time()
        found = route(job, queues[name], overrides_of(job), configuration=known[name])
        hardware = next(one for one in queues[name] if one.name == found.queue)
        findings = check_routed(job, found, hardware)
        yield Answered(job, found, hardware, findings, 1000 * (process_time() - begun))

"""The table of benchmark records: its version, its columns and their units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

SCHEMA_NAME = "gotocloud-benchmarks"
SCHEMA_VERSION = 1
HEADLINE = f"# {SCHEMA_NAME} {SCHEMA_VERSION}"
"""First line of every table."""


class CellKind(StrEnum):
    """What a cell may hold."""

    TEXT = "text"
    COUNT = "whole number"
    NUMBER = "number"
    SECONDS = "seconds"
    USD = "US dollars"
    DATE = "date"
    CHOICE = "choice"


@dataclass(frozen=True)
class Column:
    """One column of the table.

    Args:
        name: Its name, with the unit in it.
        kind: What its cells hold.
        meaning: One sentence.
        required: Whether every row must fill it.
        least: Smallest allowed number.
        most: Largest plausible number; more is taken for a wrong unit.
        choices: Allowed words of a `CHOICE`; the first one is the default.
    """

    name: str
    kind: CellKind
    meaning: str
    required: bool = False
    least: float = 0
    most: float = float("inf")
    choices: tuple[str, ...] = ()


LONGEST_S = 90 * 24 * 3600
_ONE_WEEK_S = 7 * 24 * 3600

COLUMNS: tuple[Column, ...] = (
    Column("job_type", CellKind.TEXT, "RELION's job type, for example refine3d.", required=True),
    Column("variant", CellKind.TEXT, "What sets runs of a type apart, for example no-alignment."),
    Column("dataset", CellKind.TEXT, "Name of the data set, for example EMPIAR-10581."),
    Column("particles", CellKind.COUNT, "Particles in the job.", least=1),
    Column("box_px", CellKind.COUNT, "Box size in pixels.", least=2, most=8192),
    Column(
        "pixel_angstrom",
        CellKind.NUMBER,
        "Pixel size of the particles, in angstroms.",
        least=0.01,
        most=100,
    ),
    Column("movies", CellKind.COUNT, "Movies or micrographs in the job.", least=1),
    Column("classes", CellKind.COUNT, "Number of classes.", least=1, most=10_000),
    Column("iterations", CellKind.COUNT, "Iterations run.", least=1, most=10_000),
    Column("symmetry", CellKind.TEXT, "Point group, for example C3."),
    Column(
        "options",
        CellKind.TEXT,
        "RELION's settings that change the work, as name=value, separated by semicolons.",
    ),
    Column("instance_type", CellKind.TEXT, "EC2's name of the nodes' type.", required=True),
    Column("nodes", CellKind.COUNT, "Nodes of the job.", required=True, least=1, most=10_000),
    Column("ranks", CellKind.COUNT, "MPI ranks of the job, the leader counted.", least=1),
    Column("threads", CellKind.COUNT, "Threads of each rank.", least=1, most=1024),
    Column("gpus", CellKind.COUNT, "GPUs in use by the whole job; 0 for none.", most=80_000),
    Column("gpus_per_node", CellKind.COUNT, "GPUs that a node has.", most=64),
    Column("vcpus_per_node", CellKind.COUNT, "Virtual CPUs that a node has.", least=1, most=4096),
    Column("market", CellKind.CHOICE, "How the nodes were bought.", choices=("on-demand", "spot")),
    Column("relion_version", CellKind.TEXT, "For example 5.0.1."),
    Column("executable", CellKind.TEXT, "Which build ran, for example cuda-86."),
    Column(
        "in_job_s",
        CellKind.SECONDS,
        "Seconds from the program's start to its end, on nodes that had started.",
        required=True,
        most=LONGEST_S,
    ),
    Column("boot_s", CellKind.SECONDS, "Seconds until the nodes had started.", most=_ONE_WEEK_S),
    Column("queue_s", CellKind.SECONDS, "Seconds of waiting in the queue.", most=LONGEST_S),
    Column(
        "idle_tail_s",
        CellKind.SECONDS,
        "Seconds that nodes ran on after the job.",
        most=_ONE_WEEK_S,
    ),
    Column(
        "submit_to_exit_s", CellKind.SECONDS, "Seconds from submission to the end.", most=LONGEST_S
    ),
    Column(
        "timing",
        CellKind.CHOICE,
        "Where in_job_s was read.",
        choices=("stated", "job-script", "slurm", "log", "progress-bars"),
    ),
    Column(
        "outcome",
        CellKind.CHOICE,
        "How the job ended; only succeeded runs enter models, all of them cost.",
        choices=("succeeded", "failed", "aborted"),
    ),
    Column("attempts", CellKind.COUNT, "Starts of the job; more than 1 is no benchmark.", least=1),
    Column("usd_per_node_hour", CellKind.USD, "Price of one node for one hour.", most=1000),
    Column("region", CellKind.TEXT, "AWS region of the run, for example us-east-1."),
    Column(
        "run",
        CellKind.TEXT,
        "Which run of RELION it is: job, first submission, Slurm job; one run counts once.",
    ),
    Column("source", CellKind.TEXT, "Who measured it, or where it is published.", required=True),
    Column(
        "date", CellKind.DATE, "Year, month or day of the run, for example 2024-02.", required=True
    ),
    Column("note", CellKind.TEXT, "Anything else."),
)
"""Every column, in the order in which tables are written."""

COLUMN: Mapping[str, Column] = {column.name: column for column in COLUMNS}
REQUIRED = tuple(column.name for column in COLUMNS if column.required)
CURRENCY_COLUMN = "currency"
"""Allowed in tables of others, as long as it is USD in every row."""

"""The rooms of the package: what lives in each, what it may import, and which have no effects.

`tests/test_architecture.py` holds the package to this table, and CONTRIBUTING.md shows it.
After a change here, `python -m tests.rooms` writes the table of CONTRIBUTING.md again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "CONTRIBUTING.md"
BEGIN, END = "<!-- rooms: python -m tests.rooms -->\n", "<!-- end of rooms -->\n"


@dataclass(frozen=True)
class Room:
    """A package, or a module of `gotocloud` itself.

    Args:
        name: Below `gotocloud`, for example "platform".
        holds: What lives there.
        imports: The other rooms that it may import, besides `errors` and `files`.
        pure: Whether its code takes values and returns text or data: it opens nothing for
            writing, starts no process, and reads neither environment nor clock.
        edges: The files (or folders) of a pure room that have an effect all the same, with it.
    """

    name: str
    holds: str
    imports: tuple[str, ...] = ()
    pure: bool = False
    edges: tuple[tuple[str, str], ...] = ()


EVERYWHERE = (
    "errors",
    "files",
    "findings",
    "formats",
    "origin",
    "printed",
    "waiting",
    "yaml_files",
)
"""Every room may import these."""

ROOMS = (
    Room("errors", "the errors that people see, and exit codes", pure=True),
    Room("files", "files that are replaced in one step", ("errors",)),
    Room(
        "origin",
        "whether a file's content came from AWS or from an endpoint that stands in for it",
        ("errors",),
    ),
    Room("formats", "sizes, times and money as people read them", pure=True),
    Room("waiting", "the one loop that waits: look, pause, look again"),
    Room(
        "yaml_files",
        "every YAML text that is read, with its lines and one shape of error",
        ("errors",),
        pure=True,
    ),
    Room("printed", "text of other programs, as lines", pure=True),
    Room("findings", "what a check found, for the account and for a job", ("errors",), pure=True),
    Room(
        "contract",
        "names and shapes that deployed stacks and the programs that read them share",
        pure=True,
    ),
    Room(
        "cluster_configs",
        "queue descriptions and the ParallelCluster renderer",
        ("contract",),
        pure=True,
    ),
    Room(
        "platform",
        "`platform.yaml`, address plan, zone map, record",
        (
            "contract",
            "cluster_configs",
        ),
        pure=True,
    ),
    Room(
        "costs",
        "prices and what is left idle",
        ("cluster_configs",),
        pure=True,
        edges=(("prices.py", "reads `GOTOCLOUD_PRICES`"),),
    ),
    Room(
        "software",
        "which build of RELION runs where: catalogue, module files, Spack environments",
        ("contract",),
        pure=True,
        edges=(
            ("in_force.py", "reads `GOTOCLOUD_SOFTWARE_CATALOGUE`"),
            ("publishing/", "writes releases"),
        ),
    ),
    Room(
        "relion",
        "RELION's job types, settings, rules, logs, and which machines a job gets",
        ("cluster_configs",),
        pure=True,
    ),
    Room(
        "slurm",
        "batch scripts, queue state, accounting, recovery, for any kind of program; "
        "only `client.py` runs Slurm's commands",
        ("contract", "cluster_configs", "costs"),
    ),
    Room(
        "advisor",
        "benchmark records, models of time and cost, ranking, when to stop, sweeps, figures",
        ("relion", "costs", "cluster_configs"),
        pure=True,
        edges=(
            ("places.py", "reads `GOTOCLOUD_BENCHMARKS`"),
            ("imports/job.py", "dates a record without any date with today"),
            ("figures/sheet.py", "draws into a file"),
        ),
    ),
    Room(
        "jobs",
        "one way for a job: placed, checked, submitted, watched, restarted, costed; sweeps; "
        "RELION as a kind of program that Slurm runs",
        (
            *("contract", "relion", "slurm", "costs", "advisor", "cluster_configs"),
            *("software", "platform"),
        ),
    ),
    Room(
        "projects",
        "what the scientists' commands decide: preflight, proofs, plans",
        ("contract", "cluster_configs", "costs", "platform"),
        pure=True,
    ),
    Room("transfer", "what an upload or download decides", pure=True),
    Room("pages", "the frame and the tables of HTML reports", pure=True),
    Room(
        "proving",
        "what only AWS can confirm: assumptions, stages with prices, verdicts, report",
        ("cluster_configs", "costs", "projects", "pages"),
        pure=True,
        edges=(("journal.py", "keeps the state of a proof in a file, and reads the clock"),),
    ),
    Room(
        "constructs",
        "one capability of the infrastructure per file",
        ("contract", "cluster_configs", "platform"),
    ),
    Room("checks", "CloudFormation's own rules, AwsSolutions and NIST 800-53"),
    Room(
        "stacks",
        "thin: they compose constructs; `app.py` is the CDK application",
        ("contract", "constructs", "cluster_configs", "platform", "checks"),
    ),
    Room(
        "aws",
        "the only importer of boto3",
        ("contract", "cluster_configs", "costs", "platform", "projects", "proving", "transfer"),
    ),
    Room("node", "what runs on head and compute nodes"),
    Room(
        "rehearsal",
        "the platform on the local AWS, and the demo",
        (
            *("aws", "contract", "cluster_configs", "costs", "pages", "platform", "projects"),
            *("relion", "slurm", "software"),
        ),
    ),
    Room(
        "cli",
        "`commands/` one file per family; `work/` what they do; `repository/` what they do in a "
        "clone only; `views/` what they show; never imports `aws_cdk`",
        (
            *(
                "advisor",
                "aws",
                "contract",
                "cluster_configs",
                "costs",
                "jobs",
                "platform",
                "projects",
                "proving",
            ),
            *("rehearsal", "relion", "slurm", "software", "transfer"),
        ),
    ),
    Room("__main__", "`python -m gotocloud`", ("cli",)),
)
"""The lower rooms first: a room imports only what stands above it in this table."""


def table() -> str:
    """The rooms as CONTRIBUTING.md shows them."""
    lines = [
        "| room | what lives there | may import | effects |",
        "|---|---|---|---|",
        *(_line(room) for room in ROOMS),
    ]
    return "\n".join(lines) + "\n"


def part_of(document: str, begin: str, end: str) -> str:
    """The part of a document between two marks."""
    return document.split(begin, 1)[1].split(end, 1)[0]


def with_part(document: str, begin: str, end: str, text: str) -> str:
    """The document with another text between two marks."""
    before, rest = document.split(begin, 1)
    return before + begin + text + end + rest.split(end, 1)[1]


def _line(room: Room) -> str:
    path = f"gotocloud/{room.name}" + (".py" if is_module(room.name) else "/")
    arrows = ", ".join(f"`{name}`" for name in room.imports)
    none_but = "; ".join(f"`{file}` {what}" for file, what in room.edges)
    effects = (f"none, but {none_but}" if none_but else "none") if room.pure else "yes"
    return f"| `{path}` | {room.holds} | {arrows} | {effects} |"


def is_module(name: str) -> bool:
    """Whether a room is one module, not a package."""
    return (ROOT / "gotocloud" / f"{name}.py").is_file()


if __name__ == "__main__":
    text = with_part(DOCUMENT.read_text("utf-8"), BEGIN, END, table())
    DOCUMENT.write_text(text, encoding="utf-8")

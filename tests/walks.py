"""Changes that newcomers make, and the files that each of them touches.

`tests/test_walks.py` makes each change on a copy of the package, and CONTRIBUTING.md shows the
files. After a change here, `python -m tests.walks` writes that table again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.rooms import DOCUMENT, with_part

BEGIN, END = "<!-- walks: python -m tests.walks -->\n", "<!-- end of walks -->\n"
CONFIGURATION = "gotocloud/cluster_configs/tutorial.yaml"
MOST_FILES = 3


@dataclass(frozen=True)
class Edit:
    """What a change does to one file.

    Args:
        file: Its path in the repository.
        make: From the text of the file (empty for a new one) to its new text.
        without: What the error says when this edit is left out; it names the file.
        by: The command that makes the edit. Default: by hand.
    """

    file: str
    make: Callable[[str], str]
    without: str
    by: str = ""


@dataclass(frozen=True)
class Walk:
    """One change, as a newcomer makes it.

    Args:
        change: What is added.
        edits: What it does to which file.
        probe: A program that runs on the changed package; it fails if the change is not there.
        shows: What the probe prints once the change is whole.
    """

    change: str
    edits: tuple[Edit, ...]
    probe: str
    shows: str


def after(mark: str, added: str) -> Callable[[str], str]:
    """An edit that puts text after the first place of a mark."""

    def make(text: str) -> str:
        assert mark in text, mark
        return text.replace(mark, mark + added, 1)

    return make


def _offered(text: str) -> str:
    """The zone map with the new type in every zone, as a refresh would write it."""
    known = json.loads(text)
    for region in known["regions"].values():
        for zone in region["ranked"]:
            zone["offered"] = sorted({*zone["offered"], NEW_TYPE})
    return json.dumps(known)


def _engine(_: str) -> str:
    """The file of a version that differs from the newest in its version alone."""
    newest = Path(__file__).parents[1] / "gotocloud/cluster_configs/engines/3.16.1.yaml"
    return newest.read_text("utf-8").replace("version: 3.16.1", "version: 3.17.0")


NEW_TYPE = "g6.8xlarge"

INSTANCE_TYPE = Walk(
    "a new instance type",
    (
        Edit(
            "gotocloud/cluster_configs/instance_types.csv",
            after("g6.4xlarge,16,8,64,1,22.35,no\n", f"{NEW_TYPE},32,16,128,1,22.35,yes\n"),
            f"'{NEW_TYPE}' is not in gotocloud/cluster_configs/instance_types.csv",
        ),
        Edit(
            CONFIGURATION,
            after(
                "    choices:\n",
                f"      - instance_type: {NEW_TYPE}\n        max_nodes: 1\n"
                "        source: A measurement of the newcomer.\n",
            ),
            f"no queue of gotocloud/cluster_configs/*.yaml uses {NEW_TYPE}",
        ),
        Edit(
            "gotocloud/platform/zone_map.json",
            _offered,
            "the map of the package (gotocloud/platform/zone_map.json)",
            by="`GOTOCLOUD_UPDATE=1 pytest tests/aws/test_shipped_zone_map.py`",
        ),
    ),
    """
from gotocloud.cluster_configs.instances import instance_types
from gotocloud.cluster_configs.model import load_configuration, used_instance_types
from gotocloud.cluster_configs.partitions import configured_partitions
from gotocloud.platform.zones import zone_map
from tests.unused import unused_types
unused_types()
offerings = zone_map().region("us-east-1").best.offerings
found = configured_partitions(load_configuration("tutorial"), offerings)
print([one.instance_type for one in found if one.name == "gpu"])
""",
    f"['{NEW_TYPE}']",
)

QUEUE = Walk(
    "a queue",
    (
        Edit(
            CONFIGURATION,
            lambda text: after(
                "queues:\n",
                "  - name: ctf\n    efa: false\n    placement_group: false\n    choices:\n"
                "      - instance_type: c6i.4xlarge\n        max_nodes: 2\n"
                "        source: A measurement of the newcomer.\n",
            )(after("job_types:\n", "  ctffind: ctf\n")(text)),
            # Only the line of job_types, without the queue.
            "job_types: 'ctffind' goes to 'ctf', which is no queue",
        ),
    ),
    """
from gotocloud.cluster_configs.model import load_configuration
print(load_configuration("tutorial").queues_for("ctffind", "prep-cpu")[0].name)
""",
    "ctf",
)

JOB_TYPE = Walk(
    "a RELION job type",
    (
        Edit(
            "gotocloud/relion/job_table/particles.py",
            after(
                "TYPES: tuple[RelionJobType, ...] = (\n",
                '    RelionJobType("relion.denoise", "Denoise", BOTH, (replace(REFINE, '
                'name="relion_denoise", kind="denoise", queue="prep-gpu"),)),\n',
            ),
            "which is not in gotocloud/relion/job_table",
        ),
    ),
    """
from pathlib import Path
from gotocloud.cluster_configs.model import load_configuration
from gotocloud.cluster_configs.partitions import configured_partitions
from gotocloud.platform.zones import zone_map
from gotocloud.relion.job import read_job
from gotocloud.relion.routed_job import check_routed
from gotocloud.relion.routing import route
folder = Path("Denoise/job001")
folder.mkdir(parents=True)
(folder / "job.star").write_text(JOB)
job = read_job(folder)
configuration = load_configuration("tutorial")
queues = configured_partitions(configuration, zone_map().region("us-east-1").best.offerings)
found = route(
    job, queues, None, configuration=configuration, prefer_spot=False, settings=()
)
hardware = next(one for one in queues if one.name == found.queue)
problems = [one.text for one in check_routed(job, found, hardware) if "job_table" in one.text]
assert not problems, problems
print(found.queue)
""",
    "gpu",
)

LANE = Walk(
    "a lane that is not RELION",
    (
        Edit(
            "gotocloud/jobs/denoiser_workload.py",
            lambda _: (Path(__file__).parent / "denoiser_workload.py").read_text("utf-8"),
            "No module named 'gotocloud.jobs.denoiser_workload'",
        ),
        Edit(
            "gotocloud/jobs/workload.py",
            lambda text: text.replace(
                "(RelionWorkload(),)", "(RelionWorkload(), Denoiser())"
            ).replace(
                "from gotocloud.jobs.relion_workload",
                "from gotocloud.jobs.denoiser_workload import Denoiser\n"
                "from gotocloud.jobs.relion_workload",
            ),
            "No kind of program in gotocloud/jobs/workload.py named 'denoiser'",
        ),
    ),
    """
from pathlib import Path
from gotocloud.contract.head_node import ClusterFacts
from gotocloud.jobs.workload import workload_of
from gotocloud.slurm.script import batch_script
from gotocloud.slurm.site import Site
from gotocloud.slurm.submissions import Attempt, Submission
from gotocloud.slurm.writing import batch_of
record = Submission(
    workload="denoiser", job="Denoise/job001/", label="denoise", stamp="s", commands=("denoise x",)
)
attempt = Attempt(
    number=1, round=1, token="t", queue="gpu", layout=(1,), ranks=1, threads=4, vcpus=16
)
site = Site(
    partitions=(), facts=ClusterFacts(), gotocloud="/efs/gotocloud/bin/gotocloud", module_folder=""
)
script = batch_script(batch_of(record, attempt, workload_of("denoiser"), site, Path.cwd()))
print("denoise x" in script, "#SBATCH --partition=gpu" in script)
""",
    "True True",
)

ENGINE = Walk(
    "ParallelCluster 3.17 beside 3.16",
    (
        Edit(
            "gotocloud/cluster_configs/engines/3.17.0.yaml",
            _engine,
            "'3.17.0' is not a version that GoToCloud can work with",
        ),
    ),
    """
from pathlib import Path
from gotocloud.platform.load import load_platform
text = Path("platform.example.yaml").read_text()
for version in ("3.16.1", "3.17.0"):
    Path("platform.yaml").write_text(f"{text}\\nparallelcluster: {version}\\n")
    engine = load_platform(Path("platform.yaml")).engine
    print(engine.provider_template_url("us-east-1").split("/")[-4])
""",
    "3.16.1\n3.17.0",
)

COMMAND = Walk(
    "a command",
    (
        Edit(
            "gotocloud/cli/commands/hello.py",
            lambda _: (
                '"""`gotocloud hello`."""\n\nimport typer\n\napp = typer.Typer(help="Greet.")\n\n\n'
                '@app.command(epilog="Example: gotocloud hello")\ndef hello() -> None:\n'
                '    """Greet."""\n    typer.echo("Hello.")\n'
            ),
            "there is no gotocloud/cli/commands/hello.py",
        ),
        Edit(
            "gotocloud/cli/main.py",
            after("VERBS: dict[str, tuple[str, str]] = {\n", '    "hello": ("hello", "Greet."),\n'),
            "gotocloud/cli/main.py does not name hello",
        ),
    ),
    """
import sys
from tests.unused import unlisted_commands
unlisted_commands()
from gotocloud.cli.main import main
sys.argv = ["gotocloud", "hello"]
main()
""",
    "Hello.",
)

WALKS = (INSTANCE_TYPE, QUEUE, JOB_TYPE, LANE, ENGINE, COMMAND)


def table() -> str:
    """The walks as CONTRIBUTING.md shows them."""
    lines = ["| to add | change | left out, the error is |", "|---|---|---|"]
    for walk in WALKS:
        for number, edit in enumerate(walk.edits):
            how = f" ({edit.by})" if edit.by else ""
            change = "" if number else walk.change
            lines.append(f"| {change} | `{edit.file}`{how} | {edit.without} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    document: Path = DOCUMENT
    text = with_part(document.read_text("utf-8"), BEGIN, END, table())
    document.write_text(text, encoding="utf-8")

"""The readers that `benchmarks.fuzz` feeds, each with real inputs to begin with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from benchmarks.fuzz import Target, as_json, by_path, examples, typed
from gotocloud.advisor.imports.foreign import parse_foreign
from gotocloud.advisor.imports.sacct import parse_sacct as parse_ended_runs
from gotocloud.advisor.progress import parse_progress
from gotocloud.advisor.sweep.ledger import dump, new_sweep
from gotocloud.advisor.sweep.ledger import load as load_sweep
from gotocloud.advisor.tables import parse_records
from gotocloud.aws.transfer.engine import _error_of
from gotocloud.cluster_configs.model import load_configuration
from gotocloud.costs.price_files import parse_table
from gotocloud.formats import parse_json
from gotocloud.platform.load import load_platform
from gotocloud.platform.record import load_record
from gotocloud.projects.cluster_end import kept_until
from gotocloud.projects.desktop_access import parse_networks, read_session, until_of
from gotocloud.projects.inventory import InventoryError, read_entries, read_summary
from gotocloud.projects.jobs_now import read_count
from gotocloud.projects.observation import read_observation
from gotocloud.projects.pausing import read_look
from gotocloud.projects.shape import cluster_shape
from gotocloud.relion.gpu_map import device_lists
from gotocloud.relion.job import read_job
from gotocloud.relion.pipeline import read_pipeline
from gotocloud.relion.run_log import parse_run_log
from gotocloud.relion.star import StarError, read_star
from gotocloud.slurm.accounting import parse_sacct
from gotocloud.slurm.causes import cause_of
from gotocloud.slurm.queue_state import parse_squeue, seconds
from gotocloud.slurm.sinfo import parse_sinfo
from gotocloud.software.load import load_catalogue
from gotocloud.transfer.exclusion import Exclusion
from gotocloud.transfer.posix import parse as parse_posix

STEPS = (
    "# gotocloud-progress 1\n# source: measured, 2026\n"
    "step,resolution_angstrom,cumulative_hours,cumulative_usd\nRefine3D,3.2,4,12.5\nPolish,2.9,6,15\n"
)
FOREIGN = (
    "job,machine,count,time_h,from,when,area,build\n"
    "refine3d,g6.4xlarge,2,1.5,ada,2026-05-14,us-east-1,relion-5\n"
)
FOREIGN_COLUMNS = {
    "job": "job_type",
    "machine": "instance_type",
    "count": "nodes",
    "time_h": "in_job_h",
    "from": "source",
    "when": "date",
}
SWEEP = dump(new_sweep("Class2D/job002", "small", 50.0, ()))
NOW = datetime(2026, 11, 30, tzinfo=UTC)

SQUEUE = (
    "\x1e"
    + "\x1f".join(
        ("7", "RUNNING", "refine3d", "None", "2", "1-02:03:04", "ubuntu", "refine3d-st-1", "", "")
    )
    + "\x1fRefine3D/job021/\x1f/fsx/project\n"
)
SINFO = "refine3d|4|48|188416|gpu:l4:4|g6.12xlarge,dynamic|EXCLUSIVE\nctf|10|8|31129|(null)|m|NO\n"
SACCT = "7|COMPLETED|refine3d|2|3600|ubuntu|0:0|Refine3D/job021/|/fsx/project\n"
RUNS = (
    "JobID|JobName|Partition|State|Submit|Start|End|NNodes\n"
    "7|Refine3D/job021/|refine3d|COMPLETED|2026-05-14T10:00:00|2026-05-14T10:01:00|"
    "2026-05-14T12:01:00|2\n"
)
LOOK = "now=1790000000000000000\njob=7|RUNNING|ubuntu|refine3d|2|1:00|Refine3D/job021/\n"
OBSERVED = (
    'now=1790000000000000000\nboot=abc\nslurm=ok\nsessions=[{"num-of-connections": 1}]\n'
    "shells=2\ngpus=3 90/1\ncpu=100 cpu 1 2 3 4 5 6 7 8\nnetwork=12345\n"
)
SESSION = "PclusterDcvServerPort=8443 PclusterDcvSessionId=abc PclusterDcvSessionToken=x-y_z"
OPENING = "gotocloud desktop of ada until 2026-11-30T12:00:00Z"
ENTRY = '["a/b.tif", "f", 5, 1, 1, 33188, 1000, 1000, {"md5": "x"}]\n'
SUMMARY = (
    '{"files": 3, "folders": 1, "links": 0, "bytes": 12, "digest": "x", "started_ns": 5,'
    ' "seconds": 0.5, "counts": {"odd": 1}, "shown": {"odd": ["a"]}}'
)
S3_ERROR = "<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
POSIX = '{"file-permissions": "0100640", "file-mtime": "1500000000987654321ns", "x": "y"}'
TEMPLATE = (
    '{"Resources": {"C": {"Type": "Custom::PclusterCluster", "Properties": {"ClusterConfiguration":'
    ' {"HeadNode": {"InstanceType": "m6i.xlarge"}, "Scheduling": {"SlurmQueues": [{"Name": "a",'
    ' "CapacityType": "ONDEMAND", "ComputeResources": [{"MaxCount": 4,'
    ' "InstanceType": "g6.4xlarge"}]}]}}}}, "L": {"Type": "AWS::FSx::FileSystem",'
    ' "Properties": {"LustreConfiguration": {"DeploymentType": "SCRATCH_2"}}}},'
    ' "Parameters": {"LustreGib": {"Default": 1200}}}'
)
COMMANDS = (
    "cluster list --json",
    "cluster render cryoem-spa --region ap-northeast-1",
    "platform plan --platform platform.example.yaml",
    "platform check --platform platform.example.yaml --json",
    "advise refine3d --box 256 --particles 100000",
    "check Class2D/job012 --config tutorial --region us-east-1",
    "bench plan Class2D/job002 --nodes 1,2,4 --budget 50",
    "form --show",
    "upload docs --exclude *.tmp --to x",
    "download results --from Refine3D/job021 --exclude raw/",
)


def targets() -> list[Target]:
    """Every reader."""
    return [*_files(), *_relion(), *_slurm(), *_aws(), *_people()]


def _files() -> list[Target]:
    return [
        Target(
            "platform",
            "`platform.yaml`",
            examples("platform.example.yaml"),
            by_path(load_platform, "platform.yaml"),
        ),
        Target(
            "record",
            "the record of what is deployed",
            examples("platform.example.record.yaml"),
            by_path(load_record, "platform.record.yaml"),
        ),
        Target(
            "configuration",
            "cluster configurations",
            examples("gotocloud/cluster_configs/tutorial.yaml"),
            by_path(load_configuration, "tutorial.yaml"),
        ),
        Target(
            "catalogue",
            "the catalogue of software",
            examples("gotocloud/software/catalogue.yaml"),
            by_path(load_catalogue, "catalogue.yaml"),
        ),
        Target(
            "records",
            "tables of benchmark records",
            examples("gotocloud/advisor/public_records.csv"),
            lambda text: parse_records(text, "records.csv"),
        ),
        Target(
            "foreign",
            "tables of other laboratories",
            [FOREIGN],
            lambda text: parse_foreign(text, "own.csv", columns=FOREIGN_COLUMNS),
        ),
        Target(
            "progress",
            "steps of a project",
            [STEPS],
            lambda text: parse_progress(text, "steps.csv"),
        ),
        Target(
            "prices",
            "tables of prices",
            examples("gotocloud/costs/prices.csv"),
            lambda text: parse_table(text, "prices.csv"),
        ),
        Target("sweep", "the file of a sweep", [SWEEP], by_path(load_sweep, "sweep.json")),
    ]


def _relion() -> list[Target]:
    jobs = examples("tests/relion/jobs/*/**/job.star")
    logs = examples("tests/relion/logs/*.out.gz")
    pipelines = examples("tests/relion/jobs/*/**/default_pipeline.star") or [
        "data_pipeline_general\n_rlnPipeLineJobCounter 3\n"
        "data_pipeline_processes\nloop_\n_rlnPipeLineProcessName #1\n"
        "_rlnPipeLineProcessAlias #2\n_rlnPipeLineProcessStatusLabel #3\n"
        "Import/job001/ None Succeeded\nClass2D/job002/ None Running\n"
    ]
    return [
        Target(
            "star",
            "STAR files",
            [*jobs, *pipelines],
            by_path(read_star, "a.star"),
            (StarError,),
        ),
        Target("job", "RELION's `job.star`", jobs, by_path(read_job, "job.star")),
        Target(
            "pipeline",
            "RELION's pipeline",
            pipelines,
            by_path(lambda path: read_pipeline(path.parent), "default_pipeline.star"),
            (StarError,),
        ),
        Target("log", "RELION's logs", logs, parse_run_log),
        Target("gpus", "lists of GPUs", ["0,1:2,3", "0"], device_lists),
    ]


def _slurm() -> list[Target]:
    return [
        Target("squeue", "`squeue`", [SQUEUE], parse_squeue),
        Target("sinfo", "`sinfo`", [SINFO], parse_sinfo),
        Target("sacct", "`sacct` for `jobs`", [SACCT], parse_sacct),
        Target(
            "runs", "`sacct` for imports", [RUNS], lambda text: parse_ended_runs(text, "sacct.txt")
        ),
        Target("times", "Slurm's times", ["1-02:03:04", "03:04", "02:03:04"], seconds),
        Target("causes", "logs of failed jobs", examples("tests/relion/logs/*.err.gz"), cause_of),
    ]


def _aws() -> list[Target]:
    return [
        Target("look", "answers of the head node to `pause`", [LOOK], read_look, (ValueError,)),
        Target(
            "observation",
            "answers of the head node to the guard",
            [OBSERVED],
            read_observation,
            (ValueError,),
        ),
        Target("count", "counts of jobs", ["counted\n3 RUNNING refine3d\n1\n"], read_count),
        Target("session", "sessions of the desktop", [SESSION], read_session),
        Target("opening", "descriptions of openings", [OPENING], until_of),
        Target(
            "networks",
            "networks of a group",
            ["10.0.0.0/8,192.0.2.1/32"],
            parse_networks,
            (ValueError,),
        ),
        Target("inventory", "the list of Lustre", [ENTRY], _entries, (InventoryError,)),
        Target("summary", "the sum of that list", [SUMMARY], read_summary, (InventoryError,)),
        Target("s3-error", "errors of S3", [S3_ERROR], lambda text: _error_of(_bytes(text))),
        Target("posix", "metadata of objects", [POSIX], _posix, (ValueError,)),
        Target(
            "template", "published templates", [TEMPLATE], as_json(cluster_shape), (ValueError,)
        ),
        Target("keep", "hours and times a cluster is kept", ["12", "720"], _kept, (ValueError,)),
    ]


def _people() -> list[Target]:
    return [
        Target(
            "exclude", "patterns of `--exclude`", ["*.tmp", "/raw/[a-z]*/", "a\\*b**"], _matches
        ),
        Target("commands", "command lines", COMMANDS, typed),
    ]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _entries(text: str) -> Any:
    return list(read_entries(_bytes(text).splitlines(keepends=True)))


def _posix(text: str) -> Any:
    given = parse_json(text)
    return parse_posix({str(k): str(v) for k, v in given.items()}) if isinstance(given, dict) else 0


def _kept(text: str) -> Any:
    return kept_until("arn:stack", NOW, {"KeepHours": text}, None)


def _matches(text: str) -> Any:
    exclusion = Exclusion([text])
    return [exclusion.matches(path, folder=False) for path in ("a", "raw/b/c.tmp", "a" * 200)]

"""Slurm's commands on a rehearsed head node, until a real Slurm runs there.

This file is copied onto the node as squeue, sinfo, scontrol and scancel; it needs nothing but
Python. What they tell comes from a file, which scancel changes:

    {"down": false, "jobs": [{"job_id": 1, "name": "refine", "user": "ubuntu",
     "partition": "refine3d", "state": "RUNNING", "nodes": 2, "work_dir": "/fsx"}],
     "partitions": [{"name": "refine3d", "nodes": 8, "state": "idle"}]}
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

STATE = Path(__file__).resolve().parent.parent / "etc" / "rehearsal.json"
SHORT = {"RUNNING": "R", "PENDING": "PD", "COMPLETING": "CG", "CONFIGURING": "CF", "SUSPENDED": "S"}
JOB = {
    "i": ("JOBID", "job_id"),
    "A": ("JOBID", "job_id"),
    "j": ("NAME", "name"),
    "u": ("USER", "user"),
    "P": ("PARTITION", "partition"),
    "T": ("STATE", "state"),
    "t": ("ST", "short"),
    "D": ("NODES", "nodes"),
    "N": ("NODELIST", "node_list"),
    "R": ("NODELIST(REASON)", "node_list"),
    "M": ("TIME", "time"),
    "C": ("CPUS", "cpus"),
    "Z": ("WORK_DIR", "work_dir"),
    "o": ("COMMAND", "command"),
    "V": ("SUBMIT_TIME", "submit_time"),
}
PARTITION = {
    "P": ("PARTITION", "name"),
    "R": ("PARTITION", "name"),
    "a": ("AVAIL", "avail"),
    "l": ("TIMELIMIT", "time_limit"),
    "D": ("NODES", "nodes"),
    "T": ("STATE", "state"),
    "t": ("STATE", "state"),
    "N": ("NODELIST", "node_list"),
}
DEFAULTS = {"time": "0:00", "cpus": 1, "node_list": "", "work_dir": "", "command": "", "nodes": 1}
DEFAULTS |= {"avail": "up", "time_limit": "infinite", "submit_time": "N/A", "user": "ubuntu"}


def main(argv: list[str]) -> int:
    """Answer as the command by whose name this is called."""
    state = json.loads(STATE.read_text()) if STATE.exists() else {}
    name = Path(argv[0]).name
    if state.get("down"):
        what = {"squeue": "slurm_load_jobs error", "sinfo": "slurm_load_partitions"}.get(name, name)
        print(f"{what}: Unable to contact slurm controller (connect failure)", file=sys.stderr)
        return 1
    commands = {"squeue": squeue, "sinfo": sinfo, "scontrol": scontrol, "scancel": scancel}
    return commands[name](state, argv[1:])


def squeue(state: dict[str, Any], given: list[str]) -> int:
    """The jobs that wait or run."""
    parser = argparse.ArgumentParser("squeue", allow_abbrev=False, add_help=False)
    parser.add_argument("-h", "--noheader", action="store_true")
    parser.add_argument("-o", "--format", default="%.18i %.9P %.8j %.8u %.2t %.10M %.6D %R")
    parser.add_argument("-j", "--jobs")
    parser.add_argument("-p", "--partition")
    parser.add_argument("-t", "--states")
    parser.add_argument("-u", "--user")
    parser.add_argument("-a", "--all", action="store_true")
    parser.add_argument("--json", action="store_true")
    requested = parser.parse_args(given)
    jobs = [
        {**DEFAULTS, **job, "short": SHORT.get(job["state"], "?")} for job in state.get("jobs", [])
    ]
    for option, key in (("jobs", "job_id"), ("partition", "partition"), ("user", "user")):
        if wanted := getattr(requested, option):
            jobs = [job for job in jobs if str(job[key]) in wanted.split(",")]
    if requested.states and requested.states.lower() != "all":
        states = requested.states.upper().split(",")
        jobs = [job for job in jobs if job["state"] in states or job["short"] in states]
    if requested.json:
        print(json.dumps({"jobs": [as_json(job) for job in jobs], "errors": [], "warnings": []}))
    else:
        table(JOB, requested.format, jobs, header=not requested.noheader)
    return 0


def as_json(job: dict[str, Any]) -> dict[str, Any]:
    """A job as `squeue --json` of Slurm 23.11 and later has it."""
    return {
        "job_id": job["job_id"],
        "name": job["name"],
        "user_name": job["user"],
        "partition": job["partition"],
        "job_state": [job["state"]],
        "nodes": job["node_list"],
        "node_count": {"set": True, "infinite": False, "number": job["nodes"]},
        "current_working_directory": job["work_dir"],
        "command": job["command"],
    }


def sinfo(state: dict[str, Any], given: list[str]) -> int:
    """The partitions."""
    parser = argparse.ArgumentParser("sinfo", allow_abbrev=False, add_help=False)
    parser.add_argument("-h", "--noheader", action="store_true")
    parser.add_argument("-o", "--format", default="%9P %.5a %.10l %.6D %.6t %N")
    requested = parser.parse_args(given)
    rows = [{**DEFAULTS, "state": "idle", **row} for row in state.get("partitions", [])]
    table(PARTITION, requested.format, rows, header=not requested.noheader)
    return 0


def table(
    fields: dict[str, tuple[str, str]], form: str, rows: list[dict[str, Any]], *, header: bool
) -> None:
    """Print rows in Slurm's format: `%[.][width]letter`."""

    def line(row: dict[str, Any] | None) -> str:
        def one(found: re.Match[str]) -> str:
            right, width, letter = found.groups()
            title, key = fields.get(letter, ("", ""))
            text = title if row is None else str(row.get(key, ""))
            if not width:
                return text
            return f"{text[: int(width)]:{'>' if right else '<'}{width}}"

        return re.sub(r"%(\.?)(\d*)([A-Za-z])", one, form)

    for row in [None, *rows] if header else rows:
        print(line(row))


def scontrol(state: dict[str, Any], given: list[str]) -> int:
    """`ping`, `show job [ID]`, `show partition` and `update PartitionName=… State=…`."""
    if given[:1] == ["ping"]:
        print("Slurmctld(primary) at head is UP")
        return 0
    if given[:2] == ["show", "job"]:
        wanted = given[2:]
        for job in state.get("jobs", []):
            if not wanted or str(job["job_id"]) in wanted:
                full = {**DEFAULTS, **job}
                print(f"JobId={full['job_id']} JobName={full['name']}")
                print(f"   UserId={full['user']}(1000) JobState={full['state']}")
                print(f"   Partition={full['partition']} NumNodes={full['nodes']}")
                print(f"   WorkDir={full['work_dir']}\n")
        return 0
    if given[:2] == ["show", "partition"]:
        for row in state.get("partitions", []):
            shown = row.get("avail", "up").upper()
            print(f"PartitionName={row['name']} State={shown} TotalNodes={row.get('nodes', 1)}\n")
        return 0
    if given[:1] == ["update"]:
        return update_partition(state, dict(word.partition("=")[::2] for word in given[1:]))
    print(f"The rehearsed scontrol does not know: {' '.join(given)}", file=sys.stderr)
    return 1


def update_partition(state: dict[str, Any], change: dict[str, str]) -> int:
    """Change whether a partition takes and starts jobs."""
    for row in state.get("partitions", []):
        if row["name"] == change.get("PartitionName") and change.get("State"):
            row["avail"] = change["State"].lower()
            STATE.write_text(json.dumps(state))
            return 0
    print("slurm_update error: Invalid partition name specified", file=sys.stderr)
    return 1


def scancel(state: dict[str, Any], given: list[str]) -> int:
    """Cancel jobs by id, or those of a user."""
    parser = argparse.ArgumentParser("scancel", allow_abbrev=False)
    parser.add_argument("-u", "--user")
    parser.add_argument("ids", nargs="*")
    requested = parser.parse_args(given)

    def meant(job: dict[str, Any]) -> bool:
        by_user = bool(requested.user) and job.get("user", "ubuntu") == requested.user
        return str(job["job_id"]) in requested.ids or by_user

    listed = {str(job["job_id"]) for job in state.get("jobs", [])}
    unknown = [job_id for job_id in requested.ids if job_id not in listed]
    state["jobs"] = [job for job in state.get("jobs", []) if not meant(job)]
    STATE.write_text(json.dumps(state))
    for job_id in unknown:
        print(f"scancel: error: Kill job error on job id {job_id}: Invalid job id", file=sys.stderr)
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))

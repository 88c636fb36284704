"""Whether a cluster is in use: the commands for its head node, and its answers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gotocloud.contract.head_node import LUSTRE_MOUNT
from gotocloud.formats import parse_json, whole_number
from gotocloud.printed import lines_of
from gotocloud.projects.pausing import JOBS, UnfinishedJob, read_job

_LONGEST = 20
"""Digits of the largest counter of 64 bits."""
_NOW_NS = re.compile(r"[0-9]{1,20}")

BUSY_CORES = 0.5
"""Average between two looks. Our own choice: above what Slurm's controller, the monitoring agent
and an idle desktop take, below one program that computes."""

BUSY_BYTES_PER_S = 1024 * 1024
"""Average between two looks, in and out. Our own choice: above monitoring, below copying."""

BUSY_PEOPLE_CORES = 0.1
"""Average of all programs of people, between two looks: in `screen`, `tmux`, behind `nohup` or on
a desktop. Our own choice: above what the session of a desktop without a viewer takes, below any
program that computes, also one that mostly waits for files."""

BUSY_GPU_PERCENT = 5
"""Our own choice: above what drawing an idle desktop takes."""

AT_WORK = frozenset({"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "STAGE_OUT", "SIGNALING"})
"""States of Slurm's jobs on machines that are there (squeue(1), "Job State Codes")."""

OBSERVE = (
    JOBS
    + r"""
date +now=%s%N
echo "boot=$(cat /proc/sys/kernel/random/boot_id)"
echo "cpu=$(getconf CLK_TCK) $(head -n 1 /proc/stat)"
awk -F: '/:/ { gsub(/ /, "", $1); split($2, f, " "); if ($1 != "lo") sum += f[1] + f[9] }
    END { printf "network=%.0f\n", sum }' /proc/net/dev
find /proc -maxdepth 1 -name '[0-9]*' -uid +999 ! -uid 65534 -exec cat '{}/stat' ';' 2>/dev/null \
    | awk '{ sub(/^.*\) /, ""); sum += $12 + $13 + $14 + $15 }
    END { printf "people=%.0f\n", sum }'
answer=$(mktemp)
(stat -t LUSTRE_MOUNT; echo ok >"$answer") </dev/null >/dev/null 2>&1 &
waits=0
# A process that waits for a file system may not even be killed: it is left alone.
while [ ! -s "$answer" ] && [ "$waits" -lt 400 ]; do sleep 0.05; waits=$((waits + 1)); done
if [ -s "$answer" ]; then echo 'lustre=ok'; fi
rm -f "$answer"
running=$(ps -eo comm=) && echo "shells=$(echo "$running" | grep -c '^ssm-session-wor')"
if command -v dcv >/dev/null; then
    sessions=$(timeout -k 5 15 dcv list-sessions --json) \
        && echo "sessions=$(echo "$sessions" | tr '\n' ' ')"
else
    echo 'sessions=[]'
fi
set -- /proc/driver/nvidia/gpus/*
if [ -e "$1" ]; then
    load=$(timeout -k 5 10 nvidia-smi --query-gpu=utilization.gpu --format=csv,noheader,nounits) \
        && running=$(timeout -k 5 10 nvidia-smi --query-compute-apps=pid --format=csv,noheader) \
        && echo "gpus=$(echo "$load" | tr '\n' ' ')/$(echo "$running" | tr '\n' ' ')"
else
    echo 'gpus=0/'
fi
true
""".replace("LUSTRE_MOUNT", LUSTRE_MOUNT)
)
"""Prints what `read_observation` reads; what is unknown is left out, and counts as use.

`dcv list-sessions --json` and its `num-of-connections`: Amazon DCV Administrator Guide, "Viewing
sessions", read 2026-11-22. ParallelCluster's images hold NVIDIA's programs on machines without a
GPU as well, where they fail: so the driver is read.
"""


@dataclass(frozen=True)
class Observation:
    """A cluster at one moment; None is what could not be looked at.

    Args:
        at_s: The head node's clock, seconds since 1970.
        boot: Which boot of the head node; its counters start again with each.
        jobs: Slurm jobs that are not finished.
        desktops: People who are connected to the desktop.
        shells: Sessions of Systems Manager that are open; it ends idle ones after 20 minutes.
        gpu_percent: Load of the busiest GPU of the head node; 100 while a program computes on
            one, because between two steps it shows none.
        cpu_s: Core seconds that were used since boot.
        network_bytes: Bytes in and out since boot.
        people_cpu_s: Core seconds of people's programs that run now, with those that they ran.
        lustre: Whether Lustre answers.
    """

    at_s: float
    boot: str | None
    jobs: tuple[UnfinishedJob, ...] | None
    desktops: int | None
    shells: int | None
    gpu_percent: int | None
    cpu_s: float | None
    network_bytes: int | None
    people_cpu_s: float | None = None
    lustre: bool = True

    @staticmethod
    def from_dict(kept: Mapping[str, Any]) -> Observation:
        """Read back what `dataclasses.asdict` made.

        Raises:
            TypeError, KeyError: if it is anything else.
        """
        jobs = kept["jobs"]
        return Observation(
            **{
                **kept,
                "jobs": None if jobs is None else tuple(UnfinishedJob(**job) for job in jobs),
            }
        )


_FACTS = {"slurm", "now", "boot", "cpu", "network", "people"}
_FACTS |= {"lustre", "shells", "sessions", "gpus"}
"""What `OBSERVE` prints once each; a line of any other key came from the name of a job."""


def read_observation(text: str) -> Observation:
    """Read what `OBSERVE` printed.

    Raises:
        ValueError: if not even the time is there.
    """
    reported: dict[str, str] = {}
    jobs: list[UnfinishedJob] | None = []
    for line in filter(None, lines_of(text)):
        key, _, value = line.partition("=")
        if key != "job":
            # What is printed once comes twice, or another line: from the name of a job, which
            # may hold the end of a line.
            jobs = None if key in reported or key not in _FACTS else jobs
            reported[key] = value
        elif jobs is not None:
            try:
                jobs.append(read_job(line))
            except ValueError:
                jobs = None
    now = reported.get("now", "")
    if not _NOW_NS.fullmatch(now):
        raise ValueError(f"the head node answered {text[-300:]!r}")
    return Observation(
        at_s=int(now) / 1e9,
        boot=reported.get("boot") or None,
        jobs=tuple(jobs) if jobs is not None and reported.get("slurm") == "ok" else None,
        desktops=_desktops(reported.get("sessions", "")),
        shells=_integer(reported.get("shells", "")),
        gpu_percent=_gpus(reported.get("gpus", "")),
        cpu_s=_cpu(reported.get("cpu", "")),
        network_bytes=_integer(reported.get("network", "")),
        people_cpu_s=_people(reported.get("people", ""), reported.get("cpu", "")),
        lustre=reported.get("lustre") == "ok",
    )


def unseen(at_s: float) -> Observation:
    """A look at which nothing could be seen.

    Args:
        at_s: Seconds since 1970.
    """
    return Observation(at_s, None, None, None, None, None, None, None)


def uses(now: Observation, before: Observation | None) -> tuple[str, ...]:
    """Who or what uses the cluster, or may; empty when it is idle.

    Args:
        before: The look before; None where it is too long ago to compare.
    """
    found = list(people(now))
    if now.jobs is None:
        found.insert(0, "Slurm does not report whether there are jobs")
    elif now.jobs:
        found.insert(0, f"{len(now.jobs)} jobs, the first {now.jobs[0]}")
    if not now.lustre:
        found.insert(0, "Lustre does not answer")
    return (*found, *_load(now, before))


def surely_used(now: Observation, before: Observation | None) -> bool:
    """Whether a person or a program is known to be at work.

    What is unknown counts as use too, and so does a job that waits or for which a machine is
    being made; but these may last for ever.

    Args:
        before: The look before; None where it is too long ago to compare.
    """
    at_work = any(job.state in AT_WORK for job in now.jobs or ())
    seen = now.desktops or now.shells or (now.gpu_percent or 0) >= BUSY_GPU_PERCENT
    return at_work or bool(seen) or bool(_busy(now, before))


def people(now: Observation) -> tuple[str, ...]:
    """Who is on the head node, or what computes on its GPU."""
    found = []
    for count, one, unknown in (
        (
            now.desktops,
            "desktop is connected",
            "DCV does not report whether a desktop is connected",
        ),
        (now.shells, "shell is open", "whether a shell is open is not known"),
    ):
        if count is None:
            found.append(unknown)
        elif count:
            found.append(f"{count} {one}" if count == 1 else f"{count} times a {one}")
    if now.gpu_percent is None:
        found.append("the load of the head node's GPU is unknown")
    elif now.gpu_percent >= BUSY_GPU_PERCENT:
        found.append(f"the head node's GPU is at {now.gpu_percent} %")
    return tuple(found)


def _load(now: Observation, before: Observation | None) -> list[str]:
    if now.cpu_s is None or now.network_bytes is None or now.boot is None:
        return ["the head node's load is not known"]
    if before is None or before.cpu_s is None or before.network_bytes is None:
        return []
    seconds = now.at_s - before.at_s
    if before.boot != now.boot or seconds <= 0:
        return ["the head node was restarted"] if before.boot != now.boot else []
    return _busy(now, before)


def _busy(now: Observation, before: Observation | None) -> list[str]:
    if before is None or before.boot != now.boot or now.at_s <= before.at_s:
        return []
    if None in (now.cpu_s, before.cpu_s, now.network_bytes, before.network_bytes):
        return []
    assert now.cpu_s is not None
    assert before.cpu_s is not None
    assert now.network_bytes is not None
    assert before.network_bytes is not None
    seconds = now.at_s - before.at_s
    found = []
    cores = (now.cpu_s - before.cpu_s) / seconds
    if cores >= BUSY_CORES:
        found.append(f"programs on the head node use {cores:.1f} cores")
    bytes_per_s = (now.network_bytes - before.network_bytes) / seconds
    if bytes_per_s >= BUSY_BYTES_PER_S:
        found.append(f"the head node moves {bytes_per_s / 1e6:.1f} MB/s")
    if now.people_cpu_s is not None and before.people_cpu_s is not None and not found:
        people_cores = (now.people_cpu_s - before.people_cpu_s) / seconds
        if people_cores >= BUSY_PEOPLE_CORES:
            found.append(f"programs of people use {people_cores:.2f} cores")
    return found


def warning_script(text: str) -> str:
    """Warns all users on the head node: terminals, and desktops as far as they show notices."""
    stated = shlex.quote(text)
    return f"""printf '%s\\n' {stated} | wall 2>/dev/null
for socket in /tmp/.X11-unix/X*; do
    [ -S "$socket" ] || continue
    command -v notify-send >/dev/null || continue
    owner=$(stat -c %u "$socket")
    setpriv --reuid "$owner" --regid "$(id -g "$owner")" --clear-groups \\
        env --ignore-environment PATH="$PATH" DISPLAY=":${{socket##*/X}}" \\
        DBUS_SESSION_BUS_ADDRESS="unix:path=/run/user/$owner/bus" \\
        timeout 10 notify-send --urgency=critical --expire-time=0 GoToCloud {stated}
done 2>/dev/null
true
"""


def _integer(text: str) -> int | None:
    return whole_number(text)


def _cpu(text: str) -> float | None:
    """Used core seconds from "TICKS_PER_SECOND cpu USER NICE SYSTEM IDLE IOWAIT IRQ SOFT STEAL"."""
    try:
        per_s, _, *ticks = text.split()
        numbers = [int(one) for one in ticks[:8] if len(one) <= _LONGEST]
        return sum(numbers[:3] + numbers[5:7]) / int(per_s[:_LONGEST])
    except (ValueError, ZeroDivisionError):
        return None


def _people(ticks: str, cpu: str) -> float | None:
    """Core seconds from ticks; the line about the processor has their number in a second."""
    used, per_s = _integer(ticks), _integer(cpu.partition(" ")[0])
    return used / per_s if used is not None and per_s else None


def _desktops(text: str) -> int | None:
    try:
        return sum(int(session["num-of-connections"]) for session in parse_json(text))
    except (ValueError, LookupError, TypeError):
        return None


def _gpus(text: str) -> int | None:
    load, there, running = text.partition("/")
    numbers = [_integer(one) for one in load.split()]
    if not there or not numbers or None in numbers:
        return None
    return 100 if running.strip() else max(number or 0 for number in numbers)

"""What RELION's own log shows about a job: `run.out` and the exit files.

Source of the wording: 3dem/relion, `src/ml_optimiser.cpp`, `src/ml_optimiser_mpi.cpp`,
`src/time.cpp` and `src/mpi.cpp` of the tags 3.1.3, 4.0.1 and 5.0.1, and real logs of 3.1.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

LOG_FILE = "run.out"

_SECONDS = {"sec": 1.0, "min": 60.0, "hrs": 3600.0}
_WHOLE_BAR = 60


class ExitStatus(StrEnum):
    """What the exit files of a job state."""

    SUCCESS = "success"
    FAILURE = "failure"
    ABORTED = "aborted"
    NONE = "none"
    """It has not ended, or it was killed before it could state it."""


@dataclass(frozen=True)
class ProgressBar:
    """One progress bar: a part of the work, and how long it took.

    Args:
        name: The line above the bar, for example "Expectation iteration 3 of 25".
        iteration: The iteration it belongs to; None before the first one.
        start: Which start of a program it belongs to; a continued job has several.
        elapsed_s: Time passed at the last sign of life.
        expected_s: RELION's estimate at that time of what the step takes.
        complete: Whether the bar was filled.
    """

    name: str
    iteration: int | None
    start: int
    elapsed_s: float
    expected_s: float
    complete: bool


@dataclass(frozen=True)
class RunLog:
    """The facts in a log; of a job that was continued, those of its latest start.

    Args:
        version: RELION's version; None before a program has printed it.
        starts: How many programs of RELION have begun, continuations included.
        ranks: MPI ranks; None without MPI.
        threads: Threads a rank; None where RELION does not print it.
        hosts: Rank -> machine.
        devices: Rank -> device of each thread; rank 0 stands for a job without MPI.
        iteration: The last iteration that has begun; 0 before the first one.
        iterations_done: The last iteration whose maximisation has ended.
        iterations_total: How many there will be; None when RELION refines until it converges.
        resolution_angstrom: The latest resolution; None before there is one.
        final_resolution_angstrom: What a refinement or post-processing ends with.
        no_gain_iterations: Iterations since the resolution last became better.
        steps: Every progress bar of every start, in order.
    """

    version: str | None = None
    starts: int = 0
    ranks: int | None = None
    threads: int | None = None
    hosts: Mapping[int, str] = field(default_factory=dict)
    devices: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    iteration: int = 0
    iterations_done: int = 0
    iterations_total: int | None = None
    resolution_angstrom: float | None = None
    final_resolution_angstrom: float | None = None
    no_gain_iterations: int | None = None
    steps: tuple[ProgressBar, ...] = ()

    @property
    def gpus(self) -> int:
        """GPUs in use: devices of one machine count once, however many ranks share them."""
        return len(
            {
                (self.hosts.get(rank, ""), device)
                for rank, threads in self.devices.items()
                for device in threads
            }
        )


def read_run_log(job_directory: Path) -> RunLog:
    """The log of a job; one that has not begun has nothing in it."""
    return parse_run_log(text_of(job_directory / LOG_FILE))


def parse_run_log(text: str) -> RunLog:
    """The facts in the text of a log, which may end anywhere."""
    reader = _LogReader()
    for line in re.split(r"[\r\n]", text):
        reader.take(line)
    return reader.result()


def exit_status(job_directory: Path) -> ExitStatus:
    """How a job ended, by the file that RELION leaves."""
    for status in (ExitStatus.SUCCESS, ExitStatus.FAILURE, ExitStatus.ABORTED):
        if (job_directory / f"RELION_JOB_EXIT_{status.upper()}").exists():
            return status
    return ExitStatus.NONE


def text_of(path: Path) -> str:
    """The text of a file, whatever its bytes; empty if there is none."""
    try:
        return path.read_bytes().decode("utf-8", errors="replace")
    except OSError:
        return ""


_NUMBER = r"([\d.]+(?:e[-+]?\d{1,9})?)"
_BAR = re.compile(r"\s*([\d.]+)/\s*([\d.]+) (sec|min|hrs) (\.*)~~\(")
_AFTER_BAR = re.compile(r"^.*~~\(,_,\">\s*(?:yum!|\[?o{0,2}\])?\s*")
_NEW_BAR = "000/??? sec"
# With a blank before it, it is the end of an error.
_VERSION = re.compile(r"RELION version: *(\S+)")
_RANKS = re.compile(r" \+ Number of MPI processes\s+= (\d{1,9})")
_THREADS = re.compile(r" \+ Number of threads per MPI process\s+= (\d{1,9})")
_HOST = re.compile(
    r" \+ (?:Leader|Master|Follower|Slave)\s+\(?(\d{1,9})\)?\s+runs on host\s+= (\S+)"
)
_DEVICE = re.compile(
    r"\s+Thread (\d{1,9})(?: on (?:follower|slave) (\d{1,9}))? mapped to device (.+?)\s*$"
)
_ITERATION = re.compile(
    r" (?:Expectation|Gradient optimisation|Stochastic [\w ]+?) iteration "
    r"(\d{1,9})(?: of (\d{1,9}))?"
)
_AUTO_ITERATION = re.compile(r" Auto-refine: Iteration= *(\d{1,9})")
_RESOLUTION = re.compile(
    rf" (?:Auto-refine: Resolution= *{_NUMBER} *\(no gain for (\d{{1,9}}) iter|"
    rf"CurrentResolution= *{_NUMBER} Angstroms)"
)
_FINAL = re.compile(
    rf"\s*(?:Auto-refine: )?\+ (?:Final resolution \([^)]*\) is:|FINAL RESOLUTION:)\s*{_NUMBER}"
)
_RUNNING = " Running CPU instructions in "


class _LogReader:
    """Takes a log line by line; a carriage return ends a line as well."""

    def __init__(self) -> None:
        self.facts: dict[str, object] = {}
        self.hosts: dict[int, str] = {}
        self.devices: dict[int, dict[int, str]] = {}
        self.iteration = 0
        self.done = 0
        self.starts = 0
        self.announced = False
        self.heading = ""
        self.steps: list[ProgressBar] = []

    def take(self, line: str) -> None:
        if "~~(" in line:
            self._bar(line)
            # A killed job leaves a bar without an end; the next start writes on behind it.
            line = _AFTER_BAR.sub("", line)
            if not line.strip():
                return
        if found := _VERSION.match(line):
            self._begin(found[1])
        elif found := _ITERATION.match(line):
            self.iteration = int(found[1])
            self.facts["iterations_total"] = int(found[2]) if found[2] else None
        elif found := _AUTO_ITERATION.match(line):
            self.iteration = max(self.iteration, int(found[1]))
        elif found := _RESOLUTION.match(line):
            self.facts["resolution_angstrom"] = _float(found[1] or found[3])
            if found[2]:
                self.facts["no_gain_iterations"] = int(found[2])
        elif found := _FINAL.match(line):
            self.facts["final_resolution_angstrom"] = _float(found[1])
        elif line.startswith(_RUNNING):
            # The program without MPI of 3.1 does not print its version.
            if not self.announced:
                self._begin(None)
            self.announced = False
        else:
            self._set_up(line)
        if line.strip():
            self.heading = line.strip()

    def result(self) -> RunLog:
        devices = {
            rank: tuple(threads[number] for number in sorted(threads))
            for rank, threads in self.devices.items()
        }
        return RunLog(
            **self.facts,  # type: ignore[arg-type]  # filled under the names of its fields
            starts=self.starts,
            hosts=MappingProxyType(dict(self.hosts)),
            devices=MappingProxyType(devices),
            iteration=self.iteration,
            iterations_done=self.done,
            steps=tuple(self.steps),
        )

    def _begin(self, version: str | None) -> None:
        self.starts += 1
        self.announced = version is not None
        if version is not None:
            self.facts["version"] = version

    def _set_up(self, line: str) -> None:
        if found := _RANKS.match(line):
            self.facts["ranks"] = int(found[1])
            # The next start may have fewer machines and other devices.
            self.facts.pop("threads", None)
            self.hosts, self.devices = {}, {}
        elif found := _THREADS.match(line):
            self.facts["threads"] = int(found[1])
        elif found := _HOST.match(line):
            self.hosts[int(found[1])] = found[2]
        elif found := _DEVICE.match(line):
            self.devices.setdefault(int(found[2] or 0), {})[int(found[1])] = found[3]

    def _bar(self, line: str) -> None:
        if line.startswith(_NEW_BAR):
            self._step(0.0, 0.0, complete=False, new=True)
        elif found := _BAR.match(line):
            elapsed, expected = _float(found[1]), _float(found[2])
            if elapsed is None or expected is None:
                return
            unit = _SECONDS[found[3]]
            complete = len(found[4]) >= _WHOLE_BAR
            self._step(elapsed * unit, expected * unit, complete=complete, new=False)

    def _step(self, elapsed_s: float, expected_s: float, *, complete: bool, new: bool) -> None:
        last = self.steps[-1] if self.steps else None
        # Several ranks may draw one bar; a filled one is not drawn over.
        if not new and last is not None and last.complete:
            return
        # Without auto-refinement it is the next iteration's first step.
        ahead = self.heading.startswith("Estimating accuracies") and self.done == self.iteration
        step = ProgressBar(
            name=self.heading,
            iteration=self.iteration + ahead or None,
            start=self.starts,
            elapsed_s=elapsed_s,
            expected_s=expected_s,
            complete=complete,
        )
        if new or last is None:
            self.steps.append(step)
        else:
            self.steps[-1] = step
        if complete and self.heading.startswith("Maximization"):
            self.done = self.iteration


def _float(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None

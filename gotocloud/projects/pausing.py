"""The commands that pausing runs on the head node, and their answers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import cast

from gotocloud.contract.proofs import FORMAT, CountRecord, ProofRecord
from gotocloud.printed import lines_of
from gotocloud.projects.home_archive import HomeArchive, home_notes
from gotocloud.projects.inventory import Summary
from gotocloud.projects.proof import MAX_SHOWN, Tally
from gotocloud.projects.stored import Flaw

SLURM = 'export PATH="/opt/slurm/bin:$PATH"'
"""Where ParallelCluster installs Slurm. Only login shells have it on their PATH (slurm.sh.erb of
aws/aws-parallelcluster-cookbook), and Run Command starts none."""

_FIELDS = "%i|%T|%u|%P|%D|%r|%j"
_SQUEUE = f"squeue --noheader --all --format='job={_FIELDS}'"
LOOK = f"{SLURM}\ndate +now=%s%N\n{_SQUEUE}\n"
"""Prints the node's clock and every job that is not finished."""

JOBS = f"{SLURM}\ntimeout -k 5 40 {_SQUEUE} && echo slurm=ok\n"
"""Prints every job, and then that these are all, for a script that goes on without them."""

CLOSE = (
    f"{SLURM}\nset -eu\nfor queue in $(sinfo --noheader --format=%R | sort -u); do\n"
    '  scontrol update PartitionName="$queue" State=DRAIN\ndone\necho closed\n'
)
"""Lets no job into any queue, so that none starts while data are exported."""

OPEN = (
    f"{SLURM}\nset -eu\nsinfo --noheader --format='%R %a' | sort -u | "
    'while read -r queue state; do\n  case "$state" in drain*)\n'
    '    scontrol update PartitionName="$queue" State=UP;;\n  esac\ndone\necho opened\n'
)
"""Lets jobs into the queues that `CLOSE` closed."""

_JOB_ID = re.compile(r"[0-9]{1,9}(?:_[0-9]{1,9}|_\[[-0-9,%]+\]|\+[0-9]{1,9})?")
_NOW = re.compile(r"^now=([0-9]{16,20})$", re.MULTILINE)


@dataclass(frozen=True)
class UnfinishedJob:
    """A Slurm job that is not finished."""

    id: str
    state: str
    user: str
    queue: str
    nodes: str
    reason: str
    name: str

    def __str__(self) -> str:
        why = "" if self.reason in {"", "None"} else f", {self.reason}"
        return (
            f"{self.id} {self.name!r} of {self.user} in {self.queue} on {self.nodes} nodes: "
            f"{self.state.lower()}{why}"
        )


@dataclass(frozen=True)
class Look:
    """The queues at one moment.

    Args:
        now_ns: The head node's clock.
    """

    now_ns: int
    jobs: tuple[UnfinishedJob, ...]


def read_look(text: str) -> Look:
    """Read what `LOOK` printed.

    Raises:
        ValueError: if it is anything else; then it is unknown whether jobs run.
    """
    now = _NOW.search(text)
    if not now:
        raise ValueError(f"the head node answered {text[-300:]!r}")
    jobs = []
    for line in lines_of(text):
        if line.startswith("job="):
            jobs.append(read_job(line))
        elif line and not line.startswith("now="):
            raise ValueError(f"the head node answered {line!r}")
    return Look(int(now[1]), tuple(jobs))


def read_job(line: str) -> UnfinishedJob:
    """Read one line of `LOOK` that begins with `job=`.

    Raises:
        ValueError: if it is anything else.
    """
    # The name comes last, because it may hold anything.
    parts = line.removeprefix("job=").split("|", 6)
    if len(parts) != 7 or not parts[0]:
        raise ValueError(f"the head node answered {line!r}")
    return UnfinishedJob(*parts)


def cancel_script(jobs: Iterable[UnfinishedJob]) -> str:
    """Cancels jobs; every id is checked, because it ends up in a shell."""
    ids = sorted({job.id.split("_")[0] for job in jobs if _JOB_ID.fullmatch(job.id)})
    return f"{SLURM}\nscancel {' '.join(map(shlex.quote, ids))}\n"


def node_script(source: str, *arguments: str) -> str:
    """Runs a program of ours on the head node; its text is part of the command, for the trail.

    It runs as root, wherever that happens to stand: modules are not looked for there.
    """
    return f"python3 -I - {_words(arguments)} <<{_document(source)}"


def node_package(sources: Mapping[str, str], *arguments: str) -> str:
    """Runs a program of several files on the head node, from a folder that only root reads.

    Args:
        sources: Path -> text; `__main__.py` is what runs.
    """
    folders = sorted({str(above) for path in sources for above in PurePosixPath(path).parents[:-1]})
    return "\n".join(
        [
            "set -e",
            "folder=$(mktemp -d -t gotocloud-XXXXXX)",
            "trap 'rm -rf \"$folder\"' EXIT",
            *(f'mkdir "$folder/{one}" && : >"$folder/{one}/__init__.py"' for one in folders),
            *(f'cat >"$folder/{path}" <<{_document(text)}' for path, text in sources.items()),
            f'python3 -I "$folder" {_words(arguments)}\n',
        ]
    )


def _words(arguments: Iterable[str]) -> str:
    return " ".join(map(shlex.quote, arguments))


def _document(text: str) -> str:
    mark = "GOTOCLOUD-PROGRAM"
    return f"'{mark}'\n{text.rstrip()}\n{mark}\n"


@dataclass(frozen=True)
class ExportRun:
    """One export task as FSx describes it."""

    task: str
    lifecycle: str
    total: int = 0
    succeeded: int = 0
    failed: int = 0
    message: str = ""

    @property
    def done(self) -> bool:
        """Whether FSx reports that it succeeded."""
        return self.lifecycle == "SUCCEEDED"


def doubts(run: ExportRun, listed: Summary, tally: Tally) -> tuple[str, ...]:
    """Why a comparison without problems would still be no proof; empty when it is one."""
    found = []
    special = listed.counts.get("special", 0)
    if not run.done:
        found.append(f"the export {run.task} is {run.lifecycle}. {run.message}".rstrip(". ") + ".")
    if run.failed > special:
        found.append(
            f"the export {run.task} is {run.lifecycle}, but {run.failed} of {run.total} entries "
            "failed."
        )
    if tally.entries != listed.entries:
        found.append(
            f"the list has {listed.entries} entries by the head node's count, and "
            f"{tally.entries} as it arrived."
        )
    for kind, stated in _DOUBTFUL.items():
        if count := listed.counts.get(kind, 0):
            shown = ", ".join(map(repr, listed.shown.get(kind, ())[:5]))
            found.append(f"{count} {stated}: {shown}.")
    return tuple(found)


_DOUBTFUL = {
    "vanished": "entries disappeared while they were listed",
    "just changed": "entries changed while they were listed",
    "unreadable": "entries could not be read",
    "open for writing": "files are open for writing on the head node",
}


def notes(listed: Summary, tally: Tally, home: HomeArchive) -> tuple[str, ...]:
    """What S3 cannot keep, and what was not looked at; nothing of it is data."""
    stated = []
    if count := listed.counts.get("special", 0):
        stated.append(f"{count} sockets, pipes or devices are not kept.")
    if count := listed.counts.get("hard links", 0):
        stated.append(f"{count} names share their file with another; they come back as copies.")
    if tally.special_bits:
        stated.append(f"{tally.special_bits} set-uid, set-gid or sticky bits are not kept.")
    if count := listed.counts.get("extended", 0):
        stated.append(f"{count} entries have access lists or attributes of people: not kept.")
    if tally.by_size_and_time:
        stated.append(f"{tally.by_size_and_time} files were compared by size and time alone.")
    if tally.frozen:
        stated.append(
            f"{tally.frozen} objects are in an archive tier of S3: until they are restored there "
            "(hours), Lustre cannot read them."
        )
    if tally.only_in_bucket:
        stated.append(f"{tally.only_in_bucket} objects are in the bucket only, and stay there.")
    return (*stated, *home_notes(home))


@dataclass(frozen=True)
class Proof:
    """A proof that everything on Lustre is in the bucket; kept beside what was compared.

    Args:
        home: The archive of the head node's own disks, which was on Lustre with all the rest.
    """

    run: str
    project: str
    scientist: str
    stack_id: str
    file_system: str
    bucket: str
    began: str
    ended: str
    exports: tuple[ExportRun, ...]
    listed: Summary
    home: HomeArchive
    counted: CountRecord
    compared_sha256: str
    notes: tuple[str, ...]

    def as_record(self) -> ProofRecord:
        """The proof as it is kept."""
        return cast(ProofRecord, {"format": FORMAT, **asdict(self)})


def counted(tally: Tally) -> CountRecord:
    """The numbers of a comparison."""
    return {
        "files": tally.files,
        "folders": tally.folders,
        "links": tally.links,
        "bytes": tally.total_bytes,
        "checksums": tally.checksums,
        "checksum_bytes": tally.checksum_bytes,
        "implied_folders": tally.implied_folders,
        "only_in_bucket": tally.only_in_bucket,
        "flaws": dict(tally.flaws),
    }


def remedy(tally: Tally) -> str:
    """What to do about a proof that failed."""
    if Flaw.COLLISION.value in tally.flaws:
        return (
            "Delete the object that is named, or rename what is on Lustre (gotocloud ssh); then "
            "pause again."
        )
    if not tally.curable:
        return (
            "In a shell on the head node, give those files names of at most 1,024 bytes of UTF-8, "
            "or copy what is lost from elsewhere; then pause again."
        )
    return (
        "Wait until nothing writes any more. Touch files that stay different (gotocloud ssh), so "
        "that Lustre exports them again."
    )


def shown(tally: Tally, most: int = 20) -> tuple[str, ...]:
    """Problems for the terminal: counts by kind, then the first of them."""
    by_kind = [f"{count} {flaw}" for flaw, count in sorted(tally.flaws.items())]
    listed = [str(problem) for problem in tally.problems[:most]]
    rest = tally.flawed - len(listed)
    more = [f"and {rest} more; the report has the first {MAX_SHOWN}"] if rest > 0 else []
    return (*by_kind, *listed, *more)

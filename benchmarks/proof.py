"""Time and memory of a pause's proof, for projects of many files; `make bench-proof`.

Each step runs in a process of its own, on real (empty) files: the head node's list, the
comparison with the bucket, and the last look. S3 answers at once here: on AWS, a HEAD request for
each object comes on top, 32 at a time. With `--docs` the table is written between the marks in
docs/pausing.md. `--only-compare` makes the list without files, for numbers that a disk does not
take.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gotocloud.aws.lustre_export.objects import with_metadata
from gotocloud.node import inventory
from gotocloud.projects.alignment import align
from gotocloud.projects.inventory import read_entries
from gotocloud.projects.proof import Tally
from gotocloud.projects.stored import BucketObject

FILES_IN_FOLDER = 1000
TIME_NS = 1_700_000_000_000_000_000
MD5_OF_NOTHING = "d41d8cd98f00b204e9800998ecf8427e"
MARKS = ("<!-- proof benchmark -->", "<!-- end of proof benchmark -->")
MIB = 1024 * 1024


class ListedBucket:
    """An S3 that holds what the list names, and answers at once."""

    class exceptions:  # noqa: N801 - boto3's name
        """As boto3's clients have them."""

        ClientError = LookupError

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        """HeadObject, of an empty file or folder."""
        mode = "0040755" if Key.endswith("/") else "0100644"
        owner = {"file-owner": str(os.geteuid()), "file-group": str(os.getegid())}
        return {
            "ETag": f'"{MD5_OF_NOTHING}"',
            "ContentLength": 0,
            "VersionId": Bucket,
            "Metadata": {**owner, "file-permissions": mode, "file-mtime": f"{TIME_NS}ns"},
        }


class CountingCloud:
    """Makes clients of that S3."""

    region = "local"

    def client(self, service: str, region: str = "") -> Any:
        """The one client."""
        return ListedBucket()


def names(entries: int) -> Iterator[str]:
    """As many names of files and folders, in the order of S3's keys."""
    made = folder = 0
    while made < entries:
        yield f"d{folder:07}/"
        made += 1
        for number in range(min(FILES_IN_FOLDER, entries - made)):
            yield f"d{folder:07}/f{number:06}"
            made += 1
        folder += 1


def make_files(root: Path, entries: int) -> None:
    """Empty files in folders, all of one time."""
    for name in names(entries):
        path = root / name
        if name.endswith("/"):
            path.mkdir()
        else:
            path.touch(0o644)
            os.utime(path, ns=(TIME_NS, TIME_NS))


def make_list(path: Path, entries: int) -> None:
    """The list that the head node would write of them."""
    uid, gid = os.geteuid(), os.getegid()
    with gzip.open(path, "wb") as packed:
        for name in names(entries):
            kind, mode = ("d", 0o755) if name.endswith("/") else ("f", 0o644)
            line = [name, kind, 0, TIME_NS, TIME_NS, mode, uid, gid]
            more = {} if kind == "d" else {"md5": MD5_OF_NOTHING}
            packed.write(json.dumps([*line, more]).encode() + b"\n")


def compare(path: Path) -> int:
    """Compare a list with the bucket as a pause does; returns how many entries agree."""
    tally = Tally()
    with gzip.open(path) as lines, gzip.open(path) as again, tempfile.TemporaryFile() as compared:
        objects = (
            BucketObject(entry.path.decode(), 0, MD5_OF_NOTHING, TIME_NS)
            for entry in read_entries(again)
        )
        pairs = align(read_entries(lines), objects, tally)
        with gzip.GzipFile(fileobj=compared, mode="wb", mtime=0) as record:
            for pair, stored in with_metadata(CountingCloud(), "b", pairs):
                record.write(tally.take(pair, stored, 1 << 62))
    assert not tally.flaws, tally.flaws
    return tally.entries


def step(verb: str, root: Path) -> None:
    """One step, in this process; prints seconds, peak memory in MiB, and entries."""
    began = time.monotonic()
    place = root / ".gotocloud/proofs/run" / inventory.LIST
    if verb == "list":
        listed = inventory.write_list(os.fsencode(root), ".gotocloud/proofs/run", 10**12)
        entries = listed["files"] + listed["folders"]
    elif verb == "look":
        listed = inventory.walk(os.fsencode(root), lambda line: None, -1)
        entries = listed["files"] + listed["folders"]
    else:
        entries = compare(place)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([time.monotonic() - began, peak, entries]))


def measured(verb: str, root: Path) -> tuple[float, float, int]:
    """One step in a process of its own: seconds, MiB, entries."""
    done = subprocess.check_output([sys.executable, __file__, "--step", verb, str(root)], text=True)
    seconds, peak, entries = json.loads(done)
    return float(seconds), float(peak), int(entries)


def row(entries: int, *, only_compare: bool) -> str:
    """A line of the table."""
    root = Path(tempfile.mkdtemp(prefix="gotocloud-proof-"))
    try:
        verbs = ("compare",) if only_compare else ("list", "compare", "look")
        if only_compare:
            place = root / ".gotocloud/proofs/run"
            place.mkdir(parents=True)
            make_list(place / inventory.LIST, entries)
        else:
            make_files(root, entries)
        cells = {verb: measured(verb, root) for verb in verbs}
        assert {cell[2] for cell in cells.values()} == {entries}
        shown = [
            f"{cells[verb][0]:.1f} s, {cells[verb][1]:.0f} MiB" if verb in cells else "not measured"
            for verb in ("list", "compare", "look")
        ]
        return f"| {entries:,} | {' | '.join(shown)} |"
    finally:
        shutil.rmtree(root)


def write_docs(path: Path, table: str) -> None:
    """Put the table between the marks."""
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    path.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}", encoding="utf-8")


def main() -> None:
    """Measure, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, nargs="+", default=[10**4, 10**5, 10**6])
    parser.add_argument("--only-compare", type=int, nargs="*", default=[])
    parser.add_argument("--docs", type=Path)
    parser.add_argument("--step", nargs=2, metavar=("VERB", "ROOT"))
    given = parser.parse_args()
    if given.step:
        step(given.step[0], Path(given.step[1]))
        return
    lines = ["| entries | list | compare | look |", "|---:|---:|---:|---:|"]
    for entries in given.entries:
        lines.append(row(entries, only_compare=False))
        print(lines[-1], file=sys.stderr)
    for entries in given.only_compare:
        lines.append(row(entries, only_compare=True))
        print(lines[-1], file=sys.stderr)
    print("\n".join(lines))
    if given.docs:
        write_docs(given.docs, "\n".join(lines))


if __name__ == "__main__":
    main()

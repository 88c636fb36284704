"""Exports Lustre and proves that everything on it is in the bucket."""

from __future__ import annotations

import gzip
import hashlib
import json
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import IO
from uuid import uuid4

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.head_node import LONG_S
from gotocloud.aws.listener import Listener
from gotocloud.aws.local_node import Runner
from gotocloud.aws.lustre_export.export import export
from gotocloud.aws.lustre_export.home import archive_home, look_at_home
from gotocloud.aws.lustre_export.link import Link
from gotocloud.aws.lustre_export.objects import listed, part_size, with_metadata
from gotocloud.aws.session import explained
from gotocloud.contract.head_node import LUSTRE_MOUNT
from gotocloud.contract.project_bucket import COMPARED, HOME, LIST, PROOF, PROOFS
from gotocloud.contract.proofs import proof_text
from gotocloud.errors import GoToCloudError
from gotocloud.formats import parse_json
from gotocloud.printed import lines_of
from gotocloud.projects.alignment import align
from gotocloud.projects.home_archive import HomeArchive
from gotocloud.projects.inventory import (
    InventoryError,
    Summary,
    as_bytes,
    read_entries,
    read_summary,
)
from gotocloud.projects.pausing import (
    LOOK,
    ExportRun,
    Look,
    Proof,
    counted,
    doubts,
    node_script,
    notes,
    read_look,
    remedy,
    shown,
)
from gotocloud.projects.proof import Tally
from gotocloud.projects.stored import Flaw, Problem

ROUNDS = 3
"""Exports until files that go on changing are the answer."""

PARTS_AT_ONCE = 200
PART_NAMES_BYTES = 20_000
"""Files, and bytes of their names, in one command to the head node, which takes 64 KB."""

GIB = 1024**3


@dataclass(frozen=True)
class ExportSite:
    """What is proven, and with what.

    Args:
        stack_id: The cluster's stack; a proof is good for no other.
        checksum_gib: How much of Lustre is read to compare checksums.
        in_use: Returns at the very end why the cluster should be kept after all.
    """

    cloud: Cloud
    node: Runner
    file_system: str
    link: Link
    stack_id: str
    project: str
    scientist: str
    retry: str
    checksum_gib: int = 100
    in_use: Callable[[], tuple[str, ...]] = tuple


class UnprovenError(GoToCloudError):
    """Not everything on Lustre is known to be in the bucket; the cluster is kept."""


@dataclass
class _Round:
    """What one round came to."""

    runs: list[ExportRun] = field(default_factory=list)
    listed: Summary | None = None
    home: HomeArchive | None = None
    tally: Tally = field(default_factory=Tally)
    doubts: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.doubts and not self.tally.flawed


def look(node: Runner) -> Look:
    """The queues now.

    Raises:
        GoToCloudError: if Slurm does not answer: then it is unknown whether jobs run.
    """
    text = node.run(LOOK, "ask Slurm for its jobs")
    try:
        return read_look(text)
    except ValueError as error:
        raise GoToCloudError(
            f"Whether jobs run is not known: {error}. The cluster is kept.",
            advice="Look at the queues (squeue) in a shell on the head node.",
            next_command="gotocloud ssh",
        ) from error


def prove(site: ExportSite, listener: Listener) -> Proof:
    """Export everything, compare everything, and keep the proof in the bucket.

    Raises:
        UnprovenError: if something is not, or may not be, in the bucket as it is on Lustre.
        GoToCloudError: if AWS does not answer.
    """
    began, run = datetime.now(UTC), _run_name()
    runs: list[ExportRun] = []
    paths: list[str] = []
    for number in range(1, ROUNDS + 1):
        with _compared_file() as compared:
            done = _round(site, listener, run, paths, compared)
            runs += done.runs
            if done.holds:
                done.doubts = _still(site, listener, done)
            if done.holds and done.listed:
                proof = _proof(site, run, began, runs, done)
                _keep(site, run, proof, compared)
                return proof
        if number == ROUNDS or not done.tally.curable:
            break
        paths = [] if done.doubts else _again(done.tally)
        listener.step(f"{done.tally.flawed or 'Some'} entries differ; exporting them again")
    raise _unproven(site, run, done)


def _round(
    site: ExportSite, listener: Listener, run: str, paths: list[str], compared: IO[bytes]
) -> _Round:
    done = _Round()
    listener.step("Archiving /home and what else people wrote on the head node")
    done.home = archive_home(site.cloud, site.node, site.link.bucket, site.retry)
    from_ns = look(site.node).now_ns
    listener.step("Exporting to the bucket")
    # Other paths than before were exported well; the archive is a new one.
    done.runs.append(_export(site, listener, [*paths, HOME.rstrip("/")] if paths else []))
    listener.step("Listing everything on Lustre")
    folder = f"{PROOFS}{run}"
    budget = str(site.checksum_gib * GIB)
    done.listed = _inventory(site, "list", folder, budget)
    # The list travels as everything else does, so the head node needs no way into the bucket.
    done.runs.append(_export(site, listener, [folder]))
    listener.step("Comparing Lustre with the bucket")
    try:
        _compare(site, listener, f"{folder}/{LIST}", done, from_ns, compared)
    except (InventoryError, ValueError) as error:
        done.doubts = (f"the list of Lustre cannot be used: {error}.",)
    done.doubts += tuple(f"the archive of the head node: {one}." for one in done.home.differs)
    for one in done.runs:
        done.doubts += doubts(one, done.listed, done.tally)
    done.doubts = tuple(dict.fromkeys(done.doubts))
    return done


def _export(site: ExportSite, listener: Listener, paths: list[str]) -> ExportRun:
    return export(
        site.cloud,
        site.file_system,
        site.link.bucket,
        paths,
        report=listener.exported,
        sleep=listener.sleep,
    )


def _inventory(site: ExportSite, verb: str, *more: str) -> Summary:
    source = (files("gotocloud.node") / "inventory.py").read_text()
    script = node_script(source, verb, LUSTRE_MOUNT, *more)
    text = site.node.run(script, "list Lustre", timeout_s=LONG_S)
    try:
        return read_summary(text)
    except InventoryError as error:
        raise GoToCloudError(
            f"Lustre cannot be listed: {error}. The cluster is kept.", next_command=site.retry
        ) from error


def _compare(
    site: ExportSite, listener: Listener, key: str, done: _Round, from_ns: int, compared: IO[bytes]
) -> None:
    listing, tally = done.listed, done.tally
    assert listing is not None
    with tempfile.TemporaryFile() as packed:
        _fetch(site, key, packed, listing.packed_sha256)
        with (
            gzip.open(packed) as lines,
            gzip.GzipFile(fileobj=compared, mode="wb", mtime=0) as record,
        ):
            pairs = align(read_entries(lines), listed(site.cloud, site.link.bucket), tally)
            for pair, stored in with_metadata(site.cloud, site.link.bucket, pairs):
                record.write(tally.take(pair, stored, from_ns))
                if tally.entries % 1000 == 0:
                    listener.compared(tally.entries, listing.entries)
    listener.compared(tally.entries, listing.entries)
    _compare_parts(site, tally)


def _fetch(site: ExportSite, key: str, into: IO[bytes], sha256: str) -> None:
    """Fetch the list; what arrives is what the head node wrote, byte by byte."""
    s3 = site.cloud.client("s3")
    digest = hashlib.sha256()
    with explained(f"read s3://{site.link.bucket}/{key}"):
        try:
            body = s3.get_object(Bucket=site.link.bucket, Key=key)["Body"]
        except s3.exceptions.NoSuchKey:
            raise InventoryError("it did not arrive in the bucket") from None
        for block in iter(lambda: body.read(1024 * 1024), b""):
            digest.update(block)
            into.write(block)
    if digest.hexdigest() != sha256:
        raise InventoryError("it did not arrive as the head node wrote it")
    into.seek(0)


def _compare_parts(site: ExportSite, tally: Tally) -> None:
    """Let the head node compute the ETags of files that were uploaded in parts."""
    for chunk in _in_commands(tally.parts):
        wanted = json.dumps([[path, size] for path, size, _ in chunk]).encode()
        packed = b64encode(gzip.compress(wanted)).decode()
        source = (files("gotocloud.node") / "inventory.py").read_text()
        script = node_script(source, "sums", LUSTRE_MOUNT, packed)
        text = site.node.run(script, "compare checksums", timeout_s=LONG_S)
        try:
            sums = parse_json(lines_of(text.strip())[-1])["sums"]
            answers = list(zip(chunk, sums, strict=True))
        except (ValueError, LookupError, TypeError):
            answers = [(one, None) for one in chunk]
        for (path, size, etag), actual in answers:
            if actual == etag:
                tally.checksums += 1
            elif actual is None or _evenly_cut(site, path, size, etag):
                tally.add(Problem(as_bytes(path), Flaw.CONTENT, "checksum of its parts"))


def _evenly_cut(site: ExportSite, path: str, part_bytes: int, etag: str) -> bool:
    """Whether every part but the last has the size of the first; only then do sums count."""
    s3, parts = site.cloud.client("s3"), int(etag.partition("-")[2])
    sizes = (part_size(s3, site.link.bucket, path, number) for number in range(1, parts))
    return all(size == part_bytes for size in sizes)


def _in_commands(parts: list[tuple[str, int, str]]) -> Iterator[list[tuple[str, int, str]]]:
    """The files in as many commands as they need."""
    chunk: list[tuple[str, int, str]] = []
    names_bytes = 0
    for one in parts:
        size = len(as_bytes(one[0]))
        if chunk and (len(chunk) == PARTS_AT_ONCE or names_bytes + size > PART_NAMES_BYTES):
            yield chunk
            chunk, names_bytes = [], 0
        chunk.append(one)
        names_bytes += size
    if chunk:
        yield chunk


def _still(site: ExportSite, listener: Listener, done: _Round) -> tuple[str, ...]:
    """Whether anything has happened since; the last look before the cluster goes."""
    listener.step("Looking whether anything has changed meanwhile")
    now = _inventory(site, "look")
    found = []
    if done.listed and now.digest != done.listed.digest:
        found.append("something was written, renamed or removed while it was compared.")
    if done.home and look_at_home(site.node, site.retry).digest != done.home.digest:
        found.append("something in /home was written, renamed or removed after it was archived.")
    if now.counts.get("open for writing"):
        found.append("files are open for writing on the head node.")
    found += [f"job {job} has appeared." for job in look(site.node).jobs]
    found += site.in_use()
    return tuple(found)


def _again(tally: Tally) -> list[str]:
    """What to export again; everything when it is too much to name."""
    if tally.flawed > len(tally.problems):
        return []
    names = {problem.path.rstrip(b"/") for problem in tally.problems}
    try:
        return sorted(name.decode() for name in names)
    except UnicodeDecodeError:
        return []


def _proof(
    site: ExportSite, run: str, began: datetime, runs: list[ExportRun], done: _Round
) -> Proof:
    assert done.listed is not None
    assert done.home is not None
    return Proof(
        run=run,
        project=site.project,
        scientist=site.scientist,
        stack_id=site.stack_id,
        file_system=site.file_system,
        bucket=site.link.bucket,
        began=began.isoformat(timespec="seconds"),
        ended=datetime.now(UTC).isoformat(timespec="seconds"),
        exports=tuple(runs),
        listed=done.listed,
        home=done.home,
        counted=counted(done.tally),
        compared_sha256=done.tally.digest.hexdigest(),
        notes=notes(done.listed, done.tally, done.home),
    )


def _keep(site: ExportSite, run: str, proof: Proof, compared: IO[bytes]) -> None:
    """Keep what was compared, then the proof: where there is a proof, everything is there."""
    s3, bucket = site.cloud.client("s3"), site.link.bucket
    compared.seek(0)
    with explained(f"keep the proof in {bucket}"):
        s3.upload_fileobj(compared, bucket, f"{PROOFS}{run}/{COMPARED}")
        s3.put_object(
            Bucket=bucket,
            Key=f"{PROOFS}{run}/{PROOF}",
            Body=proof_text(proof.as_record()),
            ContentType="application/json",
        )


def _unproven(site: ExportSite, run: str, done: _Round) -> UnprovenError:
    problems = (*done.doubts, *shown(done.tally))
    path = Path(f"gotocloud-unproven-{run}.txt")
    if len(done.tally.problems) > 20:
        lines = "".join(f"{problem}\n" for problem in done.tally.problems)
        path.write_text(lines, encoding="utf-8", errors="backslashreplace")
        problems = (*problems, f"the first {len(done.tally.problems)} are in {path}")
    return UnprovenError(
        "What is on Lustre is not proven to be in the bucket. The cluster is kept, and billed.",
        problems=problems,
        advice=remedy(done.tally),
        next_command="gotocloud ssh" if not done.tally.curable else site.retry,
    )


@contextmanager
def _compared_file() -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as compared:
        yield compared


def _run_name() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid4().hex[:6]}"

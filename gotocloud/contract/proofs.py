"""The proof that a pause keeps in the project's bucket: what is written, and what is read.

With it a later command may delete what is left of the cluster; without it, nothing is deleted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypedDict

from gotocloud.formats import parse_json

FORMAT = 1
"""Version of the file; raised when a key changes its meaning or goes."""


class ExportRecord(TypedDict):
    """One export task of FSx."""

    task: str
    lifecycle: str
    total: int
    succeeded: int
    failed: int
    message: str


class ListRecord(TypedDict):
    """The head node's list of what was on Lustre."""

    files: int
    folders: int
    links: int
    bytes: int
    digest: str
    started_ns: int
    seconds: float
    hashed: int
    hashed_bytes: int
    packed_bytes: int
    packed_sha256: str
    counts: Mapping[str, int]
    shown: Mapping[str, tuple[str, ...]]


class CountRecord(TypedDict):
    """The numbers of the comparison of that list with the bucket."""

    files: int
    folders: int
    links: int
    bytes: int
    checksums: int
    checksum_bytes: int
    implied_folders: int
    only_in_bucket: int
    flaws: Mapping[str, int]


class HomeRecord(TypedDict):
    """The archive of the head node's own disks, which was on Lustre with all the rest."""

    entries: int
    files: int
    bytes: int
    digest: str
    places: Mapping[str, tuple[int, int]]
    left_out: Mapping[str, int]
    special: int
    mounted: tuple[str, ...]
    differs: tuple[str, ...]
    id: str


class _Proven(TypedDict):
    """What every proof has."""

    format: int
    run: str
    project: str
    scientist: str
    stack_id: str
    file_system: str
    bucket: str
    began: str
    ended: str
    exports: tuple[ExportRecord, ...]
    listed: ListRecord
    counted: CountRecord
    compared_sha256: str
    notes: tuple[str, ...]


class ProofRecord(_Proven, total=False):
    """`proof.json`: times are ISO 8601."""

    home: HomeRecord
    """Proofs of releases that did not archive it have none."""
    withdrawn: str
    """When the cluster was given back to its users: from then on it proves nothing."""


def proof_text(proof: ProofRecord) -> bytes:
    """The file of a proof."""
    return json.dumps(proof, indent=1, ensure_ascii=True).encode()


def read_proof(text: bytes) -> ProofRecord:
    """The proof in a file.

    Raises:
        ValueError: if the file is damaged, or of another format: then it proves nothing.
    """
    found: ProofRecord = parse_json(text)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"it is no proof of format {FORMAT}")
    if missing := sorted(ProofRecord.__required_keys__ - set(found)):
        raise ValueError(f"it lacks {', '.join(missing)}")
    return found


def proves(proof: ProofRecord, stack_id: str) -> bool:
    """Whether a proof is about exactly this stack, and was not withdrawn."""
    return proof["stack_id"] == stack_id and not proof.get("withdrawn")

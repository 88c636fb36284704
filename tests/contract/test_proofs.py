"""What a pause writes as its proof is what the contract states, and what is read."""

from __future__ import annotations

import json
from typing import Any, get_args, get_type_hints, is_typeddict

import pytest

from gotocloud.contract.proofs import FORMAT, ProofRecord, proof_text, proves, read_proof
from gotocloud.projects.home_archive import HomeArchive
from gotocloud.projects.inventory import Summary
from gotocloud.projects.pausing import ExportRun, Proof, counted
from gotocloud.projects.proof import Tally

STACK = "arn:aws:cloudformation:eu-west-1:222222222222:stack/gotocloud-cluster-a/1"


def proof() -> Proof:
    return Proof(
        run="2026-11-30T1200",
        project="apoferritin",
        scientist="anna",
        stack_id=STACK,
        file_system="fs-1",
        bucket="gotocloud-data-a",
        began="2026-11-30T12:00:00+00:00",
        ended="2026-11-30T12:01:00+00:00",
        exports=(ExportRun("task-1", "SUCCEEDED"),),
        listed=Summary(1, 0, 0, 5, "d", 1, 0.5, shown={"special": ("a",)}),
        home=HomeArchive(3, 2, 9, "e", places={"/home/ubuntu": (2, 9)}),
        counted=counted(Tally(files=1)),
        compared_sha256="c",
        notes=(),
    )


def deviations(value: Any, kind: Any, where: str) -> list[str]:
    """Keys that a value has and its type lacks, or the other way round."""
    if not is_typeddict(kind):
        inner = [one for one in get_args(kind) if is_typeddict(one)]
        return [d for one in value for d in deviations(one, inner[0], where)] if inner else []
    keys, hints = set(value), get_type_hints(kind)
    found = [f"{where}.{key}" for key in (keys - set(hints)) | (kind.__required_keys__ - keys)]
    return found + [d for key in keys & set(hints) for d in deviations(value[key], hints[key], key)]


def test_a_proof_has_exactly_the_keys_of_the_contract() -> None:
    assert deviations(json.loads(proof_text(proof().as_record())), ProofRecord, "proof") == []


def test_a_proof_that_was_written_proves_its_own_stack_only() -> None:
    read = read_proof(proof_text(proof().as_record()))
    assert proves(read, STACK)
    assert not proves(read, f"{STACK}0")
    read["withdrawn"] = "2026-11-30T13:00:00+00:00"
    assert not proves(read_proof(proof_text(read)), STACK)


@pytest.mark.parametrize("text", [b"", b"[]", b'{"format": 2}', b'{"format": 1, "run": "a"}'])
def test_a_damaged_file_is_no_proof(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"no proof of format|lacks|Expecting value"):
        read_proof(text)
    assert FORMAT == 1

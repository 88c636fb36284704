"""What GoToCloud itself keeps in a project's bucket and at the root of its Lustre."""

from __future__ import annotations

RESERVED = ".gotocloud/"
"""Key prefix of everything of our own."""

PROOFS = f"{RESERVED}proofs/"
"""Proofs that a cluster's data are in the bucket, one folder for each pause."""

REPORTS = f"{RESERVED}reports"
"""Reports of FSx's export tasks."""

LIST = "inventory.jsonl.gz"
PROOF = "proof.json"
COMPARED = "compared.jsonl.gz"
"""Files of a proof: the list of what was on Lustre, the proof itself, what was compared."""

STACK_ID = "stack_id"
"""Key of a proof and of `KEEP_UNTIL`: the stack that it is about, and no other."""

WITHDRAWN = "withdrawn"
"""Key of a proof that no longer counts: when the cluster was given back to its users."""

KEEP_UNTIL = f"{RESERVED}keep-until.json"
"""The object that keeps a cluster longer than its stack does."""

UNTIL = "until"
"""Key of `KEEP_UNTIL`: ISO 8601."""

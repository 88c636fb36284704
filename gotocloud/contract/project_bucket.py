"""Names of projects' buckets, and what GoToCloud keeps in them and at the root of Lustre."""

from __future__ import annotations

from gotocloud.contract.names import OURS

OWN_BUCKETS = OURS
"""How the name of every bucket of ours begins; the boundary admits no others of an account."""

PROJECT_BUCKETS = f"{OWN_BUCKETS}data-"
"""How the name of every project's bucket begins.

An account holds buckets that are not ours: the CDK's assets, from which deployments run, trails,
results of queries. Many of their names contain the account id, but none begins like this; nor
does that of the distribution bucket, or of the buckets that CloudFormation names after our
stacks.
"""

RESERVED = ".gotocloud/"
"""Key prefix of everything of our own."""

HOME = f"{RESERVED}home/"
HOME_ARCHIVE = f"{HOME}home.tar"
"""What people wrote on the head node's own disks; of our own, the part that proofs cover."""

PROOFS = f"{RESERVED}proofs/"
"""Proofs that a cluster's data are in the bucket, one folder for each pause."""

REPORTS = f"{RESERVED}reports"
"""Reports of FSx's export tasks."""

LIST = "inventory.jsonl.gz"
PROOF = "proof.json"
COMPARED = "compared.jsonl.gz"
"""Files of a proof: the list of what was on Lustre, the proof itself, what was compared."""

STACK_ID = "stack_id"
"""Key of `KEEP_UNTIL`: the stack that it is about, and no other."""

KEEP_UNTIL = f"{RESERVED}keep-until.json"
"""The object that keeps a cluster longer than its stack does."""

GUARD_NOTICE = f"{RESERVED}guard-notice.json"
"""What the idle guard reports to people who are not on the head node; an empty text is over."""

NOTICE_TEXT, NOTICE_AT = "guard_says", "at"
"""Keys of `GUARD_NOTICE`: its text, and since when (ISO 8601)."""

LAST_CLUSTER = f"{RESERVED}last-cluster.json"
"""What the project's last cluster was like."""

UNTIL = "until"
"""Key of `KEEP_UNTIL`: ISO 8601."""


UNPROVEN = (PROOFS, f"{REPORTS}/", KEEP_UNTIL, LAST_CLUSTER, GUARD_NOTICE)
"""What of our own is no part of a proof: it is made by the proof, or changes beside it. All else
below `RESERVED` is compared as any other file, because people may put files there."""


def project_buckets(account: str) -> str:
    """The names of an account's project buckets, as a pattern of IAM."""
    return f"{PROJECT_BUCKETS}*-{account}-*"

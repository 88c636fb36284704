"""What a project still has when it is finished, and what is removed of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gotocloud.contract.project_names import ProjectNames
from gotocloud.formats import size_text, usd_text
from gotocloud.projects.states import State


@dataclass(frozen=True)
class Holdings:
    """What is in a project's bucket.

    Args:
        objects: Objects that can be seen.
        versions: Versions, the visible ones included.
        markers: Delete markers.
        uploads: Uploads in parts that were never ended.
        size_bytes: Of all versions together.
    """

    objects: int = 0
    versions: int = 0
    markers: int = 0
    uploads: int = 0
    size_bytes: int = 0

    @property
    def entries(self) -> int:
        """How much there is to delete."""
        return self.versions + self.markers

    @property
    def empty(self) -> bool:
        """Whether there is nothing."""
        return not (self.versions or self.markers or self.uploads)

    def __str__(self) -> str:
        if self.empty:
            return "empty"
        more = f", {self.uploads:,} unfinished uploads" if self.uploads else ""
        size = size_text(self.size_bytes)
        return f"{self.objects:,} objects, {self.versions:,} versions, {size}{more}"


@dataclass(frozen=True)
class Finish:
    """A project before it is finished.

    Args:
        state: Of its stack.
        bucket: Its bucket's name; empty when there is none any more.
        holdings: What is in the bucket; None when it was not counted.
        spent_usd: What it has cost so far; None when that is not known.
        spent_note: Why it is not known, or from when it is.
        untouched: Whose the bucket is, when it is not the group's; empty when it is, or is gone.
    """

    names: ProjectNames
    state: State
    bucket: str
    holdings: Holdings | None
    spent_usd: Decimal | None = None
    spent_note: str = ""
    untouched: str = ""

    @property
    def nothing(self) -> bool:
        """Whether there is nothing left of the project."""
        return self.state is State.ABSENT and not self.bucket

    def as_dict(self) -> dict[str, Any]:
        """For a JSON report."""
        held = self.holdings
        return {
            "project": self.names.project,
            "scientist": self.names.scientist,
            "stack": self.names.project_stack,
            "state": self.state.value,
            "bucket": self.bucket or None,
            "objects": held and held.objects,
            "versions": held and held.versions,
            "delete_markers": held and held.markers,
            "unfinished_uploads": held and held.uploads,
            "size_bytes": held and held.size_bytes,
            "spent_usd": None if self.spent_usd is None else float(self.spent_usd),
            "spent_note": self.spent_note,
        }

    def lines(self, *, keep_data: bool) -> tuple[str, ...]:
        """What would happen, for people."""
        bucket = "no bucket any more"
        if self.untouched:
            bucket = f"bucket {self.untouched}: it stays as it is"
        if self.bucket:
            fate = "is KEPT" if keep_data else "is DELETED with everything in it"
            bucket = f"bucket {self.bucket} {fate}: {self.holdings or 'not counted'}"
        spent = "not known" if self.spent_usd is None else f"USD {usd_text(self.spent_usd)}"
        note = f" ({self.spent_note})" if self.spent_note else ""
        stack = "no stack any more"
        if self.state is not State.ABSENT:
            stack = f"stack {self.names.project_stack} and its key pair are DELETED"
        return (bucket, stack, f"cost so far: {spent}{note}")


def spent(answer: Mapping[str, Any]) -> Decimal | None:
    """The sum of Cost Explorer's answer in USD; None without one.

    Zero counts as none: tags that are not activated for cost allocation cost nothing.
    """
    total = Decimal()
    for period in answer.get("ResultsByTime", ()):
        cost = (period.get("Total") or {}).get("UnblendedCost") or {}
        if cost and cost.get("Unit", "USD") != "USD":
            return None
        total += Decimal(str(cost.get("Amount") or 0))
    return total or None

"""What `gotocloud platform update` shows."""

from __future__ import annotations

from collections.abc import Sequence

from gotocloud.cli.work.update import StackUpdate

Rows = tuple[Sequence[str], list[Sequence[object]]]


def update_table(updates: Sequence[StackUpdate]) -> Rows:
    """What happens to each resource that changes."""
    columns = ("stack", "resource", "effect", "why", "interruption", "data at risk")
    return columns, [
        (
            update.stack_id,
            f"{one.resource} ({one.kind})",
            one.effect,
            one.why,
            one.interruption or "none",
            one.data or "none",
        )
        for update in updates
        for one in update.changes
    ]


def notes(updates: Sequence[StackUpdate], others: Sequence[str]) -> list[str]:
    """What a table of resources does not show: new stacks, ParallelCluster, other accounts."""
    lines = [
        f"{one.stack_id} is not deployed yet: it would be created." for one in updates if one.is_new
    ]
    for one in updates:
        before, after = map(set, one.versions)
        for version in sorted(after - before) if not one.is_new else ():
            lines.append(
                f"{one.stack_id} gets a provider of ParallelCluster {version}; running clusters "
                "stay on theirs, new ones take the platform's version."
            )
    lines += [
        f"{one.stack_id} does not change." for one in updates if not one.is_new and not one.changes
    ]
    lines += [
        f"Not looked at: {name}; with a profile of its account, type the same command."
        for name in others
    ]
    return lines

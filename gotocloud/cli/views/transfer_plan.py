"""A dry run of a transfer in a few lines: how much goes into which folder, and why."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from gotocloud.cli.output import narrate, table
from gotocloud.formats import size_text

if TYPE_CHECKING:
    from gotocloud.transfer.report import TransferOutcome


def show_plan(outcome: TransferOutcome, most: int) -> None:
    """Print a line for each folder and reason, the largest first.

    Args:
        most: Lines at most.
    """
    from gotocloud.transfer.tree import shown

    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in outcome.copies:
        folder = one.path.rpartition("/")[0] if one.kind != "folder" else one.path
        groups[folder, one.reason].append(one.size)
    if not groups:
        return
    largest = sorted(groups.items(), key=lambda item: (-sum(item[1]), item[0]))
    rows = [
        (shown(folder) or ".", len(sizes), size_text(sum(sizes)), reason)
        for (folder, reason), sizes in largest[:most]
    ]
    table(("folder", "names", "size", "reason"), rows)
    if len(largest) > most:
        narrate(f"and {len(largest) - most} more lines; --json has every name.")

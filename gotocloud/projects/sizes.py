"""Sizes of Lustre that a cluster can have."""

from __future__ import annotations

LARGEST_GIB = 96_000
"""The cluster template's own upper end, forty times the usual size."""


def lustre_size_problem(gib: int) -> str | None:
    """Why a size cannot be had; None when it can."""
    if gib == 1200 or (2400 <= gib <= LARGEST_GIB and gib % 2400 == 0):
        return None
    below = max(gib // 2400 * 2400, 1200)
    near = 1200 if gib < 1200 else min(below, LARGEST_GIB)
    above = min(max(near + 2400 - near % 2400, 2400), LARGEST_GIB)
    offer = f"{near:,}" if near == above else f"{near:,} or {above:,}"
    return (
        f"Lustre of {gib:,} GiB is not sold: 1,200 or a multiple of 2,400 up to "
        f"{LARGEST_GIB:,} is, for example {offer}"
    )

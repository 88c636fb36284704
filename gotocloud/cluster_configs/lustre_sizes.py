"""Sizes of FSx for Lustre: one rule for configurations, templates, commands and constructs."""

from __future__ import annotations

from enum import StrEnum


class Deployment(StrEnum):
    """FSx's deployment types that take a data repository association and LZ4."""

    SCRATCH_2 = "SCRATCH_2"
    PERSISTENT_2 = "PERSISTENT_2"


LARGEST_GIB = 100_800
"""The default quota of an account for each of both types (L-AD2FC696 and L-8F1B9C74)."""

# Source: FSx API reference, CreateFileSystem, StorageCapacity: for SCRATCH_2 and PERSISTENT_2
# on SSD "1200 GiB, 2400 GiB, and increments of 2400 GiB".
_SMALLEST_AND_STEP_GIB = {
    Deployment.SCRATCH_2: (1200, 2400),
    Deployment.PERSISTENT_2: (1200, 2400),
}


def lustre_sizes_gib(deployment: Deployment = Deployment.SCRATCH_2) -> tuple[int, ...]:
    """Every size that a cluster can have, in GiB, ascending."""
    smallest, step = _SMALLEST_AND_STEP_GIB[deployment]
    return (smallest, *range(step, LARGEST_GIB + 1, step))


def lustre_sizes_text(deployment: Deployment = Deployment.SCRATCH_2) -> str:
    """The sizes in words: "1,200 or a multiple of 2,400 up to 100,800"."""
    smallest, step = _SMALLEST_AND_STEP_GIB[deployment]
    return f"{smallest:,} or a multiple of {step:,} up to {LARGEST_GIB:,}"


def lustre_size_problem(gib: int, deployment: Deployment = Deployment.SCRATCH_2) -> str | None:
    """Why a file system cannot have this size; None when it can.

    Args:
        gib: Capacity in GiB.
        deployment: FSx's deployment type. Default: that of most configurations.
    """
    sizes = lustre_sizes_gib(deployment)
    if gib in sizes:
        return None
    below = max((one for one in sizes if one < gib), default=sizes[0])
    above = min((one for one in sizes if one > gib), default=sizes[-1])
    near = f"{below:,}" if below == above else f"{below:,} or {above:,}"
    return (
        f"Lustre {deployment.value} of {gib:,} GiB is not possible; allowed: "
        f"{lustre_sizes_text(deployment)}, for example {near}"
    )

"""The AWS regions a platform can use, in an order that never changes."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

REGIONS = (
    "ap-northeast-1",
    "us-east-1",
    "us-west-2",
    "us-east-2",
    "eu-central-1",
    "eu-west-1",
    "ap-northeast-2",
    "ap-southeast-2",
    "ap-south-1",
    "ca-central-1",
    "eu-west-2",
    "eu-west-3",
    "eu-north-1",
    "sa-east-1",
    "ap-southeast-1",
    "us-west-1",
    "ap-east-1",
    "eu-south-1",
    "il-central-1",
    "af-south-1",
    "me-south-1",
    "ap-southeast-3",
    "ap-southeast-5",
    "ap-southeast-7",
)
"""Regions of the partition `aws` in which ParallelCluster is supported.

Append only: a region's place here is its place in the address plan.
Source: the list `supported-regions` that the package aws-parallelcluster 3.16.1 carries.
"""

REGIONS_WITHOUT_PARALLELCLUSTER = (
    "ap-east-2",
    "ap-northeast-3",
    "ap-south-2",
    "ap-southeast-4",
    "ap-southeast-6",
    "ca-west-1",
    "eu-central-2",
    "eu-south-2",
    "me-central-1",
    "mx-central-1",
)
"""Regions of the partition `aws` (botocore 1.44.5) that the same list leaves out."""


def region_problem(region: str, allowed: Sequence[str] = REGIONS) -> str:
    """What is wrong with a region that is not allowed, with the closest one that is."""
    if region in REGIONS_WITHOUT_PARALLELCLUSTER:
        return f"ParallelCluster is not supported in {region!r}"
    close = get_close_matches(region, allowed, n=1, cutoff=0.5)
    if close:
        return f"unknown region {region!r}; did you mean {close[0]!r}?"
    return f"unknown region {region!r}. Known: {', '.join(sorted(allowed))}"

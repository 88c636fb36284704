"""Which regions exist on AWS, whatever GoToCloud has of them."""

from __future__ import annotations

from functools import cache

from gotocloud.platform.regions import REGIONS, REGIONS_WITHOUT_PARALLELCLUSTER, region_problem


@cache
def existing_regions() -> frozenset[str]:
    """The regions of the partition `aws` in botocore's endpoint data; no call to AWS."""
    from botocore.loaders import Loader

    partitions = Loader().load_data("endpoints")["partitions"]
    return frozenset(
        name for one in partitions if one["partition"] == "aws" for name in one["regions"]
    )


def no_region(name: str) -> str:
    """What is wrong with a region's name; empty if the region exists, whatever is known of it."""
    if name in (*REGIONS, *REGIONS_WITHOUT_PARALLELCLUSTER) or name in existing_regions():
        return ""
    return region_problem(name)

"""The templates of a release: what scientists launch, in every configuration and region."""

from __future__ import annotations

import aws_cdk as cdk

from gotocloud.contract.releases import PROJECT_STACK_ID, cluster_stack_id, distribution_bucket
from gotocloud.errors import GoToCloudError
from gotocloud.platform.configurations import Configurations, shipped_configurations
from gotocloud.platform.model import Platform
from gotocloud.platform.zones import ZoneMap, zone_map
from gotocloud.stacks.cluster import ClusterStack
from gotocloud.stacks.project import ProjectStack


def add_templates(
    app: cdk.App,
    *,
    platform: Platform,
    version: str,
    zones: ZoneMap | None = None,
    configurations: Configurations | None = None,
) -> None:
    """Add the project stack, and a cluster stack for each configuration and platform region.

    Args:
        platform: The platform whose regions, ParallelCluster and distribution bucket are meant.
        version: The release under which the templates will be published.
        zones: Which instance types each region offers. Default: the shipped zone map.
        configurations: What to publish. Default: GoToCloud's own.

    Raises:
        GoToCloudError: with every configuration that cannot be had in a region.
        InputError: if a region is not in the zone map.
    """
    zones = zones or zone_map()
    configurations = configurations or shipped_configurations()
    bucket = distribution_bucket(platform.management.account, platform.management.home_region)
    ProjectStack(app, PROJECT_STACK_ID)
    problems = []
    for region in platform.regions:
        zone = zones.region(region).best
        for name, configuration in configurations.items():
            try:
                ClusterStack(
                    app,
                    cluster_stack_id(name, region),
                    configuration=configuration,
                    region=region,
                    offered=zone.offerings,
                    engine=platform.engine,
                    distribution_bucket=bucket,
                    version=version,
                )
            except GoToCloudError as error:
                problems.append(f"{name} in {region}, zone {zone.zone_id}: {error.message}")
    if problems:
        raise GoToCloudError(
            "Some cluster configurations cannot be had in every region of the platform.",
            problems=problems,
            next_command="gotocloud platform zones",
        )

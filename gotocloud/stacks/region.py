"""The stack of the management account in each region: the software as groups reach it."""

from __future__ import annotations

from ipaddress import IPv4Network, summarize_address_range

import aws_cdk as cdk
from constructs import Construct

from gotocloud.constructs.account import AccountRoles
from gotocloud.constructs.region_share import RegionShare
from gotocloud.constructs.replication import PublishedLocation, ReplicationLog, ReplicationRole
from gotocloud.constructs.sdk_calls import SdkCalls
from gotocloud.constructs.zone_entry import ZoneEntry
from gotocloud.contract.names import share_name
from gotocloud.contract.stacks import REGION_STACK, ShareOutput
from gotocloud.platform.addresses import (
    ESTATE_PREFIX,
    GROUPS_PER_SHARD,
    SHARE_ESTATES,
    capacity,
    share_network,
)
from gotocloud.platform.model import Platform
from gotocloud.platform.zones import RegionZones
from gotocloud.stacks.management import output, tag_management


class RegionStack(cdk.Stack):
    """The shares of one region.

    Args:
        platform: The platform.
        region: One of its regions.
        zones: Zones of the region.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        platform: Platform,
        region: str,
        zones: RegionZones,
    ) -> None:
        management = platform.management
        super().__init__(
            scope,
            construct_id,
            stack_name=REGION_STACK,
            termination_protection=True,
            description=f"GoToCloud platform {platform.name}: software share in {region}.",
            env=cdk.Environment(account=management.account, region=region),
        )
        tag_management(self, management.account)
        chosen = zones.chosen(2)
        roles = AccountRoles.of_account(self)
        calls = SdkCalls(self, "Calls", role=roles.deployment)
        log = ReplicationLog(self, "ReplicationLog")
        master_arn = PublishedLocation.read(calls, management.home_region)
        replication_role = ReplicationRole.of_account(self, "ReplicationRole")
        self.shares = {
            shard: RegionShare(
                self,
                f"Share{shard}",
                name=share_name(shard),
                cidr=share_network(platform.network.pool, region, shard),
                zone_ids=chosen,
                clients=shard_networks(platform.network.pool, shard),
                master_arn=master_arn,
                replication_role=replication_role,
                log=log,
                roles=roles,
                calls=calls,
            )
            for shard in platform.shards_in(region)
        }
        ZoneEntry(self, "ZoneEntry", zones=zones, chosen=chosen)
        for shard, share in self.shares.items():
            self._outputs(shard, share)

    def _outputs(self, shard: int, share: RegionShare) -> None:
        output(self, ShareOutput.VPC_ID.of_share(shard), share.network.resource.ref)
        output(self, ShareOutput.CIDR.of_share(shard), str(share.network.cidr))
        output(self, ShareOutput.ROUTE_TABLE_ID.of_share(shard), share.network.route_table.ref)
        output(self, ShareOutput.FILE_SYSTEM_ID.of_share(shard), share.replica.file_system_id)
        output(self, ShareOutput.MOUNT_TARGETS.of_share(shard), share.replica.addresses)


def shard_networks(pool: IPv4Network, shard: int) -> tuple[IPv4Network, ...]:
    """The networks of all groups that a shard can ever have, in as few blocks as possible."""
    first = shard * GROUPS_PER_SHARD
    last = min(first + GROUPS_PER_SHARD, capacity(pool))
    size = 2 ** (32 - ESTATE_PREFIX)
    start = pool.network_address + (SHARE_ESTATES + first) * size
    end = pool.network_address + (SHARE_ESTATES + last) * size - 1
    return tuple(summarize_address_range(start, end))

"""The stack of the management group's home region."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_efs as efs
from constructs import Construct

from gotocloud.constructs.account import Account
from gotocloud.constructs.build_host import BuildHost
from gotocloud.constructs.distribution import Distribution
from gotocloud.constructs.peering_acceptors import PeeringAcceptors
from gotocloud.constructs.policy import PARTITION
from gotocloud.constructs.replication import (
    PublishedLocation,
    ReplicationRole,
    SoftwareLocation,
)
from gotocloud.constructs.sdk_calls import SdkCalls
from gotocloud.constructs.software_store import NFS, SoftwareStore
from gotocloud.constructs.zoned_network import ZonedNetwork
from gotocloud.contract.names import MASTER_NAME
from gotocloud.contract.releases import distribution_bucket
from gotocloud.contract.stacks import MANAGEMENT_STACK, ManagementOutput
from gotocloud.contract.tags import ACCOUNT_TAG, CRYOEM, METHOD_TAG
from gotocloud.platform.addresses import acceptor_chunk, management_network, share_subnets
from gotocloud.platform.model import Platform
from gotocloud.platform.zones import RegionZones

ANONYMOUS = 65534


class ManagementStack(cdk.Stack):
    """What exists once: the master of the software, the releases, and who may connect.

    Args:
        platform: The platform.
        zones: Zones of the home region.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, platform: Platform, zones: RegionZones
    ) -> None:
        management = platform.management
        super().__init__(
            scope,
            construct_id,
            stack_name=MANAGEMENT_STACK,
            termination_protection=True,
            description=f"GoToCloud platform {platform.name}: master of the software, releases.",
            env=cdk.Environment(account=management.account, region=management.home_region),
        )
        tag_management(self, management.account)
        self.account_ = Account(
            self,
            "Account",
            deployment_calls=[
                PublishedLocation.read_statement(PARTITION, self.account, management.home_region)
            ],
        )
        self.calls = SdkCalls(
            self,
            "Calls",
            role=self.account_.roles.deployment,
            after=[self.account_.deployment_policy],
        )
        self._master(platform, zones)
        self.releases = Distribution(
            self,
            "Distribution",
            bucket_name=distribution_bucket(management.account, management.home_region),
            readers=[group.account for group in platform.groups],
        )
        self.acceptors = PeeringAcceptors(
            self, "PeeringAcceptors", accounts=accounts_by_chunk(platform)
        )
        self._outputs()

    def _master(self, platform: Platform, zones: RegionZones) -> None:
        cidr = management_network(platform.network.pool)
        chosen = zones.chosen(2)
        self.network = ZonedNetwork(
            self,
            "Network",
            name=MANAGEMENT_STACK,
            cidr=cidr,
            subnets=dict(zip(chosen, share_subnets(cidr, len(chosen)), strict=True)),
            internet=True,
            roles=self.account_.roles,
            calls=self.calls,
        )
        self.network.flow_log.node.add_dependency(self.account_.flow_logs_policy)
        self.build_host = BuildHost(
            self, "BuildHost", network=self.network, regions=platform.regions
        )
        replication = ReplicationRole(self, "Replication")
        self.master = SoftwareStore(
            self,
            "Master",
            name=MASTER_NAME,
            network=self.network,
            backed_up=True,
            writers=[self.build_host.role],
            root_readers=[replication.role],
        )
        self.master.security_group.connections.allow_from(
            self.build_host.security_group, NFS, "NFS for the software build host"
        )
        self.access_point = efs.CfnAccessPoint(
            self,
            "ReadOnly",
            file_system_id=self.master.file_system_id,
            # Access this way is anonymous: it reads what all users may, and writes nothing.
            posix_user=efs.CfnAccessPoint.PosixUserProperty(uid=str(ANONYMOUS), gid=str(ANONYMOUS)),
            root_directory=efs.CfnAccessPoint.RootDirectoryProperty(path="/"),
        )
        location = SoftwareLocation(
            self, "MasterLocation", store=self.master, network=self.network, role=replication.role
        )
        PublishedLocation(self, "PublishedLocation", location=location)

    def _outputs(self) -> None:
        output(self, ManagementOutput.DISTRIBUTION_BUCKET, self.releases.bucket.bucket_name)
        for chunk, role in self.acceptors.roles.items():
            output(self, ManagementOutput.ACCEPTOR_ROLE_ARN.of_chunk(chunk), role.role_arn)
        output(self, ManagementOutput.MASTER_FILE_SYSTEM_ID, self.master.file_system_id)
        output(self, ManagementOutput.MASTER_ACCESS_POINT_ID, self.access_point.ref)
        output(
            self,
            ManagementOutput.BUILD_HOST_LAUNCH_TEMPLATE_ID,
            self.build_host.launch_template.ref,
        )


def accounts_by_chunk(platform: Platform) -> dict[int, tuple[str, ...]]:
    """The groups' accounts by the number of the acceptor role that serves them."""
    chunks: dict[int, list[str]] = {}
    for group in sorted(platform.groups, key=lambda group: group.number):
        chunks.setdefault(acceptor_chunk(group.number), []).append(group.account)
    return {chunk: tuple(dict.fromkeys(accounts)) for chunk, accounts in chunks.items()}


def tag_management(stack: cdk.Stack, account: str) -> None:
    """Tag everything of the management account."""
    for key, value in {METHOD_TAG: CRYOEM, ACCOUNT_TAG: account}.items():
        cdk.Tags.of(stack).add(key, value)


def output(stack: cdk.Stack, name: str, value: str) -> None:
    """One output, under exactly this name."""
    cdk.CfnOutput(stack, f"{name}Output", value=value).override_logical_id(str(name))

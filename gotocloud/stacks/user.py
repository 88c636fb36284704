"""The stack of a group's account in each of its regions."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from constructs import Construct

from gotocloud import __version__
from gotocloud.constructs.account import Account, AccountRoles
from gotocloud.constructs.audit import Audit
from gotocloud.constructs.boundary import boundary_arn
from gotocloud.constructs.cluster_guard import ClusterGuard, cluster_guard_arn
from gotocloud.constructs.cluster_provider import ClusterProvider, ProviderRole
from gotocloud.constructs.cluster_service import ClusterService
from gotocloud.constructs.cost_controls import CostControls
from gotocloud.constructs.customer_key import encrypt_with
from gotocloud.constructs.facts import FactParameters
from gotocloud.constructs.group_vpc import GroupVpc
from gotocloud.constructs.launch_permissions import LaunchPermissions, Releases
from gotocloud.constructs.policy import PARTITION
from gotocloud.constructs.scientists import Scientists
from gotocloud.constructs.sdk_calls import SdkCalls
from gotocloud.constructs.share_peering import SharePeering, route_back_statement
from gotocloud.contract.group_facts import NO_NETWORKS, Fact, approved_text
from gotocloud.contract.names import CLUSTER_SERVICE_ROLE, group_name
from gotocloud.contract.releases import PREFIX as RELEASES_PREFIX
from gotocloud.contract.releases import install_uri, releases_url
from gotocloud.contract.sign_in import login_command, sign_in_address
from gotocloud.contract.stacks import USER_STACK, UserOutput
from gotocloud.contract.tags import ACCOUNT_TAG, CRYOEM, METHOD_TAG
from gotocloud.errors import InputError
from gotocloud.platform.addresses import acceptor_chunk, shard_of
from gotocloud.platform.customer_key import key_arn
from gotocloud.platform.model import Group, Platform
from gotocloud.platform.record import RECORD_COMMAND, Record, ShareRecord
from gotocloud.platform.zones import RegionZones
from gotocloud.stacks.management import output


@dataclass(frozen=True, kw_only=True)
class PeopleAndLimits:
    """What a group has once, in its first region.

    Args:
        account: Boundary and the roles of deployments.
        scientists: Users and their role.
        service: CloudFormation's role.
        provider: ParallelCluster's role.
        costs: The budget.
    """

    account: Account
    scientists: Scientists
    service: ClusterService
    provider: ProviderRole
    costs: CostControls


class UserStack(cdk.Stack):
    """A group in one region: its network, and in its first region its people and limits.

    IAM and budgets are global: the first region's stack holds them, the others refer to
    them by their fixed names.

    Args:
        platform: The platform.
        group: The group.
        region: One of the group's regions.
        record: What the management account shares.
        zones: Zones of the region.

    Raises:
        InputError: if the record lacks the group's share or acceptor role.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        platform: Platform,
        group: Group,
        region: str,
        record: Record,
        zones: RegionZones,
    ) -> None:
        share = record.share(region, shard_of(group.number))
        acceptor = _acceptor(record, acceptor_chunk(group.number))
        super().__init__(
            scope,
            construct_id,
            stack_name=USER_STACK,
            termination_protection=True,
            # CloudFormation counts the blanks of a template too, and takes 1 MB of it.
            suppress_template_indentation=True,
            description=f"GoToCloud group {group.name} of platform {platform.name} in {region}.",
            env=cdk.Environment(account=group.account, region=region),
        )
        self._group = group
        self.home: PeopleAndLimits | None = None
        self._releases = _releases(platform)
        self._approved = platform.releases
        for key, value in {
            **group.tags,
            METHOD_TAG: CRYOEM,
            ACCOUNT_TAG: group.account,
        }.items():
            cdk.Tags.of(self).add(key, value)
        if region == group.home_region:
            self.home = self._people_and_limits(acceptor)
        roles = self.home.account.roles if self.home else AccountRoles.of_account(self)
        provider_role = ProviderRole.of_account(self, "ProviderRole")
        self._network(platform, region, share, acceptor, zones, roles)
        # One for each version, under an id of its own: a running cluster keeps its provider when
        # new ones take another version.
        self.providers = {
            engine.version: ClusterProvider(
                self, f"ClusterProvider-{engine.version}", engine=engine, role=provider_role
            )
            for engine in platform.engines
        }
        self.provider = self.providers[platform.engine.version]
        if self.home:
            for provider in self.providers.values():
                provider.node.add_dependency(*self.home.provider.policies)
        if own_key := key_arn(group, region):
            encrypt_with(self, own_key)
        FactParameters(self, "Facts", values=self._facts(share))
        output(self, UserOutput.VPC_ID, self.vpc.network.resource.ref)
        output(self, UserOutput.PEERING_ID, self.peering.connection_id)

    def _people_and_limits(self, acceptor: str) -> PeopleAndLimits:
        group = self._group
        account = Account(self, "Account", deployment_calls=[route_back_statement(acceptor)])
        scientists = Scientists(
            self,
            "Scientists",
            names=group.scientists,
            single_sign_on=group.single_sign_on,
            allowed_networks=group.allowed_networks,
        )
        if group.audit:
            Audit(self, "Audit")
        service = ClusterService(self, "ClusterService", regions=group.regions)
        LaunchPermissions(
            self,
            "LaunchPermissions",
            role=scientists.role,
            releases=self._releases,
            service_role_arn=self._role_arn(CLUSTER_SERVICE_ROLE),
            regions=group.regions,
            single_sign_on=group.single_sign_on is not None,
        )
        provider = ProviderRole(
            self,
            "Provider",
            regions=group.regions,
            releases_bucket=self._releases.bucket,
            releases_account=self._releases.account,
            stack_name=USER_STACK,
        )
        ClusterGuard(
            self,
            "ClusterGuard",
            service_role_arn=self._role_arn(CLUSTER_SERVICE_ROLE),
            regions=group.regions,
        )
        costs = CostControls(
            self,
            "CostControls",
            name=group_name(group.name),
            monthly_usd=group.monthly_budget_usd,
            alert_email=group.alert_email,
            tags=group.tags,
        )
        output(self, UserOutput.SCIENTIST_ROLE_ARN, scientists.role.role_arn)
        output(self, UserOutput.CLUSTER_SERVICE_ROLE_ARN, service.role.role_arn)
        output(self, UserOutput.COST_ALLOCATION_TAGS, ",".join(costs.tag_keys))
        output(self, UserOutput.SIGN_IN_ADDRESS, sign_in_address(group.account))
        output(self, UserOutput.LOGIN_COMMAND, login_command(group.account, group.home_region))
        output(self, UserOutput.INSTALL_FROM, install_uri(self._releases.bucket, __version__))
        return PeopleAndLimits(
            account=account, scientists=scientists, service=service, provider=provider, costs=costs
        )

    def _network(
        self,
        platform: Platform,
        region: str,
        share: ShareRecord,
        acceptor: str,
        zones: RegionZones,
        roles: AccountRoles,
    ) -> None:
        after = [self.home.account.deployment_policy] if self.home else []
        calls = SdkCalls(self, "Calls", role=roles.deployment, after=after)
        self.vpc = GroupVpc(
            self,
            "Vpc",
            name=group_name(self._group.name),
            cidr=platform.network_of(self._group, region),
            zone_id=zones.chosen(1)[0],
            roles=roles,
            calls=calls,
        )
        if self.home:
            self.vpc.network.flow_log.node.add_dependency(self.home.account.flow_logs_policy)
        self.peering = SharePeering(
            self,
            "Peering",
            name=group_name(self._group.name),
            network=self.vpc.network,
            share=share,
            share_account=platform.management.account,
            acceptor_role_arn=acceptor,
            calls=calls,
        )

    def _facts(self, share: ShareRecord) -> dict[Fact, str]:
        vpc = self.vpc
        return {
            Fact.GROUP: self._group.name,
            Fact.REGIONS: ",".join(self._group.regions),
            Fact.RELEASES_BUCKET: self._releases.bucket,
            Fact.RELEASES_URL: self._releases.url,
            Fact.RELEASES_APPROVED: approved_text(self._approved),
            Fact.VPC_ID: vpc.network.resource.ref,
            Fact.VPC_CIDR: str(vpc.network.cidr),
            Fact.ZONE_ID: vpc.zone_id,
            Fact.PUBLIC_SUBNET_ID: vpc.public_subnet.ref,
            Fact.S3_ENDPOINT_ID: vpc.s3_endpoint.ref,
            Fact.DYNAMODB_ENDPOINT_ID: vpc.dynamodb_endpoint.ref,
            Fact.DESKTOP_NETWORKS: ",".join(map(str, self._group.desktop_networks)) or NO_NETWORKS,
            Fact.PEERING_ID: self.peering.connection_id,
            Fact.SHARE_CIDR: str(share.cidr),
            Fact.SOFTWARE_FILE_SYSTEM_ID: share.file_system_id,
            Fact.SOFTWARE_MOUNT_TARGETS: ",".join(
                f"{zone}={address}" for zone, address in share.mount_targets.items()
            ),
            Fact.BOUNDARY_ARN: boundary_arn(PARTITION, self.account),
            Fact.CLUSTER_SERVICE_ROLE_ARN: self._role_arn(CLUSTER_SERVICE_ROLE),
            Fact.CLUSTER_GUARD_ARN: cluster_guard_arn(PARTITION, self.account),
            Fact.PROVIDER_TOKEN: self.provider.token,
        }

    def _role_arn(self, name: str) -> str:
        return f"arn:{PARTITION}:iam::{self.account}:role/{name}"


def _releases(platform: Platform) -> Releases:
    management = platform.management
    url = releases_url(management.account, management.home_region)
    bucket = url.removeprefix("https://").partition(".")[0]
    return Releases(
        bucket=bucket,
        url=url,
        prefix=RELEASES_PREFIX,
        account=management.account,
        versions=tuple(platform.releases) or ("*",),
    )


def _acceptor(record: Record, chunk: int) -> str:
    roles = record.management.acceptor_roles
    if chunk not in roles:
        raise InputError(
            f"The record has no acceptor role {chunk}; it has "
            f"{', '.join(map(str, sorted(roles))) or 'none'}.",
            next_command=f"cdk deploy ManagementStack && {RECORD_COMMAND}",
        )
    return roles[chunk]

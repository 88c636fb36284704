"""A VPC whose subnets stand in zones that are named by their ID."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network

from aws_cdk import CfnTag
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from gotocloud.constructs.account import AccountRoles
from gotocloud.constructs.policy import acknowledge
from gotocloud.constructs.sdk_calls import LOGS_WITHOUT_OWN_KEY, Call, SdkCalls
from gotocloud.contract.names import FLOW_LOGS


class ZonedNetwork(Construct):
    """A VPC with one subnet for each of some zones.

    The CDK's own `Vpc` places subnets by zone name, and a zone name is another place in every
    account. One route table serves all subnets. The default security group is closed, and
    flow logs show who talked to whom.

    Args:
        name: Name in the console and of its flow logs.
        cidr: Addresses of the VPC.
        subnets: Addresses of the subnets by zone ID.
        internet: Whether subnets have a way to the internet and back.
        roles: The account's roles.
        calls: The stack's API calls.

    Raises:
        ValueError: if there is no subnet, or one lies outside the VPC or over another.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        cidr: IPv4Network,
        subnets: Mapping[str, IPv4Network],
        internet: bool,
        roles: AccountRoles,
        calls: SdkCalls,
    ) -> None:
        if problems := _problems(cidr, subnets):
            raise ValueError(f"network {name}: " + "; ".join(problems))
        super().__init__(scope, construct_id)
        self.cidr = cidr
        self.resource = ec2.CfnVPC(
            self,
            "Vpc",
            cidr_block=str(cidr),
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=[CfnTag(key="Name", value=name)],
        )
        self.route_table = ec2.CfnRouteTable(
            self,
            "RouteTable",
            vpc_id=self.resource.ref,
            tags=[CfnTag(key="Name", value=name)],
        )
        self.subnets = {zone: self._subnet(name, zone, net) for zone, net in subnets.items()}
        self.vpc = ec2.Vpc.from_vpc_attributes(
            self,
            "Attributes",
            vpc_id=self.resource.ref,
            vpc_cidr_block=str(cidr),
            availability_zones=list(subnets),
        )
        if internet:
            self._open_to_internet(name)
        self.flow_log = self._log_flows(name, roles)
        self._close_default_group(calls)

    def _subnet(self, name: str, zone_id: str, network: IPv4Network) -> ec2.CfnSubnet:
        place = "Zone" + zone_id.rpartition("-az")[2]
        subnet = ec2.CfnSubnet(
            self,
            f"{place}Subnet",
            vpc_id=self.resource.ref,
            cidr_block=str(network),
            availability_zone_id=zone_id,
            map_public_ip_on_launch=False,
            tags=[CfnTag(key="Name", value=f"{name} {zone_id}")],
        )
        ec2.CfnSubnetRouteTableAssociation(
            self, f"{place}Routes", subnet_id=subnet.ref, route_table_id=self.route_table.ref
        )
        return subnet

    def _open_to_internet(self, name: str) -> None:
        gateway = ec2.CfnInternetGateway(
            self, "InternetGateway", tags=[CfnTag(key="Name", value=name)]
        )
        attached = ec2.CfnVPCGatewayAttachment(
            self,
            "InternetGatewayAttachment",
            vpc_id=self.resource.ref,
            internet_gateway_id=gateway.ref,
        )
        route = ec2.CfnRoute(
            self,
            "InternetRoute",
            route_table_id=self.route_table.ref,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.ref,
        )
        route.add_resource_dependency(attached)
        acknowledge(
            route,
            {
                "NIST.800.53.R5-VPCNoUnrestrictedRouteToIGW": "Head nodes, NAT gateways and the "
                "build host stand here: they fetch packages and images from all over the "
                "internet. What may come in is for security groups to say, and none lets the "
                "world in.",
            },
        )

    def _log_flows(self, name: str, roles: AccountRoles) -> ec2.CfnFlowLog:
        log_group = logs.CfnLogGroup(
            self, "FlowLogGroup", log_group_name=f"{FLOW_LOGS}/{name}", retention_in_days=90
        )
        acknowledge(log_group, {"NIST.800.53.R5-CloudWatchLogGroupEncrypted": LOGS_WITHOUT_OWN_KEY})
        return ec2.CfnFlowLog(
            self,
            "FlowLog",
            resource_id=self.resource.ref,
            resource_type="VPC",
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_group_name=log_group.ref,
            deliver_logs_permission_arn=roles.flow_logs.role_arn,
        )

    def _close_default_group(self, calls: SdkCalls) -> None:
        group = self.resource.attr_default_security_group
        # The calls of a stack are neighbours: the path distinguishes its networks.
        place = "".join(self.node.path.split("/")[1:])
        for construct_id, action, permission in (
            (
                "Ingress",
                "revokeSecurityGroupIngress",
                {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]},
            ),
            (
                "Egress",
                "revokeSecurityGroupEgress",
                {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
            ),
        ):
            calls.add(
                f"{place}Default{construct_id}",
                identity=f"{group} {construct_id}",
                make=Call(
                    service="EC2",
                    action=action,
                    parameters={"GroupId": group, "IpPermissions": [permission]},
                    fine_too="InvalidPermission.NotFound",
                ),
            )
        acknowledge(
            self.resource,
            {
                "NIST.800.53.R5-VPCDefaultSecurityGroupClosed": "The deployment takes every rule "
                "out of it (DefaultIngress and DefaultEgress); the rule cannot see that, "
                "because CloudFormation has no property for it.",
            },
        )


def _problems(cidr: IPv4Network, subnets: Mapping[str, IPv4Network]) -> list[str]:
    problems = [] if subnets else ["it has no subnet"]
    placed = list(subnets.items())
    for index, (zone, network) in enumerate(placed):
        if not network.subnet_of(cidr):
            problems.append(f"{network} in {zone} is not in {cidr}")
        problems += [
            f"{network} in {zone} overlaps {other} in {other_zone}"
            for other_zone, other in placed[:index]
            if network.overlaps(other)
        ]
    return problems

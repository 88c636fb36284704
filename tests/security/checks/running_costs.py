"""The meter rule: what is billed by the hour, whether it is used or not.

From AWS's price pages, read for the rule and without prices: aws.amazon.com/<service>/pricing,
November 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.security.checks.template import Finding, Template, resources

Properties = Mapping[str, Any]

BY_THE_HOUR = {
    "AWS::AppStream::Fleet": "streaming instances run around the clock",
    "AWS::Cloud9::EnvironmentEC2": "an instance",
    "AWS::DirectoryService::MicrosoftAD": "domain controllers",
    "AWS::DirectoryService::SimpleAD": "domain controllers",
    "AWS::DocDB::DBInstance": "a database that cannot pause",
    "AWS::EC2::CapacityReservation": "instances, used or not",
    "AWS::EC2::ClientVpnEndpoint": "endpoint associations",
    "AWS::EC2::EIP": "a public address, used or not",
    "AWS::EC2::Host": "a whole host",
    "AWS::EC2::Instance": "a running instance",
    "AWS::EC2::NatGateway": "the gateway, besides its traffic",
    "AWS::EC2::SpotFleet": "instances",
    "AWS::EC2::TransitGatewayAttachment": "each attachment",
    "AWS::EC2::TransitGatewayVpcAttachment": "each attachment",
    "AWS::EC2::VPNConnection": "each connection",
    "AWS::EC2::Volume": "the capacity, used or not",
    "AWS::ECS::Service": "its tasks",
    "AWS::EKS::Cluster": "the control plane",
    "AWS::EMR::Cluster": "its instances",
    "AWS::ElastiCache::CacheCluster": "its nodes",
    "AWS::ElastiCache::ReplicationGroup": "its nodes",
    "AWS::ElasticLoadBalancing::LoadBalancer": "the balancer",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "the balancer",
    "AWS::FSx::FileSystem": "the capacity, used or not",
    "AWS::GlobalAccelerator::Accelerator": "the accelerator",
    "AWS::MSK::Cluster": "its brokers",
    "AWS::Neptune::DBInstance": "a database that cannot pause",
    "AWS::NetworkFirewall::Firewall": "each endpoint",
    "AWS::OpenSearchService::Domain": "its nodes",
    "AWS::PCS::Cluster": "the controller",
    "AWS::RDS::DBInstance": "a database",
    "AWS::Redshift::Cluster": "its nodes",
    "AWS::Route53Resolver::ResolverEndpoint": "each address of the endpoint",
    "AWS::SageMaker::NotebookInstance": "an instance",
    "AWS::StorageGateway::Gateway": "the gateway",
    "AWS::Transfer::Server": "each protocol",
    "AWS::WorkSpaces::Workspace": "a desktop",
    "Custom::PclusterCluster": "the head node and whatever nodes run",
}
"""Resource types, with what is billed."""

BY_THE_HOUR_IF: Mapping[str, tuple[Callable[[Properties], bool], str]] = {
    "AWS::AutoScaling::AutoScalingGroup": (
        lambda properties: str(properties.get("MinSize")) != "0",
        "instances that it keeps running",
    ),
    "AWS::DynamoDB::Table": (
        lambda properties: properties.get("BillingMode") != "PAY_PER_REQUEST",
        "provisioned capacity",
    ),
    "AWS::EC2::VPCEndpoint": (
        lambda properties: properties.get("VpcEndpointType", "Gateway") != "Gateway",
        "an interface endpoint in each zone",
    ),
    "AWS::EFS::FileSystem": (
        lambda properties: properties.get("ThroughputMode") == "provisioned",
        "provisioned throughput",
    ),
    "AWS::Kinesis::Stream": (
        lambda properties: properties.get("StreamModeDetails", {}).get("StreamMode") != "ON_DEMAND",
        "each shard",
    ),
    "AWS::RDS::DBCluster": (
        lambda properties: (
            properties.get("ServerlessV2ScalingConfiguration", {}).get("MinCapacity", 1) > 0
        ),
        "a database that cannot pause",
    ),
}
"""Resource types that are billed by the hour in some ways of using them."""


def meters(template: Template) -> list[Finding]:
    """Everything in a template that is billed by the hour."""
    findings = []
    for logical_id, kind, properties in resources(template):
        if kind in BY_THE_HOUR:
            findings.append(f"{logical_id}: {kind} is billed by the hour ({BY_THE_HOUR[kind]})")
        elif kind in BY_THE_HOUR_IF and BY_THE_HOUR_IF[kind][0](properties):
            findings.append(
                f"{logical_id}: {kind} is billed by the hour ({BY_THE_HOUR_IF[kind][1]})"
            )
    return findings

"""The stack of a cluster: everything that is billed by the hour, and that dies with it."""

from __future__ import annotations

from collections.abc import Container
from importlib.resources import files

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from gotocloud.cluster_configs.engine import Engine
from gotocloud.cluster_configs.limits import MAX_CLUSTER_NAME
from gotocloud.cluster_configs.lustre_sizes import lustre_sizes_gib, lustre_sizes_text
from gotocloud.cluster_configs.model import ClusterConfiguration
from gotocloud.cluster_configs.node_scripts import facts_script, home_script
from gotocloud.cluster_configs.packed import packed
from gotocloud.cluster_configs.selection import select
from gotocloud.constructs.cluster_network import ClusterNetwork, GroupNetwork
from gotocloud.constructs.cluster_provider import ClusterProvider
from gotocloud.constructs.desktop import Desktop
from gotocloud.constructs.lustre import Lustre
from gotocloud.constructs.node_setup import NodeSetup, SoftwareMount
from gotocloud.constructs.parallel_cluster import ParallelCluster
from gotocloud.contract.group_facts import Fact
from gotocloud.contract.head_node import LUSTRE_MOUNT, SOFTWARE_MOUNT
from gotocloud.contract.releases import (
    CONFIGURATION,
    CONFIGURE_HEAD_NODE,
    KEEP_HOME,
    MOUNT_SOFTWARE,
    SCRIPT_DIGESTS,
    release_key,
)
from gotocloud.contract.stacks import CAPACITIES, MOST_KEEP_HOURS, ClusterOutput, ClusterParameter
from gotocloud.contract.tags import BUCKET_TAG
from gotocloud.platform.release import sha256
from gotocloud.stacks.launched import LaunchedStack, Section
from gotocloud.stacks.project import BUCKET_PATTERN, BUCKET_RULE


def node_script_digests() -> dict[str, str]:
    """SHA-256 of what nodes run, by path in the release."""
    package = files("gotocloud")
    return {
        path: sha256(package.joinpath(path).read_bytes())
        for path in (MOUNT_SOFTWARE, KEEP_HOME, CONFIGURE_HEAD_NODE)
    }


class ClusterStack(LaunchedStack):
    """A cluster of one configuration in one region; the same template serves every group.

    Args:
        configuration: The cluster configuration.
        region: Where the template is for; regions differ in instance types.
        offered: Instance types offered in the zone of the groups' subnets.
        engine: The ParallelCluster of the groups' providers.
        distribution_bucket: Bucket of the published releases.
        version: The release under which the template is published.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        configuration: ClusterConfiguration,
        region: str,
        offered: Container[str],
        engine: Engine,
        distribution_bucket: str,
        version: str,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            region=region,
            description=f"GoToCloud cluster {configuration.name} {version} in {region}. "
            "Everything in it is billed by the hour; delete the stack and the meter stops."
            + _missing_queues(configuration, offered),
        )
        cluster_name, bucket_name, compute_cidr = self._texts()
        deployment = configuration.lustre.deployment_type
        size_gib = self.number(
            ClusterParameter.LUSTRE_GIB,
            label="Working storage (GiB)",
            description=f"Size of the Lustre file system at {LUSTRE_MOUNT}.",
            default=configuration.lustre.gib,
            allowed=lustre_sizes_gib(deployment),
            constraint=lustre_sizes_text(deployment),
        )
        bucket = s3.Bucket.from_bucket_name(self, "ProjectBucket", bucket_name)
        distribution = s3.Bucket.from_bucket_name(self, "Distribution", distribution_bucket)
        self._configuration = configuration
        group = self._group_network()
        self.network = ClusterNetwork(self, "Network", group=group, compute_cidr=compute_cidr)
        self.lustre = Lustre(
            self,
            "Lustre",
            vpc=group.vpc,
            subnet_id=self.network.subnet_id,
            size_gib=size_gib,
            bucket=bucket,
            deployment=deployment,
        )
        self.desktop = Desktop(self, "Desktop", vpc=group.vpc)
        self.cluster = ParallelCluster(
            self,
            "Cluster",
            cluster_name=cluster_name,
            configuration=configuration,
            offered=offered,
            vpc=group.vpc,
            head_node_subnet=group.public_subnet,
            compute_subnets=[self.network.compute_subnet],
            lustre=self.lustre,
            desktop=self.desktop,
            software=SoftwareMount(
                file_system_id=self.fact(Fact.SOFTWARE_FILE_SYSTEM_ID),
                mount_targets=self.fact(Fact.SOFTWARE_MOUNT_TARGETS),
                bucket=distribution,
                script_url=distribution.s3_url_for_object(release_key(version, MOUNT_SOFTWARE)),
            ),
            head_node=NodeSetup(
                scripts=[
                    home_script(distribution.s3_url_for_object(release_key(version, KEEP_HOME))),
                    facts_script(
                        distribution.s3_url_for_object(release_key(version, CONFIGURE_HEAD_NODE)),
                        {
                            **self._choices(),
                            "cluster": cluster_name,
                            "project": self.project,
                            "scientist": self.scientist,
                            "region": region,
                            "configuration": configuration.name,
                            "described": packed(configuration),
                            "release": version,
                            "bucket": bucket_name,
                            "stack": cdk.Aws.STACK_NAME,
                            "software": SOFTWARE_MOUNT,
                            "lustre": LUSTRE_MOUNT,
                        },
                    ),
                ],
                readable_buckets=[bucket],
                managed_policies=[self._policy("Guard", Fact.CLUSTER_GUARD_ARN)],
            ),
            boundary=self._policy("Boundary", Fact.BOUNDARY_ARN),
            provider=ClusterProvider.from_token(self.fact(Fact.PROVIDER_TOKEN), engine=engine),
            elastic_ip=True,
            tags={**self.project_tags.pairs(), BUCKET_TAG: bucket_name},
        )
        # Nodes need their ways out until they are gone.
        self.cluster.node.add_dependency(self.network.ways_out)
        self._finish_form_and_outputs()

    def _texts(self) -> tuple[str, str, str]:
        cluster_name = self.text(
            ClusterParameter.CLUSTER_NAME,
            label="Cluster",
            description="Name of the new cluster, different from the stack's name.",
            pattern="^[a-zA-Z][a-zA-Z0-9-]*$",
            longest=MAX_CLUSTER_NAME,
            constraint=f"1 to {MAX_CLUSTER_NAME} letters, digits and hyphens, "
            "starting with a letter",
        )
        bucket_name = self.text(
            ClusterParameter.BUCKET_NAME,
            label="Bucket",
            description="Bucket of the project, from the outputs of the project's stack.",
            pattern=BUCKET_PATTERN,
            shortest=3,
            longest=63,
            constraint=BUCKET_RULE,
        )
        compute_cidr = self.text(
            ClusterParameter.COMPUTE_CIDR,
            label="Addresses of the compute nodes",
            description="A /24 of the group's network that no other cluster uses.",
            pattern=r"^([0-9]{1,3}\.){3}0/24$",
            longest=18,
            constraint="a network of 256 addresses inside the group's network, for example "
            "10.1.1.0/24",
        )
        return cluster_name, bucket_name, compute_cidr

    def _choices(self) -> dict[str, str]:
        """What a scientist chooses for this cluster, for its head node to read."""
        capacity = self.choice(
            ClusterParameter.CAPACITY,
            label="Preferred capacity",
            description="Where jobs go unless their form selects another queue. Each queue has a "
            "twin of the other kind.",
            allowed=CAPACITIES,
            constraint=" or ".join(CAPACITIES),
        )
        keep_hours = self.hours(
            ClusterParameter.KEEP_HOURS,
            label="Keep for (hours)",
            description="Hours after which the cluster pauses itself, counted from its creation; "
            "0 leaves that to its idle guard.",
            most=MOST_KEEP_HOURS,
        )
        return {"capacity": capacity, "keep_hours": keep_hours}

    def _group_network(self) -> GroupNetwork:
        zone_id = self.fact(Fact.ZONE_ID)
        vpc = ec2.Vpc.from_vpc_attributes(
            self,
            "Vpc",
            vpc_id=self.fact(Fact.VPC_ID),
            availability_zones=[zone_id],
            vpc_cidr_block=self.fact(Fact.VPC_CIDR),
        )
        public_subnet = ec2.Subnet.from_subnet_id(
            self, "PublicSubnet", self.fact(Fact.PUBLIC_SUBNET_ID)
        )
        # Its route table belongs to the group's stack, and nothing here looks at it.
        cdk.Annotations.of(public_subnet).acknowledge_warning(
            "@aws-cdk/aws-ec2:noSubnetRouteTableId"
        )
        return GroupNetwork(
            vpc=vpc,
            cidr=vpc.vpc_cidr_block,
            zone_id=zone_id,
            public_subnet=public_subnet,
            share_cidr=self.fact(Fact.SHARE_CIDR),
            peering_id=self.fact(Fact.PEERING_ID),
        )

    def _policy(self, construct_id: str, fact: Fact) -> iam.IManagedPolicy:
        return iam.ManagedPolicy.from_managed_policy_arn(self, construct_id, self.fact(fact))

    def _finish_form_and_outputs(self) -> None:
        self.form(
            Section(
                title="Your project",
                parameters=(
                    ClusterParameter.PROJECT,
                    ClusterParameter.SCIENTIST,
                    ClusterParameter.BUCKET_NAME,
                ),
            ),
            Section(
                title="Cluster",
                parameters=(
                    ClusterParameter.CLUSTER_NAME,
                    ClusterParameter.LUSTRE_GIB,
                    ClusterParameter.CAPACITY,
                    ClusterParameter.KEEP_HOURS,
                ),
            ),
            Section(title="Network", parameters=(ClusterParameter.COMPUTE_CIDR,)),
        )
        self.add_metadata(SCRIPT_DIGESTS, node_script_digests())
        # For reviewers: the head node receives the same as one word.
        self.add_metadata(CONFIGURATION, self._configuration.model_dump(mode="json"))
        self.output(ClusterOutput.CLUSTER_NAME, self.cluster.cluster_name, "Name of the cluster")
        self.output(
            ClusterOutput.HEAD_NODE_INSTANCE_ID,
            self.cluster.head_node_instance_id,
            "Instance of the head node",
        )
        self.output(
            ClusterOutput.HEAD_NODE_PUBLIC_IP,
            self.cluster.head_node_public_ip,
            "Public address of the head node",
        )
        self.output(
            ClusterOutput.LUSTRE_FILE_SYSTEM_ID, self.lustre.file_system_id, "Working file system"
        )
        self.output(
            ClusterOutput.DESKTOP_SECURITY_GROUP_ID,
            self.desktop.security_group.security_group_id,
            "Security group that opens the desktop",
        )


def _missing_queues(configuration: ClusterConfiguration, offered: Container[str]) -> str:
    left_out = select(configuration, offered).left_out
    if not left_out:
        return ""
    names = ", ".join(queue.name for queue in left_out)
    return f" Without the queues {names}: none of their instance types is offered here."

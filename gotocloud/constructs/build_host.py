"""The machine on which the management group builds software, when it does."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import CfnTag, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from gotocloud.constructs.policy import PARTITION, Policy, Statement, acknowledge
from gotocloud.constructs.zoned_network import ZonedNetwork
from gotocloud.contract.names import BUILD_HOST
from gotocloud.contract.tags import CRYOEM, METHOD_TAG

IMAGE = (
    "resolve:ssm:/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"
)
"""Ubuntu 24.04, the system of the clusters' nodes; EC2 looks up the image at each start."""


class BuildHost(Construct):
    """A launch template for a machine that may write the master file system.

    Nothing runs and nothing is billed until it is started. It takes no connection: one
    works on it through Session Manager.

    Args:
        network: Where it starts.
        regions: Regions to whose shares it may copy the software.
        instance_type: Default: c7i.4xlarge.
        volume_gib: Size of its encrypted volume. Default: 200.

    Raises:
        ValueError: if the volume is smaller than 30 GiB.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        network: ZonedNetwork,
        regions: Sequence[str] = (),
        instance_type: str = "c7i.4xlarge",
        volume_gib: int = 200,
    ) -> None:
        if volume_gib < 30:
            raise ValueError(f"a volume of {volume_gib} GiB is too small for builds; 30 or more")
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Role",
            role_name=BUILD_HOST,
            description="The software build host: Session Manager, and writing the master.",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name("AmazonSSMManagedInstanceCore")
            ],
        )
        acknowledge(
            self.role,
            {
                "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/"
                "AmazonSSMManagedInstanceCore]": "AWS keeps this policy in step with what the "
                "Session Manager agent needs; it is the only way onto the machine, and the "
                "permissions boundary caps it.",
            },
        )
        if regions:
            Policy(
                self,
                "Copies",
                description="Copies what was published to the software shares.",
                statements=copy_statements(Stack.of(self).account, regions),
                roles=[self.role],
            )
        self.security_group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=network.vpc,
            description="Software build host: nothing comes in",
            allow_all_outbound=True,
        )
        profile = iam.CfnInstanceProfile(self, "InstanceProfile", roles=[self.role.role_name])
        self.launch_template = self._launch_template(network, profile, instance_type, volume_gib)
        acknowledge(
            self.launch_template,
            {
                "CKV_AWS_88": "Its network has no NAT gateway, which is billed by the hour; its "
                "security group lets nothing in, and people come through Session Manager.",
            },
        )

    def _launch_template(
        self,
        network: ZonedNetwork,
        profile: iam.CfnInstanceProfile,
        instance_type: str,
        volume_gib: int,
    ) -> ec2.CfnLaunchTemplate:
        template = ec2.CfnLaunchTemplate
        tags = [CfnTag(key="Name", value=BUILD_HOST), _method()]
        return ec2.CfnLaunchTemplate(
            self,
            "LaunchTemplate",
            launch_template_name=BUILD_HOST,
            launch_template_data=template.LaunchTemplateDataProperty(
                image_id=IMAGE,
                instance_type=instance_type,
                instance_initiated_shutdown_behavior="terminate",
                iam_instance_profile=template.IamInstanceProfileProperty(arn=profile.attr_arn),
                metadata_options=template.MetadataOptionsProperty(
                    http_tokens="required", http_put_response_hop_limit=1
                ),
                block_device_mappings=[
                    template.BlockDeviceMappingProperty(
                        device_name="/dev/sda1",
                        ebs=template.EbsProperty(
                            encrypted=True,
                            delete_on_termination=True,
                            volume_size=volume_gib,
                            volume_type="gp3",
                        ),
                    )
                ],
                network_interfaces=[
                    template.NetworkInterfaceProperty(
                        device_index=0,
                        associate_public_ip_address=True,
                        delete_on_termination=True,
                        subnet_id=next(iter(network.subnets.values())).ref,
                        groups=[self.security_group.security_group_id],
                    )
                ],
                monitoring=template.MonitoringProperty(enabled=True),
                tag_specifications=[
                    template.TagSpecificationProperty(resource_type=kind, tags=tags)
                    for kind in ("instance", "volume")
                ],
            ),
        )


def copy_statements(account: str, regions: Sequence[str]) -> tuple[Statement, ...]:
    """What `gotocloud software publish` and `replicate` need, and nothing else of DataSync."""
    tasks = [f"arn:{PARTITION}:datasync:{region}:{account}:task/*" for region in regions]
    return (
        Statement(
            sid="FindCopies",
            actions=["datasync:ListTasks"],
            why="DataSync has no narrower resource for this action; it shows names and states.",
        ),
        Statement(
            sid="StartCopies",
            actions=["datasync:StartTaskExecution"],
            resources=tasks,
            why="DataSync makes the ids of tasks; the account has no others than the shares'.",
        ),
        Statement(
            sid="WatchCopies",
            actions=["datasync:DescribeTaskExecution"],
            resources=[f"{task}/execution/*" for task in tasks],
            why="DataSync makes the ids of runs.",
        ),
    )


def _method() -> CfnTag:
    return CfnTag(key=METHOD_TAG, value=CRYOEM)

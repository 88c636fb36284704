"""A cluster with a desktop and Lustre, in a VPC that exists already."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_fsx as fsx
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm

from gotocloud.constructs import Desktop, ParallelCluster

CONFIGURATION = """
Image: {Os: ubuntu2404}
HeadNode: {InstanceType: m7i.xlarge}
Scheduling:
  Scheduler: slurm
  SlurmQueues:
    - Name: cpu
      ComputeResources: [{Name: c7i, InstanceType: c7i.4xlarge, MaxCount: 8}]
"""


class Cluster(cdk.Stack):
    def __init__(self, scope: cdk.App, construct_id: str) -> None:
        env = cdk.Environment(account="111111111111", region="us-east-1")
        super().__init__(scope, construct_id, env=env)
        vpc = ec2.Vpc.from_lookup(self, "Vpc", vpc_id="vpc-0123456789abcdef0")
        [subnet, *_] = vpc.private_subnets
        scratch = fsx.LustreFileSystem(
            self,
            "Scratch",
            vpc=vpc,
            vpc_subnet=subnet,
            storage_capacity_gib=1200,
            lustre_configuration={"deployment_type": fsx.LustreDeploymentType.SCRATCH_2},
        )
        cluster = ParallelCluster(
            self,
            "Slurm",
            configuration=CONFIGURATION,
            vpc=vpc,
            head_node_subnet=vpc.public_subnets[0],
            compute_subnets=[subnet],
            lustre=scratch,
            desktop=Desktop(self, "Desktop", vpc=vpc),
        )
        cluster.connections.allow_default_port_from(ec2.Peer.ipv4("198.51.100.0/24"))
        cluster.grant_start_session(iam.ManagedPolicy(self, "Shell"))
        licence = ssm.StringParameter.from_string_parameter_name(self, "Licence", "/lab/licence")
        licence.grant_read(cluster.compute_permissions)
        cdk.CfnOutput(self, "HeadNode", value=cluster.head_node_instance_id)


if __name__ == "__main__":
    app = cdk.App()
    Cluster(app, "Cluster")
    app.synth()

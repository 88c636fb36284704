"""A cluster with nothing but a configuration, a VPC and subnets, and with any other construct."""

from __future__ import annotations

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_fsx as fsx
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template

from gotocloud.cluster_configs.fitting import parse
from gotocloud.constructs.parallel_cluster import ParallelCluster
from gotocloud.errors import InputError
from tests.constructs.cluster_samples import REGION, only, stack
from tests.constructs.clusters import (
    CONFIGURATION,
    bare,
    configuration_of,
)

pytestmark = pytest.mark.cdk


def test_a_bare_cluster_has_a_provider_a_name_and_a_closed_head_node_and_nothing_else() -> None:
    scope = stack()
    bare(scope)
    template = Template.from_stack(scope)
    _, resource = only(template, "Custom::PclusterCluster")
    provider, nested = only(template, "AWS::CloudFormation::Stack")
    group, _ = only(template, "AWS::EC2::SecurityGroup")
    vpc, _ = only(template, "AWS::EC2::VPC")
    assert "Parameters" not in nested["Properties"]
    assert resource["Properties"]["ServiceToken"] == {
        "Fn::GetAtt": [provider, "Outputs.ServiceToken"]
    }
    assert resource["Properties"]["ClusterName"].startswith("Stack-Cluster")
    made = resource["Properties"]["ClusterConfiguration"]
    open_to = {"AllowedIps": {"Fn::GetAtt": [vpc, "CidrBlock"]}}
    head = made["HeadNode"]
    assert head["Ssh"] == open_to
    assert set(head) == {"InstanceType", "Networking", "Ssh", "Iam"}
    assert head["Networking"]["AdditionalSecurityGroups"] == [{"Fn::GetAtt": [group, "GroupId"]}]
    assert set(made) == {"Region", "Image", "HeadNode", "Scheduling"}
    assert template.find_resources("AWS::IAM::ManagedPolicy") == {}


def test_a_bare_cluster_waits_for_the_ways_out_of_its_subnets() -> None:
    scope = stack()
    bare(scope)
    template = Template.from_stack(scope)
    _, resource = only(template, "Custom::PclusterCluster")
    definitions = template.to_json()["Resources"]
    waits_for = [definitions[name] for name in resource["DependsOn"]]
    assert {one["Type"] for one in waits_for} >= {"AWS::EC2::Route"}
    assert any("NatGatewayId" in one["Properties"] for one in waits_for)


def test_two_clusters_of_a_stack_share_the_provider_and_differ_in_name() -> None:
    scope = stack()
    first = bare(scope)
    ParallelCluster(
        scope,
        "Second",
        configuration=parse(CONFIGURATION),
        vpc=scope.node.find_child("Vpc"),  # type: ignore[arg-type]
        head_node_subnet=scope.node.find_child("Vpc").public_subnets[0],  # type: ignore[attr-defined]
        compute_subnets=scope.node.find_child("Vpc").private_subnets,  # type: ignore[attr-defined]
    )
    found = Template.from_stack(scope).find_resources("Custom::PclusterCluster")
    tokens, names = zip(
        *(
            (str(one["Properties"]["ServiceToken"]), one["Properties"]["ClusterName"])
            for one in found.values()
        ),
        strict=True,
    )
    assert len(set(tokens)) == 1
    assert len(set(names)) == 2
    assert scope.resolve(first.cluster_name)["Ref"] in found


def test_what_is_granted_to_nodes_is_a_policy_that_parallelcluster_may_attach() -> None:
    scope = stack()
    made = bare(scope)
    data = s3.Bucket.from_bucket_name(scope, "Data", "movies")
    data.grant_read(made.head_node_permissions)
    data.grant_read_write(made.compute_permissions)
    template = Template.from_stack(scope)
    found = template.find_resources("AWS::IAM::ManagedPolicy")
    assert {one["Properties"]["Path"] for one in found.values()} == {"/parallelcluster/"}
    rendered = configuration_of(scope)
    [head] = [name for name in found if "HeadNodePolicy" in name]
    [compute] = [name for name in found if "ComputePolicy" in name]
    assert rendered["HeadNode"]["Iam"]["AdditionalIamPolicies"][1:] == [{"Policy": {"Ref": head}}]
    [queue] = rendered["Scheduling"]["SlurmQueues"]
    assert queue["Iam"]["AdditionalIamPolicies"][1:] == [{"Policy": {"Ref": compute}}]
    assert "s3:PutObject" in str(found[compute])
    assert "s3:PutObject" not in str(found[head])


def test_nodes_with_a_role_of_their_own_take_no_grants() -> None:
    given = parse(CONFIGURATION)
    given["HeadNode"]["Iam"] = {"InstanceRole": "arn:aws:iam::222222222222:role/own"}
    made = bare(stack(), configuration=given)
    with pytest.raises(ValueError, match="have a role of their own: grant to that role"):
        _ = made.head_node_permissions
    assert made.compute_permissions


def test_any_lustre_key_and_image_are_taken_as_constructs() -> None:
    scope = stack()
    vpc = ec2.Vpc(scope, "Own", max_azs=1)
    lustre = fsx.LustreFileSystem(
        scope,
        "Scratch",
        vpc=vpc,
        vpc_subnet=vpc.private_subnets[0],
        storage_capacity_gib=1200,
        lustre_configuration=fsx.LustreConfiguration(
            deployment_type=fsx.LustreDeploymentType.SCRATCH_2
        ),
    )
    bare(
        scope,
        vpc=vpc,
        head_node_subnet=vpc.public_subnets[0],
        compute_subnets=vpc.private_subnets,
        lustre=lustre,
        lustre_mount="/scratch",
        key_pair=ec2.KeyPair.from_key_pair_name(scope, "Key", "anna"),
        machine_image=ec2.MachineImage.generic_linux({REGION: "ami-0123456789abcdef0"}),
    )
    made = configuration_of(scope)
    file_system, definition = only(Template.from_stack(scope), "AWS::FSx::FileSystem")
    [group] = definition["Properties"]["SecurityGroupIds"]
    [queue] = made["Scheduling"]["SlurmQueues"]
    [storage] = made["SharedStorage"]
    assert storage["MountDir"] == "/scratch"
    assert storage["FsxLustreSettings"] == {"FileSystemId": {"Ref": file_system}}
    assert queue["Networking"]["AdditionalSecurityGroups"] == [group]
    assert group in made["HeadNode"]["Networking"]["AdditionalSecurityGroups"]
    assert made["HeadNode"]["Ssh"]["KeyName"] == "anna"
    assert made["Image"]["CustomAmi"] == "ami-0123456789abcdef0"


def test_ssh_is_opened_through_the_connections_of_a_cluster_without_a_desktop() -> None:
    scope = stack()
    bare(scope).connections.allow_default_port_from(ec2.Peer.ipv4("198.51.100.7/32"))
    Template.from_stack(scope).has_resource_properties(
        "AWS::EC2::SecurityGroup",
        {"SecurityGroupIngress": [Match.object_like({"FromPort": 22, "ToPort": 22})]},
    )


def test_every_problem_is_reported_at_once_and_nothing_is_made() -> None:
    scope = stack()
    given = parse(CONFIGURATION)
    given["Region"] = "eu-west-1"
    given["Image"] = {"Os": "centos7", "CustomAmi": "ami-0123456789abcdef0"}
    vpc = ec2.Vpc.from_vpc_attributes(
        scope, "Imported", vpc_id="vpc-1", availability_zones=["apne1-az1"]
    )
    with pytest.raises(InputError) as caught:
        bare(
            scope,
            vpc=vpc,
            configuration=given,
            cluster_name="1st",
            compute_subnets=[],
            machine_image=ec2.MachineImage.latest_amazon_linux2023(),
        )
    said = "\n".join(caught.value.problems)
    for part in (
        "cluster_name: '1st' must start",
        "import it with vpc_cidr_block",
        "Region: the configuration has 'eu-west-1'",
        "Image.CustomAmi: the configuration has 'ami-0123456789abcdef0', the cluster is given "
        "another value",
        "does not support 'centos7'",
        "the compute nodes have no subnet",
    ):
        assert part in said
    assert scope.node.try_find_child("Cluster") is None

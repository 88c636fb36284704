"""The ParallelCluster construct."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Match, Template

from gotocloud.cluster_configs.engine import engine_of
from gotocloud.cluster_configs.model import load_configuration, used_instance_types
from gotocloud.cluster_configs.renderer import FACTS
from gotocloud.constructs.desktop import Desktop
from gotocloud.constructs.lustre import Lustre
from gotocloud.constructs.parallel_cluster import (
    HeadNodeSetup,
    ParallelCluster,
    SoftwareMount,
)
from gotocloud.constructs.project_tags import ProjectTags
from gotocloud.errors import GoToCloudError
from tests.constructs.cluster_samples import bucket, cluster_network, only, stack

pytestmark = pytest.mark.cdk

BOUNDARY = "arn:aws:iam::222222222222:policy/gotocloud-boundary"
GUARD = "arn:aws:iam::222222222222:policy/gotocloud-cluster-guard"
PROVIDER = "arn:aws:lambda:ap-northeast-1:222222222222:function:pcluster"


def cluster(scope: cdk.Stack, **options: Any) -> ParallelCluster:
    network = cluster_network(scope)
    vpc = network.group.vpc
    defaults: dict[str, Any] = {
        "cluster_name": "hanako-apoferritin",
        "configuration": load_configuration("cryoem-spa"),
        "offered": used_instance_types(),
        "engine": engine_of(),
        "network": network,
        "lustre": Lustre(
            scope,
            "Lustre",
            vpc=vpc,
            subnet_id=network.subnet_id,
            size_gib=2400,
            bucket=bucket(scope),
        ),
        "desktop": Desktop(scope, "Desktop", vpc=vpc),
        "software": SoftwareMount(
            file_system_id="fs-1",
            mount_targets="apne1-az1=10.0.0.5",
            distribution_bucket="distribution",
            script_url="s3://distribution/releases/1/node/mount-software.sh",
        ),
        "head_node": HeadNodeSetup(
            script_url="s3://distribution/releases/1/node/configure-head-node.sh",
            facts=dict.fromkeys(FACTS, "x"),
            project_bucket="hanako-222222222222-apoferritin",
            guard=iam.ManagedPolicy.from_managed_policy_arn(scope, "Guard", GUARD),
        ),
        "boundary": iam.ManagedPolicy.from_managed_policy_arn(scope, "Boundary", BOUNDARY),
        "provider_token": PROVIDER,
        "tags": ProjectTags(scientist="hanako", project="apoferritin", account="222222222222"),
    }
    return ParallelCluster(scope, "Cluster", **{**defaults, **options})


@pytest.fixture(scope="module")
def template() -> Template:
    scope = stack()
    cluster(scope)
    return Template.from_stack(scope)


@pytest.fixture(scope="module")
def configuration(template: Template) -> dict[str, Any]:
    _, resource = only(template, "Custom::PclusterCluster")
    return dict(resource["Properties"]["ClusterConfiguration"])


def test_provider_gets_the_keys_that_it_knows_and_no_other(template: Template) -> None:
    _, resource = only(template, "Custom::PclusterCluster")
    properties = resource["Properties"]
    assert set(properties) == {
        "ServiceToken",
        "ClusterName",
        "ClusterConfiguration",
        "DeletionPolicy",
    }
    assert properties["ServiceToken"] == PROVIDER
    assert properties["ClusterName"] == "hanako-apoferritin"
    assert properties["DeletionPolicy"] == "Delete"


def test_cluster_goes_with_the_stack(template: Template) -> None:
    _, resource = only(template, "Custom::PclusterCluster")
    assert resource["DeletionPolicy"] == "Delete"


def test_everything_that_parallelcluster_creates_carries_the_boundary(
    configuration: dict[str, Any],
) -> None:
    assert configuration["Iam"]["PermissionsBoundary"] == BOUNDARY


def test_head_node_stands_in_the_public_subnet_behind_a_closed_door(
    template: Template, configuration: dict[str, Any]
) -> None:
    networking = configuration["HeadNode"]["Networking"]
    groups = template.find_resources("AWS::EC2::SecurityGroup")
    assert networking["SubnetId"] == "subnet-public"
    assert networking["AdditionalSecurityGroups"] == [
        {"Fn::GetAtt": [name, "GroupId"]} for name in sorted(groups)
    ]
    assert configuration["HeadNode"]["Dcv"]["AllowedIps"] == "10.1.0.0/20"
    assert configuration["HeadNode"]["Ssh"]["AllowedIps"] == "10.1.0.0/20"


def test_every_job_type_has_a_queue_on_demand_and_one_on_spot(
    configuration: dict[str, Any],
) -> None:
    names = {queue["Name"] for queue in configuration["Scheduling"]["SlurmQueues"]}
    on_demand = {name for name in names if not name.endswith("-spot")}
    assert {"refine3d", "class2d-vdam", "polish"} <= on_demand
    assert names == on_demand | {f"{name}-spot" for name in on_demand}


def test_queues_stand_in_the_private_subnet_and_reach_lustre(
    template: Template, configuration: dict[str, Any]
) -> None:
    subnet_id, _ = only(template, "AWS::EC2::Subnet")
    file_system_id, _ = only(template, "AWS::FSx::FileSystem")
    for queue in configuration["Scheduling"]["SlurmQueues"]:
        assert queue["Networking"]["SubnetIds"] == [{"Ref": subnet_id}]
        assert len(queue["Networking"]["AdditionalSecurityGroups"]) == 1
    [storage] = configuration["SharedStorage"]
    assert storage["FsxLustreSettings"] == {"FileSystemId": {"Ref": file_system_id}}


def test_every_node_mounts_the_software(configuration: dict[str, Any]) -> None:
    nodes = [configuration["HeadNode"], *configuration["Scheduling"]["SlurmQueues"]]
    for node in nodes:
        action = node["CustomActions"]["OnNodeConfigured"]
        action = action.get("Sequence", [action])[0]
        assert action["Script"].startswith("s3://distribution/")
        assert action["Args"][:2] == ["fs-1", "apne1-az1=10.0.0.5"]


def test_head_node_alone_is_told_about_its_cluster_and_may_pause_it(
    configuration: dict[str, Any],
) -> None:
    head = configuration["HeadNode"]
    setup = head["CustomActions"]["OnNodeConfigured"]["Sequence"][1]
    assert setup["Script"].endswith("/configure-head-node.sh")
    assert [word.partition("=")[0] for word in setup["Args"]] == list(FACTS)
    assert {"Policy": GUARD} in head["Iam"]["AdditionalIamPolicies"]
    own = {"BucketName": "hanako-222222222222-apoferritin", "EnableWriteAccess": False}
    assert own in head["Iam"]["S3Access"]
    for queue in configuration["Scheduling"]["SlurmQueues"]:
        assert len(queue["Iam"]["AdditionalIamPolicies"]) == len(queue["Iam"]["S3Access"]) == 1


def test_a_head_node_that_is_told_too_little_is_refused() -> None:
    scope = stack()
    setup = HeadNodeSetup(
        script_url="s3://x/y",
        facts={"cluster": "x"},
        project_bucket="b",
        guard=iam.ManagedPolicy.from_managed_policy_arn(scope, "G", GUARD),
    )
    with pytest.raises(ValueError, match="exactly cluster, project"):
        cluster(scope, head_node=setup)


def test_cluster_is_tagged_with_project_and_scientist(configuration: dict[str, Any]) -> None:
    tags = {tag["Key"]: tag["Value"] for tag in configuration["Tags"]}
    assert tags["gtc:project"] == "apoferritin"
    assert tags["gtc:iam-user"] == "hanako"
    # By it the head node's role is let into its own project's bucket only.
    assert tags["gtc:bucket"] == "hanako-222222222222-apoferritin"


def test_queues_without_an_offered_instance_type_are_left_out() -> None:
    scope = stack()
    cluster(scope, offered=("m5.xlarge", "g4dn.metal"))
    _, resource = only(Template.from_stack(scope), "Custom::PclusterCluster")
    queues = resource["Properties"]["ClusterConfiguration"]["Scheduling"]["SlurmQueues"]
    assert "polish" not in {queue["Name"] for queue in queues}
    assert {resource["InstanceType"] for q in queues for resource in q["ComputeResources"]} == {
        "g4dn.metal"
    }


def test_network_and_lustre_outlive_the_cluster(template: Template) -> None:
    _, resource = only(template, "Custom::PclusterCluster")
    definitions = template.to_json()["Resources"]
    kinds = {definitions[name]["Type"] for name in resource["DependsOn"]}
    assert {
        "AWS::EC2::Route",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPCEndpoint",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::FSx::DataRepositoryAssociation",
    } == kinds


@pytest.mark.parametrize("name", ["1st", "with_underscore", "x" * 41, ""])
def test_names_that_parallelcluster_refuses_are_refused_at_construction(name: str) -> None:
    with pytest.raises(ValueError, match=r"must start with a letter|at most 40"):
        cluster(stack(), cluster_name=name)


def test_a_zone_without_any_instance_type_is_refused_at_construction() -> None:
    with pytest.raises(GoToCloudError, match="cannot be used here"):
        cluster(stack(), offered=())


def test_description_of_the_cluster_is_offered_as_attributes() -> None:
    scope = stack()
    made = cluster(scope)
    resolved = scope.resolve([made.head_node_instance_id, made.head_node_public_ip])
    names = [value["Fn::GetAtt"][1] for value in resolved]
    assert names == ["headNode.instanceId", "headNode.publicIpAddress"]


def session_policy(scope: cdk.Stack) -> dict[str, Any]:
    _, policy = only(Template.from_stack(scope), "AWS::IAM::Policy")
    [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
    return dict(statement)


def test_a_session_is_granted_on_this_head_node_only() -> None:
    scope = stack()
    cluster(scope).grant_start_session(
        iam.Role(scope, "Role", assumed_by=iam.AccountRootPrincipal())
    )
    statement = session_policy(scope)
    assert statement["Action"] == "ssm:StartSession"
    assert statement["Resource"] != "*"
    assert "headNode.instanceId" in str(statement["Resource"])
    assert "SSM-SessionManagerRunShell" in str(statement["Resource"])


def test_an_existing_cluster_grants_the_same() -> None:
    scope = stack()
    existing = ParallelCluster.from_cluster_attributes(
        scope,
        "Existing",
        cluster_name="hanako-apoferritin",
        head_node_instance_id="i-1",
        head_node_public_ip="198.51.100.7",
    )
    existing.grant_start_session(iam.Role(scope, "Role", assumed_by=iam.AccountRootPrincipal()))
    assert ":instance/i-1" in str(session_policy(scope)["Resource"])
    assert existing.cluster_name == "hanako-apoferritin"
    assert existing.head_node_public_ip == "198.51.100.7"


def test_desktop_opens_to_one_address_through_its_connections() -> None:
    scope = stack()
    cluster(scope).connections.allow_default_port_from(ec2.Peer.ipv4("198.51.100.7/32"))
    Template.from_stack(scope).has_resource_properties(
        "AWS::EC2::SecurityGroup",
        {
            "SecurityGroupIngress": [
                Match.object_like({"CidrIp": "198.51.100.7/32", "FromPort": 8443, "ToPort": 8443})
            ]
        },
    )


def test_desktop_is_closed_and_tagged_as_a_door(template: Template) -> None:
    template.has_resource_properties(
        "AWS::EC2::SecurityGroup",
        {
            "GroupDescription": Match.string_like_regexp("closed until a scientist connects"),
            "SecurityGroupIngress": Match.absent(),
            "Tags": Match.array_with([{"Key": "gtc:door", "Value": "desktop"}]),
        },
    )


def test_opening_the_desktop_is_granted_on_its_security_group_only() -> None:
    scope = stack()
    desktop = Desktop(scope, "Desktop", vpc=cluster_network(scope).group.vpc)
    desktop.grant_open(iam.Role(scope, "Role", assumed_by=iam.AccountRootPrincipal()))
    statement = session_policy(scope)
    assert statement["Action"] == [
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:RevokeSecurityGroupIngress",
    ]
    assert ":security-group/" in str(statement["Resource"])

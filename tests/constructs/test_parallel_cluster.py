"""The ParallelCluster construct."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_fsx as fsx
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template

from gotocloud.cluster_configs.fitting import parse
from gotocloud.cluster_configs.model import load_configuration, used_instance_types
from gotocloud.cluster_configs.node_scripts import facts_script
from gotocloud.constructs.cluster_provider import ClusterProvider
from gotocloud.constructs.desktop import Desktop
from gotocloud.constructs.lustre import Lustre
from gotocloud.constructs.node_setup import NodeSetup, SoftwareMount
from gotocloud.constructs.parallel_cluster import ParallelCluster
from gotocloud.contract.head_node import FACT_KEYS
from gotocloud.errors import GoToCloudError, InputError
from tests.constructs.cluster_samples import REGION, bucket, cluster_network, only, stack

pytestmark = pytest.mark.cdk

BOUNDARY = "arn:aws:iam::222222222222:policy/gotocloud-boundary"
CONFIGURATION = """
Image: {Os: ubuntu2404}
HeadNode: {InstanceType: c7i.large}
Scheduling:
  Scheduler: slurm
  SlurmQueues:
    - Name: cpu
      ComputeResources: [{Name: c7i, InstanceType: c7i.4xlarge, MaxCount: 4}]
"""
GUARD = "arn:aws:iam::222222222222:policy/gotocloud-cluster-guard"
PROVIDER = "arn:aws:lambda:ap-northeast-1:222222222222:function:pcluster"


def distribution(scope: cdk.Stack) -> s3.IBucket:
    return s3.Bucket.from_bucket_name(scope, "Distribution", "distribution")


def setup(scope: cdk.Stack) -> NodeSetup:
    own = "gotocloud-data-hanako-222222222222-apoferritin"
    return NodeSetup(
        scripts=[facts_script("s3://distribution/x.sh", dict.fromkeys(FACT_KEYS, "x"))],
        readable_buckets=[s3.Bucket.from_bucket_name(scope, "Own", own)],
        managed_policies=[iam.ManagedPolicy.from_managed_policy_arn(scope, "Guard", GUARD)],
    )


def cluster(scope: cdk.Stack, **options: Any) -> ParallelCluster:
    """A cluster with all that GoToCloud's own clusters have."""
    network = cluster_network(scope)
    vpc = network.group.vpc
    defaults: dict[str, Any] = {
        "cluster_name": "hanako-apoferritin",
        "configuration": load_configuration("cryoem-spa"),
        "offered": used_instance_types(),
        "vpc": vpc,
        "head_node_subnet": network.group.public_subnet,
        "compute_subnets": [network.compute_subnet],
        "provider": ClusterProvider.from_token(PROVIDER),
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
            bucket=distribution(scope),
            script_url="s3://distribution/releases/1/node/mount-software.sh",
        ),
        "head_node": setup(scope),
        "boundary": iam.ManagedPolicy.from_managed_policy_arn(scope, "Boundary", BOUNDARY),
        "tags": {"gtc:project": "apoferritin"},
    }
    return ParallelCluster(scope, "Cluster", **{**defaults, **options})


def bare(scope: cdk.Stack, **options: Any) -> ParallelCluster:
    """A cluster of which only what must be given is given."""
    vpc = ec2.Vpc(scope, "Vpc", max_azs=1)
    defaults: dict[str, Any] = {
        "configuration": CONFIGURATION,
        "vpc": vpc,
        "head_node_subnet": vpc.public_subnets[0],
        "compute_subnets": vpc.private_subnets,
    }
    return ParallelCluster(scope, "Cluster", **{**defaults, **options})


def configuration_of(scope: cdk.Stack) -> dict[str, Any]:
    _, resource = only(Template.from_stack(scope), "Custom::PclusterCluster")
    return dict(resource["Properties"]["ClusterConfiguration"])


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
    assert setup["Script"] == "s3://distribution/x.sh"
    assert [word.partition("=")[0] for word in setup["Args"]] == list(FACT_KEYS)
    assert {"Policy": GUARD} in head["Iam"]["AdditionalIamPolicies"]
    own = {
        "BucketName": "gotocloud-data-hanako-222222222222-apoferritin",
        "EnableWriteAccess": False,
    }
    assert own in head["Iam"]["S3Access"]
    for queue in configuration["Scheduling"]["SlurmQueues"]:
        assert len(queue["Iam"]["AdditionalIamPolicies"]) == len(queue["Iam"]["S3Access"]) == 1


def test_facts_of_a_head_node_that_are_not_complete_are_refused() -> None:
    with pytest.raises(ValueError, match="exactly cluster, project"):
        facts_script("s3://x/y", {"cluster": "x"})


def test_cluster_is_tagged(configuration: dict[str, Any]) -> None:
    assert configuration["Tags"] == [{"Key": "gtc:project", "Value": "apoferritin"}]


def test_queues_without_an_offered_instance_type_are_left_out() -> None:
    scope = stack()
    cluster(scope, offered=("m5.xlarge", "g4dn.metal"))
    _, resource = only(Template.from_stack(scope), "Custom::PclusterCluster")
    queues = resource["Properties"]["ClusterConfiguration"]["Scheduling"]["SlurmQueues"]
    assert "polish" not in {queue["Name"] for queue in queues}
    assert {resource["InstanceType"] for q in queues for resource in q["ComputeResources"]} == {
        "g4dn.metal"
    }


def test_lustre_outlives_the_cluster(template: Template) -> None:
    _, resource = only(template, "Custom::PclusterCluster")
    definitions = template.to_json()["Resources"]
    kinds = {definitions[name]["Type"] for name in resource["DependsOn"]}
    assert kinds == {
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::FSx::DataRepositoryAssociation",
    }


@pytest.mark.parametrize("name", ["1st", "with_underscore", "x" * 61, ""])
def test_names_that_parallelcluster_refuses_are_refused_at_construction(name: str) -> None:
    with pytest.raises(InputError, match=r"must start with a letter|at most 60"):
        cluster(stack(), cluster_name=name)


def test_a_name_is_shorter_with_slurm_accounting_and_never_the_stacks() -> None:
    given = parse(CONFIGURATION)
    given["Scheduling"]["SlurmSettings"] = {"Database": {"Uri": "x", "UserName": "y"}}
    with pytest.raises(InputError, match="at most 40"):
        bare(stack(), cluster_name="x" * 41, configuration=given)
    with pytest.raises(InputError, match="'Stack' is the name of the stack"):
        bare(stack(), cluster_name="Stack")


def test_a_zone_without_any_instance_type_is_refused_at_construction() -> None:
    with pytest.raises(GoToCloudError, match="cannot be used here"):
        cluster(stack(), offered=())


def test_description_of_the_cluster_is_offered_as_attributes() -> None:
    scope = stack()
    made = cluster(scope)
    resolved = scope.resolve(
        [
            made.head_node_instance_id,
            made.head_node_private_ip,
            made.head_node_public_ip,
            made.validation_messages,
        ]
    )
    # The names that the provider gives them: its function flattens what pcluster describes.
    assert [value["Fn::GetAtt"][1] for value in resolved] == [
        "headNode.instanceId",
        "headNode.privateIpAddress",
        "headNode.publicIpAddress",
        "validationMessages",
    ]


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
    group = ec2.SecurityGroup.from_security_group_id(scope, "Group", "sg-1")
    existing = ParallelCluster.from_cluster_attributes(
        scope,
        "Existing",
        cluster_name="hanako-apoferritin",
        head_node_instance_id="i-1",
        head_node_public_ip="198.51.100.7",
        security_groups=[group],
    )
    existing.grant_start_session(iam.Role(scope, "Role", assumed_by=iam.AccountRootPrincipal()))
    assert ":instance/i-1" in str(session_policy(scope)["Resource"])
    assert existing.cluster_name == "hanako-apoferritin"
    assert existing.head_node_instance_id == "i-1"
    assert existing.head_node_public_ip == "198.51.100.7"
    assert [one.security_group_id for one in existing.connections.security_groups] == ["sg-1"]


def test_a_cluster_that_is_known_by_name_grants_sessions_on_its_head_node_by_tags() -> None:
    scope = stack()
    existing = ParallelCluster.from_cluster_name(scope, "Existing", "spa")
    existing.grant_start_session(iam.Role(scope, "Role", assumed_by=iam.AccountRootPrincipal()))
    _, policy = only(Template.from_stack(scope), "AWS::IAM::Policy")
    head_node, documents = policy["Properties"]["PolicyDocument"]["Statement"]
    assert head_node["Condition"] == {
        "StringEquals": {
            "ssm:resourceTag/parallelcluster:cluster-name": "spa",
            "ssm:resourceTag/parallelcluster:node-type": "HeadNode",
        }
    }
    assert ":instance/*" in str(head_node["Resource"])
    assert "Condition" not in documents
    assert ":document/" in str(documents["Resource"])


@pytest.mark.parametrize("name", ["head_node_instance_id", "head_node_public_ip", "connections"])
def test_what_a_name_does_not_tell_is_an_error_with_the_remedy(name: str) -> None:
    existing = ParallelCluster.from_cluster_name(stack(), "Existing", "spa")
    with pytest.raises(ValueError, match="of the cluster 'spa' is not known here: give it to"):
        getattr(existing, name)


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

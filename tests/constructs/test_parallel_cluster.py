"""The ParallelCluster construct."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Match, Template

from gotocloud.cluster_configs.fitting import parse
from gotocloud.cluster_configs.node_scripts import facts_script
from gotocloud.contract.head_node import FACT_KEYS
from gotocloud.errors import GoToCloudError, InputError
from tests.constructs.cluster_samples import only, stack
from tests.constructs.clusters import (
    BOUNDARY,
    CONFIGURATION,
    GUARD,
    PROVIDER,
    bare,
    cluster,
)

pytestmark = pytest.mark.cdk


@pytest.fixture(scope="module")
def template() -> Template:
    scope = stack()
    cluster(scope)
    return Template.from_stack(scope)


@pytest.fixture(scope="module")
def configuration(template: Template) -> dict[str, Any]:
    _, resource = only(template, "Custom::PclusterCluster")
    return dict(resource["Properties"]["ClusterConfiguration"])


def test_provider_gets_the_keys_that_it_has_and_no_other(template: Template) -> None:
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


def test_head_node_stands_in_the_public_subnet_behind_a_closed_port(
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


def test_head_node_alone_has_facts_of_its_cluster_and_may_pause_it(
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


def test_desktop_is_closed_and_tagged_as_a_way_in(template: Template) -> None:
    template.has_resource_properties(
        "AWS::EC2::SecurityGroup",
        {
            "GroupDescription": Match.string_like_regexp("closed until a scientist connects"),
            "SecurityGroupIngress": Match.absent(),
            "Tags": Match.array_with([{"Key": "gtc:door", "Value": "desktop"}]),
        },
    )

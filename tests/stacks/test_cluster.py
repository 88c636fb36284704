"""The cluster template: one for each configuration and region."""

from __future__ import annotations

import json
import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from gotocloud.aws.node_scripts import scripts_of
from gotocloud.cluster_configs.engine import engine_of
from gotocloud.cluster_configs.lustre_sizes import LARGEST_GIB, Deployment, lustre_sizes_gib
from gotocloud.cluster_configs.model import (
    ClusterConfiguration,
    configuration_names,
    load_configuration,
    used_instance_types,
)
from gotocloud.cluster_configs.packed import unpacked
from gotocloud.contract.releases import (
    CONFIGURATION,
    CONFIGURE_HEAD_NODE,
    KEEP_HOME,
    MOUNT_SOFTWARE,
    SCRIPT_DIGESTS,
)
from gotocloud.errors import GoToCloudError
from gotocloud.platform.model import Platform
from gotocloud.platform.zones import RankedZone, RegionZones, ZoneMap, zone_map
from gotocloud.stacks.cluster import ClusterStack
from gotocloud.stacks.launched import FACT_LABELS
from gotocloud.stacks.templates import add_templates

pytestmark = pytest.mark.cdk

PLATFORM = Platform.model_validate(
    {
        "name": "lab",
        "management": {"account": "111111111111", "home_region": "ap-northeast-1"},
        "regions": ["ap-northeast-1", "us-east-1"],
    }
)


def synthesised(**options: Any) -> dict[str, Any]:
    stack = ClusterStack(
        cdk.App(builtin_cloud_formation_validation=False),
        "ClusterStack",
        **{
            "configuration": load_configuration("cryoem-spa"),
            "region": "ap-northeast-1",
            "offered": used_instance_types(),
            "engine": engine_of(),
            "distribution_bucket": "distribution",
            "version": "1.2.3",
            **options,
        },
    )
    return dict(Template.from_stack(stack).to_json())


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return synthesised()


def resource(template: dict[str, Any], resource_type: str) -> dict[str, Any]:
    [found] = [r for r in template["Resources"].values() if r["Type"] == resource_type]
    return dict(found)


def configuration(template: dict[str, Any]) -> dict[str, Any]:
    properties = resource(template, "Custom::PclusterCluster")["Properties"]
    return dict(properties["ClusterConfiguration"])


def own_parameters(template: dict[str, Any]) -> dict[str, Any]:
    return {
        name: definition
        for name, definition in template["Parameters"].items()
        if not definition["Type"].startswith("AWS::SSM")
    }


def test_parameters_are_those_of_the_contract(template: dict[str, Any]) -> None:
    assert set(own_parameters(template)) == {
        "Project",
        "Scientist",
        "ClusterName",
        "BucketName",
        "ComputeSubnetCidr",
        "LustreGib",
        "Capacity",
        "KeepHours",
    }


def test_outputs_are_those_of_the_contract(template: dict[str, Any]) -> None:
    assert set(template["Outputs"]) == {
        "ClusterName",
        "HeadNodeInstanceId",
        "HeadNodePublicIp",
        "LustreFileSystemId",
        "DesktopSecurityGroupId",
    }


def test_facts_of_the_group_cannot_be_pointed_elsewhere(template: dict[str, Any]) -> None:
    facts = {
        name: definition
        for name, definition in template["Parameters"].items()
        if definition["Type"] == "AWS::SSM::Parameter::Value<String>"
    }
    assert {definition["Default"] for definition in facts.values()} == {
        fact.value for fact in FACT_LABELS
    }
    for definition in facts.values():
        assert definition["AllowedValues"] == [definition["Default"]]


def test_it_needs_neither_bootstrap_nor_assets(template: dict[str, Any]) -> None:
    assert "Rules" not in template
    assert "cdk-" not in json.dumps(template)


def test_template_stays_far_below_cloudformations_limit(template: dict[str, Any]) -> None:
    # A template in S3 may have 1 MB (AWS, "CloudFormation quotas").
    assert len(json.dumps(template, indent=1)) < 200_000


def test_boundary_and_provider_come_from_the_groups_facts(template: dict[str, Any]) -> None:
    cluster = resource(template, "Custom::PclusterCluster")["Properties"]
    assert cluster["ServiceToken"] == {"Ref": "ProviderToken"}
    assert configuration(template)["Iam"]["PermissionsBoundary"] == {"Ref": "BoundaryArn"}


def test_node_script_is_that_of_the_same_release(template: dict[str, Any]) -> None:
    action = configuration(template)["HeadNode"]["CustomActions"]["OnNodeConfigured"]
    base = "s3://distribution/releases/1.2.3/node"
    scripts = [one["Script"] for one in action["Sequence"]]
    names = ("mount-software.sh", "home.py", "configure-head-node.sh")
    assert scripts == [f"{base}/{name}" for name in names]


def test_its_sums_are_found_for_every_script_that_its_nodes_run(template: dict[str, Any]) -> None:
    scripts = {
        ("1.2.3", path): digest for path, digest in template["Metadata"][SCRIPT_DIGESTS].items()
    }
    assert scripts_of(template) == scripts
    assert {path for _, path in scripts} == {MOUNT_SOFTWARE, KEEP_HOME, CONFIGURE_HEAD_NODE}


def test_the_head_node_has_what_the_launch_states(template: dict[str, Any]) -> None:
    action = configuration(template)["HeadNode"]["CustomActions"]["OnNodeConfigured"]
    told = {
        str(word["Fn::Join"][1][0] if isinstance(word, dict) else word).partition("=")[0]: word
        for word in action["Sequence"][2]["Args"]
    }
    # What reviewers read in the metadata is what the head node routes by.
    word = str(told["described"]).partition("=")[2]
    assert unpacked(word) == load_configuration(template["Metadata"][CONFIGURATION])
    assert told["stack"] == {"Fn::Join": ["", ["stack=", {"Ref": "AWS::StackName"}]]}
    assert told["capacity"] == {"Fn::Join": ["", ["capacity=", {"Ref": "Capacity"}]]}
    assert told["keep_hours"] == {"Fn::Join": ["", ["keep_hours=", {"Ref": "KeepHours"}]]}
    assert told["configuration"] == "configuration=cryoem-spa"


def test_the_head_node_may_pause_its_own_cluster_and_read_its_own_bucket(
    template: dict[str, Any],
) -> None:
    given = configuration(template)["HeadNode"]["Iam"]
    assert given["AdditionalIamPolicies"][1] == {"Policy": {"Ref": "ClusterGuardArn"}}
    assert given["S3Access"][1] == {"BucketName": {"Ref": "BucketName"}, "EnableWriteAccess": False}


def test_lustre_has_the_size_of_the_parameter_and_the_projects_bucket(
    template: dict[str, Any],
) -> None:
    file_system = resource(template, "AWS::FSx::FileSystem")["Properties"]
    association = resource(template, "AWS::FSx::DataRepositoryAssociation")["Properties"]
    assert file_system["StorageCapacity"] == {"Ref": "LustreGib"}
    assert association["DataRepositoryPath"] == {"Fn::Join": ["", ["s3://", {"Ref": "BucketName"}]]}


@pytest.mark.parametrize("name", configuration_names())
def test_lustre_sizes_are_those_that_fsx_sells_with_the_configurations_default(
    name: str,
) -> None:
    chosen = load_configuration(name)
    parameter = synthesised(configuration=chosen)["Parameters"]["LustreGib"]
    assert parameter["Default"] == str(chosen.lustre.gib)
    assert parameter["Default"] in parameter["AllowedValues"]
    assert tuple(map(int, parameter["AllowedValues"])) == lustre_sizes_gib(
        chosen.lustre.deployment_type
    )


@pytest.mark.parametrize("deployment", list(Deployment))
def test_the_largest_lustre_of_a_configuration_is_among_its_templates_values(
    deployment: Deployment,
) -> None:
    spa = load_configuration("cryoem-spa").model_dump()
    lustre = {**spa["lustre"], "deployment_type": deployment, "gib": LARGEST_GIB}
    largest = ClusterConfiguration.model_validate({**spa, "lustre": lustre})
    parameter = synthesised(configuration=largest)["Parameters"]["LustreGib"]
    assert parameter["Default"] in parameter["AllowedValues"]


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        ("ClusterName", ["hanako-apo", "A1"], ["", "1a", "a_b", "a.b"]),
        ("ComputeSubnetCidr", ["10.1.1.0/24"], ["10.1.1.0/23", "10.1.1.1/24", "10.1.0/24", "any"]),
    ],
)
def test_parameters_take_what_fits_and_explain_it_in_words(
    template: dict[str, Any], parameter: str, good: list[str], bad: list[str]
) -> None:
    definition = template["Parameters"][parameter]
    pattern = re.compile(definition["AllowedPattern"])
    assert all(pattern.fullmatch(value) for value in good)
    assert not [value for value in bad if pattern.fullmatch(value)]
    assert "^" not in definition["ConstraintDescription"]


def test_launch_form_shows_every_parameter_once_and_facts_last(template: dict[str, Any]) -> None:
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    shown = [name for group in groups for name in group["Parameters"]]
    assert sorted(shown) == sorted(template["Parameters"])
    assert groups[0]["Label"] == {"default": "Your project"}
    assert groups[-1]["Label"]["default"].startswith("Facts of your group")


def test_everything_that_takes_tags_states_whose_it_is(template: dict[str, Any]) -> None:
    untagged = {
        "AWS::EC2::Route",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::SubnetRouteTableAssociation",
        "Custom::PclusterCluster",  # its tags are in the configuration
    }
    for definition in template["Resources"].values():
        if definition["Type"] in untagged:
            continue
        tags = {tag["Key"]: tag["Value"] for tag in definition["Properties"]["Tags"]}
        assert tags["gtc:project"] == {"Ref": "Project"}, definition["Type"]
        assert tags["gtc:iam-user"] == {"Ref": "Scientist"}, definition["Type"]


def test_synthesis_gives_the_same_bytes_twice(template: dict[str, Any]) -> None:
    assert json.dumps(synthesised()) == json.dumps(template)


def test_missing_queues_are_reported_in_the_description() -> None:
    told = synthesised(offered=("m5.xlarge", "g4dn.metal"))["Description"]
    assert "Without the queues" in told
    assert "polish" in told
    assert len(told) <= 1024  # CloudFormation's limit


def test_a_complete_region_states_nothing_about_missing_queues(template: dict[str, Any]) -> None:
    assert "Without" not in template["Description"]


def test_release_has_a_template_for_each_configuration_and_region() -> None:
    app = cdk.App(builtin_cloud_formation_validation=False)
    add_templates(app, platform=PLATFORM, version="1.2.3")
    names = {stack.node.id for stack in app.node.children}
    assert names == {"ProjectStack"} | {
        f"ClusterStack-{name}-{region}"
        for name in configuration_names()
        for region in PLATFORM.regions
    }


def test_release_names_every_configuration_that_cannot_be_had() -> None:
    nothing = RankedZone(zone_id="use1-az9", offered=(), missing=(), reason="a test")
    us_east_1 = zone_map().region("us-east-1").model_copy(update={"ranked": (nothing,)})
    zones = ZoneMap(
        regions={**zone_map().regions, "us-east-1": RegionZones(**dict(us_east_1))}, left_out={}
    )
    with pytest.raises(GoToCloudError) as caught:
        add_templates(cdk.App(), platform=PLATFORM, version="1.2.3", zones=zones)
    assert len(caught.value.problems) == len(configuration_names())
    assert all("us-east-1, zone use1-az9" in problem for problem in caught.value.problems)

"""The synthesised templates have exactly the parameters, outputs and facts of the contract."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from gotocloud.contract.group_facts import FACTS_FOR_PEOPLE, Fact
from gotocloud.contract.stacks import (
    ClusterOutput,
    ClusterParameter,
    ManagementOutput,
    ProjectOutput,
    ProjectParameter,
    ShareOutput,
    UserOutput,
)
from gotocloud.stacks.project import ProjectStack
from tests.stacks.conftest import assembly as assembly
from tests.stacks.conftest import example as example
from tests.stacks.test_cluster import synthesised as cluster_template

pytestmark = pytest.mark.cdk

HOME, FURTHER = "UserStack", "UserStack-us-east-1"


def facts_of(template: Mapping[str, Any]) -> set[str]:
    return {
        name
        for name, parameter in template["Parameters"].items()
        if parameter["Type"].startswith("AWS::SSM::Parameter")
    }


def own(template: Mapping[str, Any]) -> set[str]:
    return set(template["Parameters"]) - facts_of(template)


def test_the_cluster_template_has_the_parameters_and_outputs_of_the_contract() -> None:
    template = cluster_template()
    assert own(template) == {str(one) for one in ClusterParameter}
    assert set(template["Outputs"]) == {str(one) for one in ClusterOutput}


def test_the_cluster_template_takes_facts_that_the_groups_stack_writes() -> None:
    template = cluster_template()
    known = {fact.parameter: fact.value for fact in Fact}
    for name in facts_of(template):
        assert template["Parameters"][name]["Default"] == known[name]
    assert not facts_of(template) & {fact.parameter for fact in FACTS_FOR_PEOPLE}


def test_the_project_template_has_the_parameters_and_outputs_of_the_contract() -> None:
    stack = ProjectStack(cdk.App(builtin_cloud_formation_validation=False), "ProjectStack")
    project_template = Template.from_stack(stack).to_json()
    assert own(project_template) == {str(one) for one in ProjectParameter}
    assert set(project_template["Outputs"]) == {str(one) for one in ProjectOutput}


def test_the_groups_stack_has_the_outputs_of_the_contract(
    example: Mapping[str, dict[str, Any]],
) -> None:
    assert set(example[HOME]["Outputs"]) == {str(one) for one in UserOutput}
    assert set(example[FURTHER]["Outputs"]) < {str(one) for one in UserOutput}


def test_the_management_stack_has_the_outputs_of_the_contract(
    example: Mapping[str, dict[str, Any]],
) -> None:
    found = {
        re.sub(r"(?<=AcceptorRoleArn)\d+$", "", n) for n in example["ManagementStack"]["Outputs"]
    }
    assert found == {str(one) for one in ManagementOutput}


def test_a_regions_stack_has_the_outputs_of_the_contract_for_each_share(
    example: Mapping[str, dict[str, Any]],
) -> None:
    outputs = set(example["RegionStack-us-east-1"]["Outputs"])
    shards = {int(found[1]) for name in outputs if (found := re.match(r"Share(\d+)", name))}
    assert outputs == {one.of_share(shard) for one in ShareOutput for shard in shards}

"""The platform's own cost against the templates that are really synthesised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from gotocloud.cli.views.platform_cost import places_of
from gotocloud.costs.platform_cost import COPIES_PER_MONTH, FLOW_LOG_MONTHS, TABLE, billed, free
from gotocloud.platform.load import load_platform
from tests.stacks.conftest import EXAMPLE, of_type

pytestmark = pytest.mark.cdk

Templates = Mapping[str, dict[str, Any]]

VARIANTS = {
    "AWS::EC2::VPCEndpoint": ("VpcEndpointType", "Gateway"),
    "AWS::SSM::Parameter": ("Tier", "Standard"),
}
"""Types of which only some kinds are billed: the property that decides, and its default."""


def billed_as(resource: Mapping[str, Any]) -> str:
    kind = str(resource["Type"])
    if kind not in VARIANTS:
        return kind
    name, default = VARIANTS[kind]
    return f"{kind} {resource.get('Properties', {}).get(name, default)}"


def counted(template: Mapping[str, Any]) -> Counter[str]:
    return Counter(billed_as(resource) for resource in template["Resources"].values())


def without_a_row(template: Mapping[str, Any]) -> list[str]:
    return [
        f"{kind} has no row in {TABLE}"
        for kind in sorted({*counted(template)} - {*billed()} - {*free()})
    ]


def test_every_type_of_resource_has_a_row(example: Templates) -> None:
    assert [text for template in example.values() for text in without_a_row(template)] == []


def test_a_type_without_a_row_is_an_error_that_names_the_file(example: Templates) -> None:
    alarm = {"Type": "AWS::SQS::Queue"}
    endpoint = {
        "Type": "AWS::EC2::VPCEndpoint",
        "Properties": {"VpcEndpointType": "GatewayLoadBalancer"},
    }
    changed = {"Resources": {**example["UserStack"]["Resources"], "A": alarm, "B": endpoint}}
    assert without_a_row(changed) == [
        "AWS::EC2::VPCEndpoint GatewayLoadBalancer has no row in platform_resources.yaml",
        "AWS::SQS::Queue has no row in platform_resources.yaml",
    ]


def test_no_type_is_both_billed_and_free() -> None:
    assert {*billed()} & {*free()} == set()


def test_the_counts_are_those_of_the_templates(example: Templates) -> None:
    """Of the example's groups one is synthesised: it works in both regions."""
    whole = load_platform(EXAMPLE)
    platform = whole.model_copy(update={"all_groups": (whole.group("membrane-lab"),)})
    wanted: Counter[tuple[str, str, str]] = Counter()
    for place in places_of(platform):
        for kind, row in billed().items():
            for each, number in row["in"].get(place.stack, {}).items():
                wanted[place.stack, place.region, kind] += number * place.per.get(each, 0)
    found: Counter[tuple[str, str, str]] = Counter()
    for name, template in example.items():
        stack, _, region = name.partition("-")
        region = region or "ap-northeast-1"
        for kind, number in counted(template).items():
            if kind in billed():
                found[stack, region, kind] += number
    assert found == +wanted


def test_what_is_backed_up_copied_and_kept_is_as_the_parts_state(example: Templates) -> None:
    backups = {
        name: of_type(template, "AWS::EFS::FileSystem")[0]["BackupPolicy"]["Status"]
        for name, template in example.items()
        if of_type(template, "AWS::EFS::FileSystem")
    }
    only = {part.get("only") for part in billed()["AWS::EFS::FileSystem"]["parts"]}
    assert only == {None, "ManagementStack", "RegionStack"}
    assert {name for name, status in backups.items() if status == "ENABLED"} == {"ManagementStack"}
    (task,) = of_type(example["RegionStack-us-east-1"], "AWS::DataSync::Task")
    assert "SUN" in task["Schedule"]["ScheduleExpression"]
    assert round(COPIES_PER_MONTH * 12) == 52
    for template in example.values():
        for group in of_type(template, "AWS::Logs::LogGroup"):
            if "flow-logs" in str(group["LogGroupName"]):
                assert round(FLOW_LOG_MONTHS * 365 / 12) == group["RetentionInDays"]


def test_budgets_have_no_actions_which_would_be_billed(example: Templates) -> None:
    for template in example.values():
        assert of_type(template, "AWS::Budgets::BudgetsAction") == []

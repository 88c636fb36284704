from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from gotocloud.constructs.boundary import boundary_statements
from gotocloud.constructs.policy import Statement
from gotocloud.contract.group_facts import Fact
from gotocloud.platform.load import load_platform
from gotocloud.platform.quota_needs import (
    TAGGED_BESIDES,
    TAGGED_PER_SCIENTIST,
    template_bytes,
)
from gotocloud.stacks.app import build
from tests.stacks.authorization import ineffective, meet
from tests.stacks.conftest import EXAMPLE, of_type, synthesise

pytestmark = pytest.mark.cdk

HOME, FURTHER = "UserStack", "UserStack-us-east-1"


def test_people_roles_and_budget_come_with_the_first_region_only(
    example: Mapping[str, dict[str, Any]],
) -> None:
    assert len(of_type(example[HOME], "AWS::IAM::User")) == 2
    assert len(of_type(example[HOME], "AWS::Budgets::Budget")) == 1
    kinds = {r["Type"] for r in example[FURTHER]["Resources"].values()}
    assert not {k for k in kinds if k.startswith(("AWS::IAM::", "AWS::Budgets::"))}


@pytest.mark.parametrize("stack", [HOME, FURTHER])
def test_every_region_has_network_peering_provider_and_facts(
    example: Mapping[str, dict[str, Any]], stack: str
) -> None:
    template = example[stack]
    for kind in ("AWS::EC2::VPC", "AWS::EC2::VPCPeeringConnection", "AWS::CloudFormation::Stack"):
        assert len(of_type(template, kind)) == 1, kind
    facts = {p["Name"] for p in of_type(template, "AWS::SSM::Parameter")}
    assert facts == {fact.value for fact in Fact}


def test_the_estimate_of_a_template_covers_the_real_one(
    assembly: Path, example: Mapping[str, dict[str, Any]]
) -> None:
    """Measured with 200 scientists and 30 tags: 733,046 bytes; estimated: 798,000."""
    group = load_platform(EXAMPLE).group("membrane-lab")
    size = (assembly / "group" / f"{HOME}.template.json").stat().st_size
    tagged = sum("gtc:method" in str(one) for one in example[HOME]["Resources"].values())
    people = len(group.scientists)
    assert size <= template_bytes(group) <= size + 30_000
    assert tagged <= TAGGED_BESIDES + TAGGED_PER_SCIENTIST * people <= tagged + 15


def test_each_region_has_a_network_of_its_own(example: Mapping[str, dict[str, Any]]) -> None:
    networks = [of_type(example[s], "AWS::EC2::VPC")[0]["CidrBlock"] for s in (HOME, FURTHER)]
    assert networks == ["10.1.0.0/20", "10.1.16.0/20"]


def test_further_regions_use_the_roles_of_the_first_by_name(
    example: Mapping[str, dict[str, Any]],
) -> None:
    (provider,) = of_type(example[FURTHER], "AWS::CloudFormation::Stack")
    assert provider["Parameters"]["CustomLambdaRole"] == (
        "arn:aws:iam::222222222222:role/gotocloud-cluster-provider"
    )


def test_everything_taggable_carries_the_groups_and_the_mission_tags(
    example: Mapping[str, dict[str, Any]],
) -> None:
    wanted = {
        "gtc:method": "cryoem",
        "gtc:account": "222222222222",
        "cost-centre": "structural-biology",
    }
    for kind in ("AWS::EC2::VPC", "AWS::IAM::Role", "AWS::IAM::User", "AWS::CloudFormation::Stack"):
        for properties in of_type(example[HOME], kind):
            tags = {t["Key"]: t["Value"] for t in properties["Tags"]}
            assert wanted.items() <= tags.items(), kind
    for parameter in of_type(example[HOME], "AWS::SSM::Parameter"):
        assert wanted.items() <= parameter["Tags"].items()


def test_the_network_waits_for_the_role_that_closes_its_default_group(
    example: Mapping[str, dict[str, Any]],
) -> None:
    calls = [r for r in example[HOME]["Resources"].values() if r["Type"] == "Custom::AWS"]
    assert calls
    assert all(any("DeploymentPolicy" in name for name in c["DependsOn"]) for c in calls)


def test_every_allowed_action_can_match_a_resource_it_is_allowed_on(
    example: Mapping[str, dict[str, Any]],
) -> None:
    policies = [
        policy
        for template in example.values()
        for policy in of_type(template, "AWS::IAM::ManagedPolicy")
    ]
    problems = [
        problem
        for policy in policies
        for problem in ineffective(
            [_statement(s) for s in policy["PolicyDocument"]["Statement"] if _plain(s)]
        )
    ]
    assert len(policies) > 10
    assert problems == []


def _plain(statement: dict[str, Any]) -> bool:
    return isinstance(statement.get("Resource", ""), str | list)


def _statement(written: dict[str, Any]) -> Statement:
    def many(key: str) -> list[str]:
        value = written.get(key, [])
        return [value] if isinstance(value, str) else list(value)

    return Statement(
        sid=written["Sid"],
        effect=written["Effect"],
        actions=many("Action"),
        resources=many("Resource"),
    )


def test_the_boundary_names_only_actions_that_exist() -> None:
    assert ineffective(boundary_statements("aws", "222222222222")) == []


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (
            Statement(sid="S", actions=["fsx:DescribeFileSystems"], resources=["arn:aws:fsx:*"]),
            "cannot match",
        ),
        (Statement(sid="S", actions=["s3:MakeBucket"]), "no such action"),
        (Statement(sid="S", actions=["s4:GetObject"]), "no such service"),
    ],
)
def test_the_check_of_actions_finds_what_cannot_work(bad: Statement, problem: str) -> None:
    (found,) = ineffective([bad])
    assert problem in found


def test_patterns_meet_when_some_text_fits_both() -> None:
    assert meet("arn:*:role/*", "arn:aws:iam::1:role/x")
    assert meet("a*", "*b")
    assert not meet("arn:*:role/*", "arn:aws:iam::1:user/x")


def test_one_groups_template_does_not_depend_on_other_groups(tmp_path: Any) -> None:
    text = EXAMPLE.read_text()
    alone = text[: text.index("  - name: ribosome-lab")]
    smaller = tmp_path / "platform.yaml"
    smaller.write_text(alone)
    record = EXAMPLE.with_suffix("").with_suffix(".example.record.yaml")
    (tmp_path / "platform.record.yaml").write_text(record.read_text())
    both = synthesise(tmp_path / "both", group="membrane-lab")
    app = cdk.App(
        outdir=str(tmp_path / "alone"),
        context={"platform": str(smaller), "group": "membrane-lab"},
        analytics_reporting=False,
    )
    build(app)
    template = app.synth().get_stack_artifact("UserStack").template
    assert template == both["UserStack"]

"""The project template: the same for every group and region."""

from __future__ import annotations

import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from gotocloud.stacks.project import ProjectStack

pytestmark = pytest.mark.cdk


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    app = cdk.App(builtin_cloud_formation_validation=False)
    return dict(Template.from_stack(ProjectStack(app, "ProjectStack")).to_json())


def test_parameters_are_those_of_the_contract(template: dict[str, Any]) -> None:
    assert list(template["Parameters"]) == [
        "Project",
        "Scientist",
        "BucketName",
        "KeyPairName",
        "BucketOrigin",
        "ArchiveAfterDays",
    ]


def test_it_needs_neither_bootstrap_nor_assets(template: dict[str, Any]) -> None:
    assert "Rules" not in template
    assert "BootstrapVersion" not in template["Parameters"]


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        (
            "Project",
            ["apoferritin", "2", "Spike 2026", "=CE=B2-gal"],
            ["", " a", "a;b", "$x", "a\n"],
        ),
        ("Scientist", ["hanako", "h.tanaka@lab", "A_B+c=d", "h=2Ct"], ["", "h,t", "花子"]),
        (
            "BucketName",
            ["gotocloud-data-hanako-2-apo", "gotocloud-data-a"],
            [
                *("gotocloud-data-", "gotocloud-data-b-", "gotocloud-data-A", "gotocloud-data-a.b"),
                *("hanako-222222222222-apo", "cdk-hnb659fds-assets-222222222222-eu-west-1"),
            ],
        ),
        ("KeyPairName", ["hanako-222222222222-apo"], ["", "a b", "a/b"]),
    ],
)
def test_parameters_take_what_aws_takes_and_explain_it_in_words(
    template: dict[str, Any], parameter: str, good: list[str], bad: list[str]
) -> None:
    definition = template["Parameters"][parameter]
    pattern = re.compile(definition["AllowedPattern"])
    assert all(pattern.fullmatch(value) for value in good)
    assert not [value for value in bad if pattern.fullmatch(value)]
    assert all(len(value) <= definition["MaxLength"] for value in good)
    assert "^" not in definition["ConstraintDescription"]


def test_a_bucket_that_was_kept_is_left_out_with_its_policy(template: dict[str, Any]) -> None:
    conditional = {r["Type"] for r in template["Resources"].values() if "Condition" in r}
    assert conditional == {"AWS::S3::Bucket", "AWS::S3::BucketPolicy"}
    assert template["Parameters"]["BucketOrigin"]["Default"] == "new"
    assert template["Outputs"]["BucketName"]["Value"] == {"Ref": "BucketName"}


def test_outputs_name_the_bucket_and_the_key_pair(template: dict[str, Any]) -> None:
    assert set(template["Outputs"]) == {"BucketName", "KeyPairName"}


def test_everything_taggable_states_whose_it_is(template: dict[str, Any]) -> None:
    tagged = [
        r["Properties"]["Tags"] for r in template["Resources"].values() if "Tags" in r["Properties"]
    ]
    assert len(tagged) == 2
    for tags in tagged:
        values = {tag["Key"]: tag["Value"] for tag in tags}
        assert values["gtc:iam-user"] == {"Ref": "Scientist"}
        assert values["gtc:project"] == {"Ref": "Project"}
        assert values["gtc:account"] == {"Ref": "AWS::AccountId"}
        assert values["gtc:method"] == "cryoem"


def test_launch_form_shows_every_parameter_once(template: dict[str, Any]) -> None:
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    shown = [name for group in groups for name in group["Parameters"]]
    assert sorted(shown) == sorted(template["Parameters"])


def test_objects_are_archived_only_when_an_age_is_given(template: dict[str, Any]) -> None:
    parameter = template["Parameters"]["ArchiveAfterDays"]
    assert parameter["Default"] == "0"
    assert parameter["AllowedValues"] == ["0", "30", "90", "180", "365"]
    assert template["Conditions"]["Archived"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "ArchiveAfterDays"}, 0]}]
    }
    [bucket] = [it for it in template["Resources"].values() if it["Type"] == "AWS::S3::Bucket"]
    rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    [archive] = [rule for rule in rules if rule["Id"] == "archive"]
    assert archive["Status"] == {"Fn::If": ["Archived", "Enabled", "Disabled"]}
    [transition] = archive["Transitions"]
    # Without an age the rule is off; S3 takes no rule that has none.
    assert transition["TransitionInDays"] == {
        "Fn::If": ["Archived", {"Ref": "ArchiveAfterDays"}, 30]
    }
    assert [rule["Status"] for rule in rules if rule["Id"] != "archive"] == ["Enabled"] * 2

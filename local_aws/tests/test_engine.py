"""The parts of the deployment engine that need no server."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.engine.intrinsics import Resolver, TemplateError, references
from local_aws.engine.template import (
    check_rules,
    deployment_order,
    parameter_values,
    parse_template,
)
from local_aws.engine.values import stringified


def resolver(template: dict[str, Any] | None = None, **values: Any) -> Resolver:
    return Resolver(
        template or {},
        {"AWS::Region": "us-east-1", **values},
        reference=lambda name: f"ref-{name}",
        attribute=lambda name, path: f"{name}/{path}",
        imported=lambda name: f"import-{name}",
        zones=lambda region: [f"{region}a", f"{region}b"],
        dynamic=lambda service, rest: f"<{service} {rest}>",
    )


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ({"Ref": "Vpc"}, "ref-Vpc"),
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Fn::GetAtt": ["Role", "Arn"]}, "Role/Arn"),
        ({"Fn::GetAtt": "Nested.Outputs.Token"}, "Nested/Outputs.Token"),
        ({"Fn::Join": ["-", ["a", {"Ref": "B"}, 3, True]]}, "a-ref-B-3-true"),
        ({"Fn::Sub": "${A}-${B.Arn}-${!kept}"}, "ref-A-B/Arn-${kept}"),
        ({"Fn::Sub": ["${x}-${A}", {"x": {"Ref": "B"}}]}, "ref-B-ref-A"),
        ({"Fn::Select": ["1", ["a", "b"]]}, "b"),
        ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, "us-east-1a"),
        ({"Fn::Split": [",", "a,b"]}, ["a", "b"]),
        ({"Fn::Cidr": ["10.0.0.0/24", 2, 5]}, ["10.0.0.0/27", "10.0.0.32/27"]),
        ({"Fn::Base64": "text"}, "dGV4dA=="),
        ({"Fn::ToJsonString": {"a": [{"Ref": "B"}]}}, '{"a":["ref-B"]}'),
        ({"Fn::ImportValue": "name"}, "import-name"),
        ("{{resolve:ssm:/a/b}}!", "<ssm /a/b>!"),
        ([{"Ref": "AWS::NoValue"}, 1], [1]),
        ({"kept": 1, "gone": {"Ref": "AWS::NoValue"}}, {"kept": 1}),
    ],
)
def test_functions_resolve_as_on_aws(value: Any, resolved: Any) -> None:
    assert resolver().resolve(value) == resolved


def test_conditions_decide_between_values() -> None:
    template = {
        "Conditions": {
            "Here": {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]},
            "There": {"Fn::Not": [{"Condition": "Here"}]},
            "Both": {"Fn::And": [{"Condition": "Here"}, {"Condition": "There"}]},
        }
    }
    made = resolver(template)
    assert made.resolve({"Fn::If": ["Here", "yes", "no"]}) == "yes"
    assert made.resolve({"Fn::If": ["Both", "yes", {"Ref": "AWS::NoValue"}], "a": 1}) == {
        "Fn::If": ["Both", "yes"],
        "a": 1,
    }
    assert made.condition("There") is False


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::Nothing": 1},
        {"Fn::If": ["Unknown", 1, 2]},
        {"Fn::FindInMap": ["Map", "a", "b"]},
        {"Fn::Select": [5, ["a"]]},
    ],
)
def test_what_does_not_exist_is_an_error(value: Any) -> None:
    with pytest.raises(TemplateError):
        resolver().resolve(value)


def test_references_are_found_wherever_they_hide() -> None:
    value = {"a": [{"Fn::Sub": "${B.Arn} ${!C} ${D}"}], "e": {"Fn::GetAtt": ["F", "G"]}}
    assert references(value) == {"B", "D", "F"}


def test_resources_come_after_what_they_need() -> None:
    template = {
        "Resources": {
            "A": {"Type": "X", "Properties": {"b": {"Ref": "B"}}},
            "B": {"Type": "X", "DependsOn": "C"},
            "C": {"Type": "X"},
        }
    }
    assert deployment_order(template, resolver(template)) == ["C", "B", "A"]


def test_a_circle_is_refused() -> None:
    template = {
        "Resources": {
            "A": {"Type": "X", "DependsOn": "B"},
            "B": {"Type": "X", "Properties": {"a": {"Ref": "A"}}},
        }
    }
    with pytest.raises(TemplateError, match="Circular"):
        deployment_order(template, resolver(template))


def test_a_reference_to_nothing_is_refused() -> None:
    template = {"Resources": {"A": {"Type": "X", "Properties": {"b": {"Ref": "Lost"}}}}}
    with pytest.raises(TemplateError, match=r"\[Lost\]"):
        deployment_order(template, resolver(template))


def test_every_problem_of_the_parameters_is_reported_at_once() -> None:
    slots = {
        "Size": {"Type": "Number", "MinValue": 10},
        "Name": {"Type": "String", "AllowedPattern": "[a-z]+"},
        "Kind": {"Type": "String", "AllowedValues": ["a", "b"]},
        "Missing": {"Type": "String"},
    }
    given = {"Size": "5", "Name": "A1", "Kind": "c", "Unknown": "x"}
    with pytest.raises(TemplateError) as caught:
        parameter_values({"Parameters": slots}, given, lambda name: name)
    for name in ("Size", "Name", "Kind", "Missing", "Unknown"):
        assert name in str(caught.value)


def test_parameters_may_name_an_ssm_parameter() -> None:
    slots = {
        "Vpc": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/vpc"},
        "Zones": {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": "/zones"},
    }
    stored = {"/vpc": "vpc-1", "/zones": "a,b"}
    found = parameter_values({"Parameters": slots}, {}, stored.__getitem__)
    assert found == {"Vpc": "vpc-1", "Zones": ["a", "b"]}


def test_a_rule_that_does_not_hold_is_reported_in_its_own_words() -> None:
    assertion = {"Assert": {"Fn::Not": [{"Fn::Contains": [["1", "2"], {"Ref": "V"}]}]}}
    template = {"Rules": {"R": {"Assertions": [{**assertion, "AssertDescription": "too old"}]}}}
    check_rules(template, resolver(template, V="3"))
    with pytest.raises(TemplateError, match="too old"):
        check_rules(template, resolver(template, V="2"))


def test_templates_in_yaml_have_short_forms() -> None:
    text = """
AWSTemplateFormatVersion: 2010-09-09
Resources:
  A:
    Type: X
    Properties: {b: !Ref B, c: !GetAtt C.Arn, d: !Sub "${E}"}
"""
    parsed = parse_template(text)
    assert parsed["AWSTemplateFormatVersion"] == "2010-09-09"
    assert parsed["Resources"]["A"]["Properties"] == {
        "b": {"Ref": "B"},
        "c": {"Fn::GetAtt": ["C", "Arn"]},
        "d": {"Fn::Sub": "${E}"},
    }


def test_a_provider_receives_text_only() -> None:
    assert stringified({"a": [1, True, {"b": 2.5}], "c": "d"}) == {
        "a": ["1", "true", {"b": "2.5"}],
        "c": "d",
    }

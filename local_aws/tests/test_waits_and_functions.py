"""Stacks that wait for machines and run functions."""

from __future__ import annotations

import io
import threading
import zipfile
from graphlib import TopologicalSorter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from local_aws.engine.intrinsics import references
from local_aws.engine.template import WAIT_CONDITION, _waits_last
from local_aws.signals import Signal, Signals
from local_aws.testing import Stacks


def test_variables_of_a_substitution_are_no_references() -> None:
    text = "${Own} ${!escaped} ${Network.VpcId} ${AWS::Region}"
    found = references({"Fn::Sub": [text, {"Own": {"Ref": "Parameter"}}]})
    assert found == {"Network", "AWS::Region", "Parameter"}


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, list[str]], dict[str, str]]:
    size = draw(st.integers(1, 12))
    names = [f"r{number}" for number in range(size)]
    before = {
        name: draw(st.lists(st.sampled_from(names[:index]), unique=True)) if index else []
        for index, name in enumerate(names)
    }
    types = {name: draw(st.sampled_from([WAIT_CONDITION, "AWS::EC2::Instance"])) for name in names}
    return before, types


@given(graphs())
def test_a_wait_comes_after_everything_that_does_not_need_it(
    graph: tuple[dict[str, list[str]], dict[str, str]],
) -> None:
    before, types = graph
    order = _waits_last(before, types)
    assert sorted(order) == sorted(before)
    place = {name: index for index, name in enumerate(order)}
    assert all(place[one] < place[name] for name, needed in before.items() for one in needed)
    waits = [name for name in order if types[name] == WAIT_CONDITION]
    bound = set(waits).union(*(_all_that_need(wait, before) for wait in waits))
    assert all(place[name] < place[wait] for name in set(before) - bound for wait in waits)


def _all_that_need(wanted: str, before: dict[str, list[str]]) -> set[str]:
    found: set[str] = set()
    for name in TopologicalSorter(before).static_order():
        if set(before[name]) & (found | {wanted}):
            found.add(name)
    return found


class TestSignals:
    def test_a_wait_ends_with_the_signals_that_it_needs(self) -> None:
        signals = Signals()
        threading.Timer(0.05, signals.send, ("stack", Signal(success=True))).start()
        assert signals.wait("stack", 1, timeout_s=5) == [Signal(success=True)]

    def test_a_failure_ends_it_at_once(self) -> None:
        signals = Signals()
        signals.send("stack", Signal(success=False, reason="no disk"))
        assert signals.wait("stack", 3, timeout_s=5)[0].reason == "no disk"

    def test_signals_of_other_stacks_do_not_count(self) -> None:
        signals = Signals()
        signals.send("other", Signal(success=True))
        assert signals.wait("stack", 1, timeout_s=0.05) == []


CODE = """
import json, urllib.parse
from http.client import HTTPSConnection

def handler(event, context):
    answer = event["ResourceProperties"]["Answer"]
    if event["RequestType"] == "Delete":
        answer = "SUCCESS"
    body = {"Status": answer, "Reason": f"asked for {answer}", "PhysicalResourceId": "made",
            "Data": {"Number": event["ResourceProperties"]["N"]}}
    url = urllib.parse.urlsplit(event["ResponseURL"])
    connection = HTTPSConnection(url.netloc)
    connection.request("PUT", url.path, body=json.dumps(body))
    connection.getresponse()
"""


def resources(stacks: Stacks, answer: str) -> dict[str, Any]:
    """A function and the resource behind which it stands."""
    s3 = stacks.client("s3")
    s3.create_bucket(Bucket="code-of-functions")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("work.py", CODE)
    s3.put_object(Bucket="code-of-functions", Key="work.zip", Body=packed.getvalue())
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "lambda.amazonaws.com"},
            }
        ],
    }
    return {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Code": {"S3Bucket": "code-of-functions", "S3Key": "work.zip"},
                "Handler": "work.handler",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Runtime": "python3.12",
                "Timeout": 60,
            },
        },
        "Made": {
            "Type": "AWS::CloudFormation::CustomResource",
            "Properties": {
                "ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]},
                "Answer": answer,
                "N": 5,
            },
        },
    }


def test_the_function_behind_a_custom_resource_runs(stacks: Stacks) -> None:
    outputs = {"Number": {"Value": {"Fn::GetAtt": ["Made", "Number"]}}}
    made = stacks.create("runs", resources(stacks, "SUCCESS"), Outputs=outputs)
    assert made["StackStatus"] == "CREATE_COMPLETE", stacks.reasons("runs")
    # CloudFormation turns the properties of custom resources into text.
    assert made["Outputs"][0]["OutputValue"] == "5"


def test_a_function_that_answers_failure_fails_the_stack(stacks: Stacks) -> None:
    made = stacks.create("fails", resources(stacks, "FAILED"))
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "asked for FAILED" in stacks.reasons("fails")


BY_VERSION = """
import json, urllib.parse
from http.client import HTTPSConnection

def handler(event, context):
    body = {"Status": "SUCCESS", "PhysicalResourceId": event["ResourceProperties"]["Id"],
            "Data": {"Code": "VERSION"}}
    url = urllib.parse.urlsplit(event["ResponseURL"])
    connection = HTTPSConnection(url.netloc)
    connection.request("PUT", url.path, body=json.dumps(body))
    connection.getresponse()
    if event["RequestType"] == "Delete":
        import boto3
        boto3.client("ssm").put_parameter(
            Name="/deleted/" + event["PhysicalResourceId"], Value="yes", Type="String"
        )
"""


def test_an_update_runs_new_code_and_another_id_replaces_the_resource(stacks: Stacks) -> None:
    found = resources(stacks, "SUCCESS")
    function = found["Function"]["Properties"]
    function.update(Handler="index.handler", Timeout=1)
    made = found["Made"]["Properties"]
    shown = {"Code": {"Value": {"Fn::GetAtt": ["Made", "Code"]}}}
    for identifier in ("one", "two"):
        # The code stands in the template.
        function["Code"] = {"ZipFile": BY_VERSION.replace("VERSION", identifier)}
        made["Id"] = identifier
        act = stacks.create if identifier == "one" else stacks.update
        done = act("versions", found, Outputs=shown)
        assert done["StackStatus"].endswith("E_COMPLETE"), stacks.reasons("versions")
        assert done["Outputs"][0]["OutputValue"] == identifier
    parameters = stacks.client("ssm").get_parameters(Names=["/deleted/one", "/deleted/two"])
    assert [one["Name"] for one in parameters["Parameters"]] == ["/deleted/one"]

from __future__ import annotations

import pytest

from gotocloud.constructs.build_host import BuildHost
from tests.constructs.samples import only, resources, sample_network, sample_stack, statements

pytestmark = pytest.mark.cdk


def test_nothing_runs_until_a_person_starts_it() -> None:
    stack = sample_stack()
    BuildHost(stack, "BuildHost", network=sample_network(stack, internet=True))
    assert resources(stack, "AWS::EC2::Instance") == []
    assert len(resources(stack, "AWS::EC2::LaunchTemplate")) == 1


def test_it_is_reached_through_session_manager_only() -> None:
    stack = sample_stack()
    BuildHost(stack, "BuildHost", network=sample_network(stack, internet=True))
    data = only(stack, "AWS::EC2::LaunchTemplate")["LaunchTemplateData"]
    assert "KeyName" not in data
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert data["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    assert "SecurityGroupIngress" not in only(stack, "AWS::EC2::SecurityGroup")


def test_a_volume_too_small_for_builds_is_refused() -> None:
    stack = sample_stack()
    with pytest.raises(ValueError, match="10 GiB is too small"):
        BuildHost(stack, "BuildHost", network=sample_network(stack), volume_gib=10)


def test_it_starts_copies_to_the_shares_of_its_regions_and_changes_no_task() -> None:
    stack = sample_stack()
    network = sample_network(stack, internet=True)
    BuildHost(stack, "BuildHost", network=network, regions=["us-east-1", "eu-west-1"])
    allowed = statements(only(stack, "AWS::IAM::ManagedPolicy"))
    assert {sid: one["Action"] for sid, one in allowed.items()} == {
        "FindCopies": "datasync:ListTasks",
        "StartCopies": "datasync:StartTaskExecution",
        "WatchCopies": "datasync:DescribeTaskExecution",
    }
    assert [arn.split(":")[3] for arn in allowed["StartCopies"]["Resource"]] == [
        "us-east-1",
        "eu-west-1",
    ]

from __future__ import annotations

import pytest

from gotocloud.constructs.build_host import BuildHost
from tests.constructs.samples import only, resources, sample_network, sample_stack

pytestmark = pytest.mark.cdk


def test_nothing_runs_until_somebody_starts_it() -> None:
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

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.cluster_configs.model import used_instance_types
from gotocloud.findings import Severity
from gotocloud.projects.quotas import Level, Quota, quota_finding, vcpu_quota

REGION = "us-east-1"
amounts = st.integers(0, 10_000).map(float)


@pytest.mark.parametrize("instance_type", used_instance_types())
def test_every_type_that_a_configuration_uses_counts_against_a_known_quota(
    instance_type: str,
) -> None:
    graphics = instance_type.startswith("g")
    wanted = (
        (Quota.GRAPHICS, Quota.GRAPHICS_SPOT) if graphics else (Quota.STANDARD, Quota.STANDARD_SPOT)
    )
    assert (
        vcpu_quota(instance_type, spot=False),
        vcpu_quota(instance_type, spot=True),
    ) == wanted


@pytest.mark.parametrize(
    "instance_type",
    [
        "p5.48xlarge",
        "inf2.xlarge",
        "trn1.2xlarge",
        "dl1.24xlarge",
        "hpc7a.96xlarge",
        "x2idn.metal",
        "u-6tb1.metal",
        "mac2.metal",
        "f1.2xlarge",
        "",
    ],
)
def test_families_with_quotas_of_their_own_are_not_taken_for_standard(instance_type: str) -> None:
    assert vcpu_quota(instance_type, spot=False) is None


@given(limit=amounts, used=amounts, needed=amounts)
def test_there_is_enough_exactly_when_it_fits(limit: float, used: float, needed: float) -> None:
    found = quota_finding(Quota.ELASTIC_IPS, needed, Level(limit, used), REGION, "a cluster")
    assert (found.severity is Severity.OK) == (used + needed <= limit)
    assert bool(found.remedy) == (found.severity is Severity.ERROR)


@given(used=st.none() | amounts, needed=amounts)
def test_without_a_limit_nothing_is_claimed(used: float | None, needed: float) -> None:
    level = Level(None, used, "no permission for servicequotas:ListServiceQuotas")
    found = quota_finding(Quota.ELASTIC_IPS, needed, level, REGION, "a cluster")
    assert found.severity is Severity.UNKNOWN
    assert "ListServiceQuotas" in found.text


def test_more_than_the_whole_limit_fails_whatever_is_used() -> None:
    found = quota_finding(Quota.ELASTIC_IPS, 6, Level(5, None), REGION, "a cluster")
    assert found.severity is Severity.ERROR


def test_the_remedy_can_be_typed() -> None:
    found = quota_finding(Quota.ELASTIC_IPS, 2, Level(5, 4), REGION, "a cluster")
    assert "--quota-code L-0263D0A3 --desired-value 6 --region us-east-1" in found.remedy

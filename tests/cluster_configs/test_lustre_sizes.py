from __future__ import annotations

import re

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gotocloud.cluster_configs.lustre_sizes import (
    LARGEST_GIB,
    Deployment,
    lustre_size_problem,
    lustre_sizes_gib,
)
from gotocloud.cluster_configs.model import DefaultLustre
from local_aws.services.quotas import default_quotas


def sentence_of_fsx(deployment: Deployment) -> tuple[int, int, int]:
    """The smallest, the second and the step (GiB) in the FSx model that boto3 ships."""
    service = botocore.session.get_session().get_service_model("fsx")
    request = service.operation_model("CreateFileSystem").input_shape
    assert request
    text = request.members["StorageCapacity"].documentation
    [items] = [
        one for one in re.findall(r"<li>(.*?)</li>", text, re.DOTALL) if deployment.value in one
    ][:1]
    found = re.search(r"(\d+) GiB, (\d+) GiB, and increments of (\d+) GiB", items)
    assert found
    smallest, second, step = map(int, found.groups())
    return smallest, second, step


@pytest.mark.parametrize("deployment", list(Deployment))
def test_sizes_are_those_of_the_api_reference(deployment: Deployment) -> None:
    smallest, second, step = sentence_of_fsx(deployment)
    assert lustre_sizes_gib(deployment) == (smallest, *range(second, LARGEST_GIB + 1, step))


@given(st.integers(-1000, 200_000), st.sampled_from(Deployment))
def test_a_configuration_takes_what_the_rule_allows_and_nothing_else(
    gib: int, deployment: Deployment
) -> None:
    content = {"deployment_type": deployment.value, "gib": gib, "source": "generated in a test"}
    if lustre_size_problem(gib, deployment) is None:
        assert DefaultLustre.model_validate(content).gib == gib
    else:
        with pytest.raises(ValidationError, match="is not possible"):
            DefaultLustre.model_validate(content)


@given(st.integers(-1000, 200_000))
def test_a_refusal_names_sizes_that_are_allowed(gib: int) -> None:
    if problem := lustre_size_problem(gib):
        near = problem.rpartition("for example ")[2]
        assert {int(one.replace(",", "")) for one in near.split(" or ")} <= {*lustre_sizes_gib()}


@pytest.mark.parametrize("code", ["L-AD2FC696", "L-8F1B9C74"])
def test_the_largest_size_is_the_default_quota(code: str) -> None:
    [quota] = [one for one in default_quotas() if code in one.values()]
    assert str(LARGEST_GIB) in quota.values()


def test_the_nearest_sizes_are_named() -> None:
    assert "2,400 or 4,800" in str(lustre_size_problem(3000))

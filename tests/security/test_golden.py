"""Nobody gets a permission, a door or an unprotected disk without a reader of the difference."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.security.checks.template import Template
from tests.security.exposure import exposure
from tests.security.golden import REFRESH, golden, written
from tests.security.mutations import mutations

pytestmark = [pytest.mark.cdk, pytest.mark.xdist_group("security")]

STACKS = (
    "ManagementStack",
    "RegionStack-ap-northeast-1",
    "UserStack",
    "UserStack-us-east-1",
    "ProjectStack",
    "ClusterStack-tutorial-ap-northeast-1",
)
"""One of each kind: templates of other regions and configurations differ in machines only."""


@pytest.mark.parametrize("name", STACKS)
def test_principals_ports_and_protections_are_those_that_were_reviewed(
    example: Mapping[str, Template], name: str
) -> None:
    now, reviewed = golden(name, exposure(example[name]))
    assert now == reviewed, f"{name} grants, opens or protects something else: {REFRESH}"


def test_every_weakening_of_a_template_is_found(example: Mapping[str, Template]) -> None:
    found, missed = 0, []
    for name in STACKS:
        _, reviewed = golden(name, exposure(example[name]))
        for what, mutated in mutations(example[name]):
            if written(exposure(mutated)) == reviewed:
                missed.append(f"{name}: {what}")
            found += 1
    assert missed == []
    assert found > 400, "the mutations are gone"

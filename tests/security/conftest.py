"""Every platform is synthesised once a session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from local_aws.iam.evaluator import Evaluator
from tests.security.assemblies import SITES, Assembly, synthesised_apart
from tests.security.checks.template import Template
from tests.security.site import VERSION, Group
from tests.stacks.conftest import synthesise


@pytest.fixture(scope="session", params=sorted(SITES))
def synthesised(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[Assembly]:
    """All runs of the CDK app that a platform needs."""
    return synthesised_apart(request.param, tmp_path_factory.mktemp("platform"))


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Template]:
    """The stacks of the example platform by name: management, one group, launched templates."""
    directory = tmp_path_factory.mktemp("example")
    return {
        **synthesise(directory / "management"),
        **synthesise(directory / "group", group="membrane-lab"),
        **synthesise(directory / "templates", templates=VERSION),
    }


@pytest.fixture(scope="session")
def group(example: Mapping[str, Template]) -> Group:
    """The example group in its first region, with its people and roles."""
    return Group(example["UserStack"])


@pytest.fixture(scope="session")
def judge() -> Iterator[Evaluator]:
    """The evaluator of IAM, which is not ours."""
    evaluator = Evaluator()
    yield evaluator
    evaluator.close()

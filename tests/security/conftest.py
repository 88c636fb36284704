"""Every platform is synthesised once a session, in one process."""

from __future__ import annotations

import pytest

from tests.security.assemblies import SITES, Assembly, assemblies


@pytest.fixture(scope="session", params=sorted(SITES))
def synthesised(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[Assembly]:
    """All runs of the CDK app that a platform needs."""
    directory = tmp_path_factory.mktemp("platform") / request.param
    return list(assemblies(SITES[request.param], directory))

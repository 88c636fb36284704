"""One group's people and permissions in a local AWS, for several files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rehearsal.iam.site import Site, started


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    yield from started(tmp_path_factory.mktemp("iam"))

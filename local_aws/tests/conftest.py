"""One local AWS per file of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local_aws.process import LocalAws
from local_aws.testing import MANAGEMENT, Stacks


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    running = LocalAws.start(tmp_path_factory.mktemp("aws"), account=MANAGEMENT)
    yield running
    running.stop()


@pytest.fixture
def stacks(local: LocalAws) -> Stacks:
    return Stacks(local)

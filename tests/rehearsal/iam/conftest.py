"""One group's people and permissions in a local AWS, for several files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gotocloud.rehearsal.local_aws import LocalAws
from tests.needs import need_iam_evaluator
from tests.rehearsal.iam.site import Site, deployed


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    need_iam_evaluator()
    workdir = tmp_path_factory.mktemp("iam")
    aws = LocalAws.start(workdir / "state", iam=True)
    try:
        yield deployed(aws, workdir)
    finally:
        aws.stop()

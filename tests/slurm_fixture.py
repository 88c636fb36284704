"""A real Slurm for tests: one cluster for the whole suite, on one worker."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from gotocloud.rehearsal.slurm.cluster import RehearsalCluster
from tests.needs import need_slurm


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsalCluster]:
    """The cluster of `cryoem-spa`, as a rehearsal makes it; it ends with the test run.

    Its nodes stay up once a job has used them, so that the next job starts at once.
    """
    need_slurm()
    # Slurm counts in seconds: it takes no notice of a node that seems to have started before it
    # was asked for, so a shorter delay loses a node now and then.
    cluster = RehearsalCluster.start(
        tmp_path_factory.mktemp("slurm"), boot_delay_s=1.2, idle_s=600, owner=os.getpid()
    )
    try:
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def head_node(slurm: RehearsalCluster, monkeypatch: pytest.MonkeyPatch) -> RehearsalCluster:
    """The same, with this process's environment that of a shell on its head node."""
    for name, value in slurm.environment().items():
        monkeypatch.setenv(name, value)
    return slurm

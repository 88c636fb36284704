"""A pause without a proof: only of what cannot be proven, and never under a job that runs."""

from __future__ import annotations

from typing import Any

import pytest

from gotocloud.aws import pausing
from gotocloud.aws.hindrance import Hindrance
from gotocloud.aws.listener import Listener
from gotocloud.aws.pausing import ClusterState, PauseOptions, pause
from gotocloud.contract.project_names import ProjectNames
from gotocloud.contract.stacks import ClusterParameter
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.projects.deployed_stack import DeployedStack

NOW = "1800000000000000000"
JOB = "job=7|RUNNING|ubuntu|refine3d|(null)|None|a"


class Node:
    """A head node with jobs that end one look after the other."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def run(self, *_: Any, **__: Any) -> str:
        self.jobs -= 1
        return f"now={NOW}\n" + f"{JOB}\n" * (self.jobs >= 0)


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many jobs were left at each deletion; the bucket is another account's."""
    found: list[int] = []
    monkeypatch.setattr(pausing, "hindrance", lambda *_: Hindrance("Its bucket is another's."))
    monkeypatch.setattr(pausing, "remove", lambda _, stack, __: found.append(1))
    monkeypatch.setattr(pausing, "wait_until_nothing_bills", lambda *_: None)
    return found


def cluster(node: Any) -> ClusterState:
    stack = DeployedStack(
        "gotocloud-cluster-p", "CREATE_COMPLETE", parameters={ClusterParameter.BUCKET_NAME: "b"}
    )
    return ClusterState(ProjectNames("hanako", "222222222222", "p"), stack, "fs-1", node)


def paused(node: Any, *, wait: bool = False) -> None:
    cloud: Any = None
    told = Listener(sleep=lambda _: None)
    pause(cloud, cluster(node), PauseOptions(wait=wait, without_proof=True), told)


def test_jobs_are_waited_for_also_without_a_proof(removed: list[int]) -> None:
    with pytest.raises(GoToCloudError, match="1 jobs are not finished"):
        paused(Node(jobs=1))
    assert removed == []
    node = Node(jobs=3)
    paused(node, wait=True)
    assert (removed, node.jobs) == ([1], -1)


def test_what_can_be_proven_is_kept(removed: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pausing, "hindrance", lambda *_: None)
    with pytest.raises(InputError, match="can be proven"):
        paused(Node(jobs=0))
    assert removed == []

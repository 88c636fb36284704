from __future__ import annotations

import time

import pytest

from gotocloud.aws import local_node
from gotocloud.aws.head_node import NodeError
from gotocloud.aws.local_node import LocalNode


def test_a_script_runs_as_the_agent_runs_it() -> None:
    said = LocalNode().run("cat; python3 - 'a b' <<'E'\nimport sys; print(sys.argv[1])\nE\n", "x")
    assert said == "a b\n"


def test_a_script_that_fails_explains_why() -> None:
    with pytest.raises(NodeError, match="exit code 3") as caught:
        LocalNode().run("echo half; echo reason >&2; exit 3", "list Lustre")
    assert (caught.value.code, caught.value.output) == (3, "half\n")
    assert caught.value.problems == ("reason",)


def test_a_script_that_hangs_is_ended_with_all_that_it_started() -> None:
    began = time.monotonic()
    with pytest.raises(NodeError, match="longer than 1 s"):
        LocalNode().run("sleep 60 | sleep 60", "wait", timeout_s=1)
    assert time.monotonic() - began < 20


def test_what_no_signal_ends_is_left_behind_and_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a process that waits for a file system which does not answer; here, in another session."""
    monkeypatch.setattr(local_node, "KILL_S", 0.5)
    began = time.monotonic()
    with pytest.raises(NodeError, match="longer than 1 s"):
        LocalNode().run("setsid sleep 15 & wait", "list Lustre", timeout_s=1)
    assert time.monotonic() - began < 10

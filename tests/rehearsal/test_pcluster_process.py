"""The process of ParallelCluster's library: which version it is, and how its end is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from gotocloud.errors import GoToCloudError
from gotocloud.rehearsal.judge import PYTHON_VARIABLE
from gotocloud.rehearsal.pcluster_process import Operator
from tests.needs import need_parallelcluster

ORDER = {"operation": "none", "name": "c", "region": "eu-west-1", "environment": {}}


def test_another_version_of_the_library_makes_no_cluster() -> None:
    need_parallelcluster()
    with pytest.raises(GoToCloudError, match="has ended") as refused:
        Operator("0.0.1").work(ORDER)
    (problem,) = refused.value.problems
    assert "has ParallelCluster 3." in problem
    assert "not 0.0.1" in problem


def test_the_last_words_of_the_process_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    lines = "".join(f"echo line {number} >&2\n" for number in range(20_000))
    python.write_text(f'#!/bin/sh\nread -r order\n{lines}echo "$5" >&2\nexit 7\n')
    python.chmod(0o755)
    monkeypatch.setenv(PYTHON_VARIABLE, str(python))
    operator = Operator("3.14.1")
    # The second order goes to a new process.
    for _ in range(2):
        with pytest.raises(GoToCloudError, match="exit code 7") as ended:
            operator.work(ORDER)
        assert ended.value.problems == ("line 19998", "line 19999", "3.14.1")


def test_a_process_that_answers_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nwhile read -r order; do echo "{\\"data\\": $$}"; done\n')
    python.chmod(0o755)
    monkeypatch.setenv(PYTHON_VARIABLE, str(python))
    operator = Operator("3.14.1")
    assert operator.work(ORDER) == operator.work(ORDER)

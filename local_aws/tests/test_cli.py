"""The command `local-aws`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local_aws.process import LocalAws


def local_aws(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local_aws", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_shell_can_use_what_start_prints(tmp_path: Path) -> None:
    started = local_aws("start", "--account", "333333333333", folder=tmp_path)
    assert started.returncode == 0, started.stderr
    try:
        assert "It runs at http://localhost:" in started.stderr
        code = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
        shell = f'{started.stdout}\n{sys.executable} -c "{code}"'
        done = subprocess.run(
            ["bash", "-euc", shell],
            env={**os.environ, "AWS_PROFILE": "real", "AWS_SESSION_TOKEN": "real"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.stdout, done.returncode) == ("333333333333\n", 0), done.stderr
        assert "account 333333333333" in local_aws("status", folder=tmp_path).stdout
        second = local_aws("start", folder=tmp_path)
        assert second.returncode == 1
        assert "already runs" in second.stderr
        assert "Next: local-aws stop" in second.stderr
        assert local_aws("stop", folder=tmp_path).returncode == 0
    finally:
        if left := LocalAws.running(tmp_path / "build/local-aws"):
            left.stop()
    assert "No local AWS runs" in local_aws("status", folder=tmp_path).stdout
    assert "Nothing to do" in local_aws("stop", folder=tmp_path).stdout


@pytest.mark.parametrize("arguments", [(), ("fly",), ("start", "--port", "x")])
def test_wrong_use_is_exit_code_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = local_aws(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert "usage: local-aws" in done.stderr

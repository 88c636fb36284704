"""A cluster is made, used and deleted with IAM deciding on every call, by the command itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.needs import ROOT, need_cdk, need_parallelcluster

pytestmark = [pytest.mark.rehearsal, pytest.mark.pcluster]

ROW = re.compile(
    r"^\| (?P<principal>[^|]+) \| (?P<calls>[\d,]+) \| [\d,]+ \| [\d,]+ \| (?P<denied>\d+) \|$",
    re.MULTILINE,
)


def test_iam_decides_on_every_call_in_the_life_of_a_cluster_and_denies_none(tmp_path: Path) -> None:
    need_cdk()
    need_parallelcluster()
    page = tmp_path / "pages" / "iam.md"
    words = ("rehearse", "iam", "--config", "tutorial", "--page", page, "--state", tmp_path / "iam")
    done = subprocess.run(
        [sys.executable, "-m", "gotocloud", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    counted = {row["principal"]: row for row in ROW.finditer(page.read_text())}
    assert {"role `gotocloud-scientist`", "head nodes", "compute nodes"} <= set(counted)
    assert {row["denied"] for row in counted.values()} == {"0"}
    assert all(int(row["calls"].replace(",", "")) > 0 for row in counted.values())

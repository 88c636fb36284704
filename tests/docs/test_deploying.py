"""The loop of docs/deploying.md over all groups, with a `cdk` that fails for one of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.needs import ROOT

LOOP = re.compile(r"test_deploying.py runs this loop. -->\n```\n(.*?)```", re.DOTALL)
CDK = """#!/bin/sh
echo "$AWS_PROFILE: $*" >> calls
[ "$AWS_PROFILE" != membrane-lab ]
"""


def test_the_loop_deploys_every_group_and_lists_those_that_failed(tmp_path: Path) -> None:
    (loop,) = LOOP.findall((ROOT / "docs" / "deploying.md").read_text())
    platform = (ROOT / "platform.example.yaml").read_text()
    third = platform[platform.index("  - name: ribosome-lab") :]
    for old, new in (
        ("ribosome-lab", "gone-lab"),
        ("number: 2", "number: 3"),
        ("3" * 12, "4" * 12),
    ):
        third = third.replace(old, new)
    (tmp_path / "platform.yaml").write_text(f"{platform}{third}    retired: true\n")
    cdk = tmp_path / "cdk"
    cdk.write_text(CDK)
    cdk.chmod(0o755)
    path = f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [str(shutil.which("bash")), "-c", loop],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.endswith("failed: membrane-lab\n"), done.stderr
    assert (tmp_path / "calls").read_text().splitlines() == [
        f"{name}: deploy UserStack* -c group={name} -o cdk.out/{name} --require-approval never"
        for name in ("membrane-lab", "ribosome-lab")
    ]

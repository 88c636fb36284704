"""What a test needs from the machine: skipped visibly without it, failed in CI."""

from __future__ import annotations

import os
import shutil

import pytest

from local_aws.iam.evaluator import NODE_MODULES, PACKAGE

REQUIRE_EVERYTHING = "LOCAL_AWS_REQUIRE_EVERYTHING"


def need_evaluator() -> None:
    """The npm package that decides about permissions, and the Node.js it runs on."""
    if (NODE_MODULES / PACKAGE).is_dir() and shutil.which("node"):
        return
    reason = f"needs Node.js and {PACKAGE} in {NODE_MODULES}"
    if os.environ.get(REQUIRE_EVERYTHING):
        pytest.fail(reason)
    pytest.skip(reason)

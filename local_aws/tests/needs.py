"""What a test needs from the machine: skipped visibly without it, failed in CI."""

from __future__ import annotations

import os
import shutil

import pytest

from local_aws.iam.evaluator import NODE_MODULES, PACKAGE

REQUIRE_EVERYTHING = "LOCAL_AWS_REQUIRE_EVERYTHING"


def need_evaluator() -> None:
    """The npm package that decides about permissions, and the Node.js it runs on."""
    there = (NODE_MODULES / PACKAGE).is_dir() and shutil.which("node") is not None
    _need(there, f"Node.js and {PACKAGE} in {NODE_MODULES}")


def need_chromium() -> str:
    """Path of a Chromium that can run headless."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    _need(found is not None, "chromium: apt-get install chromium")
    return found or ""


def _need(there: bool, what: str) -> None:
    if there:
        return
    reason = f"needs {what}"
    if os.environ.get(REQUIRE_EVERYTHING):
        pytest.fail(reason)
    pytest.skip(reason)

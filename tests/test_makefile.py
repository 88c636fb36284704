"""The commands of the Makefile, as far as they can run inside a test."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.needs import ROOT

TARGETS = (
    *("env", "versions", "wheel", "demo", "test", "check", "lint", "lock", "clean"),
    *("bench", "bench-upload", "bench-advise", "bench-jobs", "bench-submit", "fuzz", "faults"),
    *("bom", "checkov"),
)


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # A make that runs these tests passes its own flags on.
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=inherited | environment,
        timeout=120,
    )


def test_make_alone_lists_every_target() -> None:
    done = make()
    assert done.returncode == 0, done.stderr
    listed = {line.split()[0] for line in done.stdout.splitlines() if line}
    assert {"env", "demo", "test", "check", "clean"} <= listed


def test_only_where_everything_is_required_the_tests_need_the_older_versions() -> None:
    for required in ("", "1"):
        done = make("--dry-run", "--always-make", "test", GOTOCLOUD_REQUIRE_EVERYTHING=required)
        assert done.returncode == 0, done.stderr
        assert (".venv-pcluster-3.15.1/bin/pip install" in done.stdout) == bool(required)


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_known_to_make(target: str) -> None:
    done = make("--dry-run", target)
    assert done.returncode == 0, done.stderr


def test_an_environment_that_is_ready_is_left_alone() -> None:
    if not (ROOT / "node_modules" / ".ready").exists():
        pytest.skip("needs the environment of make: make env")
    done = make("env")
    assert done.returncode == 0, done.stderr
    assert "Setting up" not in done.stdout


def test_an_old_python_is_refused_with_the_command_to_type(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\ncase "$1" in -V) echo "Python 3.9.2";; *) exit 1;; esac\n')
    old.chmod(0o755)
    done = make(f"PYTHON={old}", f"VENV={tmp_path}/venv", "env")
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stdout
    assert "Python 3.9.2" in done.stdout
    assert not (tmp_path / "venv").exists()


def test_every_locked_package_has_one_exact_version_and_hashes() -> None:
    for path in ROOT.glob("requirements*.txt"):
        text = path.read_text()
        requirements = re.findall(r"^([a-z0-9][^\s;]*)(.*)\n", text, re.MULTILINE)
        assert len(requirements) > 15
        assert [first for first, _ in requirements if "==" not in first] == []
        assert text.count("--hash=sha256:") >= len(requirements)


def test_no_lock_names_the_host_of_a_registry() -> None:
    for path in (*ROOT.glob("requirements*.txt"), ROOT / "package-lock.json"):
        assert "://" not in path.read_text()

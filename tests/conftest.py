"""How the suite is spread over the cores, and the platform that its tests share."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from gotocloud.errors import GoToCloudError
from tests.memory_group import small_group  # noqa: F401  # pytest finds it here
from tests.needs import ROOT, need_cdk, need_parallelcluster
from tests.slurm_fixture import head_node, slurm  # noqa: F401  # pytest finds them here

if TYPE_CHECKING:
    from gotocloud.rehearsal.upkeep import Rehearsal

# A deadline of one example measures how busy the machine is.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

EXAMPLE = ROOT / "platform.example.yaml"
UP = (sys.executable, "-m", "gotocloud", "rehearse", "up")
KILL_AFTER_S = 8.0

LONGEST_FIRST = (
    "rehearsed",
    "slurm",
    "security",
    "versions",
    "test_killed_end.py",
    "test_start.py",
    "test_guard.py",
    "test_setup.py",
    "test_pause.py",
    "test_app.py",
    "test_show.py",
)
"""Groups of tests that take more than a minute, so that none is begun when the others end."""


def pytest_configure() -> None:
    """Let Ctrl-C mean what it means in a terminal, for this process and those it starts.

    A shell makes what it runs in the background ignore it.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares an expensive fixture.

    Tests that use the shared platform run on one worker, so that it is deployed once, and
    those that use the shared Slurm on one; every other file stays whole, so that its own
    fixtures are made once.
    """
    for item in items:
        if item.get_closest_marker("xdist_group"):
            continue
        used = getattr(item, "fixturenames", ())
        shared = next((name for name in ("rehearsed", "slurm") if name in used), str(item.path))
        item.add_marker(pytest.mark.xdist_group(shared))
    items.sort(key=_when)


def _when(item: pytest.Item) -> int:
    (group,) = (mark.args[0] for mark in item.iter_markers("xdist_group"))
    name = Path(group).name
    return LONGEST_FIRST.index(name) if name in LONGEST_FIRST else len(LONGEST_FIRST)


@pytest.fixture(autouse=True)
def remedies_are_commands(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every error that a test makes suggests a command that can be pasted, or none."""
    suggested: set[str] = set()
    original = GoToCloudError.__init__

    def made(self: GoToCloudError, *given: Any, **named: Any) -> None:
        original(self, *given, **named)
        if self.next_command:
            suggested.add(self.next_command)

    monkeypatch.setattr(GoToCloudError, "__init__", made)
    yield
    if suggested:
        from tests.remedies import problem_of

        wrong = {line: problem for line in suggested if (problem := problem_of(line))}
        assert wrong == {}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that a scientist installs."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(
        ROOT / "gotocloud", source / "gotocloud", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", folder, source], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """The example platform on a local AWS; its first `up` was killed, a second finished it.

    Tests that ask for it run on one worker, so that there is only one in the whole suite.
    """
    from gotocloud.rehearsal.local_aws import LocalAws
    from gotocloud.rehearsal.upkeep import bring_up

    need_cdk()
    need_parallelcluster()
    state = tmp_path_factory.mktemp("rehearsed")
    began = subprocess.Popen(
        [*UP, "--state", str(state), "--platform", str(EXAMPLE)],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(KILL_AFTER_S)
    os.killpg(began.pid, signal.SIGKILL)
    began.wait()
    try:
        yield bring_up(EXAMPLE, state)
    finally:
        running = LocalAws.running(state)
        if running:
            running.stop()

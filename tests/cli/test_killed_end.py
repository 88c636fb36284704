"""`gotocloud pause` and `finish`, killed before and after calls of AWS, and run again.

By default some of the points, spread over the whole run; GOTOCLOUD_EVERY_POINT=1 takes all.
In a process that has died nothing runs any more: every later call dies as well.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import botocore.client
import pytest
from botocore.exceptions import ClientError

from gotocloud.aws.billed import billed_for
from gotocloud.aws.cloud import StandardCloud
from gotocloud.cli import main
from gotocloud.errors import InputError
from gotocloud.rehearsal.local_aws import LocalAws
from tests.aws.scripted import Killed
from tests.cli.local_project import LocalProject, environment

pytestmark = [pytest.mark.rehearsal, pytest.mark.usefixtures("local_scientist")]
ROOT = Path(__file__).parents[2]
POINTS = 12
LIVES = 100_000
FINISH_DIES_AT = (22, 23, 27, 26)
"""Before and after versions are deleted, after the stack's deletion, and before the bucket's."""
_numbers = count(1)


class Mortal:
    """Counts calls of AWS, each before and after it is made, and dies at one of these moments."""

    def __init__(self) -> None:
        self.armed, self.at, self.moments = False, -1, 0
        self.lock = threading.Lock()
        self.original = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def moment(self) -> None:
        if not self.armed:
            return
        with self.lock:
            self.moments += 1
            if 0 <= self.at < self.moments:
                raise Killed

    def run(self, *arguments: str, at: int = -1) -> bool:
        """Run a command; whether it lived to its end."""
        self.armed, self.at, self.moments = True, at, 0
        try:
            main.app(list(arguments), standalone_mode=False, prog_name="gotocloud")
        except Killed:
            return False
        finally:
            self.armed = False
        return True


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch) -> Mortal:
    made = Mortal()

    def call(self: Any, operation: str, arguments: Any) -> Any:
        made.moment()
        answer = made.original(self, operation, arguments)
        made.moment()
        return answer

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    return made


def points(moments: int) -> list[int]:
    if os.environ.get("GOTOCLOUD_EVERY_POINT"):
        return list(range(moments))
    return sorted({round(n * (moments - 1) / (POINTS - 1)) for n in range(POINTS)})


def kill_everywhere(
    mortal: Mortal, command: str, prepare: Callable[[], LocalProject], check: Any
) -> int:
    """Kill a command at each point, run it again, and check what is left; how many died."""
    undisturbed = prepare()
    arguments = [command, undisturbed.names.project]
    confirm = ["--confirm", undisturbed.names.project] if command == "finish" else []
    assert mortal.run(*arguments, *confirm)
    check(undisturbed)
    died = 0
    for point in points(mortal.moments):
        project = prepare()
        name = project.names.project
        confirm = ["--confirm", name] if command == "finish" else []
        died += not mortal.run(command, name, *confirm, at=point)
        if command == "finish" and not stands(project):
            # Killed after its last step: there is no such project any more.
            with pytest.raises(InputError, match=f"No project of yours named '{name}'"):
                mortal.run(command, name, *confirm)
        else:
            assert mortal.run(command, name, *confirm), f"killed at {point}"
        check(project)
    print(f"{command}: {died} points")
    return died


def stands(project: LocalProject) -> bool:
    """Whether a project has its stack or its bucket."""
    stacks = project.stacks.cfn.describe_stacks()["Stacks"]
    buckets = project.s3.list_buckets()["Buckets"]
    return project.names.project_stack in {one["StackName"] for one in stacks} or (
        project.names.bucket in {one["Name"] for one in buckets}
    )


def gone(project: LocalProject) -> None:
    """Nothing is left of a project."""
    stacks = project.stacks.cfn.describe_stacks()["Stacks"]
    assert project.names.project_stack not in {one["StackName"] for one in stacks}
    with pytest.raises(ClientError):
        project.s3.head_bucket(Bucket=project.names.bucket)
    pairs = project.stacks.client("ec2").describe_key_pairs()["KeyPairs"]
    assert project.names.base not in {pair["KeyName"] for pair in pairs}


def test_a_pause_that_is_killed_anywhere_loses_no_file_and_leaves_nothing_billed(
    local: LocalAws, mortal: Mortal
) -> None:
    content: dict[str, dict[str, bytes]] = {}

    def prepare() -> LocalProject:
        project = LocalProject(local, f"k{next(_numbers)}").start()
        content[project.names.project] = project.fill()
        return project

    def check(project: LocalProject) -> None:
        stored = project.stored()
        folders = {"movies/", "sp ace/", "Größe/", "nothing inside/"}
        files = content[project.names.project]
        assert set(stored) == {*files, *folders, "movies/link"}
        assert {name: stored[name] for name in files} == files
        assert project.proofs()
        assert not project.running
        assert billed_for(StandardCloud(), project.names) == []

    assert kill_everywhere(mortal, "pause", prepare, check) >= POINTS - 3


def test_a_finish_that_is_killed_anywhere_ends_in_nothing_and_touches_no_other_project(
    local: LocalAws, mortal: Mortal
) -> None:
    bystander = LocalProject(local, "bystander")
    bystander.s3.put_object(Bucket=bystander.names.bucket, Key="kept", Body=b"1")

    def prepare() -> LocalProject:
        project = LocalProject(local, f"k{next(_numbers)}")
        for body in (b"1", b"2"):
            project.s3.put_object(Bucket=project.names.bucket, Key="a", Body=body)
        project.s3.delete_object(Bucket=project.names.bucket, Key="a")
        return project

    def check(project: LocalProject) -> None:
        gone(project)
        assert bystander.stored() == {"kept": b"1"}

    assert kill_everywhere(mortal, "finish", prepare, check) >= POINTS - 3


def really_killed(local: LocalAws, cache: Path, at: int, *arguments: str) -> int:
    """Run a command in a process of its own that dies at a call of AWS; its exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.cli.mortal", str(at), *arguments],
        cwd=ROOT,
        env={**environment(local), "XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode


@pytest.mark.parametrize("die_at", [12, 40, 75])
def test_a_pause_whose_process_is_really_killed_is_finished_by_the_next(
    local: LocalAws, tmp_path: Path, die_at: int
) -> None:
    project = LocalProject(local, f"k{next(_numbers)}").start()
    content = project.fill()
    command = ("pause", project.names.project)
    assert really_killed(local, tmp_path, die_at, *command) == -signal.SIGKILL
    assert really_killed(local, tmp_path, LIVES, *command) == 0
    stored = project.stored()
    assert {name: stored[name] for name in content} == content
    assert not project.running
    assert billed_for(StandardCloud(), project.names) == []


def test_a_finish_whose_process_is_really_killed_is_finished_by_the_next(
    local: LocalAws, tmp_path: Path
) -> None:
    bystander = LocalProject(local, f"k{next(_numbers)}")
    bystander.s3.put_object(Bucket=bystander.names.bucket, Key="kept", Body=b"1")
    project = LocalProject(local, f"k{next(_numbers)}")
    for body in (b"1", b"2"):
        project.s3.put_object(Bucket=project.names.bucket, Key="a", Body=body)
    command = ("finish", project.names.project, "--confirm", project.names.project)
    for die_at in FINISH_DIES_AT:
        assert really_killed(local, tmp_path, die_at, *command) == -signal.SIGKILL
    assert really_killed(local, tmp_path, LIVES, *command) == 0
    gone(project)
    assert bystander.stored() == {"kept": b"1"}

"""Commands under faults: each is disturbed once, typed again, and what is left is looked at."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import botocore.auth
import botocore.client

from gotocloud.aws.billed import inventory
from gotocloud.aws.cloud import StandardCloud
from gotocloud.aws.desktop_access import openings
from gotocloud.errors import GoToCloudError
from tests.aws.scripted import Killed
from tests.cli.launchable import LaunchableGroup
from tests.cli.local_project import environment
from tests.needs import ROOT

ADDRESS = "203.0.113.7"
MOST_ATTEMPTS = 4
IN_THE_GATE: dict[str, dict[str, Any]] = {
    "throttled": {"kind": "throttling"},
    "error 500": {"kind": "error", "code": "InternalFailure", "status": 500},
    "request lost in a reset": {"kind": "reset", "lost": "request"},
    "answer lost in a reset": {"kind": "reset", "lost": "answer"},
    "slow answer": {"kind": "slow", "seconds": 2},
    "token expires": {"kind": "expired-credentials"},
}
FAULTS = (
    *IN_THE_GATE,
    "clock jumps",
    "killed",
    "closed pipe",
    "full disk",
    "read-only disk",
    "two at once",
)
COMMANDS = ("setup", "start", "connect", "close", "pause", "finish", "upload", "download")
CALLS = {
    "setup": 40,
    "start": 90,
    "connect": 25,
    "close": 20,
    "pause": 90,
    "finish": 40,
    "upload": 25,
    "download": 25,
}
"""About how many requests each of them makes: where in it a fault can strike."""


@dataclass
class Trial:
    """One command, disturbed once.

    Args:
        attempts: How often it was typed until it ended well.
        wrong: What is not as it should be at the end; empty for a good one.
    """

    command: str
    fault: str
    attempts: int = 0
    wrong: list[str] = field(default_factory=list)


class Faulty:
    """Tries commands of a group's scientist.

    Args:
        group: The group.
        folder: For files, and for the small disk.
        seed: Decides where in a command its fault strikes.
    """

    def __init__(self, group: LaunchableGroup, folder: Path, seed: int) -> None:
        self.group, self.folder = group, folder
        self.draw = random.Random(seed)  # noqa: S311 (a choice of tests)
        self._number = 0

    def try_out(self, command: str, fault: str) -> Trial:
        """Disturb a command with a fault, and type it again until it ends well."""
        self._number += 1
        project = f"f{self._number}"
        trial = Trial(command, fault)
        self._prepare(project, command)
        arguments = self._arguments(project, command)
        try:
            self._attempt(arguments, command, fault, trial)
        finally:
            self.group.control.clear()
        for _ in range(MOST_ATTEMPTS):
            trial.attempts += 1
            said = self.group.type(*arguments)
            if said.error is None:
                break
            if command == "finish" and "No project of yours" in said.text:
                # Everything was gone before the fault struck.
                break
        else:
            trial.wrong.append(f"it never ends: {said.text}")
        trial.wrong += self._left(project, command)
        self._clear(project)
        return trial

    # --- before

    def _prepare(self, project: str, command: str) -> None:
        files = self.folder / project
        files.mkdir()
        for number in range(4):
            (files / f"{number}.mrc").write_bytes(self.draw.randbytes(3000))
        if command == "setup":
            return
        self._must("setup", project)
        if command in {"finish", "download"}:
            self._must("upload", str(files), "--project", project, "--to", "movies")
        if command in {"connect", "close", "pause"}:
            self._must("start", project, "--config", "tutorial", "--yes")
        if command == "close":
            self._must("connect", project, "--from", ADDRESS, "--no-browser")
        if command == "pause":
            lustre = self.group.control.lustre(self.group.outputs(project)["LustreFileSystemId"])
            for one in files.iterdir():
                (lustre / one.name).write_bytes(one.read_bytes())

    def _must(self, *arguments: str) -> None:
        said = self.group.type(*arguments)
        if said.error is not None:
            raise AssertionError(said.text)

    def _arguments(self, project: str, command: str) -> tuple[str, ...]:
        source, target = str(self.folder / project), str(self.folder / f"{project}-back")
        return {
            "setup": ("setup", project),
            "start": ("start", project, "--config", "tutorial", "--yes"),
            "connect": ("connect", project, "--from", ADDRESS, "--no-browser"),
            "close": ("connect", project, "--close"),
            "pause": ("pause", project, "--yes"),
            "finish": ("finish", project, "--confirm", project),
            "upload": ("upload", source, "--project", project, "--to", "movies"),
            "download": ("download", target, "--project", project, "--from", "movies"),
        }[command]

    # --- the disturbance

    def _attempt(self, arguments: tuple[str, ...], command: str, fault: str, trial: Trial) -> None:
        at = self.draw.randrange(CALLS[command])
        if fault in IN_THE_GATE:
            kind = dict(IN_THE_GATE[fault])
            # botocore bears a few; so many it does not.
            times = self.draw.choice((1, 3, 12))
            self.group.control.fault(str(kind.pop("kind")), skip=at, times=times, **kind)
            return self._type(arguments, trial)
        if fault == "clock jumps":
            with self._jumping(at):
                return self._type(arguments, trial)
        if fault == "killed":
            if command in {"upload", "download"}:
                return self._apart([arguments], trial, kill_after_s=self.draw.random() * 2)
            with self._dying(at):
                return self._type(arguments, trial)
        if fault == "two at once":
            return self._apart([arguments, arguments], trial)
        if fault == "closed pipe":
            return self._apart([arguments], trial, closed=True)
        with self._small_disk(read_only=fault == "read-only disk"):
            return self._apart([arguments], trial)

    def _type(self, arguments: tuple[str, ...], trial: Trial) -> None:
        try:
            self.group.type(*arguments)
        except (GoToCloudError, Killed):
            return
        except Exception as error:
            # `main` would call it a bug.
            trial.wrong.append(f"{type(error).__name__}: {error}")

    def _apart(
        self,
        lines: list[tuple[str, ...]],
        trial: Trial,
        *,
        kill_after_s: float | None = None,
        closed: bool = False,
    ) -> None:
        """Run commands in processes of their own, all at once."""
        processes = []
        for arguments in lines:
            reader, writer = os.pipe()
            if closed:
                os.close(reader)
            process = subprocess.Popen(
                [sys.executable, "-m", "gotocloud", *arguments],
                cwd=ROOT,
                env={**environment(self.group.local), "XDG_CACHE_HOME": str(self._cache)},
                stdin=subprocess.DEVNULL,
                stdout=writer,
                stderr=subprocess.PIPE,
                text=True,
            )
            os.close(writer)
            processes.append((process, None if closed else reader))
        for process, open_end in processes:
            try:
                _, said = process.communicate(timeout=kill_after_s or 120)
            except subprocess.TimeoutExpired:
                process.kill()
                _, said = process.communicate()
                if kill_after_s is None:
                    trial.wrong.append("it hangs")
            if open_end is not None:
                os.close(open_end)
            if "Traceback" in said or "This is a bug" in said:
                trial.wrong.append(said[-300:])
        self.group.play_head_nodes()

    @property
    def _cache(self) -> Path:
        return self.folder / "disk"

    @contextmanager
    def _small_disk(self, *, read_only: bool) -> Iterator[None]:
        """A disk for the cache and what is downloaded that is full, or cannot be written."""
        places = [self._cache, self.folder / f"f{self._number}-back"]
        for place in places:
            place.mkdir(exist_ok=True)
            options = "size=4k,ro" if read_only else "size=4k"
            mounting = ("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place))
            subprocess.run(mounting, check=True, capture_output=True)
        try:
            if not read_only:
                for place in places:
                    (place / "full").write_bytes(b"x" * 4096)
            yield
        finally:
            for place in places:
                subprocess.run(("umount", "-l", str(place)), check=True)

    @contextmanager
    def _jumping(self, at: int) -> Iterator[None]:
        """The machine's clock jumps in the middle, by up to a day."""
        offset = timedelta(hours=self.draw.choice((-24, -2, 2, 24)))
        # Its signatures, as the name is bound there.
        clock = vars(botocore.auth)
        original = clock["get_current_datetime"]
        left = [at]

        def now(*given: Any, **named: Any) -> Any:
            left[0] -= 1
            found = original(*given, **named)
            return found + offset if left[0] < 0 else found

        clock["get_current_datetime"] = now
        try:
            yield
        finally:
            clock["get_current_datetime"] = original

    @contextmanager
    def _dying(self, at: int) -> Iterator[None]:
        """The process dies before or after a call; from then on nothing of it runs."""
        original = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]
        left, lock = [2 * at], threading.Lock()

        def moment() -> None:
            with lock:
                left[0] -= 1
                if left[0] < 0:
                    raise Killed

        def call(client: Any, operation: str, given: Any) -> Any:
            moment()
            answer = original(client, operation, given)
            moment()
            return answer

        botocore.client.BaseClient._make_api_call = call  # type: ignore[attr-defined]
        try:
            yield
        finally:
            botocore.client.BaseClient._make_api_call = original  # type: ignore[attr-defined]

    # --- after

    def _left(self, project: str, command: str) -> list[str]:
        """What is not as it should be."""
        group, names = self.group, self.group.names(project)
        wrong = []
        kinds = Counter(str(one.kind) for one in self._billed(project))
        runs = command in {"start", "connect", "close"}
        expected = {"machine": 1, "NAT gateway": 1, "Elastic IP": 1, "Lustre file system": 1}
        volumes = kinds.pop("EBS volume", 0)
        if dict(kinds) != (expected if runs else {}) or volumes > runs:
            wrong.append(f"billed: {dict(kinds)}, {volumes} volumes")
        if command == "finish":
            if group.bucket_is_there(project) or group.status(names.project_stack) != "absent":
                wrong.append("something of the project is left")
            return wrong
        if group.status(names.project_stack) != "CREATE_COMPLETE":
            wrong.append(f"the project is {group.status(names.project_stack)}")
        opened = openings(StandardCloud()) if runs else ()
        doors = [one for one in opened if one.until is None]
        if doors or len(opened) != (command == "connect"):
            wrong.append(f"doors: {[str(one) for one in opened]}")
        return wrong + self._halves(project, command)

    def _billed(self, project: str) -> list[Any]:
        return list(inventory(StandardCloud()).of_project(self.group.names(project).tags))

    def _halves(self, project: str, command: str) -> list[str]:
        """Files that are not whole, or not where they belong."""
        files = {one.name: one.read_bytes() for one in (self.folder / project).iterdir()}
        if command == "download":
            back = self.folder / f"{project}-back"
            found = {one.name: one.read_bytes() for one in back.rglob("*") if one.is_file()}
            return [] if found == files else [f"files: {sorted(found)}"]
        if command not in {"upload", "pause"}:
            return []
        bucket, s3 = self.group.names(project).bucket, self.group.s3
        prefix = "movies/" if command == "upload" else ""
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
        stored = {
            one["Key"].removeprefix(prefix): s3.get_object(Bucket=bucket, Key=one["Key"])[
                "Body"
            ].read()
            for one in listed
            if not one["Key"].startswith(".gotocloud/") and not one["Key"].endswith("/")
        }
        uploads = s3.list_multipart_uploads(Bucket=bucket).get("Uploads", ())
        wrong = [] if stored == files else [f"objects: {sorted(stored)}"]
        return [*wrong, *([f"{len(uploads)} unfinished uploads"] if uploads else [])]

    def _clear(self, project: str) -> None:
        names = self.group.names(project)
        for stack in (names.cluster_stack, names.project_stack):
            if self.group.status(stack) != "absent":
                self.group.stacks.delete(stack)


def possible(fault: str) -> bool:
    """Whether this machine can have a fault."""
    return "disk" not in fault or os.geteuid() == 0

"""A machine with a home and a Lustre in folders, for tests of the archive of /home."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gotocloud.aws.lustre_export.home import home_program
from gotocloud.node import home
from gotocloud.projects.home_archive import HomeArchive, read_home

SCRIPT = Path(home.__file__)


LIMIT = 10**9


pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="owners are kept by root only")


@dataclass(frozen=True)
class Machine:
    """A head node: a folder that stands for its disks, and Lustre."""

    root: Path
    lustre: Path

    @classmethod
    def make(cls, folder: Path, lustre: Path) -> Machine:
        made = cls(folder, lustre)
        for name in ("home/ubuntu/.ssh", "var/lib", "var/tmp", "run", "tmp", "opt", "usr/local"):
            (folder / name).mkdir(parents=True)
        lustre.mkdir(exist_ok=True)
        own(folder / "home/ubuntu")
        made.call("install")
        return made

    @property
    def home(self) -> Path:
        return self.root / "home/ubuntu"

    @property
    def archive_file(self) -> Path:
        return self.lustre / ".gotocloud/home/home.tar"

    def command(self, verb: str, *arguments: str) -> list[str]:
        if verb in {"archive", "look"}:
            return ["sh", "-c", home_program(verb, *arguments)]
        return [str(SCRIPT), verb, *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        scratch = str(self.root.parent)
        return {**os.environ, "TMPDIR": scratch, "GOTOCLOUD_ROOT": str(self.root), **more}

    def call(self, *arguments: str, **more: str) -> str:
        done = subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            env=self.environment(**more),
            check=False,
        )
        if done.returncode:
            raise FailedError(done.returncode, done.stderr)
        return done.stdout

    def archive(self, limit: int = LIMIT, earlier: bool = False, **more: str) -> HomeArchive:
        number = str(int(earlier))
        return read_home(self.call("archive", str(self.lustre), str(limit), number, **more))

    def look(self) -> HomeArchive:
        return read_home(self.call("look", str(self.lustre)))

    def restore(self) -> Any:
        return json.loads(self.call("restore", str(self.lustre)))

    def next(self, folder: Path) -> Machine:
        """The head node of the next cluster, with the same files on Lustre."""
        return Machine.make(folder, self.lustre)


class FailedError(Exception):
    """The script ended with another code than 0."""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine.make(tmp_path / "first", tmp_path / "fsx")


def own(path: Path) -> None:
    for folder, folders, files in os.walk(path):
        for name in (".", *folders, *files):
            os.lchown(Path(folder) / name, 1000, 1000)


def fill(top: Path) -> None:
    """Files of every kind that a home may hold."""
    (top / "sp ace").mkdir(mode=0o2770)
    (top / "sp ace").chmod(0o2770)
    (top / "sp ace/new\nline").write_bytes(os.urandom(3000))
    (top / "Größe 粒子").write_text("x")
    (top / "-T").write_text("an option of tar by its name")
    (top / "back\\nslash").write_text("y")
    raw = os.fsencode(top)
    Path(os.fsdecode(raw + b"/caf\xe9")).write_text("not UTF-8")
    os.symlink(b"nowhere\xff", raw + b"/link")  # noqa: PTH211 (the target is bytes)
    (top / "sp ace/same").hardlink_to(top / "Größe 粒子")
    with (top / "sparse").open("wb") as sparse:
        sparse.truncate(40_000_000)
        sparse.seek(20_000_001)
        sparse.write(b"data")
    (top / "program").write_text("#!/bin/sh\n")
    (top / "program").chmod(0o4751)
    (top / "old").write_text("")
    os.utime(top / "old", ns=(-1, -1_500_000_000))
    (top / ("n" * 200)).mkdir()
    (top / ("n" * 200) / ("m" * 250)).write_text("long")
    (top / "empty").mkdir(mode=0o700)
    own(top)
    (top / "program").chmod(0o4751)
    (top / "sp ace").chmod(0o2770)


def snapshot(top: Path) -> dict[bytes, Any]:
    """What is below a folder, without the help of what is tested."""
    found: dict[bytes, Any] = {}
    numbers: dict[int, int] = {}
    for folder, folders, files in os.walk(os.fsencode(top)):
        for name in sorted((*folders, *files)):
            path = os.path.join(folder, name)  # noqa: PTH118 - bytes
            status = os.lstat(path)
            about: list[Any] = [status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns]
            if stat.S_ISREG(status.st_mode):
                about += [hashlib.sha256(Path(os.fsdecode(path)).read_bytes()).digest()]
                about += [status.st_nlink, numbers.setdefault(status.st_ino, len(numbers))]
            elif stat.S_ISLNK(status.st_mode):
                about.append(os.readlink(path))  # noqa: PTH115 (bytes)
            found[os.path.relpath(path, os.fsencode(top))] = about
    return found

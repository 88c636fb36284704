"""Compares what a catalogue promises with what a shared file system holds.

Reading is done here; running a program for its version is passed in.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gotocloud.printed import lines_of
from gotocloud.software.catalogue import Catalogue, Package, Version
from gotocloud.software.layout import (
    CATALOGUE,
    COMMAND,
    MODULES,
    SETTINGS,
    SUMS,
    TEMPLATE,
    WEIGHTS,
    Layout,
)
from gotocloud.software.modules import module_files

Run = Callable[[Sequence[str]], tuple[int, str]]
"""Runs a command; gives its exit status (negative: the signal that ended it) and its output."""

_ILLEGAL_INSTRUCTION = -4


class InspectionState(StrEnum):
    """How something stands."""

    OK = "ok"
    MISSING = "missing"
    WRONG = "wrong"
    UNKNOWN = "not checked"


@dataclass(frozen=True)
class InspectedItem:
    """One promise and how it stands.

    Args:
        what: The promise: a module, or a file of the command line.
        path: Where it should be.
        state: How it stands.
        text: What was found, or what to do.
    """

    what: str
    path: str
    state: InspectionState
    text: str = ""

    def as_dict(self) -> dict[str, str]:
        """For `--json`."""
        return {"what": self.what, "path": self.path, "state": str(self.state), "text": self.text}


def inspect(
    catalogue: Catalogue, layout: Layout, run: Run | None = None, *, package: str | None = None
) -> list[InspectedItem]:
    """Everything that a catalogue promises, as it stands on a shared file system.

    Args:
        layout: Where the file system is mounted, which must be where its programs expect it.
        run: Runs a program for its version. Default: versions are not checked.
        package: Only this one. Default: all, and the command line.

    Raises:
        InputError: if there is no such package.
    """
    texts = module_files(catalogue)
    if package:
        return list(_modules(catalogue, catalogue.package(package), layout, run, texts))
    programs = [
        item
        for each in catalogue.packages.values()
        for item in _modules(catalogue, each, layout, run, texts)
    ]
    return [*_command_line(layout), *programs]


def _command_line(layout: Layout) -> Iterator[InspectedItem]:
    for name, wanted in (
        (COMMAND, "the command line"),
        (SETTINGS, "the settings for shells"),
        (TEMPLATE, "RELION's submit template"),
        (CATALOGUE, "the catalogue"),
        (MODULES, "the module files"),
    ):
        path = layout.top / name
        fault = _unreadable(path, executable=name == COMMAND)
        yield InspectedItem(
            wanted,
            str(path),
            InspectionState.MISSING if fault else InspectionState.OK,
            f"{fault}; gotocloud software publish puts it there" if fault else "",
        )
    if layout.current.is_dir():
        faults = damage(layout.current)
        state = InspectionState.WRONG if faults else InspectionState.OK
        found = "; ".join(faults) or "every file is as it was published"
        yield InspectedItem("the release in force", str(layout.current), state, found)


def _modules(
    catalogue: Catalogue, package: Package, layout: Layout, run: Run | None, texts: dict[str, str]
) -> Iterator[InspectedItem]:
    yield _module_file(f"{package.name}/.modulerc", layout, texts)
    for version in package.versions.values():
        chooser = f"{package.name}/{version.number}"
        if version.builds:
            yield _module_file(chooser, layout, texts)
        for build in version.builds or (None,):
            name = f"{chooser}-{build}" if build else chooser
            item = _module_file(name, layout, texts)
            if item.state is InspectionState.OK:
                prefix = Path(catalogue.prefix(package.name, version, build))
                item = _program(name, package, version, prefix, run)
            yield item


def _module_file(name: str, layout: Layout, texts: dict[str, str]) -> InspectedItem:
    path = layout.modules / name
    if fault := _unreadable(path):
        return InspectedItem(name, str(path), InspectionState.MISSING, f"module file: {fault}")
    try:
        same = path.read_text(encoding="utf-8") == texts[name]
    except (OSError, UnicodeDecodeError) as error:
        return InspectedItem(name, str(path), InspectionState.WRONG, f"module file: {error}")
    if same:
        return InspectedItem(name, str(path), InspectionState.OK)
    return InspectedItem(
        name, str(path), InspectionState.WRONG, "the module file differs from the catalogue"
    )


def _program(
    name: str, package: Package, version: Version, prefix: Path, run: Run | None
) -> InspectedItem:
    """The executables of one build; the first fault that counts."""
    faults = [
        f"{executable}: {fault}"
        for executable in package.executables
        if (fault := _unreadable(prefix / "bin" / executable, executable=True))
    ]
    if faults:
        gone = len(faults) == len(package.executables)
        text = "not installed" if gone else "; ".join(faults)
        return InspectedItem(name, str(prefix), InspectionState.MISSING, text)
    if version.python and not _has_weights(prefix):
        text = (
            f"no network weights in {WEIGHTS}, which Blush, Topaz and class ranking need; load "
            "its module and run relion_python_fetch_weights"
        )
        return InspectedItem(name, str(prefix), InspectionState.MISSING, text)
    if run is None or not package.version_command:
        return InspectedItem(name, str(prefix), InspectionState.OK, "its version was not checked")
    program, *arguments = package.version_command
    status, output = run([str(prefix / "bin" / program), *arguments])
    if status == _ILLEGAL_INSTRUCTION:
        text = "it needs another processor than this machine's"
        return InspectedItem(name, str(prefix), InspectionState.UNKNOWN, text)
    found = re.search(r"\d{1,9}(?:\.\d{1,9})+", output)
    if status or not found:
        stated = " ".join(output.split())[:200] or "nothing"
        text = f"{program} ended with exit code {status}: {stated}"
        return InspectedItem(name, str(prefix), InspectionState.WRONG, text)
    if found[0] != version.number:
        text = f"{program} reports version {found[0]}, not {version.number}"
        return InspectedItem(name, str(prefix), InspectionState.WRONG, text)
    return InspectedItem(
        name, str(prefix), InspectionState.OK, f"{program} reports version {found[0]}"
    )


def _has_weights(prefix: Path) -> bool:
    try:
        return any((prefix / WEIGHTS).iterdir())
    except OSError:
        return False


def _unreadable(path: Path, *, executable: bool = False) -> str:
    """Why a user without special rights could not use a file or folder; empty if they can."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "it is a link to nothing" if path.is_symlink() else "it is not there"
    except OSError as error:
        return str(error.strerror)
    folder = stat.S_ISDIR(mode)
    # Root reads everything, and software is published as root: the mode decides.
    if not mode & stat.S_IROTH or (folder and not mode & stat.S_IXOTH):
        return f"not everybody may read it (mode {stat.S_IMODE(mode):o})"
    if not os.access(path, os.R_OK):
        return "it cannot be read"
    if executable and (folder or not mode & stat.S_IXOTH):
        return f"not everybody may run it (mode {stat.S_IMODE(mode):o})"
    return ""


def damage(folder: Path) -> list[str]:
    """Files of a release that are not what was published."""
    try:
        lines = lines_of((folder / SUMS).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        return [f"{SUMS}: {error}"]
    faults = []
    for line in lines:
        wanted, _, path = line.partition("  ")
        try:
            found = hashlib.sha256((folder / path).read_bytes()).hexdigest()
        except OSError as error:
            faults.append(f"{path}: {error.strerror}")
            continue
        if found != wanted:
            faults.append(f"{path}: other content")
    return faults

"""What `gotocloud software` does on the build host: write trees, publish."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import gotocloud
from gotocloud.cli.output import narrate, suggest
from gotocloud.cli.repository.replication import REPLICATE, Regions
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.files import scratch_folder
from gotocloud.printed import lines_of
from gotocloud.software.catalogue import Catalogue
from gotocloud.software.layout import FILE, TEMPLATE, Layout
from gotocloud.software.publishing import bundle, release
from gotocloud.software.publishing.spack import FILE as SPACK_FILE
from gotocloud.software.publishing.starter import CACHE_VARIABLE


def write_modules(folder: Path, catalogue: Catalogue) -> int:
    """Write the module files below a folder; returns how many.

    Raises:
        GoToCloudError: if the folder cannot be written.
    """
    try:
        return len(release.write_tree(folder, catalogue))
    except OSError as error:
        raise _unwritable(folder, error) from error


def write_environments(folder: Path, environments: Mapping[str, str]) -> None:
    """Write `NAME/spack.yaml` below a folder for each environment.

    Raises:
        GoToCloudError: if the folder cannot be written.
    """
    try:
        for name, text in environments.items():
            path = folder / name / SPACK_FILE
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            narrate(f"Wrote {path}")
    except OSError as error:
        raise _unwritable(folder, error) from error


def publish_release(
    to: Path,
    repository: Path,
    catalogue: Catalogue,
    *,
    python: str,
    interpreter: str | None,
    extras: Sequence[str],
    switch: bool,
    dry_run: bool,
    regions: Regions,
) -> dict[str, Any]:
    """Build the head node's command line and put it on a file system.

    Args:
        to: Where the file system is mounted here.
        repository: Holds pyproject.toml and requirements.txt.
        interpreter: What runs it on nodes. Default: the system's Python of that version.
        extras: Extras of this package that go with it.
        switch: Whether the release comes into force.
        regions: Where it is copied to.

    Raises:
        InputError: if the repository or the file system is not there.
        GoToCloudError: if a package cannot be had, the file does not start or nothing can
            be written; the release in force stays as it was. The same if a region does not
            receive the release.
    """
    template = files("gotocloud.node") / TEMPLATE
    if not template.is_file():
        raise GoToCloudError(f"This package has no {TEMPLATE}.")
    if not dry_run and not to.is_dir():
        raise InputError(f"{to} is not there: is the shared file system mounted?")
    first_line = f"{interpreter} -I" if interpreter else bundle.interpreter(python)
    with scratch_folder("publish") as folder:
        site = _site(folder, repository, python, extras)
        narrate("Packing one file …")
        one_file = bundle.one_file(site, python=python, first_line=first_line)
        _try(folder, one_file, first_line)
    content = release.content(gotocloud.__version__, one_file, template.read_bytes(), catalogue)
    result = {
        "release": content.name,
        "bytes": len(one_file),
        "python": python,
        "files": len(content.files),
    }
    if dry_run:
        return {**result, "written": False, "in_force": release.in_force(Layout(to))}
    if str(to.resolve()) != catalogue.root:
        narrate(f"Note: nodes must see {to} at {catalogue.root}; otherwise give --root.")
    done = _install(content, to, regions, switch=switch)
    _narrate_end(done, regions, switch=switch)
    return {
        **result,
        "folder": str(done.folder),
        "written": done.written,
        "before": done.before,
        "in_force": done.in_force,
    }


def _install(
    content: release.Content, to: Path, regions: Regions, *, switch: bool
) -> release.Installed:
    """Write a release and put it in force, here and then in the regions.

    The link must not reach a region before the files to which it leads: the release is copied
    first, and waited for. Nothing is copied if nothing changed.
    """
    layout = Layout(to)
    staged = release.install(layout, content, switch=False)
    if staged.written or (switch and staged.before != content.name):
        regions.receive(to, staged.folder, wait=switch)
    if not switch:
        return staged
    done = replace(release.install(layout, content), written=staged.written)
    if done.before != done.in_force:
        regions.receive(to, layout.top)
    return done


def _narrate_end(done: release.Installed, regions: Regions, *, switch: bool) -> None:
    if not regions.names:
        narrate(f"The regions were not copied to. When they should be: {REPLICATE}")
    if not done.written and done.before == done.folder.name:
        narrate(f"Nothing to do: release {done.folder.name} is in force.")
    elif switch:
        narrate(f"Release {done.folder.name} is in force.")
        suggest("gotocloud software check")
    else:
        narrate(
            f"Release {done.folder.name} is there, {done.before or 'none'} stays in force. To "
            "put it in force, type the same command without --stage."
        )


def _site(work: Path, repository: Path, python: str, extras: Sequence[str]) -> Path:
    """A folder with this package and everything that it needs on nodes."""
    texts = []
    for name in ("pyproject.toml", "requirements.txt"):
        try:
            texts.append((repository / name).read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(
                f"{repository / name}: {error.strerror}. Publishing takes the exact versions "
                "that the repository locks.",
                advice="Name its folder with --from.",
            ) from error
    site, requirements = work / "site", work / "requirements.txt"
    roots = bundle.runtime_roots(texts[0], extras)
    requirements.write_text(bundle.locked_subset(texts[1], roots), encoding="utf-8")
    narrate(f"Fetching the locked packages for Python {python} …")
    command = [sys.executable, "-m", "pip", *bundle.pip_arguments(requirements, site, python)]
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, cwd=work
    )
    if done.returncode:
        stated = [line for line in lines_of(done.stderr) if line.startswith("ERROR")]
        raise GoToCloudError(
            f"pip could not fetch the locked packages for Python {python}.",
            problems=stated or lines_of(done.stderr)[-3:],
        )
    bundle.add_package(site, Path(gotocloud.__file__).parent, extras)
    return site


def _try(work: Path, one_file: bytes, first_line: str) -> None:
    """Start the file once, if its interpreter is on this machine."""
    program, *options = first_line.split()
    if shutil.which(program) is None:
        narrate(f"Not tried: {program} is not on this machine.")
        return
    path = work / FILE
    path.write_bytes(one_file)
    cache = work / "cache"
    done = subprocess.run(
        [program, *options, str(path), "--version"],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env={**os.environ, CACHE_VARIABLE: str(cache)},
    )
    if done.returncode:
        raise GoToCloudError(
            f"The file does not start with {program}.",
            problems=lines_of((done.stderr or done.stdout).strip())[-5:],
        )
    narrate(f"Tried with {program}: {done.stdout.strip()}.")


def _unwritable(folder: Path, error: OSError) -> GoToCloudError:
    return GoToCloudError(f"{error.filename or folder} cannot be written: {error.strerror}.")

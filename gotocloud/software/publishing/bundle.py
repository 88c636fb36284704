"""Makes the one-file command line for head nodes: which packages, and how they are packed.

The file is a ZIP application (PEP 441) with two entries that count: a starter, and one inner
ZIP file with all packages. So starting it reads a directory of three names, not of thousands.
The same packages give the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import tomllib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from gotocloud.errors import GoToCloudError, InputError, unknown_name
from gotocloud.software.publishing.reachable import left_out
from gotocloud.software.publishing.starter import IDENTITY, SITE

PYTHON = "3.12"
"""Python of Ubuntu 24.04, the system of head and compute nodes."""

PLATFORMS = ("manylinux_2_34_x86_64", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64")
"""Wheels that Ubuntu 24.04 (glibc 2.39) can run; the newer ones first."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_NAME = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)
_LOCKED = re.compile(r"(?m)^(?=[A-Za-z0-9][A-Za-z0-9._-]*==)")
_ABI = re.compile(r"\.(?:cpython-(\d)(\d{1,9})[\w-]*|abi3)\.so$")


def interpreter(python: str = PYTHON) -> str:
    """The first line of the file: the system's Python, blind to what shells set for others."""
    return f"/usr/bin/python{python} -I"


def runtime_roots(pyproject: str, extras: Sequence[str] = ()) -> frozenset[str]:
    """Packages that the command line itself needs, from the text of pyproject.toml.

    Args:
        extras: Names of extras to go with them, for example "advice".

    Raises:
        InputError: if it names none, or has not such an extra.
    """
    try:
        project = tomllib.loads(pyproject)["project"]
        listed = list(project["dependencies"])
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise InputError(f"pyproject.toml names no dependencies: {error}.") from error
    optional = project.get("optional-dependencies", {})
    for extra in extras:
        if extra not in optional:
            raise unknown_name("extra", extra, tuple(optional))
        listed += optional[extra]
    return frozenset(_normal(re.split(r"[\s<>=!~\[;]", each, maxsplit=1)[0]) for each in listed)


def locked_subset(lock: str, roots: frozenset[str]) -> str:
    """The part of a lock file that some packages need, hashes included.

    Args:
        lock: requirements.txt as pip-compile writes it, with "# via" remarks.
        roots: Names of the packages.

    Raises:
        InputError: if one of them is not locked.
    """
    blocks, needed_by = {}, {}
    for block in _LOCKED.split(lock):
        if found := _NAME.match(block):
            name = _normal(found[1])
            blocks[name] = block.rstrip() + "\n"
            remarks = re.findall(r"^\s+#\s+(?:via\s+)?([A-Za-z0-9._-]+)", block, re.MULTILINE)
            needed_by[name] = {_normal(remark) for remark in remarks if remark != "via"}
    if missing := sorted(roots - set(blocks)):
        raise InputError(
            f"The lock file does not lock {', '.join(missing)}.", next_command="make lock"
        )
    wanted = set(roots)
    while more := {name for name, by in needed_by.items() if by & wanted} - wanted:
        wanted |= more
    return "".join(blocks[name] for name in sorted(wanted))


def pip_arguments(requirements: Path, target: Path, python: str = PYTHON) -> list[str]:
    """Options of pip: exactly the locked files, made for the nodes' Python, none built."""
    return [
        *("install", "--quiet", "--target", str(target), "--no-deps", "--no-compile"),
        *("--require-hashes", "--only-binary=:all:", "--disable-pip-version-check"),
        *("--implementation", "cp", "--python-version", python),
        *(
            word
            for abi in (f"cp{python.replace('.', '')}", "abi3", "none")
            for word in ("--abi", abi)
        ),
        *(word for platform in PLATFORMS for word in ("--platform", platform)),
        *("--requirement", str(requirements)),
    ]


def add_package(site: Path, package: Path, extras: Sequence[str] = ()) -> None:
    """Copy of this package, beside its requirements, what a head node can run.

    Args:
        site: The folder with the requirements.
        package: The folder of this package.
        extras: Names of extras that go along.
    """
    compiled = shutil.ignore_patterns("__pycache__", "*.pyc")
    unneeded = left_out(package, pictures="advice" in extras)

    def ignored(folder: str, names: list[str]) -> set[str]:
        return compiled(folder, names) | {n for n in names if Path(folder) / n in unneeded}

    shutil.copytree(package, site / package.name, ignore=ignored, dirs_exist_ok=True)


def require_fitting(site: Path, python: str = PYTHON) -> None:
    """Make sure that every native module was made for a Python.

    Raises:
        GoToCloudError: naming those that were not.
    """
    wanted = tuple(python.split("."))
    wrong = []
    for path in sorted(site.rglob("*.so")):
        found = _ABI.search(path.name)
        if found and found[1] and (found[1], found[2]) != wanted:
            wrong.append(f"{path.relative_to(site)} is made for Python {found[1]}.{found[2]}")
    if wrong:
        raise GoToCloudError(f"These packages are not made for Python {python}.", problems=wrong)


def one_file(site: Path, *, python: str = PYTHON, first_line: str | None = None) -> bytes:
    """The command line as one file that can be run.

    Args:
        site: A folder with this package and all that it needs.
        python: The version of Python that runs it.
        first_line: The interpreter with its options. Default: `interpreter(python)`.

    Raises:
        GoToCloudError: if something in it was made for another Python.
    """
    require_fitting(site, python)
    inner = _zipped(dict(_contents(site)), zipfile.ZIP_DEFLATED)
    source = (files(__package__) / "starter.py").read_text(encoding="utf-8")
    main = source.replace("@PYTHON@", python)
    build = hashlib.sha256(inner + main.encode()).hexdigest()[:16]
    outer = _zipped(
        {
            "__main__.py": main.replace("@BUILD@", build).encode(),
            IDENTITY: build.encode(),
            SITE: inner,
        },
        zipfile.ZIP_STORED,
    )
    return f"#!{first_line or interpreter(python)}\n".encode() + outer


def _contents(site: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(site.rglob("*")):
        parts = path.relative_to(site).parts
        if path.is_file() and "__pycache__" not in parts and parts[0] != "bin":
            yield "/".join(parts), path.read_bytes()


def _zipped(contents: Mapping[str, bytes], compression: int) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", compression, compresslevel=9) as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.compress_type = compression
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return held.getvalue()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

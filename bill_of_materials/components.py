"""The components of the bill, from the lock files and from what is installed of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import canonicalize_name

from bill_of_materials.licences import expression_of

ROOT = Path(__file__).parent.parent
Component = dict[str, Any]

ENVIRONMENTS = {
    "requirements.txt": ".venv",
    "requirements-scientists.txt": ".venv",
    "requirements-pcluster.txt": ".venv-pcluster",
    "requirements-pcluster-3.15.1.txt": ".venv-pcluster-3.15.1",
    "requirements-checkov.txt": ".venv-checkov",
}
"""Lock files, and where the Makefile installs them."""


def python_packages(lock: str, environment: Path) -> Iterator[Component]:
    """The packages of a lock file with the hashes of their files and their licences.

    Args:
        lock: Name of the file.
        environment: Folder of the virtual environment in which it is installed.
    """
    installed = {_key(one): one for one in _cyclonedx("environment", str(environment))}
    for one in _cyclonedx("requirements", str(ROOT / lock)):
        there = installed.get(_key(one), {})
        # What `cyclonedx-py` reads as a description is the line of the lock file.
        kept = {key: one[key] for key in ("name", "version", "purl", "type", "externalReferences")}
        yield {
            **kept,
            **({"description": there["description"]} if "description" in there else {}),
            **_licences(expression_of(one["name"], there)),
            **_whence(lock),
        }


def npm_packages() -> Iterator[Component]:
    """The packages of `package-lock.json`; `npm sbom` refuses a root without a version."""
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for place, one in packages.items():
        if not place:
            continue
        name = place.rpartition("node_modules/")[2]
        algorithm, _, digest = one["integrity"].partition("-")
        yield {
            "type": "library",
            "name": name,
            "version": one["version"],
            "purl": f"pkg:npm/{name.replace('@', '%40')}@{one['version']}",
            "hashes": [
                {
                    "alg": algorithm.upper().replace("SHA", "SHA-"),
                    "content": b64decode(digest).hex(),
                }
            ],
            **_licences(one.get("license", "")),
            **_whence("package-lock.json"),
        }


def tools() -> Iterator[Component]:
    """Programs that are pinned by a version in another file than a lock file."""
    ci, catalogue = ".ci/run", "gotocloud/software/catalogue.yaml"
    found = re.search(r"awscli==([\d.]+)", (ROOT / ci).read_text())
    if found:
        yield _tool("awscli", found[1], f"pkg:pypi/awscli@{found[1]}", "Apache-2.0", ci)
    spack = yaml.safe_load((ROOT / catalogue).read_text())["spack"]
    tag = spack["tag"]
    address = f"pkg:github/spack/spack-packages@{tag}"
    yield _tool("spack-packages", tag, address, "Apache-2.0 OR MIT", catalogue)


def _tool(name: str, version: str, purl: str, licence: str, pinned: str) -> Component:
    what = {"type": "application", "name": name, "version": version, "purl": purl}
    return {**what, **_licences(licence), **_whence(pinned)}


def _licences(expression: str) -> Component:
    return {"licenses": [{"expression": expression}]} if expression else {}


def _whence(file: str) -> Component:
    return {"properties": [{"name": "gotocloud:pinned-in", "value": file}]}


def _key(component: Component) -> tuple[str, str]:
    return canonicalize_name(component["name"]), component["version"]


def _cyclonedx(*arguments: str) -> list[Component]:
    command = [sys.executable, "-m", "cyclonedx_py", *arguments]
    # The whole bill is validated once, at the end.
    options = ["--output-format", "JSON", "--output-reproducible", "--no-validate"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    components: list[Component] = json.loads(done.stdout)["components"]
    return components

"""A release: the templates and node scripts that are published under one version."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gotocloud.contract.releases import (
    INSTALL,
    NODE_SCRIPTS,
    PROJECT_STACK_ID,
    PROJECT_TEMPLATE,
    SCRIPT_DIGESTS,
    VERSION,
    cluster_stack_id,
    cluster_template,
)
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.formats import parse_json
from gotocloud.platform.regions import REGIONS

MAX_TEMPLATE_BYTES = 1_000_000
"""CloudFormation takes templates of up to 1 MB from S3 (its quota "Template body size")."""

INSTALL_REQUIREMENTS = "requirements.txt"

_CLUSTER_STACK = re.compile(
    "^" + cluster_stack_id("(?P<name>.+)", f"(?P<region>{'|'.join(REGIONS)})") + "$"
)


@dataclass(frozen=True)
class Release:
    """The files of one version by their path in it, without the manifest."""

    version: str
    files: Mapping[str, bytes]

    @property
    def manifest(self) -> bytes:
        """SHA-256 and size of every file; the same bytes for the same files."""
        data = {
            "version": self.version,
            "files": {
                path: {"path": path, "sha256": sha256(content), "size": len(content)}
                for path, content in sorted(self.files.items())
            },
        }
        return (json.dumps(data, indent=2) + "\n").encode()


def sha256(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def check_version(version: str) -> str:
    """A version that may stand in a URL.

    Raises:
        InputError: if it may not.
    """
    if not re.fullmatch(VERSION, version):
        raise InputError(
            f"{version!r} is not a version: 1 to 32 letters, digits, dots and hyphens, for example "
            "1.2.0.",
            next_command="gotocloud platform publish --version 1.2.0",
        )
    return version


def next_version(version: str) -> str:
    """The version after one, for example to publish what differs.

    >>> next_version("1.2.9"), next_version("1.2.0-rc1"), next_version("spring")
    ('1.2.10', '1.2.0-rc2', 'spring.1')
    """
    last = re.search(r"\d{1,9}$", version)
    if last is None:
        return f"{version}.1"
    return f"{version[: last.start()]}{int(last[0]) + 1}"


def template_path(stack_id: str) -> str | None:
    """Path in a release of the template of a CDK stack; None if it is not published."""
    if stack_id == PROJECT_STACK_ID:
        return PROJECT_TEMPLATE
    matched = _CLUSTER_STACK.match(stack_id)
    return cluster_template(matched["name"], matched["region"]) if matched else None


def make_release(
    version: str,
    templates: Mapping[str, bytes],
    scripts: Mapping[str, bytes],
    *,
    expected: Mapping[str, str],
    install: Mapping[str, bytes] | None = None,
) -> Release:
    """Put a release together.

    Args:
        templates: Synthesised templates by CDK stack id; others than those to publish
            are ignored.
        scripts: Node scripts by file name.
        expected: CDK stack ids that must be there, by path in the release.
        install: What scientists install, as `install_files` makes it. Default: nothing.

    Raises:
        GoToCloudError: if a template is missing, too large or not JSON; names every one.
    """
    found = {path: text for key, text in templates.items() if (path := template_path(key))}
    problems = [
        f"{stack_id} is missing" for path, stack_id in expected.items() if path not in found
    ]
    problems += [problem for path, text in sorted(found.items()) for problem in _faults(path, text)]
    if not scripts:
        problems.append("there is no node script")
    given = {f"{NODE_SCRIPTS}/{name}": text for name, text in scripts.items()}
    problems += [problem for path, text in found.items() for problem in _other(path, text, given)]
    if problems:
        raise GoToCloudError(f"Release {version} is not complete.", problems=problems)
    return Release(version, found | given | dict(install or {}))


def install_files(wheel_name: str, wheel: bytes, lock: str, version: str) -> dict[str, bytes]:
    """What scientists install, by path in the release.

    pip takes the wheel from the folder and compares everything with a hash, so that the name
    `gotocloud` is looked up on no index.

    Args:
        wheel_name: File name of the wheel.
        lock: Pinned libraries with their hashes, as pip-compile writes them.
        version: The package's version.

    Raises:
        InputError: if the file is not the wheel of this version.
    """
    if not re.fullmatch(rf"gotocloud[-]{re.escape(version)}-[a-z0-9_.-]+\.whl", wheel_name):
        raise InputError(
            f"{wheel_name!r} is not the wheel of gotocloud {version}.", next_command="make wheel"
        )
    own = f"--only-binary :all:\n./{wheel_name} --hash=sha256:{sha256(wheel)}\n"
    text = f"--require-hashes\n{own}{lock}"
    return {
        f"{INSTALL}/{wheel_name}": wheel,
        f"{INSTALL}/{INSTALL_REQUIREMENTS}": text.encode(),
    }


def expected_templates(configurations: tuple[str, ...], regions: tuple[str, ...]) -> dict[str, str]:
    """CDK stack ids of a whole release, by their path in it."""
    return {PROJECT_TEMPLATE: PROJECT_STACK_ID} | {
        cluster_template(name, region): cluster_stack_id(name, region)
        for name in configurations
        for region in regions
    }


def expected_sha256(manifest: bytes, path: str, version: str) -> str:
    """The SHA-256 that a manifest gives for a file.

    Raises:
        GoToCloudError: if the manifest does not list the file; with those that it lists.
    """
    digests = _digests(manifest, version)
    if path not in digests:
        raise GoToCloudError(
            f"Release {version} has no file {path!r}. It has: {', '.join(sorted(digests))}."
        )
    return digests[path]


def listed_paths(manifest: bytes, version: str) -> tuple[str, ...]:
    """Paths of all files that a manifest lists, sorted.

    Raises:
        GoToCloudError: if it cannot be read.
    """
    return tuple(sorted(_digests(manifest, version)))


def expected_scripts(manifest: bytes, version: str) -> dict[str, str]:
    """The SHA-256 that a manifest gives for each script that nodes run, by path.

    Raises:
        GoToCloudError: if it lists none, or cannot be read.
    """
    digests = _digests(manifest, version)
    scripts = {path: it for path, it in digests.items() if path.startswith(f"{NODE_SCRIPTS}/")}
    if not scripts:
        raise GoToCloudError(f"The manifest of release {version} lists no node script.")
    return scripts


def _digests(manifest: bytes, version: str) -> dict[str, str]:
    try:
        files: dict[str, Any] = parse_json(manifest)["files"]
        return {path: str(file["sha256"]) for path, file in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GoToCloudError(f"The manifest of release {version} cannot be read.") from error


def _other(path: str, template: bytes, scripts: Mapping[str, bytes]) -> list[str]:
    """Scripts that are not those for which a template was synthesised, as reviewers read it."""
    try:
        wanted = parse_json(template).get("Metadata", {}).get(SCRIPT_DIGESTS, {})
    except (ValueError, AttributeError):
        return []
    if not wanted and path != PROJECT_TEMPLATE:
        return [f"{path} does not name the scripts that its nodes run"]
    return [
        f"{path} was synthesised for another {script}"
        for script, digest in wanted.items()
        if script not in scripts or sha256(scripts[script]) != digest
    ]


def _faults(path: str, text: bytes) -> list[str]:
    faults = []
    if len(text) > MAX_TEMPLATE_BYTES:
        faults.append(f"{path} has {len(text):,} bytes; CloudFormation takes 1 MB")
    try:
        if not isinstance(parse_json(text), dict):
            faults.append(f"{path} is not a template")
    except ValueError:
        faults.append(f"{path} is not JSON")
    return faults

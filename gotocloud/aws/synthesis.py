"""Runs the CDK command line to get the templates of a release, or the stacks of an account."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gotocloud.contract.stacks import ASSEMBLY_MANIFEST, ASSEMBLY_STACK
from gotocloud.errors import GoToCloudError, InputError, shell_line
from gotocloud.formats import parse_json
from gotocloud.printed import lines_of

SHOWN_LINES = 30


def synthesise_templates(version: str, platform_path: Path, out: Path, app: Path) -> None:
    """Synthesise the project and cluster templates of a release.

    Args:
        version: The version that the templates are made for.
        platform_path: The platform file; its regions get cluster templates.
        out: Folder for the cloud assembly.
        app: Folder with `cdk.json`.

    Raises:
        InputError: if there is no CDK app or no CDK command line.
        GoToCloudError: if synthesis fails, with the end of its output.
    """
    _synthesise({"templates": version, "platform": str(platform_path.resolve())}, out, app)


def synthesise_stacks(group: str | None, platform_path: Path, out: Path, app: Path) -> None:
    """Synthesise the stacks of the management account, or of one group.

    Args:
        group: The group. Default: the management account's stacks.
        platform_path: The platform file; a group's stacks need the record beside it, too.
        out: Folder for the cloud assembly.
        app: Folder with `cdk.json`.

    Raises:
        InputError: if there is no CDK app or no CDK command line.
        GoToCloudError: if synthesis fails, with the end of its output.
    """
    context = {"platform": str(platform_path.resolve())}
    _synthesise(context | ({"group": group} if group else {}), out, app)


def _synthesise(context: Mapping[str, str], out: Path, app: Path) -> None:
    if not (app / "cdk.json").exists():
        raise InputError(
            f"There is no CDK app (cdk.json) in {app}; templates are synthesised with it.",
            advice="Type it in the folder of GoToCloud, or use --from with what `cdk synth` made.",
        )
    # The app runs `python3 app.py`: that must be the Python that runs this.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    cdk = shutil.which("cdk", path=path)
    if cdk is None:
        raise InputError(
            "The CDK command line is not installed; templates are synthesised with it.",
            next_command="make env && source .venv/bin/activate",
        )
    command = [cdk, "synth", "--quiet", "--output", str(out.resolve())]
    for name, value in {**context, "nag": "true"}.items():
        command += ["--context", f"{name}={value}"]
    done = subprocess.run(  # fixed command, no shell
        command,
        cwd=app,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        stated = [line for line in lines_of(done.stdout + done.stderr) if line.strip()]
        wanted = [word for item in context.items() for word in ("-c", "=".join(item))]
        raise GoToCloudError(
            "The templates cannot be synthesised.",
            problems=stated[-SHOWN_LINES:],
            next_command=shell_line("cdk", "synth", *wanted),
        )


@dataclass(frozen=True)
class SynthesisedStack:
    """A stack of a cloud assembly.

    Args:
        stack_id: Its id in the CDK app, which `cdk deploy` takes.
        name: Its name in CloudFormation.
        account: Where it is deployed.
        region: Where it is deployed.
        template: Its template.
    """

    stack_id: str
    name: str
    account: str
    region: str
    template: dict[str, Any]


def read_stacks(assembly: Path) -> tuple[SynthesisedStack, ...]:
    """The stacks of a cloud assembly, in the order of their ids.

    Raises:
        InputError: if it is not a cloud assembly.
    """
    try:
        manifest = parse_json((assembly / ASSEMBLY_MANIFEST).read_text(encoding="utf-8"))
        artifacts = sorted(manifest["artifacts"].items())
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{assembly} is no cloud assembly: {error}.") from error
    return tuple(
        _stack(assembly, stack_id, artifact)
        for stack_id, artifact in artifacts
        if artifact["type"] == ASSEMBLY_STACK
    )


def _stack(assembly: Path, stack_id: str, artifact: Mapping[str, Any]) -> SynthesisedStack:
    properties = artifact["properties"]
    account, _, region = artifact["environment"].removeprefix("aws://").partition("/")
    return SynthesisedStack(
        stack_id=stack_id,
        name=properties.get("stackName", stack_id),
        account=account,
        region=region,
        template=parse_json((assembly / properties["templateFile"]).read_text("utf-8")),
    )


def read_templates(assembly: Path) -> dict[str, bytes]:
    """Templates of a cloud assembly by CDK stack id.

    Raises:
        InputError: if the folder does not exist or has none.
    """
    suffix = ".template.json"
    found = {
        path.name.removesuffix(suffix): path.read_bytes()
        for path in sorted(assembly.glob(f"*{suffix}"))
    }
    if not found:
        raise InputError(
            f"There are no templates in {assembly}.",
            next_command=shell_line(
                "cdk", "synth", "-q", "-c", "templates=VERSION", "-o", assembly
            ),
        )
    return found

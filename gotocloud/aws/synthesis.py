"""Runs the CDK command line to get the templates of a release."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from gotocloud.errors import GoToCloudError, InputError, shell_line

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
    if not (app / "cdk.json").exists():
        raise InputError(
            f"There is no CDK app (cdk.json) in {app}; publishing synthesises templates.",
            next_command="cd to the GoToCloud folder, or use --from DIR with what "
            f"`cdk synth -c templates={version} -o DIR` made",
        )
    # The app runs `python3 app.py`: that must be the Python that runs this.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    cdk = shutil.which("cdk", path=path)
    if cdk is None:
        raise InputError(
            "The CDK command line is not installed; publishing synthesises templates.",
            next_command="make env && source .venv/bin/activate",
        )
    command = [cdk, "synth", "--quiet", "--output", str(out.resolve())]
    for name, value in (
        ("templates", version),
        ("platform", str(platform_path.resolve())),
        ("nag", "true"),
    ):
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
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise GoToCloudError(
            "The templates cannot be synthesised.",
            problems=said[-SHOWN_LINES:],
            next_command=shell_line("cdk", "synth", "-c", f"templates={version}"),
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

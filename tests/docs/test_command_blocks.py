"""Every command block of the documents is run, here or by a test that is named here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gotocloud.rehearsal.upkeep import Rehearsal
from tests.docs.command_blocks import ROOT, commands, documents, unread_blocks
from tests.needs import need, need_cdk, need_parallelcluster

RUN_ELSEWHERE = {
    r"make wheel|sha256sum build/wheel/.*": "tests/docs/test_installing.py",
    r"python3 -m venv ~/gotocloud|~/gotocloud/bin/.*": "tests/docs/test_installing.py",
    r"make bench-upload": "tests/test_makefile.py",
    r"make fuzz|python -m benchmarks.fuzz .*": "tests/test_fuzz.py",
    r"gotocloud (upload|download) .*": "tests/cli/test_transfer.py",
    r"gotocloud bench .*": "tests/cli/test_bench.py",
    r"gotocloud (setup|start|connect|pause|finish) .*": "tests/cli/test_whole_life.py",
    r"gotocloud platform prove.*": "tests/cli/test_prove.py",
    r"gotocloud software (publish|check|replicate).*": "tests/cli/test_software.py",
    r"gotocloud jobs.*": "tests/cli/test_jobs.py",
    r"gotocloud submit .*": "tests/cli/test_submit.py",
    r"gotocloud resume .*": "tests/cli/test_resume.py",
    r"gotocloud status": "tests/cli/test_whole_life.py",
    r"gotocloud check .*": "tests/cli/test_check.py",
    r"make (env|test|lint|check|bench|lock|help)": "tests/test_makefile.py",
    r"make demo|gotocloud rehearse demo.*": "tests/rehearsal/test_whole_demo.py",
    r'(eval "\$\()?gotocloud rehearse (up|status|down).*': "tests/rehearsal/test_rehearse.py",
    r"gotocloud rehearse iam.*": "tests/rehearsal/test_judged.py",
    r"gotocloud rehearse relion.*": "tests/rehearsal/slurm/test_show.py",
}
"""Commands that need a machine of their own, and the tests that run them."""

RUN_IN_ANOTHER = (
    ("README.md", r"cdk deploy .*|gotocloud platform (record|publish)", "docs/deploying.md", ""),
    ("README.md", r"cdk synth .*", "docs/security.md", " -c nag=true"),
)
"""Slow commands of a document that another one has as well, in the same order.

Document, commands, the other document, and what they have more there.
"""

SANDBOXED = (
    "app.py",
    "cdk.json",
    "gotocloud",
    "platform.example.yaml",
    "platform.example.record.yaml",
)
"""What of the repository a document's commands may look at."""

TIMEOUT_S = 420


def elsewhere(command: str) -> str | None:
    return next((t for p, t in RUN_ELSEWHERE.items() if re.fullmatch(p, command)), None)


def in_another(document: Path, command: str) -> bool:
    return any(
        document == ROOT / name and re.fullmatch(pattern, command)
        for name, pattern, _, _ in RUN_IN_ANOTHER
    )


@pytest.mark.parametrize(("name", "pattern", "other", "more"), RUN_IN_ANOTHER)
def test_what_is_run_in_another_document_stands_there_in_the_same_order(
    name: str, pattern: str, other: str, more: str
) -> None:
    here = [c + more for c in commands((ROOT / name).read_text()) if re.fullmatch(pattern, c)]
    there = [c for c in commands((ROOT / other).read_text()) if c in here]
    assert here
    assert there == here


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_no_shell_block_escapes(document: Path) -> None:
    assert unread_blocks(document.read_text()) == [], "write it as a console block with `$ `"


def test_the_tests_that_run_other_commands_exist() -> None:
    assert [path for path in RUN_ELSEWHERE.values() if not (ROOT / path).is_file()] == []


def test_a_broken_command_would_be_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no-such-command"):
        run_in(tmp_path, ["true", "no-such-command"], {"PATH": os.environ["PATH"]})


@pytest.mark.rehearsal
@pytest.mark.parametrize(
    "document", [d for d in documents() if commands(d.read_text())], ids=lambda path: path.name
)
def test_the_commands_of_a_document_work(
    document: Path, rehearsed: Rehearsal, tmp_path: Path
) -> None:
    need_cdk()
    need_parallelcluster()
    for name in SANDBOXED:
        (tmp_path / name).symlink_to(ROOT / name)
    activate = tmp_path / ".venv" / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    activate.write_text("")
    environment = {
        **rehearsed.environment(),
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GOTOCLOUD_PCLUSTER_PYTHON": str(ROOT / ".venv-pcluster" / "bin" / "python"),
    }
    typed = commands(document.read_text())
    here = [c for c in typed if not elsewhere(c) and not in_another(document, c)]
    if any(command.startswith("aws ") for command in here):
        need(aws_takes_an_endpoint(), "an AWS command line of 2023 or newer", "pip install awscli")
    run_in(tmp_path, [as_run(command) for command in here], environment)


def aws_takes_an_endpoint() -> bool:
    """Whether there is an `aws` that reads AWS_ENDPOINT_URL (1.29 or 2.13, and newer)."""
    if shutil.which("aws") is None:
        return False
    said = subprocess.run(["aws", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"aws-cli/(\d+)\.(\d+)", said)
    return found is not None and int(found[2]) >= {"1": 29, "2": 13}.get(found[1], 0)


def as_run(command: str) -> str:
    """The command as it can be run without a person and on the local AWS."""
    if command.startswith("cdk deploy"):
        return f"{command} --require-approval never"
    if command.startswith("gotocloud platform publish --wheel "):
        # The rehearsed platform has published its release without one, and no release changes;
        # tests/docs/test_installing.py and tests/cli/test_platform.py publish and install it.
        return "gotocloud platform publish"
    if command.startswith("aws ce "):
        # The local AWS sends no bills; this checks the parameters and asks nobody.
        return f"{command} --generate-cli-skeleton output"
    return command


def run_in(directory: Path, lines: list[str], environment: dict[str, str]) -> None:
    """Run commands one after the other in one shell; the first failure is shown."""
    script = "set -eo pipefail\n" + "\n".join(f"echo '>>>' {_quoted(x)}; {x}" for x in lines)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stdout[-6000:]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"

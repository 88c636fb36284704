"""What a test needs from the machine: skipped visibly without it, failed in CI."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from gotocloud.rehearsal.slurm.slurm_conf import DAEMON_PATH

ROOT = Path(__file__).parent.parent
REQUIRE_EVERYTHING = "GOTOCLOUD_REQUIRE_EVERYTHING"


def need(present: bool, what: str, how: str) -> None:
    """Skip the test unless something is present; fail where everything is required.

    Args:
        present: Whether it is there.
        what: Its name, for the report.
        how: The command that provides it.
    """
    if present:
        return
    reason = f"needs {what}: {how}"
    if os.environ.get(REQUIRE_EVERYTHING):
        pytest.fail(reason)
    pytest.skip(reason)


def need_parallelcluster(version: str | None = None) -> None:
    """ParallelCluster's own validators, in their virtual environment.

    Args:
        version: An older version, which has an environment of its own. Default: the newest.
    """
    from gotocloud.cluster_configs.engine import DEFAULT_VERSION

    older = version is not None and version != DEFAULT_VERSION
    folder = f".venv-pcluster-{version}" if older else ".venv-pcluster"
    given = os.environ.get("GOTOCLOUD_PCLUSTER_PYTHON")
    python = Path(given) if given and not older else ROOT / folder / "bin" / "python"
    need(python.exists(), f"ParallelCluster in {folder}", "make versions" if older else "make env")


def need_cdk() -> None:
    """The CDK command line and the Node it runs on."""
    there = shutil.which("cdk") is not None and shutil.which("node") is not None
    need(there, "the CDK command line on PATH", "make env; make test")


def need_chromium() -> str:
    """Path of a Chromium that can run headless."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    need(found is not None, "chromium", "apt-get install chromium")
    return found or ""


def need_iam_evaluator() -> None:
    """The IAM evaluator of the local AWS, and the Node it runs on."""
    there = (ROOT / "node_modules" / "@cloud-copilot" / "iam-simulate").is_dir()
    need(there and shutil.which("node") is not None, "the IAM evaluator", "make env; make test")


def need_slurm() -> None:
    """A real Slurm that this process may start: Debian's packages, and root."""
    programs = ("slurmctld", "slurmd", "munged", "unshare", "setpriv")
    there = all(shutil.which(program, path=DAEMON_PATH) for program in programs)
    there = there and shutil.which("mpirun") is not None
    need(there, "Slurm", "apt-get install slurm-wlm munge openmpi-bin")
    need(os.geteuid() == 0, "root, for Slurm's daemons", "run the tests as root, in a container")


def need_relion() -> None:
    """Debian's RELION."""
    there = all(shutil.which(name) for name in ("relion_refine_mpi", "relion_pipeliner"))
    need(there, "RELION", "apt-get install relion")


MODULES_INIT = Path("/usr/share/modules/init/bash")
"""What makes a shell know `module`, where Debian and Ubuntu put it."""


def need_modules() -> None:
    """Environment Modules, as on a cluster's nodes."""
    need(MODULES_INIT.exists(), "Environment Modules", "apt-get install environment-modules")

"""Puts everything that a rehearsed Slurm needs into its folder, before it starts."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from gotocloud import __version__
from gotocloud.cluster_configs.partitions import Partition
from gotocloud.errors import InputError, shell_line
from gotocloud.rehearsal.slurm.modules import lay_out_modules
from gotocloud.rehearsal.slurm.slurm_conf import DAEMON_PATH, SlurmFolder
from gotocloud.relion.form import TEMPLATE_NAME, form_environment

SOFTWARE, LUSTRE = "efs", "fsx"
"""What stands for the shared file systems of a cluster."""
MPIRUN_ENV = "etc/mpirun.env"
SHELL = "etc/shell.json"
"""What a head node's login shells have: RELION's form and the software's modules."""
NEEDED = {
    "slurmctld": "slurm-wlm",
    "slurmd": "slurm-wlm",
    "scontrol": "slurm-client",
    "munged": "munge",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "hostname": "hostname",
}
"""Programs, and the Debian packages that have them."""
_LONGEST_SOCKET = 100
"""Bytes; the kernel takes 107 for the path of a socket."""


def refuse_unfit(directory: Path) -> None:
    """Refuse a machine or a folder that cannot have a rehearsed Slurm.

    Raises:
        InputError: with everything that stands in the way.
    """
    missing = {it for program, it in NEEDED.items() if not shutil.which(program, path=DAEMON_PATH)}
    problems = []
    if sys.platform != "linux":
        problems.append("It needs Linux; this is another system.")
    elif os.geteuid() != 0:
        problems.append(
            "It needs root: Slurm's daemons, munge and the nodes' namespaces do. "
            "Run the same command with sudo, or in a container."
        )
    if missing:
        problems.append(f"Debian packages that it needs: {' '.join(sorted(missing))}")
    socket_path = str(SlurmFolder(directory).munge_socket)
    if len(os.fsencode(socket_path)) > _LONGEST_SOCKET:
        problems.append(
            f"The folder's path is too long for a socket in it: {socket_path} has "
            f"{len(os.fsencode(socket_path))} bytes, {_LONGEST_SOCKET} are allowed"
        )
    if set(str(directory)) & set(" \t\n,;=#%[]()\"'\\"):
        problems.append(
            f"Slurm cannot keep its files in {str(directory)!r}: blanks and punctuation in a path "
            "mean something else to it"
        )
    if problems:
        install = shell_line("apt-get", "install", *sorted(missing)) if missing else None
        raise InputError(
            "A rehearsed Slurm cannot run here.", problems=problems, next_command=install
        )


def set_up_folder(
    layout: SlurmFolder,
    configuration: str,
    region: str,
    partitions: Sequence[Partition],
    most_ranks: int,
) -> None:
    """Empty the folder and put in what does not depend on ports.

    Args:
        layout: The folder.
        configuration: Cluster configuration that it follows.
        region: AWS region.
        partitions: The configuration's partitions there.
        most_ranks: MPI ranks of a job that really run.
    """
    _clear(layout)
    layout.make()
    _write_programs(layout, most_ranks)
    _write_facts(layout, configuration, region)
    _write_shell(layout, partitions)


def _clear(layout: SlurmFolder) -> None:
    """A former cluster's jobs, nodes and logs describe nothing any more."""
    for name in ("etc", "bin", "log", "requests", "nodes", "spool", "dev"):
        shutil.rmtree(layout.root / name, ignore_errors=True)
    layout.munge_socket.unlink(missing_ok=True)


def _write_programs(layout: SlurmFolder, most_ranks: int) -> None:
    _write_program(layout.bin / "resume-nodes", "request-nodes.sh")
    _write_program(layout.bin / "suspend-nodes", "request-nodes.sh")
    mpirun = shutil.which("mpirun")
    if mpirun:
        _write_program(layout.bin / "mpirun", "mpirun.sh")
        (layout.root / MPIRUN_ENV).write_text(
            f"MPIRUN={shlex.quote(mpirun)}\nDEFAULT_RANKS={most_ranks}\n"
        )


def _write_program(path: Path, asset: str) -> None:
    text = files(__package__).joinpath("assets", asset).read_text(encoding="utf-8")
    path.write_text(text)
    path.chmod(0o755)


def _write_facts(layout: SlurmFolder, configuration: str, region: str) -> None:
    """A head node's settings, for a cluster without an owner."""
    facts: Mapping[str, str] = {
        "cluster": "rehearsal",
        "project": "rehearsal",
        "scientist": "rehearsal",
        "region": region,
        "configuration": configuration,
        "release": __version__,
        "bucket": "rehearsal",
        "stack": "rehearsal",
        "software": str(layout.root / SOFTWARE),
        "lustre": str(layout.root / LUSTRE),
    }
    for folder in (SOFTWARE, LUSTRE):
        (layout.root / folder).mkdir(exist_ok=True)
    layout.facts.write_text(json.dumps(facts, indent=2) + "\n")


def _write_shell(layout: SlurmFolder, partitions: Sequence[Partition]) -> None:
    """RELION's form and the modules, as a head node's login shells have them."""
    template = layout.root / "etc" / TEMPLATE_NAME
    template.write_text(files("gotocloud").joinpath("node", TEMPLATE_NAME).read_text("utf-8"))
    environment = form_environment(partitions, template=str(template))
    environment = {**environment, **lay_out_modules(layout.root / "efs")}
    environment |= lay_out_modules(layout.root / SOFTWARE)
    (layout.root / SHELL).write_text(json.dumps(environment, indent=2) + "\n")

"""Start, find, use and end a rehearsed Slurm cluster."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gotocloud.cluster_configs.engine import engine_of
from gotocloud.cluster_configs.model import load_configuration
from gotocloud.cluster_configs.partitions import configured_partitions
from gotocloud.cluster_configs.renderer import render, to_yaml
from gotocloud.contract.head_node import FACTS_VARIABLE
from gotocloud.errors import GoToCloudError, unknown_name
from gotocloud.platform.placeholders import placeholder_site
from gotocloud.platform.zones import zone_map
from gotocloud.printed import lines_of
from gotocloud.rehearsal.slurm.furnishing import SHELL, refuse_unfit, set_up_folder
from gotocloud.rehearsal.slurm.keeper import LOCK, PLAN
from gotocloud.rehearsal.slurm.machines import SlurmQueue, node_names, slurm_queues
from gotocloud.rehearsal.slurm.slurm_conf import SlurmFolder, Timing
from gotocloud.waiting import looks
from gotocloud.yaml_files import load_block

KEEPER_LOG = "keeper.log"
DEFAULT_RANKS = 3
"""MPI ranks of a job that really run: RELION's least for Refine3D, a leader and two halves."""
_NOT_UP = ("POWERED_DOWN", "POWERING_UP", "POWERING_DOWN", "NOT_RESPONDING", "DOWN")
_FOREIGN = ("SLURM", "SBATCH_", "SQUEUE_", "SINFO_", "OMPI_", "RELION_")
"""Beginnings of variables that speak of another cluster."""
_START_WITHIN_S = 60.0
_STOP_WITHIN_S = 20.0


@dataclass(frozen=True)
class RehearsalCluster:
    """A running Slurm whose partitions and nodes are those of a cluster configuration.

    Its nodes are not running: Slurm's power saving starts them for a job, each in a process
    namespace with a host name of its own, and ends them when they have been idle.

    Args:
        directory: Folder with all its state, absolute.
        pid: The process that keeps it.
    """

    directory: Path
    pid: int

    @classmethod
    def start(
        cls,
        directory: Path,
        configuration: str = "cryoem-spa",
        region: str = "us-east-1",
        *,
        boot_delay_s: float = 2.0,
        idle_s: float | None = None,
        notice_s: float = 1.0,
        boot_timeout_s: float = 120.0,
        most_ranks: int = DEFAULT_RANKS,
        owner: int | None = None,
    ) -> RehearsalCluster:
        """Start one and wait until Slurm answers.

        Args:
            directory: Folder for all its state; made if missing.
            configuration: Cluster configuration to take the partitions from.
            region: AWS region, which decides the instance types.
            boot_delay_s: From Slurm's request for a node to the start of the node.
            idle_s: After which an idle node is ended. Default: that of the configuration.
            notice_s: From a node's death until Slurm gets the message.
            boot_timeout_s: After which a node that does not come is given up.
            most_ranks: MPI ranks of a job that really run; Slurm grants all that it requests.
            owner: A process with which it ends. Default: it outlives its starter.

        Raises:
            InputError: if this machine or the folder cannot have one, or a name is unknown.
            GoToCloudError: if one runs there already, or it does not come up.
        """
        from gotocloud.rehearsal.upkeep import claim_folder

        directory = directory.resolve()
        refuse_unfit(directory)
        if running := cls.running(directory):
            raise GoToCloudError(
                f"A rehearsed Slurm already runs in {directory} (process {running.pid})."
            )
        offered = zone_map().region(region).best.offerings
        rendered = render(
            load_configuration(configuration), placeholder_site(region, engine_of()), offered
        )
        minutes = rendered["Scheduling"]["SlurmSettings"]["ScaledownIdletime"]
        idle_s = 60.0 * minutes if idle_s is None else idle_s
        timing = Timing(boot_delay_s, idle_s, notice_s, boot_timeout_s)
        claim_folder(directory, (LOCK, PLAN, KEEPER_LOG))
        layout = SlurmFolder(directory)
        partitions = configured_partitions(load_configuration(configuration), offered)
        set_up_folder(layout, configuration, region, partitions, most_ranks)
        plan = {
            "cluster": "rehearsal",
            "configuration": configuration,
            "region": region,
            "rendered": to_yaml(rendered),
            "timing": asdict(timing),
        }
        (directory / PLAN).write_text(json.dumps(plan, indent=2))
        return cls._kept(directory, owner)

    @classmethod
    def _kept(cls, directory: Path, owner: int | None) -> RehearsalCluster:
        command = [sys.executable, "-m", "gotocloud.rehearsal.slurm.keeper", str(directory)]
        command += [] if owner is None else ["--owner", str(owner)]
        with (directory / KEEPER_LOG).open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        for _ in looks(0.05, within_s=_START_WITHIN_S):
            if process.poll() is not None:
                break
            described = _described(directory)
            if described and described["pid"] == process.pid and described["ready"]:
                return cls(directory, process.pid)
        process.terminate()
        process.wait()
        raise GoToCloudError(
            f"The rehearsed Slurm did not start. Its logs are in {directory}.",
            problems=lines_of((directory / KEEPER_LOG).read_text(errors="replace"))[-6:],
        )

    @classmethod
    def running(cls, directory: Path) -> RehearsalCluster | None:
        """The one that runs with this folder, if any."""
        described = _described(directory)
        return cls(directory.resolve(), described["pid"]) if described else None

    @property
    def layout(self) -> SlurmFolder:
        """Where its files are."""
        return SlurmFolder(self.directory)

    @property
    def node_names(self) -> tuple[str, ...]:
        """Every node that it can have."""
        return node_names(self.queues)

    @property
    def queues(self) -> tuple[SlurmQueue, ...]:
        """Its partitions."""
        return slurm_queues(load_block(self._plan["rendered"], PLAN).data)

    @property
    def configuration(self) -> str:
        """The cluster configuration that it follows."""
        return str(self._plan["configuration"])

    @property
    def region(self) -> str:
        """The AWS region whose instance types it has."""
        return str(self._plan["region"])

    @property
    def _plan(self) -> dict[str, Any]:
        plan: dict[str, Any] = json.loads((self.directory / PLAN).read_text())
        return plan

    def running_nodes(self) -> tuple[str, ...]:
        """The nodes whose instances run now, sorted."""
        return tuple(sorted(path.name for path in self.layout.nodes.iterdir()))

    def additions(self) -> dict[str, str]:
        """Environment variables that make a shell one of its head node."""
        layout = self.layout
        return {
            "SLURM_CONF": str(layout.conf),
            FACTS_VARIABLE: str(layout.facts),
            "OMPI_ALLOW_RUN_AS_ROOT": "1",
            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            # The nodes share this machine's loopback and have no other network.
            "OMPI_MCA_oob_tcp_if_include": "lo",
            "OMPI_MCA_btl_tcp_if_include": "lo",
            "OMPI_MCA_btl": "self,vader,tcp",
            "OMPI_MCA_pml": "ob1",
            # Not in /tmp, where they are named after the node: clusters share node names.
            "OMPI_MCA_orte_tmpdir_base": str(layout.sessions),
            # More ranks than cores: one that waits must not hold the core of one that works.
            "OMPI_MCA_mpi_yield_when_idle": "1",
            **json.loads((self.directory / SHELL).read_text()),
        }

    def environment(self) -> dict[str, str]:
        """A whole environment in which Slurm's commands and jobs use this cluster."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)
        }
        path = os.pathsep.join([str(path) for path in self._path()] + [os.environ.get("PATH", "")])
        return {**inherited, **self.additions(), "PATH": path}

    def exports(self) -> list[str]:
        """Shell lines that make a shell one of its head node."""
        path = os.pathsep.join(str(path) for path in self._path())
        return [
            *(f"export {name}={shlex.quote(value)}" for name, value in self.additions().items()),
            f'export PATH={shlex.quote(path)}:"$PATH"',
        ]

    def _path(self) -> tuple[Path, ...]:
        return self.layout.bin, Path(sys.executable).parent

    def kill_node(self, name: str) -> None:
        """A spot interruption: the node and all its processes die at once, without a word.

        Slurm gets the message `notice_s` later.

        Raises:
            InputError: if no such node runs.
        """
        if name not in self.running_nodes():
            raise unknown_name("running node", name, self.running_nodes())
        new = self.layout.requests / f".kill-{time.time_ns()}"
        new.write_text(name)
        new.rename(new.with_name(new.name[1:]))
        for _ in looks(0.02, within_s=_STOP_WITHIN_S):
            if name not in self.running_nodes():
                return
        raise GoToCloudError(f"{name} does not die.")

    def warm(self, *partitions: str) -> None:
        """Start every node of some partitions now and wait until they can take a job.

        Slurm looks only every ten seconds whether the nodes of a waiting job are up.

        Raises:
            GoToCloudError: if they do not come up.
        """
        wanted = [
            name
            for name in self.node_names
            if name.rpartition("-dy-")[0] in partitions and name not in self.running_nodes()
        ]
        if not wanted:
            return
        self._scontrol("update", f"nodename={','.join(wanted)}", "state=power_up")
        for _ in looks(0.1, within_s=_START_WITHIN_S):
            stated = lines_of(self._scontrol("--oneliner", "show", "nodes", ",".join(wanted)))
            if stated and not any(word in line for line in stated for word in _NOT_UP):
                return
        raise GoToCloudError(f"The nodes of {', '.join(partitions)} do not come up.")

    def _scontrol(self, *words: str) -> str:
        done = subprocess.run(
            ["scontrol", *words],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise GoToCloudError(f"scontrol {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def stop(self) -> None:
        """End it with everything that runs on it; nothing to do if it has gone."""
        found = RehearsalCluster.running(self.directory)
        if found is None or found.pid != self.pid:
            return
        try:
            keeper = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            for wanted in (signal.SIGTERM, signal.SIGKILL):
                signal.pidfd_send_signal(keeper, wanted)
                if select.select([keeper], [], [], _STOP_WITHIN_S)[0]:
                    _reap(self.pid)
                    return
        finally:
            os.close(keeper)
        raise GoToCloudError(f"The rehearsed Slurm (process {self.pid}) could not be ended.")


def _reap(pid: int) -> None:
    """Collect the keeper if it is a child of ours."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _described(directory: Path) -> dict[str, Any] | None:
    """The lock's content, as long as a process holds it."""
    try:
        with (directory / LOCK).open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                described: dict[str, Any] = json.loads(lock.read())
                return described
    except (FileNotFoundError, ValueError):
        # ValueError: it has taken the lock and not yet written into it.
        return None
    return None

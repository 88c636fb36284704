"""The text of the files that a rehearsed Slurm reads. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gotocloud.rehearsal.slurm.machines import ComputeResource, SlurmQueue, node_names

DAEMON_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Where Debian has Slurm's daemons; the PATH of a user lacks the first of them."""
HEAD = "gotocloud-head"
"""Host name of the head node; only Slurm's controller sees it."""
NODE_SPOOL = "/var/spool"
"""Where a node sees its own folder of `SlurmFolder.spool`. Slurm puts sockets with long names
there, and the kernel takes 107 bytes for the path of one."""


@dataclass(frozen=True)
class Timing:
    """How fast the rehearsed cloud is.

    Args:
        boot_delay_s: From a node's request to its registration.
        idle_s: From a node's last job to its end. ParallelCluster's ScaledownIdletime.
        notice_s: From a node's death until the cluster gets the message, as ParallelCluster's
            clustermgtd does within a minute.
        boot_timeout_s: After which a node that does not come is given up.
    """

    boot_delay_s: float
    idle_s: float
    notice_s: float
    boot_timeout_s: float


@dataclass(frozen=True)
class SlurmFolder:
    """Where everything of one rehearsed Slurm stands: one folder.

    Args:
        root: The folder, absolute.
    """

    root: Path

    @property
    def conf(self) -> Path:
        """For clients and for jobs."""
        return self.root / "etc" / "slurm.conf"

    @property
    def daemon_conf(self) -> Path:
        """For Slurm's own daemons, which listen on loopback only."""
        return self.root / "etc" / "daemons" / "slurm.conf"

    @property
    def hosts(self) -> Path:
        """What the daemons see as /etc/hosts."""
        return self.root / "etc" / "hosts"

    @property
    def munge_key(self) -> Path:
        """The secret that Slurm's messages are signed with."""
        return self.root / "etc" / "munge.key"

    @property
    def munge_socket(self) -> Path:
        """Where the signing daemon listens."""
        return self.root / "munge.socket"

    @property
    def bin(self) -> Path:
        """First on the jobs' PATH."""
        return self.root / "bin"

    @property
    def facts(self) -> Path:
        """Where a head node keeps /etc/gotocloud/cluster.json."""
        return self.root / "etc" / "cluster.json"

    @property
    def log(self) -> Path:
        """Every daemon's log."""
        return self.root / "log"

    @property
    def requests(self) -> Path:
        """Requests to the keeper: a file each."""
        return self.root / "requests"

    @property
    def nodes(self) -> Path:
        """A file for every node that runs."""
        return self.root / "nodes"

    @property
    def sessions(self) -> Path:
        """Where Open MPI keeps what the ranks of a node share."""
        return self.root / "mpi"

    @property
    def spool(self) -> Path:
        """Slurm's own state, and a folder for every node."""
        return self.root / "spool"

    @property
    def devices(self) -> Path:
        """Stand-ins for /dev/nvidia0 and so on."""
        return self.root / "dev"

    def gpu(self, number: int) -> Path:
        """The device node of a GPU."""
        return self.devices / f"nvidia{number}"

    def make(self) -> None:
        """Make every folder."""
        folders = (self.daemon_conf.parent, self.bin, self.log, self.requests, self.nodes)
        for folder in (*folders, self.spool, self.devices, self.sessions):
            folder.mkdir(parents=True, exist_ok=True)


def slurm_conf(
    cluster: str,
    queues: Sequence[SlurmQueue],
    layout: SlurmFolder,
    timing: Timing,
    base_port: int,
    *,
    daemons: bool,
) -> str:
    """`slurm.conf`, as near to ParallelCluster's as one machine allows.

    Args:
        cluster: Its name.
        queues: Its partitions.
        layout: Where it keeps everything.
        timing: How fast nodes come and go.
        base_port: The controller's; the nodes take those that follow.
        daemons: For Slurm's own daemons instead of for clients and jobs.
    """
    lines = [
        f"ClusterName={cluster}",
        f"SlurmctldHost={HEAD}(127.0.0.1)",
        f"SlurmctldPort={base_port}",
        *_daemon_lines(layout, daemons=daemons),
        *_scheduling_lines(layout, timing),
    ]
    port = base_port + 1
    for queue in queues:
        for resource in queue.resources:
            lines.append(_node_line(resource, port))
            port += resource.count
        lines.append(_partition_line(queue))
    return "\n".join(lines) + "\n"


def ports_needed(queues: Sequence[SlurmQueue]) -> int:
    """The controller's and one for every node."""
    return 1 + len(node_names(queues))


def gres_conf(queues: Sequence[SlurmQueue], layout: SlurmFolder) -> str:
    """`gres.conf`: which devices are the GPUs of which nodes."""
    lines = [
        f"NodeName={_range(resource)} Name=gpu Type={resource.gpu_model} "
        f"File={layout.devices}/nvidia[0-{resource.gpus - 1}]"
        if resource.gpus > 1
        else f"NodeName={_range(resource)} Name=gpu Type={resource.gpu_model} File={layout.gpu(0)}"
        for queue in queues
        for resource in queue.resources
        if resource.gpus
    ]
    return "\n".join(lines) + "\n"


def hosts_file(queues: Sequence[SlurmQueue]) -> str:
    """`/etc/hosts` of the cluster: every node is this machine."""
    return (
        "\n".join(f"127.0.0.1 {name}" for name in ("localhost", HEAD, *node_names(queues))) + "\n"
    )


def most_gpus(queues: Sequence[SlurmQueue]) -> int:
    """GPUs of the node that has most."""
    return max((resource.gpus for queue in queues for resource in queue.resources), default=0)


def _daemon_lines(layout: SlurmFolder, *, daemons: bool) -> list[str]:
    binding = ["CommunicationParameters=NoAddrCache,NoInAddrAny,NoCtldInAddrAny"] if daemons else []
    return [
        *binding,
        "SlurmUser=root",
        "AuthType=auth/munge",
        "CredType=cred/munge",
        f"AuthInfo=socket={layout.munge_socket}",
        "ProctrackType=proctrack/linuxproc",
        "TaskPlugin=task/none",
        "MpiDefault=none",
        # A node claims the processors and memory of its instance type, not of this machine.
        "SlurmdParameters=config_overrides",
        # Clients and daemons differ in the addresses that they listen on.
        "DebugFlags=NO_CONF_HASH",
        f"StateSaveLocation={layout.spool}/state",
        f"SlurmdSpoolDir={NODE_SPOOL}",
        f"SlurmctldPidFile={layout.spool}/slurmctld.pid",
        f"SlurmdPidFile={layout.spool}/slurmd-%n.pid",
        f"SlurmctldLogFile={layout.log}/slurmctld.log",
        f"SlurmdLogFile={layout.log}/slurmd-%n.log",
        "SlurmctldDebug=info",
        "SlurmdDebug=info",
    ]


def _scheduling_lines(layout: SlurmFolder, timing: Timing) -> list[str]:
    return [
        "SchedulerType=sched/backfill",
        "SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0",
        "SelectType=select/cons_tres",
        "SelectTypeParameters=CR_CPU",
        "GresTypes=gpu",
        "PrivateData=cloud",
        "ReturnToService=1",
        "TreeWidth=65533",
        "SlurmctldTimeout=300",
        # As ParallelCluster's: its clustermgtd notices a lost node long before that.
        "SlurmdTimeout=180",
        "KillWait=5",
        "MessageTimeout=60",
        "UnkillableStepTimeout=180",
        "SlurmctldParameters=idle_on_node_suspend,cloud_dns,power_save_interval=1",
        f"ResumeProgram={layout.bin}/resume-nodes",
        f"SuspendProgram={layout.bin}/suspend-nodes",
        "ResumeRate=0",
        "SuspendRate=0",
        f"SuspendTime={max(1, round(timing.idle_s))}",
        "SuspendTimeout=2",
        f"ResumeTimeout={round(timing.boot_timeout_s)}",
        "AccountingStorageType=accounting_storage/none",
        "JobAcctGatherType=jobacct_gather/none",
        "JobCompType=jobcomp/filetxt",
        f"JobCompLoc={layout.log}/jobs.txt",
    ]


def _range(resource: ComputeResource) -> str:
    return f"{resource.prefix}[1-{resource.count}]"


def _node_line(resource: ComputeResource, port: int) -> str:
    last = port + resource.count - 1
    ports = f"[{port}-{last}]" if resource.count > 1 else str(port)
    gres = f" Gres=gpu:{resource.gpu_model}:{resource.gpus}" if resource.gpus else ""
    return (
        f"NodeName={_range(resource)} NodeAddr=127.0.0.1 Port={ports} CPUs={resource.vcpus} "
        f"RealMemory={resource.memory_mib} State=CLOUD "
        f"Feature={','.join(resource.features)}{gres}"
    )


def _partition_line(queue: SlurmQueue) -> str:
    nodes = ",".join(_range(resource) for resource in queue.resources)
    shared = " OverSubscribe=EXCLUSIVE" if queue.exclusive else ""
    return f"PartitionName={queue.name} Nodes={nodes} MaxTime=INFINITE State=UP{shared}"

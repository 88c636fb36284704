"""RELION's form for one cluster: default values, extra fields and their help.

RELION reads them from the environment when it starts. Source of the names: 3dem/relion,
`src/pipeline_jobs.cpp` of the tags 3.1.3, 4.0.1 and 5.0.1.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.relion.overrides import (
    AUTOMATIC,
    LABELS,
    ON_DEMAND,
    SPOT,
    TYPED,
    FormField,
)

SUBMIT_COMMAND = "gotocloud submit"
TEMPLATE_NAME = "relion-submit-template.sh"
FORM_NAME = "relion-form.sh"
"""What a head node's login shell reads, if it is there."""

_QUEUE_NAME_HELP = f"Queue name takes {AUTOMATIC}, or a queue of this list."


def form_environment(
    partitions: Sequence[Partition], *, template: str, head_node_cpus: int | None = None
) -> dict[str, str]:
    """The environment that gives RELION this cluster's form.

    The number of MPI ranks and of threads starts at 1, as in RELION itself: larger defaults
    would make RELION refuse VDAM, which has no MPI. With "automatic" they do not count.

    Args:
        partitions: The cluster's queues.
        template: Path of the submission template.
        head_node_cpus: More ranks than these RELION refuses to run on the head node itself.
            Default: RELION's own limit.
    """
    environment = {
        "RELION_QUEUE_USE": "Yes",
        "RELION_QUEUE_NAME": AUTOMATIC,
        "RELION_QSUB_COMMAND": SUBMIT_COMMAND,
        "RELION_QSUB_TEMPLATE": template,
        # RELION keeps these two in a `char`: more than 127 would wrap around
        # (https://github.com/3dem/relion/blob/5.0.1/src/pipeline_jobs.cpp#L970).
        "RELION_QSUB_NRMPI": "1",
        "RELION_QSUB_NRTHREADS": "1",
        "RELION_MPI_MAX": str(most_ranks(partitions)),
        "RELION_THREAD_MAX": str(max((one.vcpus for one in partitions), default=1)),
        # Machines are chosen whole; RELION's own count of them is not used.
        "RELION_MINIMUM_DEDICATED": "1",
        # Particles stay on Lustre. Copying them to each machine keeps its GPUs idle
        # meanwhile (https://github.com/3dem/relion/issues/719), and no figure shows a gain.
        "RELION_SCRATCH_DIR": "",
        "RELION_QSUB_EXTRA_COUNT": str(len(FormField)),
    }
    if head_node_cpus is not None:
        environment["RELION_ERROR_LOCAL_MPI"] = str(head_node_cpus)
    help_texts = _help_texts(partitions)
    for number, field in enumerate(FormField, start=1):
        name = f"RELION_QSUB_EXTRA{number}"
        environment[name] = f"{LABELS[field]}:"
        environment[f"{name}_DEFAULT"] = AUTOMATIC
        environment[f"{name}_HELP"] = help_texts[field]
    return environment


def form_text(environment: Mapping[str, str]) -> str:
    """The environment as lines for a shell to read."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    return "\n".join(["# RELION's form of this cluster, made by `gotocloud form`.", *lines]) + "\n"


def most_ranks(partitions: Sequence[Partition]) -> int:
    """The most MPI ranks that a queue can give a physical core each."""
    return max((one.max_nodes * max(1, one.vcpus // 2) for one in partitions), default=1)


def queue_line(partition: Partition) -> str:
    """A queue in one line: what its machines are and how many it can have."""
    gpus = ""
    if partition.gpus:
        memory = (
            f" of {partition.gpu_memory_gib:g} GiB" if partition.gpu_memory_gib is not None else ""
        )
        gpus = f", {partition.gpus} GPU{'s' if partition.gpus > 1 else ''}{memory}"
    return (
        f"{partition.name}: up to {partition.max_nodes} x {partition.instance_type or 'unknown'} "
        f"({partition.vcpus} vCPUs, {partition.memory_gib:g} GiB{gpus}; "
        f"{SPOT if partition.spot else ON_DEMAND})"
    )


def _help_texts(partitions: Sequence[Partition]) -> dict[FormField, str]:
    queues = "\n".join(f"  {queue_line(one)}" for one in partitions)
    largest = max((one.max_nodes for one in partitions), default=1)
    spot = any(one.spot for one in partitions)
    return {
        FormField.SHAPE: (
            f"{AUTOMATIC}: GoToCloud chooses the numbers of MPI procs and threads and the GPUs "
            "for this job type, whatever stands in their fields, and writes its choice and the "
            f"source into the job's log.\n{TYPED}: the fields count as they are.\n\n"
            f"{_QUEUE_NAME_HELP}\n{queues}"
        ),
        FormField.NODES: (
            f"{AUTOMATIC}, or how many machines, from 1 to what the queue has (at most {largest} "
            "here). The number of MPI procs follows, unless it is typed."
        ),
        FormField.PURCHASE: (
            f"{AUTOMATIC}: as the cluster was started; a job that could not go on after an "
            f"interruption runs on demand.\n{ON_DEMAND}: the machines stay.\n"
            + (
                f"{SPOT}: cheaper, but AWS may take the machines away; refinements and "
                "classifications then go on by themselves from their last iteration."
                if spot
                else "This cluster has no spot machines."
            )
        ),
        FormField.MODULE: (
            f"{AUTOMATIC}: the build that suits the job type and the machine. Or the name of an "
            "environment module; `gotocloud software list` shows them."
        ),
    }

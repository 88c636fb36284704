"""A rehearsed Slurm that stays, beside the local AWS, and the RELION project that shows it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gotocloud.errors import InputError
from gotocloud.platform.model import Platform
from gotocloud.rehearsal.progress import StepDisplay
from gotocloud.rehearsal.signals import ended_by_signals
from gotocloud.rehearsal.slurm.cluster import DEFAULT_RANKS, RehearsalCluster
from gotocloud.rehearsal.slurm.dataset import make_dataset
from gotocloud.rehearsal.slurm.show import PIPELINE, Landed, Project

FOLDER = "slurm"
"""In the rehearsal's state folder."""
SHOWN_QUEUES = ("small", "prep-gpu", "initialmodel")
"""Where the jobs of the show land."""


def slurm_folder(state_dir: Path) -> Path:
    """Where the Slurm of a rehearsal keeps everything."""
    return state_dir / FOLDER


def region_for(platform: Platform, configuration: str) -> str:
    """The region in which the demo, too, launches such a cluster."""
    from gotocloud.rehearsal.demo import launching_group

    return launching_group(platform, configuration)[1]


def bring_up_slurm(
    state_dir: Path, configuration: str, region: str, boot_delay_s: float
) -> RehearsalCluster:
    """Start one unless it runs; what runs is kept if it is of the same configuration.

    Raises:
        InputError: if it cannot run here, or another configuration's runs.
        GoToCloudError: if it does not start.
    """
    folder = slurm_folder(state_dir)
    running = RehearsalCluster.running(folder)
    if running is None:
        return RehearsalCluster.start(folder, configuration, region, boot_delay_s=boot_delay_s)
    if (running.configuration, running.region) != (configuration, region):
        raise InputError(
            f"The Slurm in {folder} is that of {running.configuration} in {running.region}, "
            f"not of {configuration} in {region}.",
            next_command="gotocloud rehearse down",
        )
    return running


def look_at_slurm(state_dir: Path) -> dict[str, Any]:
    """What runs in a state folder: the queues and the nodes that are up."""
    cluster = RehearsalCluster.running(slurm_folder(state_dir))
    if cluster is None:
        return {"running": False}
    up = cluster.running_nodes()
    return {
        "running": True,
        "pid": cluster.pid,
        "directory": str(cluster.directory),
        "configuration": cluster.configuration,
        "region": cluster.region,
        "queues": [
            {
                "queue": queue.name,
                "instance_type": resource.instance_type,
                "nodes": resource.count,
                "running": sum(name in up for name in resource.node_names),
            }
            for queue in cluster.queues
            for resource in queue.resources
        ],
    }


@dataclass(frozen=True)
class Shown:
    """What a rehearsal of RELION came to.

    Args:
        directory: RELION's project folder.
        jobs: Every job: where it landed and how long it took, in seconds, nodes included.
        resolution_angstrom: What Refine3D reports; of a made-up molecule.
        most_ranks: MPI ranks of a job that really ran.
    """

    directory: Path
    jobs: tuple[tuple[Landed, float], ...]
    resolution_angstrom: float | None
    most_ranks: int = DEFAULT_RANKS

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "directory": str(self.directory),
            "resolution_angstrom": self.resolution_angstrom,
            "most_ranks_run": self.most_ranks,
            "jobs": [{**asdict(job), "seconds": round(seconds, 1)} for job, seconds in self.jobs],
        }


def show_relion(
    directory: Path,
    state_dir: Path,
    *,
    particles: int,
    box_px: int,
    boot_delay_s: float,
    keep_running: bool,
    progress: StepDisplay | None = None,
) -> Shown:
    """Make a dataset and run RELION on it, from the import to the sharpened map.

    Uses the Slurm of the state folder if it runs; else one is started, and ended afterwards.

    Args:
        directory: New folder for RELION's project.
        state_dir: The rehearsal's state folder.
        particles: Number of particles.
        box_px: Edge of their images in pixels.
        boot_delay_s: From a node's request to its start.
        keep_running: Whether a Slurm that was started here goes on afterwards.
        progress: Receives every step. Default: a new one on stderr.

    Raises:
        InputError: if this machine or a folder cannot be used.
        GoToCloudError: if a job does not succeed.
    """
    from gotocloud.relion.run_log import read_run_log

    if (directory / PIPELINE).exists():
        raise InputError(f"{directory} is a RELION project already; name a new folder.")
    progress = progress or StepDisplay()
    jobs: list[Landed] = []
    with ended_by_signals(), _cluster(state_dir, progress, boot_delay_s, keep_running) as cluster:
        project = Project.made(directory, cluster.environment())
        with progress.step(f"Make {particles} particles of {box_px} px in {directory}"):
            dataset = make_dataset(directory, particles, box_px)
        with progress.step("Start the nodes"):
            # A job that waits for its nodes would wait longer: see RehearsalCluster.warm.
            cluster.warm(*SHOWN_QUEUES)
        before = len(progress.steps)
        jobs.extend(project.run(dataset, progress.step))
    seconds = [step.seconds for step in progress.steps[before:]]
    refined = next(one.job for one in jobs if one.job.startswith("Refine3D/"))
    log = read_run_log(directory / refined)
    return Shown(directory, tuple(zip(jobs, seconds, strict=True)), log.final_resolution_angstrom)


@contextmanager
def _cluster(
    state_dir: Path, progress: StepDisplay, boot_delay_s: float, keep_running: bool
) -> Iterator[RehearsalCluster]:
    folder = slurm_folder(state_dir)
    running = RehearsalCluster.running(folder)
    if running:
        yield running
        return
    with progress.step("Start Slurm"):
        cluster = RehearsalCluster.start(
            folder, boot_delay_s=boot_delay_s, owner=None if keep_running else os.getpid()
        )
    try:
        yield cluster
    finally:
        if not keep_running:
            cluster.stop()

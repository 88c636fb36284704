"""Rules about pooled particles: how many a follower reads at a time."""

from __future__ import annotations

from gotocloud.findings import Severity
from gotocloud.relion.rules.model import Broken, Rule, Situation

GPU_POOL = (10, 30)
"""Pooled particles in use on GPUs."""

CPU_POOL = 3
"""Pooled particles in use on CPUs, and RELION's default."""


def _pool_on_gpu(case: Situation) -> Broken | None:
    job = case.job
    least, most = GPU_POOL
    if not (job.refines and job.uses_gpu) or least <= job.pool <= most:
        return None
    return Broken(
        f"{job.name} pools {job.pool} particles on GPUs; {least} to {most} are in use there."
    )


def _pool_on_cpu(case: Situation) -> Broken | None:
    job = case.job
    if not job.refines or job.uses_gpu or job.pool < GPU_POOL[0]:
        return None
    return Broken(f"{job.name} pools {job.pool} particles on CPUs, a GPU's number.")


_POOL = (
    "RELION's single-particle tutorial (relion.readthedocs.io): 16 to 30 on GPUs; 3dem/relion: "
    "3 by default"
)

RULES = (
    Rule(
        "pool-gpu",
        Severity.WARNING,
        "A GPU waits for the disk when few particles are read at a time; too many fill memory.",
        f"Set 'Number of pooled particles' to {GPU_POOL[0]} to {GPU_POOL[1]}.",
        _POOL,
        _pool_on_gpu,
    ),
    Rule(
        "pool-cpu",
        Severity.NOTE,
        "On CPUs pooling many particles costs memory and wins little.",
        f"Set 'Number of pooled particles' to about {CPU_POOL}.",
        _POOL,
        _pool_on_cpu,
    ),
)

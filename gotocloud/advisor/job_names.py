"""How benchmarks name jobs: the kinds of work that have times of their own; their queues."""

from __future__ import annotations

from gotocloud.cluster_configs.model import JOB_TYPES
from gotocloud.errors import InputError, unknown_name
from gotocloud.relion.job_types import RELION_JOB_TYPES, relion_job_type

VDAM = "class2d-vdam"
KINDS = {
    VDAM: "Class2D (VDAM)",
    "class2d-noalign": "Class2D (no alignment)",
    "class3d-noalign": "Class3D (no alignment)",
    "polish-training": "Polish (training)",
    "motioncorr-gpu": "MotionCorr (GPU)",
    "ctffind-gpu": "CtfFind (GPU)",
    "autopick-gpu": "AutoPick (GPU)",
    "aligntiltseries-gpu": "AlignTiltSeries (GPU)",
}
"""Kinds that are finer than RELION's types, as `relion.settings.job_kind` tells them apart."""

PREPARATION = ("motioncorr", "ctffind", "autopick", "extract", "ctfrefine", "localres", "subtract")
"""Jobs that share the queues prep-cpu and prep-gpu; each has times of its own."""

_SHARED_QUEUES = tuple(name for name in JOB_TYPES if name.startswith("prep-"))
_PRETTY = {one.name: one.folder for one in RELION_JOB_TYPES.values()} | KINDS


def job_names() -> tuple[str, ...]:
    """Every name of a job, sorted."""
    return tuple(sorted(_PRETTY))


def job_name(text: str) -> str:
    """The name of a job: "refine3d" for Refine3D, relion.refine3d and refine3d alike.

    Raises:
        InputError: if there is no such job, or if it is a queue of several.
    """
    plain = text.strip().lower()
    if plain in KINDS:
        return plain
    if plain == "vdam":
        return VDAM
    if plain in _SHARED_QUEUES:
        raise InputError(
            f"{plain!r} is a queue of several jobs, each with times of its own: "
            f"{', '.join(PREPARATION)}.",
            next_command=f"gotocloud advise {PREPARATION[0]}",
        )
    try:
        return relion_job_type(plain).name
    except InputError:
        raise unknown_name("RELION job type", text.strip(), job_names()) from None


def pretty(name: str) -> str:
    """A job's name as RELION shows it: "Refine3D"."""
    return _PRETTY.get(name, name)


def queue_of(name: str, *, on_gpu: bool = False) -> str:
    """The job type by which our queues are named.

    Args:
        name: A job's name.
        on_gpu: Whether it uses GPUs; only preparation jobs differ by that.
    """
    if name in JOB_TYPES:
        return name
    if name in ("multibody", "polish-training"):
        return {"multibody": "refine3d", "polish-training": "polish"}[name]
    return "prep-gpu" if on_gpu or name.endswith("-gpu") else "prep-cpu"

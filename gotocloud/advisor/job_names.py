"""How benchmarks name jobs: the kinds of work that have times of their own; their queues."""

from __future__ import annotations

from gotocloud.cluster_configs.model import JOB_TYPES
from gotocloud.errors import InputError, unknown_name
from gotocloud.relion.job_facts import GpuUse
from gotocloud.relion.job_types import RELION_JOB_TYPES, program_of, relion_job_type

VDAM = "class2d-vdam"

_WORDS = {"vdam": "VDAM", "noalign": "no alignment", "gpu": "GPU", "log": "LoG"}


def _kinds() -> dict[str, str]:
    """Kinds that are finer than RELION's types -> how a table shows them."""
    found = {}
    for job_type in RELION_JOB_TYPES.values():
        for program in job_type.programs:
            for kind in (program.kind, program.gpu_kind):
                if finer := kind.removeprefix(job_type.name).strip("-"):
                    words = (_WORDS.get(one, one) for one in finer.split("-"))
                    found[kind] = f"{job_type.folder} ({', '.join(words)})"
    return found


KINDS = _kinds()

PREPARATION = ("motioncorr", "ctffind", "autopick", "extract", "ctfrefine", "localres", "subtract")
"""Jobs that share the queues prep-cpu and prep-gpu; each has times of its own."""

_SHARED_QUEUES = tuple(
    name
    for name in JOB_TYPES
    if name not in {*KINDS, *(one.name for one in RELION_JOB_TYPES.values())}
)
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
    """The class of work by which a queue is chosen.

    Args:
        name: A job's name.
        on_gpu: Whether it uses GPUs; refinements do in any case.
    """
    program = program_of(name)
    if program is None:
        return name
    # A refinement is for GPUs; the other programs are by option.
    on_gpu = on_gpu or name == program.gpu_kind or program.gpu is GpuUse.FOLLOWERS
    return program.queue_for(on_gpu=on_gpu)

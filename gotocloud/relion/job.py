"""A RELION job as its `job.star` describes it, whichever version wrote the file."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from gotocloud.errors import InputError
from gotocloud.relion.job_facts import (
    GPU_TICKED,
    PARTICLE_FIELDS,
    GpuUse,
    Program,
    RelionJobType,
)
from gotocloud.relion.job_types import job_type_of_number, job_type_or_unknown
from gotocloud.relion.particles import ParticleSet, read_box, read_particles
from gotocloud.relion.star import StarError, StarFile, StarTable, named_in, read_star
from gotocloud.relion.work import Work, work_of

JOB_FILE = "job.star"
"""What RELION writes into the folder of every job."""

MOST = 100_000
"""Ranks or threads beyond which a number is a slip: no cluster has as many."""

_OF_FILES = ("particle_set", "box_px", "work")
"""Cached properties of a job that do not depend on its ranks, threads and GPUs."""

_NUMBER = re.compile(r"\s*[-+]?(\d{1,400}\.?\d{0,400}|\.\d{1,400})([eE][-+]?\d{1,9})?")
_SCHEME_VARIABLE = "$$"


@dataclass(frozen=True)
class Job:
    """One job: its folder, its type and its settings.

    The properties hide the dialects of RELION 3.1, 4 and 5: option names differ between
    them, and an option that a version lacks stands for what that version does.

    Args:
        directory: The job's folder, absolute.
        label: RELION's label with its suffixes, for example "relion.motioncorr.own".
        type: What is true of all jobs of the type.
        options: Option name -> value, as RELION wrote them.
        is_continue: Whether it continues an earlier run.
    """

    directory: Path
    label: str
    type: RelionJobType
    options: Mapping[str, str]
    is_continue: bool = False

    @property
    def name(self) -> str:
        """As RELION names it: "Class2D/job012/"."""
        return "/".join(self.directory.parts[-2:]) + "/"

    @property
    def project(self) -> Path:
        """The project folder, which every path in the settings starts from."""
        return self.directory.parent.parent

    def text(self, name: str) -> str:
        """A setting as it stands; empty where this version has no such setting."""
        return self.options.get(name, "")

    def flag(self, name: str) -> bool:
        """Whether a setting is "Yes": RELION takes everything else for no."""
        return self.text(name) == "Yes"

    def number(self, name: str, default: float | None = None) -> float:
        """A setting that is a number, read as RELION reads it.

        Raises:
            InputError: if there is no such setting and no default, or it is no number.
        """
        value = self.text(name).strip()
        if not value and default is not None:
            return default
        if value.startswith(_SCHEME_VARIABLE):
            raise InputError(
                f"{self.name}: {name} is {value!r}, a variable of a scheme that has no value yet."
            )
        if not (found := _NUMBER.match(value)):
            raise InputError(f"{self.name}: {name} is {value!r}, but must be a number.")
        return float(found[0])

    def integer(self, name: str, default: int | None = None) -> int:
        """A setting that is a whole number.

        Raises:
            InputError: if there is no such setting and no default, or it is no number.
        """
        value = self.number(name, default)
        if abs(value) > 2**53 or value != int(value):
            raise InputError(f"{self.name}: {name} is {value:g}, but must be a whole number.")
        return int(value)

    def shaped(self, *, ranks: int, threads: int, gpu_ids: str | None) -> Job:
        """The job with other numbers in its form; a field that it does not have stays away.

        Args:
            ranks: MPI ranks, the leader included.
            threads: Threads of each rank.
            gpu_ids: Which GPUs. Default: as they are.
        """
        changed = dict(self.options)
        takes = self.type.parallelism
        for name, number, possible in (
            ("nr_mpi", ranks, takes.takes_mpi),
            ("nr_threads", threads, takes.takes_threads),
        ):
            # InitialModel has no field for ranks from RELION 4 on.
            if possible and (name in changed or number > 1):
                changed[name] = str(number)
        for name in ("gpu_ids", "gpu_id"):
            if gpu_ids is not None and name in changed:
                changed[name] = gpu_ids
        made = replace(self, options=MappingProxyType(changed))
        # Its work is the same, and its files need not be read again.
        made.__dict__.update({name: vars(self)[name] for name in _OF_FILES if name in vars(self)})
        return made

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """What the scientist typed under "Additional arguments", as a shell splits it."""
        try:
            return tuple(shlex.split(self.text("other_args")))
        except ValueError:
            return tuple(self.text("other_args").split())

    @property
    def ranks(self) -> int:
        """MPI ranks, the leader included; 1 is no MPI."""
        return self._count("nr_mpi") if self.type.parallelism.takes_mpi else 1

    @property
    def threads(self) -> int:
        """Threads of each rank."""
        return self._count("nr_threads") if self.type.parallelism.takes_threads else 1

    def _count(self, name: str) -> int:
        value = self.integer(name, 1)
        if value > MOST:
            raise InputError(f"{self.name}: {name} is {value}, but can be {MOST} at most.")
        return value

    @cached_property
    def program(self) -> Program:
        """The program that RELION starts for these settings, with its facts."""
        return self.type.program(self)

    @property
    def kind(self) -> str:
        """The kind of work by which settings and benchmarks are distinguished."""
        return self.program.kind_for(on_gpu=self.uses_gpu)

    @property
    def runs_mpi(self) -> bool:
        """Whether the program for these settings can run with MPI."""
        return self.program.mpi and self.type.parallelism.takes_mpi

    @property
    def is_vdam(self) -> bool:
        """Whether it runs the VDAM algorithm of RELION 4 and 5, which has no MPI."""
        return self.program.vdam

    @property
    def refines(self) -> bool:
        """Whether `relion_refine` does the work."""
        return self.program.refines

    @property
    def splits_halves(self) -> bool:
        """Whether it refines two random halves of the data apart."""
        return self.program.halves

    @property
    def skips_alignment(self) -> bool:
        """Whether it classifies without aligning the images."""
        return not self.program.aligns

    @property
    def can_resume(self) -> bool:
        """Whether an interrupted job can go on where it was."""
        return self.type.continues or self.skips_finished

    @property
    def skips_finished(self) -> bool:
        """Whether another run leaves alone what is finished, micrograph by micrograph."""
        return self.type.skips_finished and not self.program.trains

    @property
    def requests_gpu(self) -> bool:
        """Whether its settings name a GPU, sensible or not."""
        return GPU_TICKED.holds(self) or self.uses_gpu

    @property
    def names_gpu(self) -> bool:
        """Whether its settings name a GPU, by either of the form's fields for it."""
        named = self.gpu_ids not in ("", "cpu") and "use_gpu" not in self.options
        return self.requests_gpu or named

    @property
    def uses_gpu(self) -> bool:
        """Whether the program that RELION starts for these settings runs on a GPU."""
        return self.program.gpu is not GpuUse.NONE and self.program.gpu_when.holds(self)

    @property
    def needs_python(self) -> bool:
        """Whether the program that RELION starts calls RELION's Python or network weights."""
        return self.program.python is not None and self.program.python.holds(self)

    @property
    def gpu_ids(self) -> str:
        """Which GPUs: ':' between ranks, ',' between threads; empty leaves it to RELION."""
        if "--gpu" in self.arguments:
            position = self.arguments.index("--gpu") + 1
            given = self.arguments[position] if position < len(self.arguments) else ""
            return "" if given.startswith("--") else given
        return (self.text("gpu_ids") or self.text("gpu_id")).strip().strip('"')

    @property
    def pool(self) -> int:
        """Particles of one pool: what a rank takes at a time for each thread."""
        return self.integer("nr_pool", 1)

    @property
    def padding(self) -> int:
        """How much larger than the box the reference's transform is: 1 or 2 times."""
        return 1 if self.flag("do_pad1") else self.program.padding

    @property
    def prereads(self) -> bool:
        """Whether every rank reads all its particles into memory first."""
        return self.flag("do_preread_images") or "--preread_images" in self.arguments

    @property
    def scratch(self) -> str:
        """The scratch folder that particles are copied to; empty is none."""
        if "--scratch_dir" in self.arguments[:-1]:
            return self.arguments[self.arguments.index("--scratch_dir") + 1]
        # RELION passes only one of the two on
        # (https://github.com/3dem/relion/blob/5.0.1/src/pipeline_jobs.cpp#L3242).
        return "" if self.flag("do_preread_images") else self.text("scratch_dir").strip()

    @property
    def queue_job_type(self) -> str:
        """The job type by which our queues are named (`cluster_configs.model.JOB_TYPES`)."""
        return self.program.queue_for(on_gpu=self.uses_gpu)

    @property
    def input_particles(self) -> Path | None:
        """The STAR file of the particles that it works on, if its settings lead to one."""
        try:
            return _input_particles(self)
        except StarError:
            return None

    @cached_property
    def particle_set(self) -> ParticleSet | None:
        """The content of that file; None if there is none that can be read."""
        path = self.input_particles
        try:
            return read_particles(path) if path else None
        except StarError:
            return None

    @cached_property
    def box_px(self) -> int | None:
        """Side of the particles' box in pixels; without counting the particles."""
        path = self.input_particles
        try:
            return read_box(path) if path else None
        except StarError:
            return None

    @cached_property
    def work(self) -> Work:
        """What it has to work through."""
        return work_of(self)

    @property
    def particles(self) -> int | None:
        """How many particles there are."""
        return self.particle_set.particles if self.particle_set else None


def read_job(directory: Path) -> Job:
    """The job in a folder (or the job whose `job.star` is named).

    Raises:
        InputError: if there is no `job.star`, if it is none of RELION's, or if its job
            type is unknown.
    """
    folder = directory.parent if directory.name == JOB_FILE else directory
    path = folder / JOB_FILE
    if not path.is_file():
        raise _no_job(folder)
    try:
        star = read_star(path)
        head, values = star.table("job"), star.table("joboptions_values")
    except StarError as error:
        raise InputError(
            f"{path} is not a job of RELION: {error.message}", next_command=_listing(folder)
        ) from error
    label, job_type = _type_of(head, star)
    return Job(
        directory=folder.resolve(),
        label=label,
        type=job_type,
        options=_options(values, path),
        is_continue=head.value("_rlnJobIsContinue") == "1",
    )


def _type_of(head: StarTable, star: StarFile) -> tuple[str, RelionJobType]:
    label = head.value("_rlnJobTypeLabel")
    if label is not None:
        return label, job_type_or_unknown(label, star.path.parent.parent.name)
    number = head.value("_rlnJobType")
    if number is None or not re.fullmatch(r"\d{1,4}", number):
        raise InputError(
            f"{star.path} does not state which type of job it is: neither _rlnJobTypeLabel nor "
            "_rlnJobType has a value.",
            next_command=_listing(star.path.parent),
        )
    try:
        job_type = job_type_of_number(int(number))
    except InputError:
        # Types of 3.0, and of other programs.
        job_type = job_type_or_unknown(number, star.path.parent.parent.name)
    return job_type.label, job_type


def _options(values: StarTable, path: Path) -> Mapping[str, str]:
    try:
        pairs = tuple(values.rows("_rlnJobOptionVariable", "_rlnJobOptionValue"))
    except KeyError as error:
        raise InputError(
            f"{path} is not a job of RELION: its table of options lacks {error.args[0]}."
        ) from error
    return MappingProxyType({pair[0]: pair[1] for pair in pairs})


def _input_particles(job: Job) -> Path | None:
    optimiser = job.text("fn_cont") if job.is_continue else ""
    if job.refines and not optimiser:
        # MultiBody starts from the optimiser file of a refinement.
        optimiser = job.text("fn_in").strip()
    if optimiser:
        named = named_in(job.project / optimiser, "_rlnExperimentalDataStarFile")
        return job.project / named if named else None
    counting = [*job.program.input_fields(job)]
    for option in PARTICLE_FIELDS:
        if option in counting and (name := job.text(option).strip()):
            return job.project / name
    # Subtraction without particles of its own takes those of a refinement.
    if "fn_opt" in counting and (name := job.text("fn_opt").strip()):
        named = named_in(job.project / name, "_rlnExperimentalDataStarFile")
        return job.project / named if named else None
    if name := job.text("in_optimisation").strip():
        named = named_in(job.project / name, "_rlnTomoParticlesFile")
        return job.project / named if named else None
    return None


def _no_job(folder: Path) -> InputError:
    if not folder.is_dir():
        return InputError(
            f"There is no job folder {str(folder)!r}; name one as RELION does, "
            "for example Class2D/job012, from the project folder.",
            next_command="ls -d */job*",
        )
    inside = (*folder.glob(f"*/{JOB_FILE}"), *folder.glob(f"*/*/{JOB_FILE}"))
    if jobs := sorted(str(one.parent.relative_to(folder)) for one in inside):
        return InputError(
            f"{str(folder)!r} is not a job but holds {len(jobs)} of them, for example {jobs[-1]}.",
            next_command=f"gotocloud check {shlex.quote(str(folder / jobs[-1]))}",
        )
    older = (
        " It has a run.job of RELION 3.0 or older, which is not understood."
        if (folder / "run.job").exists()
        else ""
    )
    return InputError(
        f"The folder {str(folder)!r} holds no {JOB_FILE}, so it is not a job of RELION.{older}",
        next_command=_listing(folder),
    )


def _listing(folder: Path) -> str:
    return f"ls -l {shlex.quote(str(folder))}"

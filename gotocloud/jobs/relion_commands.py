"""What RELION wrote into our template, and how its commands change for another attempt.

Source of every rule: 3dem/relion, `src/pipeline_jobs.cpp` (how a template is filled in),
`src/args.cpp` (how options are read) and `src/ml_optimiser.cpp` (`parseInitial`,
`parseContinue`) of the tags 3.1.3 and 5.0.1, read 2026-11-22.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from gotocloud.errors import InputError
from gotocloud.printed import lines_of

VERSION = "1"
_SETTING = re.compile(r"#GTC (\w+)=(.*)")
_UNFILLED = re.compile(r"XXX\w+XXX")
_BEGIN, _END = "#GTC commands", "#GTC end"
_WORD = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|`[^`]*`|\\.|[^\s"'`\\]|["'`\\])+""", re.DOTALL)
_PROGRAM = re.compile(r"`which ([\w.+-]+)`")
_CONTROL = re.compile(r"(--pipeline[_-]control[ =]+)(\S+)")

_INITIAL_FLAGS = frozenset(
    re.findall(
        r"--\w+",
        """
        --NN --auto_refine --auto_sampling --ctf --ctf_corrected_ref --ctf_intact_first_peak
        --ctf_phase_flipped --ctf_uncorrected_ref --denovo_3dref --dont_check_norm --fast_subsets
        --firstiter_cc --fix_sigma_noise --fix_sigma_offset --grad --helical_keep_tilt_prior_fixed
        --helical_symmetry_search --helix --ignore_helical_symmetry --no_init_blobs
        --only_flip_phases --sgd --sgd_skip_anneal --som --split_random_halves --stochastic_em
        --zero_mask
        """,
    )
)
_INITIAL_VALUES = frozenset(
    re.findall(
        r"--\w+",
        """
        --K --adaptive_fraction --coarse_size --fourier_mask --grad_min_resol
        --helical_exclude_resols --helical_nr_asu --helical_nstart --helical_offset_step
        --helical_rise_inistep --helical_rise_initial --helical_rise_max --helical_rise_min
        --helical_sigma_distance --helical_twist_inistep --helical_twist_initial
        --helical_twist_max --helical_twist_min --helical_z_percentage --i --incr_size
        --limit_tilt --local_symmetry --low_resol_join_halves --maskedge --model
        --nr_parts_sigma2noise --r_min_nn --random_seed --ref --ref_angpix --sampling
        --sgd_sigma2fudge_halflife --sgd_sigma2fudge_initial --som_connectivity
        --som_inactivity_threshold --som_ini_nodes --som_neighbour_pull --strict_lowres_exp --sym
        --tomograms --trajectories
        """,
    )
)
"""Options that a run from the beginning takes and a continued one does not know."""


_ONLY_WITH_MASKS = frozenset({"--ini_high"})
"""A continued run accepts it only where multi-body refinement begins."""

_NOT_WHILE_AUTOMATIC = frozenset(
    {"--healpix_order", "--psi_step", "--offset_range", "--offset_step"}
)
"""A continued automatic refinement has its own idea of these."""


@dataclass(frozen=True)
class FilledTemplate:
    """Our template as RELION filled it in for one job.

    Args:
        job: RELION's name of the job, "Class2D/job012/".
        settings: The other values of the form, by name; what RELION left open is missing.
        commands: The job's commands in order, as RELION wrote them.
    """

    job: str
    commands: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def queue(self) -> str:
        """Queue chosen in the form; may be empty."""
        return self.settings.get("queue", "")

    @property
    def extras(self) -> tuple[str, ...]:
        """The extra fields of the form, in order; one that is not filled in is empty."""
        return tuple(self.settings.get(f"extra{number}", "") for number in range(1, 10))


def parse_filled(text: str, name: str = "The script") -> FilledTemplate:
    """Read a script that RELION made from our template.

    Raises:
        InputError: if it was made from another template, or is not complete.
    """
    lines = lines_of(text)
    settings = {
        found[1]: found[2].strip()
        for line in lines
        if (found := _SETTING.fullmatch(line.strip())) and not _UNFILLED.search(found[2])
    }
    if "version" not in settings:
        raise InputError(
            f"{name} was not made from GoToCloud's template, so its settings cannot be read. "
            'In RELION\'s "Running" tab the "Standard submission script" must be the one that '
            "RELION_QSUB_TEMPLATE names.",
            next_command="echo $RELION_QSUB_TEMPLATE",
        )
    problems = []
    if settings["version"] != VERSION:
        problems.append(f"it has version {settings['version']!r}, this release reads {VERSION!r}")
    commands = _between(lines)
    if not commands:
        problems.append("there is no command in it")
    job = settings.get("job", "")
    parts = PurePosixPath(job).parts
    if len(parts) != 2 or ".." in parts or job.startswith("/"):
        problems.append(f"its job is {job!r}, which must look like 'Class2D/job012/'")
    if problems:
        raise InputError(
            f"{name} cannot be used.",
            problems=problems,
            next_command="echo $RELION_QSUB_TEMPLATE",
        )
    return FilledTemplate(job="/".join(parts) + "/", commands=commands, settings=settings)


def _between(lines: Sequence[str]) -> tuple[str, ...]:
    try:
        begin, end = lines.index(_BEGIN), lines.index(_END)
    except ValueError:
        return ()
    between = (line.strip() for line in lines[begin + 1 : end])
    return tuple(line for line in between if line and not line.startswith("#"))


def program(command: str) -> str | None:
    """RELION's program of a command, for example "relion_refine_mpi"; None for others."""
    found = _PROGRAM.match(command) or re.match(r"(relion_[\w.+-]+)", command)
    return found[1] if found else None


def controlled_from(command: str, job: str, control: str) -> str:
    """The command with its exit markers in another folder than the job's.

    RELION takes a marker in the job's folder for the end of the job, but an attempt that
    was lost is not its end.

    Args:
        command: As RELION wrote it.
        job: RELION's name of the job.
        control: The folder for the markers; it ends with a slash.
    """
    quoted = shlex.quote(control)
    moved = _CONTROL.sub(lambda found: found[1] + quoted, command)
    return moved.replace(f"{job}RELION_JOB_EXIT_", f"{control}RELION_JOB_EXIT_")


def continued(command: str, *, optimiser: str, root_before: str) -> str:
    """The command of `relion_refine` that continues from an optimiser file.

    The files that follow keep the names that RELION's pipeline expects: RELION appends
    "_ctN" to a root name that is spelled as before, so it is spelled another way.

    Args:
        command: The command from the beginning, or one that continued already.
        optimiser: The optimiser file, as seen from the project folder.
        root_before: Root name that the optimiser file states (`_rlnOutputRootName`).
    """
    words = _WORD.findall(command)
    dropped = _INITIAL_VALUES | {"--continue"}
    if "--multibody_masks" not in words:
        dropped |= _ONLY_WITH_MASKS
    if "--auto_refine" in words:
        dropped |= _NOT_WHILE_AUTOMATIC
    kept: list[str] = []
    position = 0
    while position < len(words):
        word = words[position]
        if word == "--o":
            kept += ["--o", other_spelling(words[position + 1 : position + 2], root_before)]
        elif word not in dropped and word not in _INITIAL_FLAGS:
            kept.append(word)
        position += 2 if word == "--o" or word in dropped else 1
    return " ".join([kept[0], "--continue", shlex.quote(optimiser), *kept[1:]])


def other_spelling(root: Sequence[str], before: str) -> str:
    """A root name as the command gives it, spelled otherwise than before.

    "Class2D/job012/run" and "Class2D/job012/./run" are the same files.
    """
    given = root[0] if root else before
    path = PurePosixPath(given.strip("\"'"))
    plain = str(path)
    return f"{path.parent}/./{path.name}" if plain == before else plain


def finishing(command: str) -> str:
    """The command that leaves alone what it has finished already, as RELION's "continue"."""
    return command if "--only_do_unfinished" in command else f"{command} --only_do_unfinished"

"""RELION's command lines with the ranks, threads and GPUs of a route put in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from gotocloud.formats import whole_number

MPI_PROGRAMS = frozenset(
    {
        "relion_align_tiltseries",
        "relion_autopick",
        "relion_ctf_refine",
        "relion_motion_refine",
        "relion_particle_subtract",
        "relion_postprocess",
        "relion_preprocess",
        "relion_reconstruct",
        "relion_refine",
        "relion_run_ctffind",
        "relion_run_motioncorr",
        "relion_tomo_align",
        "relion_tomo_reconstruct_particle",
        "relion_tomo_reconstruct_tomogram",
        "relion_tomo_refine_ctf",
        "relion_tomo_subtomo",
    }
)
"""Programs that RELION's form starts with and without MPI (`NAME_mpi` and `NAME`).

Source: 3dem/relion, src/pipeline_jobs.cpp of the tags 3.1.3, 4.0.1 and 5.0.1.
"""

_THREADED_ONLY = frozenset({"relion_mask_create"})
_GPU_OPTIONS = {
    "relion_python_tomo_denoise": "--gpu",
    "relion_python_dynamight": "--gpu-id",
    "relion_python_modelangelo": "-d",
}
"""How programs that are not RELION's own take their GPU (5.0.1, src/pipeline_jobs.cpp)."""
_LAUNCHERS = frozenset({"mpirun", "mpiexec", "srun"})
_RANK_OPTIONS = frozenset({"-n", "-np", "--ntasks"})
_THREAD_OPTIONS = frozenset({"--j", "--j_out"})

# A word: what a shell keeps together, quotes and backquotes included.
_WORD = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|`[^`]*`|\\.|[^\s"'`;|&<>\\])+|[;|&<>\n]+""")
# With MPI RELION writes a program in backquotes, `which relion_refine_mpi` (see the command in
# https://github.com/3dem/relion/issues/820).
_PROGRAM = re.compile(r"(?P<before>.*?)(?P<name>relion_\w+?)(?P<mpi>_mpi)?(?P<after>`?)")


class Spread(Protocol):
    """What of a route a command line shows."""

    @property
    def ranks(self) -> int:
        """MPI ranks; 1 is a program without MPI."""

    @property
    def threads(self) -> int:
        """Threads of each rank."""

    @property
    def gpus_per_node(self) -> int:
        """0 without GPU work."""

    @property
    def gpu_ids(self) -> str:
        """What `--gpu` gets."""


@dataclass(frozen=True)
class _Change:
    start: int
    end: int
    text: str


def rewritten_command(command: str, route: Spread) -> str:
    """A command line of RELION as it runs on a route.

    These parts change: the program (`relion_refine` or `relion_refine_mpi`), the number
    after `mpirun -n`, `srun -n` or `mpiexec -n`, `--j`, `--j_out` and `--gpu`. Everything
    else stays as it is, byte for byte; so do the commands of other programs on the same
    line. Options that are not there are not added: RELION leaves `--gpu` out because the
    scientist did not tick it.

    Args:
        command: What RELION puts in place of `XXXcommandXXX`.
        route: Ranks, threads and GPUs.
    """
    changes = list(_changes(command, route))
    for change in reversed(changes):
        command = command[: change.start] + change.text + command[change.end :]
    return command


def runs_mpi(command: str) -> bool:
    """Whether a command line starts a program of RELION with MPI, known here or not.

    RELION's own test is "relion_" together with "_mpi" and a backquote.
    """
    return any(
        (found := _PROGRAM.fullmatch(word[0]))
        and found["mpi"]
        and (found["after"] or found["name"] in MPI_PROGRAMS)
        for word in _WORD.finditer(command)
    )


def starts_unknown_mpi(command: str) -> bool:
    """Whether a command line starts a program of RELION with MPI that is in no table.

    Its ranks stay as they are in the command, so they must be those of the job.
    """
    return any(
        (found := _PROGRAM.fullmatch(word[0]))
        and found["mpi"]
        and found["after"]
        and found["name"] not in MPI_PROGRAMS
        for word in _WORD.finditer(command)
    )


def _changes(command: str, route: Spread) -> Iterator[_Change]:
    words = list(_WORD.finditer(command))
    launcher: re.Match[str] | None = None
    rank_number: re.Match[str] | None = None
    program: str | None = None
    for position, word in enumerate(words):
        text = word[0]
        following = words[position + 1] if position + 1 < len(words) else None
        if re.fullmatch(r"[;|&<>\n]+", text):
            launcher = rank_number = program = None
        elif program is None and text.rpartition("/")[2] in _LAUNCHERS:
            launcher = word
        elif program is None and launcher and text in _RANK_OPTIONS:
            rank_number = following
        elif program is None and (found := _program(text)):
            program = found["name"]
            yield from _program_changes(word, found, launcher, rank_number, route)
        elif program in MPI_PROGRAMS | _THREADED_ONLY and following:
            yield from _option_changes(text, following, route)
        elif program in _GPU_OPTIONS and text == _GPU_OPTIONS[program]:
            if following and not re.match(r"[-;|&<>\n]", following[0]):
                yield from _option_changes("--gpu", following, route)
            elif route.gpus_per_node and route.gpu_ids:
                # An empty field leaves the option of ModelAngelo without a value.
                yield _Change(word.end(), word.end(), f" {route.gpu_ids}")


def _program(text: str) -> re.Match[str] | None:
    found = _PROGRAM.fullmatch(text)
    return found if found and found["before"].rpartition("/")[2] in ("", "`which ") else None


def _program_changes(
    word: re.Match[str],
    found: re.Match[str],
    launcher: re.Match[str] | None,
    rank_number: re.Match[str] | None,
    route: Spread,
) -> Iterator[_Change]:
    if found["name"] not in MPI_PROGRAMS:
        return
    if launcher and route.ranks == 1:
        yield _Change(launcher.start(), word.start(), "")
    elif rank_number and whole_number(rank_number[0]) is not None:
        yield _Change(rank_number.start(), rank_number.end(), str(route.ranks))
    suffix = "_mpi" if route.ranks > 1 else ""
    yield _Change(
        word.start(), word.end(), f"{found['before']}{found['name']}{suffix}{found['after']}"
    )


def _option_changes(option: str, value: re.Match[str], route: Spread) -> Iterator[_Change]:
    if option in _THREAD_OPTIONS and whole_number(value[0]) is not None:
        yield _Change(value.start(), value.end(), str(route.threads))
    elif option == "--gpu" and route.gpus_per_node and not value[0].startswith("--"):
        quote = value[0][0] if value[0][0] in "\"'" else ""
        ids = f"{quote}{route.gpu_ids}{quote}" if quote or route.gpu_ids else '""'
        yield _Change(value.start(), value.end(), ids)

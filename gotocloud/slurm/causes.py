"""Why a job failed, below the standard sentences of Open MPI and RELION: pure text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gotocloud.printed import lines_of

_SIGNALS = {
    "4": "an instruction that its processor does not have: a build for another processor",
    "6": "it stopped itself; its own message, if any, stands above",
    "7": "a bus error: most often a full disk or a broken file",
    "9": "most often too little memory",
    "11": "a fault of the program",
    "15": "it was ended from outside",
}


@dataclass(frozen=True)
class _Cause:
    """A sentence that names a cause, and its explanation; the strongest come first."""

    pattern: re.Pattern[str]
    words: Callable[[re.Match[str]], str]


def _cause(pattern: str, words: str | Callable[[re.Match[str]], str]) -> _Cause:
    stated = words if callable(words) else lambda found: f"{words}: {_plain(found[0])}"
    return _Cause(re.compile(pattern, re.IGNORECASE | re.MULTILINE), stated)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _killed(found: re.Match[str]) -> str:
    why = _SIGNALS.get(found["signal"], "ended by a signal")
    return f"rank {found['rank']} on {found['node']} was killed (signal {found['signal']}): {why}"


_MEMORY = (
    _cause(
        r"^.*(?:custom_?allocator.*out of memory|CUDA_ERROR_OUT_OF_MEMORY|CUDA out of memory"
        r"|out of memory.*(?:GPU|device|cuda)|(?:GPU|device|cuda).*out of memory"
        # A call of CUDA, in whichever file
        # (https://github.com/3dem/relion/blob/5.0.1/src/acc/cuda/cuda_settings.h#L59).
        r"|cudaErrorMemoryAllocation|out of memory in \S+ at line \d{1,9} \(error-code).*$",
        "too little memory on a GPU",
    ),
    _cause(
        r"^.*(?:std::bad_alloc|Cannot allocate memory|oom[-_ ]?kill|Out Of Memory|MemoryError).*$",
        "too little memory on a machine",
    ),
)
_DISK = (_cause(r"^.*(?:No space left on device|Disk quota exceeded).*$", "a full disk"),)
_BUILD = (
    _cause(
        r"^.*(?:no kernel image is available|invalid device function"
        r"|PTX was compiled with an unsupported toolchain).*$",
        "a build for another GPU",
    ),
    _cause(r"^.*CUDA driver version is insufficient.*$", "a build for a newer GPU driver"),
    _cause(r"^.*(?:Illegal instruction).*$", "a build for another processor"),
)
_OTHERS = (
    _cause(
        r"There are not enough slots available[^.]*?requested by the application:\s*(?P<what>\S+)",
        lambda found: _plain(found[0]),
    ),
    _cause(
        r"process rank (?P<rank>\d{1,9}) with PID \d{1,9} on node (?P<node>\S+) exited on signal "
        r"(?P<signal>\d{1,9})",
        _killed,
    ),
    _cause(
        r"^.*(?:licen[cs]e.*(?:fail|invalid|expired|not found|denied|checkout|unavailable)"
        r"|(?:no|invalid|expired) licen[cs]e).*$",
        "no licence",
    ),
    _cause(
        r"^.*(?:error while loading shared libraries|ModuleNotFoundError|ImportError"
        r"|command not found|could not find or load).*$",
        "a program or a part of it is missing",
    ),
    _cause(r"^.*(?:No such file or directory|FileNotFoundError).*$", "a file is missing"),
)

_GENERAL = re.compile(
    r"A GPU-function failed to execute|MPI_ABORT|MPI_ERR|primary job +terminated"
    r"|mpirun (?:detected|noticed)|Open MPI|PMIX|srun: error|slurmstepd|terminate called"
    r"|exited with|with errorcode|non-zero (?:exit )?status",
    re.IGNORECASE,
)
"""Lines around every failure that do not explain this one."""


def cause_of(text: str) -> str | None:
    """Why a job failed, from its error log; None if the log does not show it."""
    for group in (_MEMORY, _BUILD, _DISK):
        if found := _last(group, text):
            return found
    if found := _own_error(text):
        return found
    return _last(_OTHERS, text) or _last_line(text)


def _last(causes: tuple[_Cause, ...], text: str) -> str | None:
    for cause in causes:
        if found := [*cause.pattern.finditer(text)]:
            return cause.words(found[-1])
    return None


def _own_error(text: str) -> str | None:
    """The last error of RELION's own that is more than its standard sentence."""
    lines = [*_lines(text)]
    for position in reversed(range(len(lines))):
        if re.search(r"\bERROR\b", lines[position]) and not _GENERAL.search(lines[position]):
            # RELION breaks the line after the word
            # (https://github.com/3dem/relion/blob/5.0.1/src/error.cpp#L62).
            stated = lines[position : position + 2] if lines[position] == "ERROR:" else ()
            if stated and any(_GENERAL.search(one) for one in stated[1:]):
                continue
            return " ".join(stated) or lines[position]
    return None


def _last_line(text: str) -> str | None:
    """The last line that is more than a frame or a standard sentence, else the last one."""
    lines = [*_lines(text)]
    explaining = [one for one in lines if not _GENERAL.search(one)]
    return next(reversed(explaining or lines), None)


def _lines(text: str) -> Iterator[str]:
    for line in lines_of(text):
        if (plain := line.strip()) and not re.fullmatch(r"[-=*_\s]+", plain):
            yield plain

"""The files that a job opens when it starts."""

from __future__ import annotations

from collections.abc import Iterator

from gotocloud.relion.job import Job

_HALVES = ("half1", "half2")


def input_files(job: Job) -> Iterator[str]:
    """Names of the files that a job's program opens, as the form has them.

    Patterns ("Movies/*.tif") stay patterns. A half map brings the other half with it: RELION
    takes its name from the first one (3dem/relion 5.0.1, src/postprocessing.cpp).
    """
    if job.is_continue and job.type.continues:
        return
    for field in job.program.inputs.split():
        option, _, flag = field.partition(":")
        if not _counts(job, flag):
            continue
        name = job.text(option).strip().strip('"')
        if not name or name == "None" or name.startswith("$$"):
            continue
        yield name
        folder, slash, file = name.rpartition("/")
        if _HALVES[0] in file:
            yield f"{folder}{slash}{file.replace(*_HALVES)}"


def _counts(job: Job, flag: str) -> bool:
    """Whether a field counts: "flag", "!flag" (unless), "~flag" (or the flag is not there)."""
    if flag.startswith("!"):
        return not job.flag(flag[1:])
    if flag.startswith("~"):
        return flag[1:] not in job.options or job.flag(flag[1:])
    return not flag or job.flag(flag)

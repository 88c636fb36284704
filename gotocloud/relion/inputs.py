"""The files that a job opens when it starts."""

from __future__ import annotations

from collections.abc import Iterator

from gotocloud.relion.job import Job

_OTHER = {"half1": "half2", "half2": "half1"}


def input_files(job: Job) -> Iterator[str]:
    """Names of the files that a job's program opens, as the form has them.

    Patterns ("Movies/*.tif") stay patterns. A half map brings the other half with it: RELION
    takes its name from the first one (3dem/relion 5.0.1, src/postprocessing.cpp, and
    src/pipeline_jobs.cpp for tomography).
    """
    if job.is_continue and job.type.continues:
        return
    for option in job.program.input_fields(job):
        name = job.text(option).strip().strip('"')
        if not name or name == "None" or name.startswith("$$"):
            continue
        yield name
        folder, slash, file = name.rpartition("/")
        if option == job.program.half_map and (half := _half_in(file)):
            yield f"{folder}{slash}{file.replace(half, _OTHER[half])}"


def _half_in(file: str) -> str | None:
    return next((half for half in _OTHER if half in file), None)

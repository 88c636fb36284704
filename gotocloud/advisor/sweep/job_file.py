"""The description of a job from which RELION makes a new one."""

from __future__ import annotations

from gotocloud.errors import InputError
from gotocloud.relion.job import Job
from gotocloud.relion.star import read_star


def job_star(job: Job) -> str:
    """A `job.star` with a job's options, in the dialect in which the job itself was written.

    Args:
        job: The job; its folder holds the file whose heading is kept.

    Raises:
        InputError: if an option holds what a STAR file cannot.
    """
    heading = read_star(job.directory / "job.star").table("job")
    if bad := [name for name, value in job.options.items() if '"' in value or "\n" in value]:
        raise InputError(f"{job.name}: {', '.join(bad)} cannot be written into a STAR file.")
    lines = ["", "# version 30001", "", "data_job", ""]
    for label, value in heading.values.items():
        lines.append(f"{label} {'0' if label == '_rlnJobIsContinue' else value}")
    lines += ["", "# version 30001", "", "data_joboptions_values", "", "loop_"]
    lines += ["_rlnJobOptionVariable #1", "_rlnJobOptionValue #2"]
    lines += [f'{name} "{value}"' for name, value in job.options.items()]
    return "\n".join([*lines, "", ""])

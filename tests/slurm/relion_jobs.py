"""RELION jobs as RELION 3.1 leaves them for a queue command: job.star and the filled template."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from gotocloud.relion.pipeline import PIPELINE_FILE, ProcessStatus, read_pipeline
from tests.needs import ROOT, need_relion

TEMPLATE = ROOT / "gotocloud" / "node" / "relion-submit-template.sh"
TYPE_NUMBERS = {
    "MotionCorr": 1,
    "Class2D": 8,
    "Class3D": 9,
    "Refine3D": 10,
    "PostProcess": 15,
    "InitialModel": 18,
    "External": 99,
}


def make_job(
    project: Path,
    name: str,
    commands: Sequence[str],
    options: Mapping[str, str] | None = None,
    *,
    is_continue: bool = False,
) -> Path:
    """Write what RELION writes before it calls its queue command.

    Args:
        project: The project folder.
        name: "Class2D/job001/".
        commands: RELION's commands without `--pipeline_control`, which every one of its own gets.
        options: Options of the job that count in a test.

    Returns:
        The filled-in script, as RELION names it to its queue command.
    """
    folder = project / name
    folder.mkdir(parents=True, exist_ok=True)
    rows = "\n".join(f'{key} "{value}"' for key, value in (options or {}).items())
    (folder / "job.star").write_text(
        "\n# version 30001\n\ndata_job\n\n"
        f"_rlnJobType {TYPE_NUMBERS[name.partition('/')[0]]}\n"
        f"_rlnJobIsContinue {int(is_continue)}\n\n\n"
        "# version 30001\n\ndata_joboptions_values\n\nloop_ \n"
        "_rlnJobOptionVariable #1 \n_rlnJobOptionValue #2 \n"
        f'do_queue "Yes" \n{rows} \n\n'
    )
    script = folder / "run_submit.script"
    script.write_text(filled(name, commands, options or {}))
    return script.relative_to(project)


def filled(name: str, commands: Sequence[str], options: Mapping[str, str]) -> str:
    """Our template as `RelionJob::saveJobSubmissionScript` fills it in."""
    controlled = [
        f"{command}  --pipeline_control {name}" if "relion_" in command else command
        for command in commands
    ]
    replaced = {
        "XXXmpinodesXXX": options.get("nr_mpi", "1"),
        "XXXthreadsXXX": options.get("nr_threads", "1"),
        "XXXnameXXX": name,
        "XXXerrfileXXX": f"{name}run.err",
        "XXXoutfileXXX": f"{name}run.out",
        "XXXqueueXXX": options.get("queuename", "automatic"),
        **{
            f"XXXextra{number}XXX": options[f"qsub_extra{number}"]
            for number in range(1, 10)
            if f"qsub_extra{number}" in options
        },
    }
    lines: list[str] = []
    for line in TEMPLATE.read_text().splitlines():
        for old, new in replaced.items():
            line = line.replace(old, new)
        lines += controlled if line == "XXXcommandXXX" else [line]
    return "\n".join(lines) + "\n\n"


def class2d(name: str, iterations: int = 8) -> list[str]:
    """RELION's command for a small Class2D of the synthetic particles."""
    return [
        f"`which relion_refine_mpi` --o {name}run --i particles.star "
        "--dont_combine_weights_via_disc --pool 3 --pad 2  --ctf  "
        f"--iter {iterations} --tau2_fudge 2 --particle_diameter 102 --K 1 --flatten_solvent  "
        "--zero_mask  --oversampling 1 --psi_step 24 --offset_range 3 --offset_step 2 --norm "
        "--scale  --j 1"
    ]


def refine3d(name: str) -> list[str]:
    """RELION's command for a small Refine3D of the synthetic particles."""
    return [
        f"`which relion_refine_mpi` --o {name}run --auto_refine --split_random_halves "
        "--i particles.star --ref reference.mrc --firstiter_cc --ini_high 40 "
        "--dont_combine_weights_via_disc --pool 10 --pad 1  --ctf --particle_diameter 102 "
        "--flatten_solvent --zero_mask --oversampling 1 --healpix_order 0 "
        "--auto_local_healpix_order 0 --offset_range 3 --offset_step 6 --sym C1 "
        "--low_resol_join_halves 40 --norm --scale  --j 1"
    ]


_PIPELINE = """
# version 30001

data_pipeline_general

_rlnPipeLineJobCounter                       2


# version 30001

data_pipeline_processes

loop_
_rlnPipeLineProcessName #1
_rlnPipeLineProcessAlias #2
_rlnPipeLineProcessType #3
_rlnPipeLineProcessStatus #4
{name}       None            8            {status}

"""


def write_pipeline(project: Path, name: str, status: int = 0) -> None:
    """RELION 3.1's pipeline of a single classification, which runs."""
    text = _PIPELINE.format(name=name, status=status)
    (project / PIPELINE_FILE).write_text(text)


def look_as_relion(project: Path) -> ProcessStatus:
    """What RELION 3.1.3's own pipeline shows after RELION has looked for ended jobs."""
    need_relion()
    subprocess.run(
        ["relion_pipeliner", "--check_job_completion"], cwd=project, capture_output=True, check=True
    )
    return read_pipeline(project)[0].status

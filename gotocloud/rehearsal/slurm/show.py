"""RELION's own pipeliner on a rehearsed cluster, from the import to the sharpened map."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gotocloud.errors import GoToCloudError, InputError, shell_line
from gotocloud.printed import lines_of
from gotocloud.rehearsal.slurm.dataset import Dataset
from gotocloud.rehearsal.slurm.movies import Movies

PIPELINE = "default_pipeline.star"
LOG = "rehearsal.log"
SCHEDULE = "rehearsal"
SUCCESS = "RELION_JOB_EXIT_SUCCESS"
_EMPTY_PIPELINE = """
# version 30001

data_pipeline_general

_rlnPipeLineJobCounter                       1

"""
_MASKCREATE_TYPE = 12
"""RELION 3.1's number of the job type."""
_CHECK_EVERY_S = 1


@dataclass(frozen=True)
class PipelineJob:
    """One job of the pipeline.

    Args:
        type: RELION's name of the job type.
        options: What is typed into its form; `{particles}` and the like stand for files.
    """

    type: str
    options: Mapping[str, str]


STEPS = (
    PipelineJob(
        "Import",
        {
            "do_raw": "No",
            "do_other": "Yes",
            "fn_in_other": "{given}",
            "node_type": "Particles STAR file (.star)",
        },
    ),
    PipelineJob(
        "Class2D",
        {
            "fn_img": "{Import}particles.star",
            "nr_classes": "3",
            "nr_iter": "3",
            "particle_diameter": "{diameter}",
            "psi_sampling": "12",
            "offset_range": "3",
            "offset_step": "2",
            "nr_pool": "10",
            "use_gpu": "Yes",
            "other_args": "--random_seed 1",
        },
    ),
    PipelineJob(
        "InitialModel",
        {
            "fn_img": "{Import}particles.star",
            "nr_classes": "1",
            "sym_name": "C1",
            "sgd_ini_iter": "2",
            "sgd_inbetween_iter": "1",
            "sgd_fin_iter": "1",
            "sgd_write_iter": "1",
            "sgd_ini_subset_size": "30",
            "sgd_fin_subset_size": "40",
            "sgd_fin_resol": "30",
            "particle_diameter": "{diameter}",
            "sampling": "30 degrees",
            "offset_range": "3",
            "offset_step": "3",
            "nr_pool": "10",
            "use_gpu": "Yes",
            "other_args": "--random_seed 1",
        },
    ),
    PipelineJob(
        "Class3D",
        {
            "fn_img": "{Import}particles.star",
            "fn_ref": "{reference}",
            "ref_correct_greyscale": "Yes",
            "ini_high": "40",
            "nr_classes": "1",
            "nr_iter": "2",
            "particle_diameter": "{diameter}",
            "sampling": "30 degrees",
            "offset_range": "3",
            "offset_step": "3",
            "nr_pool": "10",
            "use_gpu": "Yes",
            "other_args": "--random_seed 1",
        },
    ),
    PipelineJob(
        "Refine3D",
        {
            "fn_img": "{Import}particles.star",
            "fn_ref": "{reference}",
            "ref_correct_greyscale": "Yes",
            "ini_high": "40",
            "particle_diameter": "{diameter}",
            "sampling": "15 degrees",
            "offset_range": "3",
            "offset_step": "1",
            "auto_local_sampling": "7.5 degrees",
            "nr_pool": "10",
            "use_gpu": "Yes",
            "other_args": "--random_seed 1",
        },
    ),
    PipelineJob(
        "MaskCreate",
        {
            "fn_in": "{Refine3D}run_class001.mrc",
            "lowpass_filter": "20",
            "inimask_threshold": "0.005",
            "extend_inimask": "2",
            "width_mask_edge": "3",
        },
    ),
    PipelineJob(
        "PostProcess",
        {
            "fn_in": "{Refine3D}run_half1_class001_unfil.mrc",
            "fn_mask": "{MaskCreate}mask.mrc",
            "angpix": "{pixel}",
            "do_auto_bfac": "No",
            "do_adhoc_bfac": "Yes",
            "adhoc_bfac": "-10",
        },
    ),
)
"""A whole single-particle analysis, as short as RELION lets it be."""


PREPARATION = (
    PipelineJob(
        "Import",
        {
            "do_raw": "Yes",
            "fn_in_raw": "{movies}",
            "is_multiframe": "Yes",
            "angpix": "{pixel}",
            "kV": "300",
            "Cs": "2.7",
            "Q0": "0.1",
        },
    ),
    PipelineJob(
        "MotionCorr",
        {
            "input_star_mics": "{Import}movies.star",
            "do_own_motioncor": "Yes",
            "do_save_noDW": "No",
            "dose_per_frame": "1",
        },
    ),
    PipelineJob(
        "CtfFind",
        {
            "input_star_mics": "{MotionCorr}corrected_micrographs.star",
            "use_ctffind4": "Yes",
            "fn_ctffind_exe": "{ctffind}",
            "dfmin": "{least_defocus}",
            "dfmax": "{largest_defocus}",
        },
    ),
    PipelineJob(
        "AutoPick",
        {
            "fn_input_autopick": "{CtfFind}micrographs_ctf.star",
            "do_log": "Yes",
            "log_diam_min": "{smallest_diameter}",
            "log_diam_max": "{diameter}",
            "log_adjust_thr": "2",
        },
    ),
    PipelineJob(
        "Extract",
        {
            "star_mics": "{CtfFind}micrographs_ctf.star",
            "coords_suffix": "{AutoPick}coords_suffix_autopick.star",
            "extract_size": "{box}",
        },
    ),
    PipelineJob(
        "Class2D",
        {
            "fn_img": "{Extract}particles.star",
            "nr_classes": "2",
            "nr_iter": "2",
            "particle_diameter": "{diameter}",
            "psi_sampling": "12",
            "offset_range": "3",
            "offset_step": "2",
            "nr_pool": "10",
            "use_gpu": "Yes",
            "other_args": "--random_seed 1",
        },
    ),
)
"""From movies to classes, likewise."""


@dataclass(frozen=True)
class Landed:
    """Where a job ran, as Slurm reports it.

    Args:
        job: RELION's name of it.
        queue: Slurm's partition.
        nodes: Machines.
        ranks: MPI ranks that were granted; this machine runs a few of them.
        instance_type: What the machines would be.
    """

    job: str
    queue: str
    nodes: int
    ranks: int
    instance_type: str


@dataclass(frozen=True)
class Project:
    """A RELION project folder in which the pipeline runs.

    Args:
        directory: The folder; it has RELION's pipeline file.
        environment: Of a shell on the head node.
        within_s: After which a job is given up. Default: never.
    """

    directory: Path
    environment: Mapping[str, str]
    within_s: float | None = None

    @classmethod
    def made(
        cls, directory: Path, environment: Mapping[str, str], within_s: float | None = None
    ) -> Project:
        """A new one.

        Raises:
            InputError: if there is one, or RELION is not installed.
        """
        if (directory / PIPELINE).exists():
            raise InputError(f"{directory} is a RELION project already; name a new folder.")
        if not shutil.which("relion_pipeliner"):
            raise InputError(
                "RELION is not installed here; Debian and Ubuntu have it.",
                next_command="apt-get install relion",
            )
        directory.mkdir(parents=True, exist_ok=True)
        (directory / PIPELINE).write_text(_EMPTY_PIPELINE)
        return cls(directory, environment, within_s)

    def run(
        self,
        dataset: Dataset | Movies,
        step: Callable[[str], AbstractContextManager[None]],
        steps: tuple[PipelineJob, ...] = STEPS,
    ) -> Iterator[Landed]:
        """Run the steps one after the other, through RELION's pipeliner and `gotocloud submit`.

        Args:
            dataset: What they work on.
            step: Opened for every job.
            steps: Which jobs.

        Raises:
            GoToCloudError: if a job does not succeed.
        """
        shown_names = dict(dataset.names)
        for number, one in enumerate(steps, start=1):
            job = f"{one.type}/job{number:03d}/"
            with step(f"RELION: {job}"):
                self._add(
                    one, {key: value.format(**shown_names) for key, value in one.options.items()}
                )
                self._pipeliner("--RunJobs", job, "--schedule", SCHEDULE, *_CHECK)
                self._refuse_failure(job)
            shown_names[one.type] = job
            yield self.landed(job)

    def landed(self, job: str) -> Landed:
        """Where a job ran, from its record and from Slurm.

        Raises:
            GoToCloudError: if Slurm has forgotten it.
        """
        from gotocloud.slurm.submissions import load

        submission = load(self.directory / job)
        attempt = submission.latest if submission else None
        if attempt is None:
            raise GoToCloudError(f"{job} was not submitted to Slurm.")
        done = subprocess.run(
            ["scontrol", "--oneliner", "show", "job", attempt.slurm_id],
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise GoToCloudError(f"Slurm no longer lists {job}: {done.stderr.strip()}")
        stated = dict(word.split("=", 1) for word in done.stdout.split() if "=" in word)
        return Landed(
            job=job,
            queue=stated["Partition"],
            nodes=int(stated["NumNodes"].split("-")[0]),
            ranks=attempt.ranks,
            instance_type=attempt.instance_type,
        )

    def _add(self, step: PipelineJob, options: Mapping[str, str]) -> None:
        typed = ";".join(f"{name} == {value}" for name, value in options.items())
        if step.type == "MaskCreate":
            # RELION 3.1.3 takes the word for another job type; from a file it understands it.
            description = self.directory / "maskcreate_job.star"
            description.write_text(_job_star(_MASKCREATE_TYPE, options))
            self._pipeliner("--addJobFromStar", description.name, "--addJobOptions", typed)
        else:
            self._pipeliner("--addJob", step.type, "--addJobOptions", typed)

    def _pipeliner(self, *words: str) -> None:
        with (self.directory / LOG).open("ab") as log:
            log.write(f"$ {shell_line('relion_pipeliner', *words)}\n".encode())
            log.flush()
            status = self._status(words, log)
        if status != 0:
            raise GoToCloudError(
                "relion_pipeliner failed."
                if status
                else f"relion_pipeliner was not done within {self.within_s:.0f} s.",
                problems=_last_lines(self.directory / LOG),
                next_command=shell_line("less", self.directory / LOG),
            )

    def _status(self, words: Sequence[str], log: IO[bytes]) -> int | None:
        """The pipeliner's exit status; None if it was not done in time."""
        try:
            done = subprocess.run(
                ["relion_pipeliner", *words],
                cwd=self.directory,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
                timeout=self.within_s,
            )
        except subprocess.TimeoutExpired:
            return None
        return done.returncode

    def _refuse_failure(self, job: str) -> None:
        folder = self.directory / job
        if not (folder / SUCCESS).exists():
            raise GoToCloudError(
                f"{job} did not succeed.",
                problems=[*_last_lines(folder / "run.err"), *_last_lines(self.directory / LOG)],
                next_command=shell_line("less", folder / "run.out", folder / "run.err"),
            )


_CHECK = ("--sec_wait_after", str(_CHECK_EVERY_S))


def _job_star(number: int, options: Mapping[str, str]) -> str:
    values = "\n".join(f'{name} "{value}"' for name, value in options.items())
    return (
        f"\ndata_job\n\n_rlnJobType {number}\n_rlnJobIsContinue 0\n\n"
        "data_joboptions_values\n\nloop_\n_rlnJobOptionVariable\n_rlnJobOptionValue\n"
        f"{values}\n"
    )


def _last_lines(path: Path, count: int = 4) -> list[str]:
    if not path.is_file():
        return []
    return lines_of(path.read_text(errors="replace").replace("\r", "\n"))[-count:]

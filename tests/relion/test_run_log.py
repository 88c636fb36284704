"""Facts in RELION's logs: real ones of 3.1.3, and lines that need a GPU."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.relion.run_log import (
    ExitStatus,
    exit_status,
    parse_run_log,
    read_run_log,
)

LOGS = Path(__file__).parent / "logs"


def real(name: str) -> str:
    return gzip.decompress((LOGS / f"{name}.gz").read_bytes()).decode()


def test_a_classification_shows_iterations_and_resolution() -> None:
    log = parse_run_log(real("class2d.out"))
    assert (log.version, log.starts, log.ranks) == ("3.1.3", 1, 3)
    assert (log.iteration, log.iterations_done, log.iterations_total) == (3, 3, 3)
    assert log.resolution_angstrom == pytest.approx(21.3333)
    assert dict(log.hosts) == {0: "vm", 1: "vm", 2: "vm"}
    assert log.no_gain_iterations is None


def test_a_refinement_shows_that_it_converged_and_how_far_it_came() -> None:
    log = parse_run_log(real("refine3d.out"))
    assert (log.iteration, log.iterations_total) == (11, None)
    assert log.final_resolution_angstrom == pytest.approx(16.0)
    assert log.no_gain_iterations == 3
    assert all(step.complete for step in log.steps)


def test_a_program_without_mpi_counts_as_a_start() -> None:
    log = parse_run_log(real("initialmodel.out"))
    assert (log.starts, log.ranks) == (1, None)
    assert (log.iterations_done, log.iterations_total) == (10, 10)


def test_a_killed_and_continued_job_shows_what_was_repeated() -> None:
    log = parse_run_log(real("class2d-continued.out"))
    assert (log.starts, log.iterations_done) == (2, 6)
    begun = {
        start: {step.iteration for step in log.steps if step.start == start} - {None}
        for start in (1, 2)
    }
    assert begun[1] & begun[2] == {4}
    (broken,) = (step for step in log.steps if not step.complete)
    assert (broken.start, broken.name) == (1, "Expectation iteration 4 of 6")


def test_a_log_that_is_still_written_shows_the_iteration_under_way() -> None:
    whole = real("class2d.out")
    cut = whole[: whole.index("Expectation iteration 2 of 3") + 300]
    log = parse_run_log(cut)
    assert (log.iteration, log.iterations_done) == (2, 1)
    assert not log.steps[-1].complete


GPU_LOG = (
    "RELION version: 5.0.1 \n"
    " + Number of MPI processes                 = 4\n"
    " + Number of threads per MPI process       = 2\n"
    " + Leader      (0) runs on host            = refine3d-dy-x-1\n"
    " + Follower     1  runs on host            = refine3d-dy-x-1\n"
    " + Follower     2  runs on host            = refine3d-dy-x-1\n"
    " + Follower     3  runs on host            = refine3d-dy-x-2\n"
    " Thread 0 on follower 1 mapped to device 0\n"
    " Thread 1 on follower 1 mapped to device 0\n"
    " Thread 0 on follower 2 mapped to device 1\n"
    " Thread 1 on follower 2 mapped to device 0\n"
    " Thread 0 on follower 3 mapped to device 0\n"
    " Thread 1 on follower 3 mapped to device 0\n"
    "Device 0 on refine3d-dy-x-1 is split between 2 followers\n"
    " Running CPU instructions in double precision. \n"
    " Estimated memory for expectation  step > 1.5 Gb.\n"
    " Estimated memory for maximization step > 0.25 Gb.\n"
    " Auto-refine: Iteration= 7\n"
    " Auto-refine: Resolution= 4.5 (no gain for 2 iter) \n"
    " Estimated memory for expectation  step > 2.5 Gb.\n"
    " Expectation iteration 7\n"
    '000/??? sec ~~(,_,">                     [oo]'
    '\r0.50/2.00 hrs ...............~~(,_,">             [oo]'
)
"""Not from a run: put together from the wording of the sources of 5.0.1."""


def test_gpus_are_counted_by_machine_and_device_not_by_rank() -> None:
    log = parse_run_log(GPU_LOG)
    assert log.gpus == 3
    assert log.devices[2] == ("1", "0")
    assert (log.ranks, log.threads, log.starts) == (4, 2, 1)


def test_resolution_and_hours_are_read() -> None:
    log = parse_run_log(GPU_LOG)
    assert (log.resolution_angstrom, log.no_gain_iterations) == (4.5, 2)
    (step,) = log.steps
    assert (step.elapsed_s, step.expected_s, step.complete) == (1800.0, 7200.0, False)


def test_another_start_drops_the_machines_of_the_one_before() -> None:
    again = "RELION version: 5.0.1 \n + Number of MPI processes   = 3\n"
    log = parse_run_log(GPU_LOG + again)
    assert (log.starts, log.ranks, log.gpus, dict(log.hosts)) == (2, 3, 0, {})


def test_devices_of_a_job_without_mpi_are_those_of_its_threads() -> None:
    text = " Thread 0 mapped to device 0\n Thread 1 mapped to device 1\n"
    assert parse_run_log(text).devices[0] == ("0", "1")


def test_the_words_of_older_versions_are_understood() -> None:
    text = (
        " + Master  (0) runs on host            = gpulab02\n"
        " + Slave     1 runs on host            = gpulab02\n"
        " Thread 0 on slave 1 mapped to device 3\n"
    )
    log = parse_run_log(text)
    assert (dict(log.hosts), log.devices[1]) == ({0: "gpulab02", 1: "gpulab02"}, ("3",))


def test_gradient_steps_of_relion_4_and_5_are_iterations() -> None:
    line = " Gradient optimisation iteration 12 of 200 with 500 particles (Step size 0.9)\n"
    log = parse_run_log(line)
    assert (log.iteration, log.iterations_total) == (12, 200)


def test_post_processing_shows_the_final_resolution() -> None:
    log = parse_run_log("  + FINAL RESOLUTION:               3.21\n")
    assert log.final_resolution_angstrom == pytest.approx(3.21)


def test_a_job_that_has_not_begun_has_an_empty_log(tmp_path: Path) -> None:
    log = read_run_log(tmp_path)
    assert (log.starts, log.iteration, log.steps) == (0, 0, ())


@pytest.mark.parametrize("status", [one for one in ExitStatus if one is not ExitStatus.NONE])
def test_the_exit_file_states_how_a_job_ended(tmp_path: Path, status: ExitStatus) -> None:
    assert exit_status(tmp_path) is ExitStatus.NONE
    (tmp_path / f"RELION_JOB_EXIT_{status.upper()}").touch()
    assert exit_status(tmp_path) is status


@given(st.text(max_size=400))
def test_no_text_makes_the_parser_fail(text: str) -> None:
    log = parse_run_log(text)
    assert log.iterations_done <= max(log.iteration, 0)


@given(st.integers(0, 46_000))
def test_a_real_log_can_be_cut_anywhere(end: int) -> None:
    log = parse_run_log(CONTINUED[:end])
    assert 0 <= log.iterations_done <= log.iteration <= 6
    assert log.gpus == 0


CONTINUED = real("class2d-continued.out")

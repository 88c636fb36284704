"""Why a job failed is found below the standard sentences of Open MPI and RELION."""

from __future__ import annotations

import pytest

from gotocloud.slurm.causes import cause_of
from gotocloud.slurm.recovery import AttemptEvidence, AttemptOutcome, judge

FRAME = "-" * 74 + "\n"
INVOKED = "MPI_ABORT was invoked on rank 3 in communicator MPI_COMM_WORLD\nwith errorcode 1.\n"
ABORT = FRAME + INVOKED + FRAME
NOTICED = "mpirun noticed that process rank {} with PID 0 on node {} exited on signal {}.\n"
GPU_FUNCTION = (
    "ERROR: CUDA error in src/acc/acc_ml_optimiser_impl.h\n"
    "ERROR: A GPU-function failed to execute.\n"
)


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (
            FRAME + NOTICED.format(2, "n1", "9 (Killed)") + FRAME,
            "rank 2 on n1 was killed (signal 9)",
        ),
        (
            FRAME + NOTICED.format(7, "b-2", "11 (Segmentation fault)") + FRAME,
            "a fault of the program",
        ),
        (
            "terminate called after throwing an instance of 'std::bad_alloc'\n" + ABORT,
            "std::bad_alloc",
        ),
        (
            "slurmstepd: error: Detected 1 oom_kill event in StepId=4.batch.\n" + ABORT,
            "too little memory on a machine",
        ),
        (
            "CustomAllocator out of memory\n [requestedSpace: 9 B]\n" + GPU_FUNCTION + ABORT,
            "too little memory on a GPU: CustomAllocator out of memory",
        ),
        (
            "ERROR: out of memory in /src/acc/acc_ptr.h at line 612 (error-code 2)\n"
            + GPU_FUNCTION,
            "too little memory on a GPU",
        ),
        ("write: No space left on device\nERROR: no map written\n" + ABORT, "a full disk"),
        (
            "KERNEL_ERROR: no kernel image is available for execution on the device\n"
            + GPU_FUNCTION,
            "a build for another GPU",
        ),
        (
            f"{FRAME}There are not enough slots available in the system to satisfy the 40\nslots "
            f"that were requested by the application:\n\n  relion_refine_mpi\n\nEither\n{FRAME}",
            "There are not enough slots available in the system to satisfy the 40 slots",
        ),
        ("ERROR: model file is not there\n" + ABORT, "ERROR: model file is not there"),
        ("ERROR:\nreading /a.mrc\n" + GPU_FUNCTION.splitlines()[1], "ERROR: reading /a.mrc"),
        ("sh: relion_refine: command not found\n", "a program or a part of it is missing"),
        ("ModuleNotFoundError: No module named 'torch'\n", "No module named 'torch'"),
        ("write failed: No space left on device\n" + ABORT, "a full disk"),
        ("FATAL: license checkout failed for arctica\n", "no licence"),
        ("something else\n" + ABORT, "something else"),
    ],
)
def test_the_cause_is_reported(log: str, said: str) -> None:
    assert said in (cause_of(log) or "")


def test_an_empty_log_is_reported_to_be_one() -> None:
    assert cause_of(" \n") is None


STEP = "slurmstepd-n1: error: *** STEP 15.0 ON n1 CANCELLED AT 2026-11-30T03:23:09{} ***\n"


@pytest.mark.parametrize(
    ("log", "outcome"),
    [
        (STEP.format(""), AttemptOutcome.FAILED),
        (STEP.format(" DUE TO TIME LIMIT"), AttemptOutcome.FAILED),
        (STEP.format(" DUE TO NODE FAILURE"), AttemptOutcome.LOST),
        (STEP.format("").replace("STEP 15.0", "JOB 15"), AttemptOutcome.CANCELLED),
        (
            STEP.format(" DUE TO TIME LIMIT").replace("STEP 15.0", "JOB 15"),
            AttemptOutcome.TIME_LIMIT,
        ),
    ],
)
def test_the_end_of_a_step_is_not_the_end_of_the_job(log: str, outcome: AttemptOutcome) -> None:
    assert judge(AttemptEvidence(exit_status=3, started=True, log=log)).outcome is outcome

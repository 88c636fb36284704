"""Control of the rehearsal's local AWS: what Slurm of a head node shows, besides faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from local_aws import control


class Control(control.Control):
    """Controls the local AWS of a rehearsal."""

    def set_jobs(
        self,
        instance: str,
        jobs: Sequence[Mapping[str, Any]],
        *,
        partitions: Sequence[Mapping[str, Any]] = (),
        down: bool = False,
    ) -> None:
        """Set what Slurm of a head node shows.

        Args:
            instance: The head node.
            jobs: Each with `job_id`, `name`, `partition`, `state`, and what else squeue shows.
            partitions: Each with `name`.
            down: Whether its controller does not answer.
        """
        state = {"jobs": list(jobs), "partitions": list(partitions), "down": down}
        self.call("POST", f"slurm/{instance}", state)

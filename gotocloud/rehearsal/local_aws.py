"""The local AWS of a rehearsal: with ParallelCluster, prices and Slurm's commands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from gotocloud.errors import GoToCloudError, shell_line
from gotocloud.rehearsal import extension
from gotocloud.rehearsal.judge import PYTHON_VARIABLE
from local_aws import process
from local_aws.errors import EvaluatorMissingError, InTheWayError, LocalAwsError
from local_aws.process import DEFAULT_ACCOUNT, LOG

__all__ = ["DEFAULT_ACCOUNT", "DEFAULT_STATE", "LOG", "LocalAws"]

DEFAULT_STATE = Path("build/rehearsal")


def own_environment() -> dict[str, str]:
    """Variables of this program that the tools of a rehearsal need as well."""
    return {name: os.environ[name] for name in (PYTHON_VARIABLE,) if name in os.environ}


class LocalAws(process.LocalAws):
    """A running local AWS of a rehearsal."""

    @classmethod
    def start(  # type: ignore[override]  # what it adds is fixed here
        cls,
        state_dir: Path = DEFAULT_STATE,
        port: int = 0,
        *,
        account: str = DEFAULT_ACCOUNT,
        iam: bool = False,
    ) -> Self:
        """Start one in a process of its own and wait until it answers.

        Args:
            state_dir: Folder for its lock and log; made if missing.
            port: Default: a free one.
            account: The management account.
            iam: Whether requests without permission are denied.

        Raises:
            GoToCloudError: if one runs there already, or it does not come up.
        """
        with _errors_of_ours(state_dir):
            return super().start(
                state_dir,
                port,
                account=account,
                iam=iam,
                extensions=(extension.NAME,),
                environment=own_environment(),
            )

    @classmethod
    def running(cls, state_dir: Path = DEFAULT_STATE) -> Self | None:
        """The one that runs with this state folder, if any."""
        return super().running(state_dir)

    @classmethod
    def refuse_another(cls, state_dir: Path) -> None:
        """Refuse a folder in which one runs.

        Raises:
            GoToCloudError: if one does.
        """
        with _errors_of_ours(state_dir):
            super().refuse_another(state_dir)

    def wait(self) -> None:
        """Wait until one that has just been started answers.

        Raises:
            GoToCloudError: if it does not.
        """
        with _errors_of_ours(self.state_dir):
            super().wait()

    def stop(self) -> None:
        """End it; nothing to do if it has gone.

        Raises:
            GoToCloudError: if it cannot be ended.
        """
        with _errors_of_ours(self.state_dir):
            super().stop()

    def environment(self, account: str, region: str) -> dict[str, str]:
        """Environment variables that make any AWS tool act in an account, and nowhere else."""
        return {**super().environment(account, region), **own_environment()}


@contextmanager
def _errors_of_ours(state_dir: Path) -> Iterator[None]:
    """Give errors of the local AWS the form, and the next command, of this command line."""
    try:
        yield
    except LocalAwsError as error:
        following = error.next_command
        if isinstance(error, InTheWayError):
            following = shell_line("gotocloud", "rehearse", "down", "--state", state_dir)
        if isinstance(error, EvaluatorMissingError):
            following = "make env"
        raise GoToCloudError(
            error.message, problems=error.problems, next_command=following
        ) from error

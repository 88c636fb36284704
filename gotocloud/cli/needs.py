"""Parts that not every installation has, and how to get them."""

from __future__ import annotations

from importlib.util import find_spec

from gotocloud.errors import GoToCloudError


def need_rehearsal() -> None:
    """Refuse to go on where the rehearsal, or the local AWS that it runs on, is not installed.

    Raises:
        GoToCloudError: with the command that installs them.
    """
    if find_spec("gotocloud.rehearsal") is None:
        raise GoToCloudError(
            "The rehearsal is not part of this installation of gotocloud: "
            "it runs from the folder of the repository.",
            advice="Clone the repository, and type this in its folder.",
            next_command="make demo",
        )
    missing = [name for name in ("local_aws", "moto") if find_spec(name) is None]
    if missing:
        raise GoToCloudError(
            f"The rehearsal needs {' and '.join(missing)}, which this environment does not have.",
            next_command="make env",
        )


def need_repository(command: str) -> None:
    """Refuse a command that the wheel and the program of head nodes do not have.

    Raises:
        GoToCloudError: with where to run it.
    """
    if find_spec("gotocloud.cli.repository") is None:
        raise GoToCloudError(
            f"'gotocloud {command}' is not part of this installation of gotocloud: "
            "it runs from the folder of the repository.",
            advice="Clone the repository, type `make env` there, and then the command.",
        )

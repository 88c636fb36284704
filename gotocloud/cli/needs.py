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


def need_own_computer(command: str, module: str) -> None:
    """Refuse a command that the program of head nodes does not have.

    Args:
        command: As it is typed.
        module: What it needs.

    Raises:
        GoToCloudError: with where to run it.
    """
    if find_spec(module) is None:
        raise GoToCloudError(
            f"The program of head nodes has no command {command!r}: it runs on your own computer."
        )


def need_pictures() -> None:
    """Refuse to draw with a head node's program that has no library for it.

    Raises:
        GoToCloudError: with the command that publishes one which has.
    """
    if find_spec("gotocloud.advisor.figures") is None:
        from gotocloud.advisor.extras import install_command

        raise GoToCloudError(
            "This program was published without the libraries that draw pictures.",
            advice="Draw on your own computer, or publish the program with them.",
            next_command=install_command(),
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

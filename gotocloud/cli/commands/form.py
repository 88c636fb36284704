"""`gotocloud form`: RELION's form for this cluster, from the queues that it has."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gotocloud.cli.options import Json, QueuesIn, QueuesOf
from gotocloud.cli.output import narrate, print_json, suggest, table
from gotocloud.errors import GoToCloudError, InputError, shell_line
from gotocloud.files import replacing

if TYPE_CHECKING:
    from gotocloud.cluster_configs.partitions import Partition

app = typer.Typer(help="Print RELION's form for this cluster.")


@app.command(epilog='Example: eval "$(gotocloud form)"')
def form(
    show: Annotated[
        bool, typer.Option("--show", help="Show the queues as a table instead.")
    ] = False,
    as_json: Json = False,
    install: Annotated[
        Path | None, typer.Option(help="Write the form and its template to this folder.")
    ] = None,
    config: QueuesOf = None,
    region: QueuesIn = None,
) -> None:
    """Print the environment that gives RELION this cluster's queues, defaults and help texts."""
    from gotocloud.jobs.cluster import cluster_of
    from gotocloud.relion.form import FORM_NAME, TEMPLATE_NAME, form_environment, form_text

    if show + as_json + (install is not None) > 1:
        raise InputError("--show, --json and --install exclude each other.")
    cluster, problem = cluster_of(config, region)
    if problem:
        narrate(f"The queues are those of the configuration ({problem})")
    queues = cluster.partitions
    if show:
        _show(queues)
        return
    template = (install.resolve() if install else _template().parent) / TEMPLATE_NAME
    environment = form_environment(
        queues, template=str(template), head_node_cpus=None if config else os.cpu_count()
    )
    if as_json:
        print_json({"environment": environment, "queues": [_as_dict(one) for one in queues]})
    elif install is None:
        typer.echo(form_text(environment), nl=False)
    else:
        _write(template, _template_text())
        _write(template.with_name(FORM_NAME), form_text(environment))
        narrate(f"RELION's form of {len(queues)} queues is in {template.parent}.")
        suggest(f"source {shlex.quote(str(template.with_name(FORM_NAME)))}; relion")


def _show(queues: Sequence[Partition]) -> None:
    table(
        ("queue", "machines", "instance type", "vCPUs", "memory GiB", "GPUs", "GPU memory GiB"),
        [
            (
                one.name,
                f"up to {one.max_nodes}",
                one.instance_type or "unknown",
                one.vcpus,
                f"{one.memory_gib:g}",
                one.gpus or "",
                "" if one.gpu_memory_gib is None else f"{one.gpu_memory_gib:g}",
            )
            for one in queues
        ],
    )
    narrate("In RELION: Running, Queue name: automatic, or one of these.")


def _as_dict(partition: Partition) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(partition)


def _template() -> Path:
    """Where the template is, when it is not installed elsewhere."""
    from importlib.resources import files

    from gotocloud.relion.form import TEMPLATE_NAME

    return Path(str(files("gotocloud.node").joinpath(TEMPLATE_NAME)))


def _template_text() -> str:
    return _template().read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    """Write a file that is complete at any time and that every user can read."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as draft:
            draft.write_text(text, encoding="utf-8")
            draft.chmod(0o644)
    except OSError as error:
        folder = str(path.parent)
        forbidden = isinstance(error, PermissionError)
        raise GoToCloudError(
            f"{path} cannot be written: {error.strerror or error}.",
            next_command=shell_line("sudo", "gotocloud", "form", "--install", folder)
            if forbidden
            else shell_line("df", "-h", folder),
        ) from error

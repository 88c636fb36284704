"""`gotocloud cluster …`: the cluster configurations, and whether ParallelCluster takes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gotocloud.cli.completion import configurations, regions
from gotocloud.cli.needs import need_own_computer, need_rehearsal
from gotocloud.cli.options import (
    PLATFORM_FILE,
    USUAL_CONFIGURATION,
    EngineVersion,
    Json,
    PlatformFile,
)
from gotocloud.cli.output import narrate, number_of, paragraph, print_json, table
from gotocloud.errors import ExitCode, InputError, unknown_name

if TYPE_CHECKING:
    from gotocloud.cluster_configs.engine import Engine
    from gotocloud.cluster_configs.model import ClusterConfiguration, Queue
    from gotocloud.rehearsal.validation import ValidationResult

app = typer.Typer(
    no_args_is_help=True, help="List, write, print and validate cluster configurations."
)


@app.command("list", epilog="Example: gotocloud cluster list --json")
def list_(platform: PlatformFile = PLATFORM_FILE, as_json: Json = False) -> None:
    """List the cluster configurations and their queues."""
    from gotocloud.platform.configurations import configurations_beside

    configurations = list(configurations_beside(platform).values())
    if as_json:
        print_json([one.model_dump(mode="json") for one in configurations])
        return
    for one in configurations:
        paragraph(f"{one.name}, version {one.version}: {one.description}")
        rows = [_row(one, queue) for queue in one.queues]
        table(("queue", "job types", "instance types", "max. nodes"), rows)
    narrate("Every queue has a spot twin, NAME-spot. Sources of all figures: --json")


@app.command(epilog="Example: gotocloud cluster new screening --from cryoem-spa")
def new(
    name: Annotated[str, typer.Argument(help="Its name: letters, digits, hyphens.")],
    parent: Annotated[
        str,
        typer.Option(
            "--from", help="What it inherits from, and changes.", autocompletion=configurations
        ),
    ] = USUAL_CONFIGURATION,
    platform: PlatformFile = PLATFORM_FILE,
) -> None:
    """Write the file of a cluster configuration of your own, beside the platform file."""
    need_own_computer("cluster new", "gotocloud.cluster_configs.first_file")
    from gotocloud.cluster_configs.first_file import first_file
    from gotocloud.cluster_configs.model import load_configuration
    from gotocloud.files import write_file
    from gotocloud.platform.configurations import KEY, configurations_beside
    from gotocloud.yaml_files import load_block

    inherited = load_configuration(parent)
    path = platform.with_name(f"{name}.yaml")
    text = first_file(name, inherited)
    load_configuration(load_block(text, f"{name}.yaml").data)
    if path.exists() or name in configurations_beside(platform):
        where = f" ({path})" if path.exists() else ""
        raise InputError(f"There is a cluster configuration {name!r} already{where}.")
    write_file(path, text)
    paragraph(f"Wrote {path}, which inherits everything from {parent}.")
    narrate(f"To publish it, add this line to {platform}:")
    typer.echo(f"{KEY}: [{path.name}]")


@app.command(epilog="Example: gotocloud cluster schema > cluster-configuration.schema.json")
def schema() -> None:
    """Print the JSON Schema of a cluster configuration's file, for editors."""
    need_own_computer("cluster schema", "gotocloud.cluster_configs.schema")
    from gotocloud.cluster_configs.schema import configuration_schema

    print_json(configuration_schema())


@app.command(epilog="Example: gotocloud cluster versions --json")
def versions(as_json: Json = False) -> None:
    """List the versions of ParallelCluster and what differs."""
    from datetime import UTC, datetime

    from gotocloud.cluster_configs.engine import ENGINES, SUPPORT_POLICY

    today = datetime.now(UTC).date()
    engines = list(ENGINES.values())
    if as_json:
        print_json(
            [
                {
                    "version": engine.version,
                    "state": engine.state(today).value,
                    "released": engine.released,
                    "supported_until": engine.supported_until,
                    "differs": engine.differs,
                }
                for engine in engines
            ]
        )
        return
    table(
        ("version", "state", "released", "supported until", "what differs"),
        [
            (
                engine.version,
                engine.state(today),
                engine.released,
                engine.supported_until or "not recorded",
                " ".join(engine.differs),
            )
            for engine in engines
        ],
    )
    narrate(f"AWS's dates of support: {SUPPORT_POLICY}")


@app.command(epilog="Example: gotocloud cluster render cryoem-spa --region ap-northeast-1")
def render(
    name: Annotated[
        str,
        typer.Argument(
            help="Cluster configuration, or a YAML file.", autocompletion=configurations
        ),
    ],
    region: Annotated[str, typer.Option(help="AWS region.", autocompletion=regions)],
    parallelcluster: EngineVersion = None,
    platform: PlatformFile = PLATFORM_FILE,
) -> None:
    """Print the ParallelCluster configuration, with <placeholders> for what a launch decides."""
    need_own_computer("cluster render", "gotocloud.cluster_configs.renderer")
    from gotocloud.cluster_configs.engine import engine_of
    from gotocloud.cluster_configs.renderer import render as rendered
    from gotocloud.cluster_configs.renderer import to_yaml
    from gotocloud.cluster_configs.selection import select
    from gotocloud.platform.placeholders import placeholder_site
    from gotocloud.platform.zones import zone_map

    configuration, zones, engine = _all_or_every_problem(
        lambda: _configuration(name, platform),
        lambda: zone_map(platform).region(region),
        lambda: engine_of(parallelcluster),
    )
    offered = zones.best.offerings
    for queue in select(configuration, offered).left_out:
        narrate(
            f"Left out in {region}: queue {queue.name}; "
            f"none of {', '.join(queue.instance_types)} is offered in the chosen zone."
        )
    site = placeholder_site(region, engine)
    typer.echo(to_yaml(rendered(configuration, site, offered)), nl=False)


@app.command(epilog="Example: gotocloud cluster validate cryoem-spa --region us-east-1")
def validate(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Cluster configurations or YAML files. Default: all.",
            autocompletion=configurations,
        ),
    ] = None,
    region: Annotated[
        list[str] | None,
        typer.Option(
            help="AWS region, repeatable. Default: all of the zone map.", autocompletion=regions
        ),
    ] = None,
    parallelcluster: EngineVersion = None,
    platform: PlatformFile = PLATFORM_FILE,
    as_json: Json = False,
) -> None:
    """Run ParallelCluster's own validators, in a local AWS; exit code 1 if they find anything."""
    from gotocloud.cluster_configs.engine import engine_of
    from gotocloud.platform.configurations import configurations_beside
    from gotocloud.platform.zones import zone_map

    need_rehearsal()
    from gotocloud.rehearsal.validation import validate as verdicts_of

    regions = list(region or zone_map(platform).regions)
    wanted = list(names or configurations_beside(platform))
    found = _all_or_every_problem(
        *(lambda name=name: _configuration(name, platform) for name in wanted),
        *(lambda place=place: zone_map(platform).region(place) for place in regions),
        lambda: engine_of(parallelcluster),
    )
    configurations: list[ClusterConfiguration] = list(found[: len(wanted)])
    engine: Engine = found[-1]
    narrate(
        f"Checking {number_of(len(wanted), 'configuration')} in "
        f"{number_of(len(regions), 'region')} ..."
    )
    verdicts = []
    for verdict in verdicts_of(configurations, regions, engine, zone_map(platform)):
        narrate(_progress(verdict))
        verdicts.append(verdict)
    if as_json:
        print_json([_as_data(verdict) for verdict in verdicts])
    else:
        _show(verdicts)
    if not all(verdict.passed for verdict in verdicts):
        raise typer.Exit(ExitCode.FAILED)


def _configuration(name: str, platform: Path) -> ClusterConfiguration:
    """A configuration of the package or the platform, or one in a file."""
    from gotocloud.cluster_configs.model import LIST_COMMAND, load_configuration
    from gotocloud.platform.configurations import configurations_beside

    if name.endswith(".yaml"):
        return load_configuration(Path(name))
    found = configurations_beside(platform)
    if name not in found:
        raise unknown_name("cluster configuration", name, tuple(found), next_command=LIST_COMMAND)
    return found[name]


def _row(configuration: ClusterConfiguration, queue: Queue) -> tuple[str, str, str, str]:
    return (
        queue.name,
        ", ".join(configuration.served_by(queue.name)) or "those who type its name",
        ", ".join(queue.instance_types),
        ", ".join(str(choice.max_nodes) for choice in queue.choices),
    )


def _all_or_every_problem(*makers: Callable[[], Any]) -> list[Any]:
    """What every maker returns, or one error with the problems of all."""
    made = []
    errors = []
    for maker in makers:
        try:
            made.append(maker())
        except InputError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise InputError(
            "Some of what was given is unknown or cannot be used.",
            problems=[problem for one in errors for problem in (one.message, *one.problems)],
            next_command=errors[0].next_command,
        )
    return made


def _progress(verdict: ValidationResult) -> str:
    state = "ok" if verdict.passed else number_of(len(verdict.findings), "finding")
    return (
        f"  {verdict.region:<16} {verdict.configuration:<16} {verdict.form:<12}"
        f"{verdict.seconds:5.2f} s  {state}"
    )


def _show(verdicts: Sequence[ValidationResult]) -> None:
    rows = [
        (
            verdict.configuration,
            verdict.region,
            verdict.zone_id,
            verdict.form,
            "ok" if verdict.passed else "FAILED",
            len(verdict.accepted),
            ", ".join(verdict.left_out),
        )
        for verdict in verdicts
    ]
    columns = ("configuration", "region", "zone", "form", "result", "acknowledged", "left out")
    table(columns, rows)
    for verdict in verdicts:
        for message in verdict.findings:
            place = f"{verdict.configuration} in {verdict.region}, {verdict.form}"
            typer.echo(f"{place}: {message.level} {message.validator}: {message.text}")
    reasons = {(one.message.validator, one.reason) for v in verdicts for one in v.accepted}
    for validator, reason in sorted(reasons):
        narrate(f"Acknowledged {validator}: {reason}")
    failed = sum(not verdict.passed for verdict in verdicts)
    seconds = sum(verdict.seconds for verdict in verdicts)
    paragraph(f"{len(verdicts) - failed} of {len(verdicts)} passed, judged in {seconds:.1f} s.")


def _as_data(verdict: ValidationResult) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(verdict), "passed": verdict.passed}

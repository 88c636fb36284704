"""`gotocloud software …`: what the shared file system offers, and how it gets there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gotocloud.cli.needs import need_repository
from gotocloud.cli.options import PLATFORM_FILE, DryRun, Json, PlatformFile, PlatformRegions
from gotocloud.cli.output import narrate, print_json, suggest, table
from gotocloud.contract.head_node import SOFTWARE_MOUNT
from gotocloud.errors import ExitCode, shell_line

if TYPE_CHECKING:
    from gotocloud.software.catalogue import Catalogue

app = typer.Typer(
    help="List, check and publish the software on the shared file system.",
    no_args_is_help=True,
    epilog="Example: gotocloud software list",
)

CatalogueFile = Annotated[
    Path | None,
    typer.Option("--catalogue", metavar="FILE", help="Another catalogue than the one in force."),
]
Root = Annotated[
    str | None,
    typer.Option(
        "--root", metavar="DIR", help="Where the shared file system is mounted. Default: /efs."
    ),
]
Package = Annotated[str | None, typer.Argument(metavar="[PACKAGE]", help="Default: all.")]


@app.command("list", epilog="Example: gotocloud software list --json")
def list_(catalogue: CatalogueFile = None, as_json: Json = False) -> None:
    """List the programs, their versions, builds and hardware."""
    from gotocloud.cli.views import software as views

    builds = _catalogue(catalogue, None)
    if as_json:
        print_json(views.data(builds))
        return
    table(*views.programs(builds))
    if builds.families:
        table(*views.hardware(builds))
    narrate(f"Sources, read on {builds.read}, and licences: gotocloud software list --json")


@app.command(epilog="Example: gotocloud software check relion")
def check(
    package: Package = None,
    root: Root = None,
    catalogue: CatalogueFile = None,
    as_json: Json = False,
) -> None:
    """Compare the shared file system with the catalogue."""
    from gotocloud.cli.work.software import run_for_version
    from gotocloud.software.inspection import InspectionState, inspect
    from gotocloud.software.layout import Layout

    builds = _catalogue(catalogue, root)
    items = inspect(builds, Layout(Path(builds.root)), run_for_version, package=package)
    if as_json:
        print_json([item.as_dict() for item in items])
    else:
        table(
            ("what", "state", "found", "where"),
            [(item.what, str(item.state), item.text, item.path) for item in items],
        )
    faults = [
        item for item in items if item.state in (InspectionState.MISSING, InspectionState.WRONG)
    ]
    if not faults:
        narrate(f"All is there: {len(items)} promises kept under {builds.root}.")
        return
    narrate(
        f"{len(faults)} of {len(items)} promises are not kept under {builds.root}. What to build: "
        "gotocloud software spack; what to publish: gotocloud software publish"
    )
    raise typer.Exit(ExitCode.FAILED)


@app.command(epilog="Example: gotocloud software modules relion/5.0.1-sm86")
def modules(
    name: Annotated[
        str | None, typer.Argument(metavar="[MODULE]", help="Print this one. Default: the list.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Write all of them below a folder.")
    ] = None,
    root: Root = None,
    catalogue: CatalogueFile = None,
) -> None:
    """Print or write the module files for Environment Modules."""
    need_repository("software modules")
    from gotocloud.cli.repository.publishing import write_modules
    from gotocloud.errors import unknown_name
    from gotocloud.software.modules import module_files

    builds = _catalogue(catalogue, root)
    if to is not None:
        narrate(f"Wrote {write_modules(to, builds)} files below {to}.")
        suggest(shell_line("module", "use", to))
        return
    files = {
        each: text for each, text in module_files(builds).items() if not each.endswith(".modulerc")
    }
    if name is None:
        typer.echo("\n".join(sorted(files)))
        return
    if name not in files:
        raise unknown_name("module", name, tuple(files), next_command="gotocloud software modules")
    typer.echo(files[name], nl=False)


@app.command(epilog="Example: gotocloud software spack relion --to builds")
def spack(
    package: Package = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Write DIR/NAME/spack.yaml for each build."),
    ] = None,
    root: Root = None,
    catalogue: CatalogueFile = None,
) -> None:
    """Print or write Spack environments and steps by hand."""
    need_repository("software spack")
    from gotocloud.cli.repository.publishing import write_environments
    from gotocloud.software.publishing.spack import environments, recipes

    builds = _catalogue(catalogue, root)
    made = environments(builds, package)
    if to is not None:
        write_environments(to, made)
        for name in made:
            suggest(shell_line("spack", "-e", to / name, "install"))
    else:
        typer.echo("---\n".join(made.values()), nl=False)
    for name, steps in recipes(builds, package).items():
        program = builds.package(name.partition("/")[0])
        narrate(f"\n{name} is made by hand. Licence: {program.licence}")
        for step in steps:
            narrate(f"  {step}")
        narrate(f"  Note: {program.version(name.partition('/')[2]).note}")


@app.command(epilog="Example: gotocloud software publish --to /efs")
def publish(
    to: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="Where the master is mounted here.")
    ] = Path(SOFTWARE_MOUNT),
    source: Annotated[
        Path,
        typer.Option("--from", metavar="DIR", help="The repository, for its locked requirements."),
    ] = Path(),
    python: Annotated[
        str, typer.Option("--python", metavar="X.Y", help="Python of the nodes.")
    ] = "3.12",
    interpreter: Annotated[
        str | None,
        typer.Option(
            "--interpreter",
            metavar="PATH",
            help="What runs the command on nodes. Default: /usr/bin/pythonX.Y.",
        ),
    ] = None,
    extra: Annotated[
        list[str] | None,
        typer.Option("--extra", metavar="NAME", help="Pack an extra as well, such as advice."),
    ] = None,
    stage: Annotated[
        bool, typer.Option("--stage", help="Write the release, but leave the old one in force.")
    ] = False,
    copy: Annotated[
        bool, typer.Option("--copy/--no-copy", help="Copy the release to the platform's regions.")
    ] = True,
    dry_run: DryRun = False,
    platform: PlatformFile = PLATFORM_FILE,
    root: Root = None,
    catalogue: CatalogueFile = None,
    as_json: Json = False,
) -> None:
    """Publish the command line, here and in the regions."""
    need_repository("software publish")
    from gotocloud.cli.repository.publishing import publish_release
    from gotocloud.cli.repository.replication import Regions

    result = publish_release(
        to,
        source,
        _catalogue(catalogue, root),
        python=python,
        interpreter=interpreter,
        extras=extra or (),
        switch=not stage,
        dry_run=dry_run,
        regions=Regions.of(platform) if copy else Regions(()),
    )
    if as_json:
        print_json(result)
        return
    table(("what", "value"), [(key, value) for key, value in result.items() if value is not None])


@app.command(epilog="Example: gotocloud software replicate ap-northeast-1 --wait")
def replicate(
    regions: PlatformRegions = None,
    wait: Annotated[bool, typer.Option("--wait", help="Return when every copy has ended.")] = False,
    platform: PlatformFile = PLATFORM_FILE,
    as_json: Json = False,
) -> None:
    """Copy what changed on the master to the regions, now."""
    need_repository("software replicate")
    from gotocloud.cli.repository import replication

    copies = replication.replicate(platform, regions or (), wait=wait)
    if as_json:
        print_json([one.as_dict() for one in copies])
        return
    table(("region", "share"), [(one.region, one.share) for one in copies])


def _catalogue(file: Path | None, root: str | None) -> Catalogue:
    from dataclasses import replace

    from gotocloud.errors import InputError
    from gotocloud.software.in_force import catalogue_in_force
    from gotocloud.software.load import load_catalogue

    builds = load_catalogue(file) if file else catalogue_in_force()
    if root is None:
        return builds
    if not root.startswith("/"):
        raise InputError(f"--root {root!r} is not an absolute path, as nodes need one.")
    return replace(builds, root=root.rstrip("/"))

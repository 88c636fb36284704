"""`gotocloud platform`: what the management group types."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gotocloud.cli.commands.people import hand_over, invite, remove_scientist
from gotocloud.cli.commands.prove import prove
from gotocloud.cli.options import PLATFORM_FILE, DryRun, Json, PlatformFile, PlatformRegions
from gotocloud.cli.output import narrate, paragraph, print_json, suggest, table

app = typer.Typer(
    help="Check, publish, record, prove a platform (management group).",
    no_args_is_help=True,
    epilog="Example: gotocloud platform check",
)
app.command(epilog="Example: gotocloud platform prove --stage account")(prove)
app.command(epilog="Example: gotocloud platform invite scientist1")(invite)
app.command(
    "hand-over", epilog="Example: gotocloud platform hand-over apoferritin --from anna --to ben"
)(hand_over)
app.command(
    "remove-scientist", epilog="Example: gotocloud platform remove-scientist anna --successor ben"
)(remove_scientist)


@app.command(epilog="Example: gotocloud platform check --platform platform.example.yaml")
def check(platform: PlatformFile = PLATFORM_FILE, as_json: Json = False) -> None:
    """Check the platform file, and AWS quotas it meets."""
    from gotocloud.cli.views import platform as views
    from gotocloud.cli.work.platform import require_configurations
    from gotocloud.platform.load import load_platform
    from gotocloud.platform.quota_needs import quota_needs

    checked = load_platform(platform)
    require_configurations(checked, platform)
    notes = views.notes(checked, platform)
    if as_json:
        print_json(
            {
                **checked.model_dump(mode="json", by_alias=True),
                "notes": notes,
                "quotas": [need.as_dict() for need in quota_needs(checked)],
                "key_policies": views.key_policies(checked),
            }
        )
        return
    table(*views.groups_table(checked))
    for name, statements in views.key_policies(checked).items():
        narrate(f"The policy of {name}'s key needs these statements:")
        print_json(statements)
    for note in notes:
        narrate(f"Note: {note}")
    paragraph(f"{platform} is in order: {views.counted(checked)}.")


@app.command(epilog="Example: gotocloud platform plan --json")
def plan(platform: PlatformFile = PLATFORM_FILE, as_json: Json = False) -> None:
    """Show the networks of all groups and shares."""
    from gotocloud.cli.views import platform as views
    from gotocloud.platform.load import load_platform

    address_plan = views.address_plan(load_platform(platform))
    if as_json:
        print_json(address_plan)
        return
    table(*views.plan_table(address_plan))
    narrate(
        f"Pool {address_plan['pool']}: room for {address_plan['capacity']:,} groups, "
        f"next free number {address_plan['next_number'] or 'none'}."
    )


@app.command(epilog="Example: gotocloud platform schema > platform.schema.json")
def schema() -> None:
    """Print the JSON Schema of the platform file, for editors."""
    from gotocloud.platform.schema import platform_schema

    print_json(platform_schema())


@app.command(epilog="Example: gotocloud platform zones ap-northeast-1")
def zones(
    regions: Annotated[
        list[str] | None, typer.Argument(metavar="[REGION]...", help="Default: every region.")
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Ask EC2 and keep the answer beside the file.")
    ] = False,
    dry_run: DryRun = False,
    platform: PlatformFile = PLATFORM_FILE,
    as_json: Json = False,
) -> None:
    """Show which zones are used in each region, and why."""
    from gotocloud.cli.views import platform as views
    from gotocloud.cli.work.platform import refresh_zones
    from gotocloud.platform.zones import zone_map

    names = tuple(regions or ())
    found = refresh_zones(platform, names, dry_run=dry_run) if refresh else zone_map(platform)
    views.require_regions(found, names)
    shown = names or tuple(sorted(found.regions))
    if as_json:
        print_json(views.zones_data(found, shown, all_regions=not names))
        return
    table(*views.zones_table(found, shown))
    if not names:
        for name, reason in sorted(found.left_out.items()):
            narrate(f"Left out: {name}: {reason}")
    for source in views.sources(found, shown):
        narrate(f"Source: {source}.")


@app.command(epilog="Example: gotocloud platform prices us-east-1")
def prices(
    regions: PlatformRegions = None,
    refresh: Annotated[
        bool,
        typer.Option("--refresh", help="Ask AWS and keep the answer beside the file."),
    ] = False,
    dry_run: DryRun = False,
    platform: PlatformFile = PLATFORM_FILE,
    as_json: Json = False,
) -> None:
    """Show AWS's prices, their age and their sources."""
    from gotocloud.cli.work import prices as work

    if refresh:
        work.refresh(platform, regions or (), dry_run=dry_run)
        if dry_run:
            return
    work.show(platform, regions or (), as_json=as_json)


@app.command(epilog="Example: gotocloud platform cost --software-gb 200 --software-files 1000000")
def cost(
    software_gb: Annotated[
        float | None, typer.Option(metavar="GB", min=0, help="Size of the shared software.")
    ] = None,
    software_files: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Its files and folders.")
    ] = None,
    changed_gb: Annotated[
        float, typer.Option(metavar="GB", min=0, help="How much of it changes in a month.")
    ] = 0,
    read_gb: Annotated[
        float | None,
        typer.Option(metavar="GB", min=0, help="What nodes read of it, for each share and group."),
    ] = None,
    flow_log_gb: Annotated[
        float | None, typer.Option(metavar="GB", min=0, help="Flow logs of each network.")
    ] = None,
    releases_gb: Annotated[
        float | None, typer.Option(metavar="GB", min=0, help="Size of the published templates.")
    ] = None,
    platform: PlatformFile = PLATFORM_FILE,
    as_json: Json = False,
) -> None:
    """Show what the platform costs without clusters."""
    from decimal import Decimal

    from gotocloud.cli.views import platform_cost as views
    from gotocloud.costs.platform_cost import MonthlyUse, platform_cost
    from gotocloud.platform.load import load_platform

    checked = load_platform(platform)
    amounts = {
        name: None if value is None else Decimal(str(value))
        for name, value in (
            ("software_gb", software_gb),
            ("changed_gb", changed_gb),
            ("read_gb", read_gb),
            ("flow_log_gb", flow_log_gb),
            ("releases_gb", releases_gb),
        )
    }
    use = MonthlyUse(software_files=software_files, **amounts)
    lines = platform_cost(views.places_of(checked), checked.management.home_region, use)
    if as_json:
        print_json(views.data(checked, lines))
        return
    table(*views.cost_table(lines))
    for number, source in enumerate(views.sources(lines), 1):
        typer.echo(f"[{number}] {source}")
    paragraph(views.headline(lines))


@app.command(epilog="Example: AWS_PROFILE=membrane-lab gotocloud platform update")
def update(
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="Stacks that `cdk synth -o DIR` made."),
    ] = None,
    platform: PlatformFile = PLATFORM_FILE,
    as_json: Json = False,
) -> None:
    """Show what an update does; refuse what loses data."""
    from gotocloud.cli.views import update as views
    from gotocloud.cli.work import update as work
    from gotocloud.errors import GoToCloudError

    updates = work.planned_updates(platform, source)
    others = work.not_looked_at(platform, updates)
    if as_json:
        print_json({"stacks": [one.as_dict() for one in updates], "not_looked_at": others})
    else:
        table(*views.update_table(updates))
        for line in views.notes(updates, others):
            narrate(line)
    if refused := [f"{one.stack_id}: {why}" for one in updates for why in one.refusals]:
        raise GoToCloudError("This update is refused.", problems=refused)
    if command := work.deploy_command(updates):
        suggest(command)
    else:
        narrate("Nothing to do: all is up to date.")


@app.command(epilog="Example: gotocloud platform record --platform platform.yaml")
def record(
    platform: PlatformFile = PLATFORM_FILE,
    dry_run: DryRun = False,
) -> None:
    """Write the record of the management and region stacks."""
    from gotocloud.cli.work.platform import write_record

    write_record(platform, dry_run=dry_run)


@app.command(epilog="Example: gotocloud platform publish --version 1.2.0 --dry-run")
def publish(
    version: Annotated[
        str | None,
        typer.Option("--version", metavar="V", help="Default: the version of this package."),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="Templates that `cdk synth -o DIR` made."),
    ] = None,
    wheel: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What scientists install, as `make wheel` built it."),
    ] = None,
    dry_run: DryRun = False,
    platform: PlatformFile = PLATFORM_FILE,
    as_json: Json = False,
) -> None:
    """Publish templates and node scripts under a version."""
    from gotocloud import __version__
    from gotocloud.cli.work.platform import publish_release

    result = publish_release(platform, version or __version__, source, wheel=wheel, dry_run=dry_run)
    if as_json:
        print_json(result)
        return
    rows = [(file["path"], file["size"], file["sha256"], file["state"]) for file in result["files"]]
    table(("file", "bytes", "SHA-256", "state"), rows, title=result["url"])

"""The CDK app: which stacks there are, for whom, and what checks them."""

from __future__ import annotations

import sys
from pathlib import Path

import aws_cdk as cdk

from gotocloud.errors import ExitCode, GoToCloudError, InputError
from gotocloud.platform.load import load_platform, record_path
from gotocloud.platform.model import Platform
from gotocloud.platform.record import load_record, require_history
from gotocloud.platform.release import check_version
from gotocloud.platform.zones import ZoneMap, zone_map

PLATFORM_FILE = "platform.yaml"
EXAMPLE_FILE = "platform.example.yaml"


def main() -> int:
    """Synthesise what the CDK command line requests; an error is text and an exit code."""
    # CloudFormation's own rules take longer than all the rest; `-c nag=true` applies them.
    app = cdk.App(analytics_reporting=False, builtin_cloud_formation_validation=False)
    try:
        build(app)
    except GoToCloudError as error:
        sys.stderr.write(f"Error: {error}\n")
        return int(error.exit_code)
    try:
        app.synth()
    except RuntimeError as error:
        # The CDK has printed the findings of the checks; a traceback adds nothing.
        if "ValidationFailed" not in str(error):
            raise
        return int(ExitCode.FAILED)
    return int(ExitCode.DONE)


def build(app: cdk.App) -> None:
    """Put the stacks into the app that its context requests.

    Context: `platform` is the platform file; `group` selects one group's stacks, `templates`
    (a version) for the templates to publish, neither for those of the management account;
    `nag` attaches the checks.

    Raises:
        InputError: if the platform, its record or a name cannot be used.
    """
    path = _platform_path(app.node.try_get_context("platform"))
    group = app.node.try_get_context("group")
    version = app.node.try_get_context("templates")
    if group and version is not None:
        raise InputError("Give -c group=NAME or -c templates=VERSION, not both.")
    platform = load_platform(path)
    if group == "":
        raise InputError(
            "-c group= names no group. "
            f"Available: {', '.join(sorted(each.name for each in platform.groups))}."
        )
    zones = zone_map(path)
    if group:
        _add_group(app, platform, str(group), path, zones)
    elif version is not None:
        from gotocloud.platform.configurations import read_configurations
        from gotocloud.stacks.templates import add_templates

        check_version(str(version))
        add_templates(
            app,
            platform=platform,
            version=str(version),
            zones=zones,
            configurations=read_configurations(path, platform.cluster_configurations),
        )
    else:
        where = record_path(path)
        if where.exists():
            require_history(platform, load_record(where), where)
        _add_management(app, platform, zones)
    if str(app.node.try_get_context("nag")).lower() == "true":
        from gotocloud.checks import attach

        attach(app)


def _platform_path(given: object) -> Path:
    if given:
        return Path(str(given))
    if Path(PLATFORM_FILE).exists() or not Path(EXAMPLE_FILE).exists():
        return Path(PLATFORM_FILE)
    sys.stderr.write(f"There is no {PLATFORM_FILE}: using {EXAMPLE_FILE}.\n")
    return Path(EXAMPLE_FILE)


def _add_management(app: cdk.App, platform: Platform, zones: ZoneMap) -> None:
    from gotocloud.stacks.management import ManagementStack
    from gotocloud.stacks.region import RegionStack

    home = zones.region(platform.management.home_region)
    management = ManagementStack(app, "ManagementStack", platform=platform, zones=home)
    for region in platform.regions:
        share = RegionStack(
            app,
            f"RegionStack-{region}",
            platform=platform,
            region=region,
            zones=zones.region(region),
        )
        share.add_stack_dependency(management, "It reads the master's DataSync location.")


def _add_group(app: cdk.App, platform: Platform, name: str, path: Path, zones: ZoneMap) -> None:
    from gotocloud.stacks.user import UserStack

    group = platform.group(name)
    where = record_path(path)
    record = load_record(where)
    require_history(platform, record, where)
    first: cdk.Stack | None = None
    for region in group.regions:
        stack = UserStack(
            app,
            "UserStack" if region == group.home_region else f"UserStack-{region}",
            platform=platform,
            group=group,
            region=region,
            record=record,
            zones=zones.region(region),
        )
        if first:
            stack.add_stack_dependency(
                first, "It uses the account's roles, made in the first region."
            )
        else:
            first = stack

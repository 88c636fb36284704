"""What `gotocloud platform` does: refresh zones, write the record, publish."""

from __future__ import annotations

from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gotocloud.cli.output import narrate, suggest
from gotocloud.contract.releases import distribution_bucket, releases_url
from gotocloud.contract.stacks import MANAGEMENT_STACK, REGION_STACK
from gotocloud.errors import GoToCloudError, InputError, shell_line
from gotocloud.files import scratch_folder, write_file
from gotocloud.origin import keep_from_aws, stated_endpoint
from gotocloud.platform.load import load_platform, record_path
from gotocloud.platform.model import Platform
from gotocloud.platform.record import (
    Record,
    dump_record,
    load_record,
    record_from_outputs,
)

if TYPE_CHECKING:
    from gotocloud.platform.zones import ZoneMap

SCIENTISTS_LOCK = "requirements-scientists.txt"
"""The libraries of the wheel, pinned, with hashes; `make lock` writes it in the repository."""


def refresh_zones(platform_path: Path, names: tuple[str, ...], *, dry_run: bool) -> ZoneMap:
    """Ask EC2 for the offerings of some regions and keep the answer beside the platform file.

    A file that is no zone map is written again, and what it was is kept beside it.

    Returns:
        The zone map as it is now.

    Args:
        names: The regions. Default: those of the platform.

    Raises:
        InputError: if a region is unknown.
        GoToCloudError: if EC2 does not answer; nothing is written then.
    """
    from gotocloud.aws.offerings import offerings, source
    from gotocloud.aws.regions import no_region
    from gotocloud.platform.configurations import configurations_beside
    from gotocloud.platform.needs import configuration_needs
    from gotocloud.platform.zones import (
        dump_map,
        make_map,
        map_changes,
        merged,
        zone_map,
        zones_path,
    )

    if problems := [problem for name in names if (problem := no_region(name))]:
        raise InputError("These regions cannot be refreshed.", problems=problems)
    path = zones_path(platform_path)
    own = _own_zones(path)
    before = merged(zone_map(), own) if own else zone_map()
    names = names or load_platform(platform_path, zones=before).regions
    needs = configuration_needs(configurations_beside(platform_path))
    types = sorted({name for need in needs for name in need.instance_types})
    requested = {name: offerings(name, types) for name in names}
    requested_of = source(names[0])
    fresh = make_map(requested, needs, day=_today(), source=requested_of)
    changes = map_changes(before, merged(before, fresh))
    for change in changes:
        narrate(f"Changed: {change}")
    if not changes:
        narrate("No zone has changed.")
    if dry_run:
        narrate(f"Would write {path}.")
        return before
    if own is None and path.exists():
        kept = path.with_name(f"{path.name}.broken")
        path.replace(kept)
        narrate(f"The former file is kept as {kept}.")
    if own:
        now = stated_endpoint(requested_of)
        keep_from_aws(path, map(stated_endpoint, own.sources), now)
        own = own if now else own.from_aws()
    write_file(path, dump_map(merged(own, fresh) if own else fresh))
    narrate(f"Wrote {path}.")
    return merged(before, fresh)


def _own_zones(path: Path) -> ZoneMap | None:
    """The zone map beside a platform file; None when there is none that can be read."""
    from gotocloud.platform.zones import parse_map

    try:
        return parse_map(path.read_bytes().decode(), str(path))
    except FileNotFoundError:
        return None
    except (InputError, UnicodeDecodeError) as error:
        stated = "; ".join(getattr(error, "problems", ())[:3]) or "it is not text"
        narrate(f"Warning: {path} is not a zone map ({stated}); it is written again.")
        return None


def write_record(platform_path: Path, *, dry_run: bool) -> None:
    """Write the record of the deployed management and region stacks.

    Raises:
        InputError: if the platform file cannot be used or the credentials are of another
            account.
        GoToCloudError: if anything is missing or does not fit; nothing is written then.
    """
    platform = load_platform(platform_path)
    path = record_path(platform_path)
    old = _old_record(path)
    if old:
        keep_from_aws(path, [old.endpoint], _answering(platform))
    made = _read_deployed(platform, old)
    # The same content keeps its date, so that a repeated run changes no byte.
    if old and old.model_copy(update={"written": made.written}) == made:
        made = old
    text = dump_record(made)
    if dry_run:
        print(text, end="")
        return
    if path.exists() and path.read_text("utf-8") == text:
        narrate(f"Nothing to do: {path} is up to date.")
        return
    write_file(path, text)
    narrate(f"Wrote {path}. Deploy the stack of each group (cdk deploy UserStack).")
    suggest("gotocloud platform update")


def publish_release(
    platform_path: Path,
    version: str,
    source: Path | None,
    *,
    wheel: Path | None = None,
    dry_run: bool,
) -> dict[str, Any]:
    """Publish a release; returns what was done with each file.

    Args:
        source: A cloud assembly with the templates. Default: they are synthesised.
        wheel: What scientists install. Default: the release has nothing to install.

    Raises:
        GoToCloudError: if the templates are incomplete, or other content is published
            under the version already; nothing is written then.
    """
    from gotocloud.aws import releases
    from gotocloud.aws.session import require_account
    from gotocloud.contract.releases import MANIFEST
    from gotocloud.platform.release import check_version, sha256

    check_version(version)
    install = _install_files(wheel) if wheel else {}
    platform = load_platform(platform_path)
    management = platform.management
    require_account(management.account, management.home_region, "publishing")
    release = _release(platform, platform_path, version, source, install)
    bucket = distribution_bucket(management.account, management.home_region)
    plan = releases.plan_release(bucket, management.home_region, release)
    done = "would be uploaded" if dry_run else "uploaded"
    if not plan.missing:
        narrate(f"Nothing to do: release {version} is published.")
    elif not dry_run:
        releases.publish(
            bucket,
            management.home_region,
            plan,
            on_upload=lambda path: narrate(f"Uploaded {path}"),
        )
        narrate(f"Published release {version}.")
    states = dict.fromkeys(plan.present, "there already") | dict.fromkeys(plan.missing, done)
    return {
        "version": version,
        "bucket": bucket,
        "url": f"{releases_url(management.account, management.home_region)}{version}/",
        "files": [
            {
                "path": path,
                "size": len(plan.content(path)),
                "sha256": sha256(plan.content(path)),
                "state": states[path],
            }
            for path in (*sorted(release.files), MANIFEST)
        ],
    }


def require_configurations(platform: Platform, platform_path: Path) -> None:
    """Refuse a platform whose own cluster configurations cannot be published.

    Raises:
        InputError: with every problem of their files.
        GoToCloudError: with each one that cannot be had in a region of the platform.
    """
    from gotocloud.platform.configurations import read_configurations, unavailable
    from gotocloud.platform.zones import zone_map

    own = platform.cluster_configurations
    if not own:
        return
    names = {Path(one).stem for one in own}
    found = read_configurations(platform_path, own)
    chosen = {name: found[name] for name in names}
    if problems := unavailable(chosen, zone_map(platform_path), platform.regions):
        raise GoToCloudError(
            "Some cluster configurations of the platform cannot be had in all of its regions.",
            problems=problems,
            next_command=shell_line(
                "gotocloud", "platform", "zones", "--refresh", "--platform", platform_path
            ),
        )


def _install_files(wheel: Path) -> dict[str, bytes]:
    from gotocloud import __version__
    from gotocloud.platform.release import install_files

    lock = Path.cwd() / SCIENTISTS_LOCK
    try:
        return install_files(
            wheel.name, wheel.read_bytes(), lock.read_text(encoding="utf-8"), __version__
        )
    except OSError as error:
        raise InputError(
            f"{error.filename} cannot be read: {error.strerror}.", next_command="make wheel"
        ) from error


def _release(
    platform: Platform,
    platform_path: Path,
    version: str,
    source: Path | None,
    install: dict[str, bytes],
) -> Any:
    from gotocloud.aws.synthesis import read_templates, synthesise_templates
    from gotocloud.platform.configurations import read_configurations
    from gotocloud.platform.release import expected_templates, make_release

    if source is None:
        with scratch_folder("publish") as folder:
            narrate(f"Synthesising the templates of release {version} …")
            synthesise_templates(version, platform_path, folder, Path.cwd())
            templates = read_templates(folder)
    else:
        templates = read_templates(source)
    configurations = read_configurations(platform_path, platform.cluster_configurations)
    expected = expected_templates(tuple(configurations), platform.regions)
    return make_release(version, templates, node_scripts(), expected=expected, install=install)


def node_scripts() -> dict[str, bytes]:
    """The scripts that run on nodes, by file name."""
    folder = files("gotocloud.node")
    return {
        item.name: item.read_bytes()
        for item in sorted(folder.iterdir(), key=lambda item: item.name)
        if item.name != "__init__.py" and item.name.endswith((".py", ".sh"))
    }


def _read_deployed(platform: Platform, old: Record | None) -> Record:
    from gotocloud.aws.session import require_account
    from gotocloud.aws.stacks import outputs

    home = platform.management.home_region
    require_account(platform.management.account, home, "the record")
    return record_from_outputs(
        platform,
        outputs(MANAGEMENT_STACK, home),
        {region: outputs(REGION_STACK, region) for region in platform.regions},
        written=_today(),
        endpoint=_answering(platform),
        before=old,
    )


def _answering(platform: Platform) -> str:
    from gotocloud.aws.session import stand_in

    return stand_in("cloudformation", platform.management.home_region)


def _old_record(path: Path) -> Record | None:
    try:
        return load_record(path)
    except InputError:
        return None


def _today() -> date:
    return datetime.now(UTC).date()

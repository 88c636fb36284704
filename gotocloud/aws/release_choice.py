"""Which release a stack is launched from, and its template."""

from __future__ import annotations

from typing import Any

from gotocloud import __version__
from gotocloud.aws.cloud import Cloud, answer_of
from gotocloud.aws.group_facts import GroupFacts
from gotocloud.aws.releases import owned, published_paths, require_scripts, verified_template
from gotocloud.contract.group_facts import Fact
from gotocloud.contract.releases import (
    MANIFEST,
    PROJECT_TEMPLATE,
    configuration_names,
    release_key,
)
from gotocloud.contract.releases import PREFIX as RELEASES_PREFIX
from gotocloud.errors import GoToCloudError, unknown_name
from gotocloud.formats import parse_json
from gotocloud.projects.names import version_order


def choose_release(cloud: Cloud, facts: GroupFacts, wanted: str | None) -> tuple[str, str]:
    """The release to launch from, and how it was chosen.

    The newest one that is published completely; the program's own version where the account
    may not list releases.

    Args:
        wanted: A requested version.

    Raises:
        GoToCloudError: if nothing is published.
    """
    if wanted:
        return wanted, "as requested"
    s3 = cloud.client("s3", facts.releases_region)
    bucket = facts[Fact.RELEASES_BUCKET]

    def listed() -> list[str]:
        pages = s3.get_paginator("list_objects_v2").paginate(
            **owned(bucket), Prefix=f"{RELEASES_PREFIX}/", Delimiter="/"
        )
        prefixes = [it["Prefix"] for page in pages for it in page.get("CommonPrefixes", ())]
        return [prefix.split("/")[1] for prefix in prefixes]

    versions, why = answer_of(f"list the releases in {bucket}", listed)
    if versions is None:
        return __version__, f"this program's own version, because releases cannot be listed ({why})"
    approved = facts.approved_releases
    launchable = [version for version in versions if not approved or version in approved]
    for version in sorted(launchable, key=version_order, reverse=True):
        key = release_key(version, MANIFEST)
        # Bound now: the loop goes on to another key.
        found, _ = answer_of(
            f"look at s3://{bucket}/{key}",
            lambda key=key: s3.head_object(**owned(bucket), Key=key),  # type: ignore[misc]
        )
        if found is not None:
            return version, "the newest"
    raise GoToCloudError(
        f"No release is published in {bucket}"
        + (f" of those that are approved: {', '.join(approved)}." if approved else "."),
        advice="Ask the management group to publish one (gotocloud platform publish).",
    )


def require_configuration(cloud: Cloud, facts: GroupFacts, release: str, name: str) -> None:
    """Refuse a cluster configuration that a release does not have in the caller's region.

    Raises:
        InputError: with those that it has.
        GoToCloudError: if the release is not published or approved.
    """
    bucket, region = facts[Fact.RELEASES_BUCKET], facts.releases_region
    paths = published_paths(
        bucket,
        region,
        release,
        s3=cloud.client("s3", region),
        approved=facts.approved_releases,
    )
    names = configuration_names(paths, cloud.region)
    if name not in names:
        what = f"cluster configuration of release {release} in {cloud.region}"
        raise unknown_name(what, name, names, next_command="gotocloud cluster list")


def published_template(
    cloud: Cloud, facts: GroupFacts, release: str, path: str
) -> tuple[str, dict[str, Any]]:
    """URL and content of a published template that matches its manifest.

    For a cluster, the scripts that its nodes would run match it as well.

    Raises:
        GoToCloudError: if it is not published, or has been changed.
    """
    bucket, region = facts[Fact.RELEASES_BUCKET], facts.releases_region
    url, content = verified_template(
        bucket,
        region,
        release,
        path,
        url_suffix=facts.url_suffix,
        s3=cloud.client("s3", region),
        approved=facts.approved_releases,
    )
    if path != PROJECT_TEMPLATE:
        require_scripts(
            bucket,
            region,
            release,
            s3=cloud.client("s3", region),
            approved=facts.approved_releases,
        )
    template: dict[str, Any] = parse_json(content)
    return url, template

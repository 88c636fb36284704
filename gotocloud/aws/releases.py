"""Publishes releases to the distribution bucket, and proves what is launched from it.

A published version is never overwritten, and its manifest is written last: a version with
a manifest is complete. Publishing that was interrupted is finished by running it again.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from gotocloud.aws.session import ABSENT_BUCKET, ABSENT_OBJECT, client, error_code, explained
from gotocloud.contract.releases import MANIFEST, bucket_owner, release_key
from gotocloud.errors import TELL_MANAGEMENT, GoToCloudError, shell_line
from gotocloud.platform.release import (
    Release,
    expected_scripts,
    expected_sha256,
    listed_paths,
    next_version,
    sha256,
)

_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_TYPES = {
    ".json": "application/json",
    ".py": "text/x-python; charset=utf-8",
    ".sh": "text/x-shellscript; charset=utf-8",
}


@dataclass(frozen=True)
class ReleasePlan:
    """What publishing a release would do, by path, in the order of the uploads.

    Args:
        missing: What would be uploaded.
        present: What is there already with the same content.
    """

    release: Release
    missing: tuple[str, ...]
    present: tuple[str, ...]

    def content(self, path: str) -> bytes:
        """What a file of the release, or its manifest, contains."""
        return self.release.manifest if path == MANIFEST else self.release.files[path]


def plan_release(bucket: str, region: str, release: Release, *, s3: Any = None) -> ReleasePlan:
    """Compare a release with what is published under its version; changes nothing.

    Args:
        s3: S3 client. Default: that of the standard configuration.

    Raises:
        GoToCloudError: if something else is published under it already, or the bucket
            cannot be read.
    """
    s3 = s3 or client("s3", region)
    _require_bucket(s3, bucket)
    paths = (*sorted(release.files), MANIFEST)
    plan = ReleasePlan(release, paths, ())
    published = {path: _published_sha256(s3, bucket, release.version, path) for path in paths}
    _refuse_others(
        release.version,
        [path for path in paths if published[path] not in (None, sha256(plan.content(path)))],
    )
    return ReleasePlan(
        release,
        missing=tuple(path for path in paths if published[path] is None),
        present=tuple(path for path in paths if published[path] is not None),
    )


def publish(
    bucket: str,
    region: str,
    plan: ReleasePlan,
    *,
    s3: Any = None,
    on_upload: Callable[[str], None] = lambda _: None,
) -> None:
    """Upload what is missing by a plan, the manifest last.

    Raises:
        GoToCloudError: if other content was published in the meantime.
    """
    s3 = s3 or client("s3", region)
    for path in plan.missing:
        _upload(s3, bucket, plan.release.version, path, plan.content(path))
        on_upload(path)


def verified_template_url(
    bucket: str,
    region: str,
    version: str,
    path: str,
    *,
    url_suffix: str = "amazonaws.com",
    s3: Any = None,
) -> str:
    """URL of a published template, as `verified_template`."""
    return verified_template(bucket, region, version, path, url_suffix=url_suffix, s3=s3)[0]


def verified_template(
    bucket: str,
    region: str,
    version: str,
    path: str,
    *,
    url_suffix: str = "amazonaws.com",
    s3: Any = None,
    approved: Mapping[str, str] | None = None,
) -> tuple[str, bytes]:
    """URL and content of a published template whose SHA-256 is that of the manifest.

    The URL names the version of the object that was read: nothing that is put into its place
    between this and the launch is launched.

    Args:
        bucket: The distribution bucket.
        region: Its region.
        version: The published version.
        path: Path in the release, for example "project.template.json".
        approved: SHA-256 of the manifests that the group's account takes, by version. Default:
            any release.

    Raises:
        GoToCloudError: if the version is not published or approved, has no such file, or the
            file is not what was published.
    """
    s3 = s3 or client("s3", region)
    expected = expected_sha256(_manifest(s3, bucket, version, approved), path, version)
    template, object_version = _read_version(s3, bucket, version, path)
    if template is None or sha256(template) != expected:
        actual = "missing" if template is None else sha256(template)
        raise GoToCloudError(
            f"{path} of release {version} is not what was published; it is not launched.",
            problems=[f"SHA-256 in the manifest: {expected}", f"in the bucket: {actual}"],
            advice=TELL_MANAGEMENT,
        )
    # Not the endpoint of the client: scientists may launch from AWS's own URL only.
    url = f"https://{bucket}.s3.{region}.{url_suffix}/{release_key(version, path)}"
    return (f"{url}?versionId={quote(object_version)}" if object_version else url), template


def published_paths(
    bucket: str,
    region: str,
    version: str,
    *,
    s3: Any = None,
    approved: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Paths of all files of a published version, sorted.

    Args:
        approved: As of `verified_template`.

    Raises:
        GoToCloudError: if the version is not published or approved, or its manifest cannot be
            read.
    """
    return listed_paths(_manifest(s3 or client("s3", region), bucket, version, approved), version)


def require_scripts(
    bucket: str,
    region: str,
    version: str,
    *,
    s3: Any = None,
    approved: Mapping[str, str] | None = None,
) -> None:
    """Refuse a release whose node scripts are not those of its manifest.

    ParallelCluster runs what it downloads and compares it with nothing.

    Args:
        approved: As of `verified_template`.

    Raises:
        GoToCloudError: if one is missing or has been changed; names every one.
    """
    s3 = s3 or client("s3", region)
    manifest = _manifest(s3, bucket, version, approved)
    problems = []
    for path, expected in expected_scripts(manifest, version).items():
        content, _ = _read_version(s3, bucket, version, path)
        actual = "missing" if content is None else sha256(content)
        if actual != expected:
            problems.append(f"{path}: {expected} in the manifest, {actual} in the bucket")
    if problems:
        raise GoToCloudError(
            f"Scripts of release {version} are not what was published; nodes would run them as "
            "root. Nothing is launched.",
            problems=problems,
            advice=TELL_MANAGEMENT,
        )


def _manifest(s3: Any, bucket: str, version: str, approved: Mapping[str, str] | None) -> bytes:
    """The manifest of a version that is published, and approved."""
    manifest, _ = _read_version(s3, bucket, version, MANIFEST)
    if manifest is None:
        raise GoToCloudError(
            f"Release {version} is not published in {bucket}.",
            next_command=shell_line("gotocloud", "platform", "publish", "--version", version),
        )
    _require_approved(version, manifest, approved or {})
    return manifest


def _require_approved(version: str, manifest: bytes, approved: Mapping[str, str]) -> None:
    if not approved:
        return
    if version not in approved:
        raise GoToCloudError(
            f"Release {version} is not approved for your group's account. Approved: "
            f"{', '.join(approved)}.",
            advice="Leave out --release, or ask the management group to approve it.",
        )
    if approved[version] != sha256(manifest):
        raise GoToCloudError(
            f"Release {version} is not the one that was approved; it is not launched.",
            problems=[
                f"SHA-256 of its manifest in the group's account: {approved[version]}",
                f"in the bucket: {sha256(manifest)}",
            ],
            advice=TELL_MANAGEMENT,
        )


def owned(bucket: str) -> dict[str, str]:
    """A distribution bucket, and the owner that every call to S3 is to require of it."""
    owner = bucket_owner(bucket)
    return {"Bucket": bucket, **({"ExpectedBucketOwner": owner} if owner else {})}


def _require_bucket(s3: Any, bucket: str) -> None:
    with explained(f"look at bucket {bucket}"):
        try:
            s3.head_bucket(**owned(bucket))
        except s3.exceptions.ClientError as error:
            if error_code(error) not in ABSENT_BUCKET:
                raise
            raise GoToCloudError(
                f"There is no distribution bucket {bucket}.",
                next_command="cdk deploy ManagementStack",
            ) from None


def _published_sha256(s3: Any, bucket: str, version: str, path: str) -> str | None:
    key = release_key(version, path)
    with explained(f"look at s3://{bucket}/{key}"):
        try:
            head = s3.head_object(**owned(bucket), Key=key, ChecksumMode="ENABLED")
        except s3.exceptions.ClientError as error:
            if error_code(error) in ABSENT_OBJECT:
                return None
            raise
    if checksum := head.get("ChecksumSHA256"):
        return base64.b64decode(checksum).hex()
    content = read_published(s3, bucket, version, path)
    return None if content is None else sha256(content)


def read_published(s3: Any, bucket: str, version: str, path: str) -> bytes | None:
    """The newest content of a published file; None if it is absent.

    Raises:
        GoToCloudError: if S3 does not answer.
    """
    return _read_version(s3, bucket, version, path)[0]


def _read_version(s3: Any, bucket: str, version: str, path: str) -> tuple[bytes | None, str]:
    """What an object holds, and the id of the version that was read; no content if absent."""
    key = release_key(version, path)
    with explained(f"read s3://{bucket}/{key}"):
        try:
            answer = s3.get_object(**owned(bucket), Key=key)
            content: bytes = answer["Body"].read()
        except s3.exceptions.ClientError as error:
            if error_code(error) in ABSENT_OBJECT:
                return None, ""
            raise
    found = answer.get("VersionId") or ""
    # What was put before a bucket kept versions has the version "null", which no URL can name.
    return content, "" if found == "null" else found


def _upload(s3: Any, bucket: str, version: str, path: str, content: bytes) -> None:
    key = release_key(version, path)
    suffix = path[path.rindex(".") :]
    with explained(f"upload s3://{bucket}/{key}"):
        try:
            s3.put_object(
                **owned(bucket),
                Key=key,
                Body=content,
                ContentType=_TYPES.get(suffix, "application/octet-stream"),
                ServerSideEncryption="AES256",
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=base64.b64encode(bytes.fromhex(sha256(content))).decode(),
                IfNoneMatch="*",
            )
        except s3.exceptions.ClientError as error:
            if error_code(error) not in _TAKEN:
                raise
            # Another publication at the same time is fine, if it is the same:
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
            if _published_sha256(s3, bucket, version, path) != sha256(content):
                _refuse_others(version, [path])


def _refuse_others(version: str, paths: list[str]) -> None:
    if paths:
        raise GoToCloudError(
            f"Release {version} has been published with other content; "
            "a published version is never overwritten.",
            problems=[f"{path} differs" for path in paths],
            advice="Publish it under the next version.",
            next_command=shell_line(
                "gotocloud", "platform", "publish", "--version", next_version(version)
            ),
        )

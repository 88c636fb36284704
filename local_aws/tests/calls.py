"""Requests as boto3 writes them, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from werkzeug.test import EnvironBuilder

from local_aws.iam.callers import Caller, Session
from local_aws.iam.evaluator import NamedPolicy
from local_aws.iam.wire import Call, read_call

ACCOUNT = "222222222222"
REGION = "eu-west-1"
ACCESS_KEY = "AKIA0123456789ABCDEF"
ENDPOINT = "http://localhost:5000"


class _StoppedError(Exception):
    """The request has been seen and goes no further."""


def sent(
    service: str, operation: str, *, key: str = ACCESS_KEY, **parameters: Any
) -> dict[str, Any]:
    """The WSGI environment of the request that boto3 would send, signed with the secret `none`."""
    seen: list[Any] = []
    client = boto3.Session().client(
        service,  # type: ignore[call-overload]  # the stubs know literal names only
        region_name=REGION,
        endpoint_url=ENDPOINT,
        aws_access_key_id=key,
        aws_secret_access_key="none",
        config=Config(s3={"addressing_style": "path"}),
    )

    def stop(request: Any, **_: Any) -> None:
        seen.append(request)
        raise _StoppedError

    client.meta.events.register("before-send", stop)
    try:
        getattr(client, operation)(**parameters)
    except _StoppedError:
        return _environ(seen[0])
    raise AssertionError(f"boto3 sent nothing for {operation}")


def _environ(request: Any) -> dict[str, Any]:
    parts = urlsplit(request.url)
    body = request.body if isinstance(request.body, str | bytes | None) else request.body.read()
    headers = {
        name: value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
    }
    made = EnvironBuilder(
        method=request.method,
        base_url=ENDPOINT,
        path=parts.path,
        query_string=parts.query,
        headers=headers,
        data=body or b"",
    ).get_environ()
    made["RAW_URI"] = request.url.removeprefix(ENDPOINT)
    return made


def call(service: str, operation: str, **parameters: Any) -> Call:
    """What is read from the request that boto3 would send."""
    return read_call(sent(service, operation, **parameters))


def user(name: str = "alice", *policies: NamedPolicy, mfa: bool | None = None) -> Caller:
    """An IAM user; with its own session if it is said whether there is MFA."""
    arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
    session = None
    if mfa is not None:
        now = datetime.now(UTC)
        session = Session(
            ACCOUNT, name, False, "", now, now + timedelta(hours=1), mfa=now if mfa else None
        )
    return Caller(
        ACCOUNT,
        arn,
        arn,
        "User",
        user_id=f"AIDA{name}",
        user_name=name,
        identity=policies,
        session=session,
    )


class StubFacts:
    """Facts that a test states."""

    def __init__(
        self,
        *,
        buckets: Mapping[str, str] | None = None,
        tags: Mapping[str, Mapping[str, str]] | None = None,
        stacks: Mapping[str, str] | None = None,
        arns: Mapping[str, str] | None = None,
        policies: Mapping[str, str] | None = None,
        launch_templates: Mapping[str, Mapping[str, Any]] | None = None,
        peerings: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        self._buckets = buckets or {}
        self._tags = tags or {}
        self._stacks = stacks or {}
        self._arns = arns or {}
        self._policies = policies or {}
        self._launch_templates = launch_templates or {}
        self._peerings = peerings or {}

    def bucket_owner(self, bucket: str) -> str | None:
        """Account of a bucket."""
        return self._buckets.get(bucket)

    def object_exists(self, _bucket: str, _key: str) -> bool:
        """Whether a bucket has an object."""
        return True

    def tags(self, arn: str) -> Mapping[str, str]:
        """Tags of a resource."""
        return self._tags.get(arn, {})

    def resource_policy(self, arn: str) -> NamedPolicy | None:
        """The policy of a resource."""
        return NamedPolicy(arn, self._policies[arn]) if arn in self._policies else None

    def trust_policy(self, arn: str) -> NamedPolicy | None:
        """Who may assume a role."""
        return self.resource_policy(arn)

    def stack_arn(self, _account: str, _region: str, name: str) -> str | None:
        """ARN of a stack."""
        return self._stacks.get(name)

    def secret_arn(self, _account: str, _region: str, name: str) -> str | None:
        """ARN of a secret."""
        return self._arns.get(name)

    def iam_arn(self, _account: str, kind: str, name: str) -> str | None:
        """ARN of a user, role or group."""
        return self._arns.get(f"{kind}/{name}")

    def role_boundary(self, _account: str, name: str) -> str | None:
        """Boundary of a role."""
        return self._arns.get(f"boundary of {name}")

    def profile_roles(self, _account: str, profile: str) -> tuple[str, ...]:
        """Roles of an instance profile."""
        found = self._arns.get(f"instance-profile/{profile}")
        return (found,) if found else ()

    def key_arn(self, _account: str, _region: str, key: str) -> str | None:
        """ARN of a KMS key."""
        return self._arns.get(key)

    def related_arn(self, _account: str, _region: str, identifier: str) -> str | None:
        """ARN behind the id of an association."""
        return self._arns.get(identifier)

    def peered_vpcs(self, _account: str, _region: str, peering: str) -> tuple[str, ...]:
        """ARNs of the VPCs of a peering: the requester's, the accepter's."""
        return self._peerings.get(peering, ())

    def launch_template(
        self, _account: str, _region: str, named: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """What a launch template says."""
        return self._launch_templates.get(named["LaunchTemplateName"], {})

"""Where a stack is deployed, and how its resources speak to the local AWS."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from local_aws.authentication.keys import ADMINISTRATOR_KEY

ACCOUNT_HEADER = "x-moto-account-id"
"""moto's own: the account that a request is for."""
INTERNAL_HEADER = "x-local-aws-internal"
"""On requests that the local AWS makes to itself; injected faults spare them."""
ACTING_HEADER = "x-local-aws-acting"
"""On requests that CloudFormation makes for a stack: ARN of its service role, or the access key of
the one who called; IAM judges them so."""
ASSUMING_SERVICE_HEADER = "x-local-aws-assuming-service"
"""On AssumeRole, when a service such as Lambda takes the role of what it runs."""
CALLER_HEADER = "x-local-aws-caller"
"""Set by the guard: the access key of the one who calls, or the role that CloudFormation calls
with. Without a service role, a stack's resources are made with these permissions."""
INTERNAL_HEADERS = (
    ACCOUNT_HEADER,
    INTERNAL_HEADER,
    ACTING_HEADER,
    ASSUMING_SERVICE_HEADER,
    CALLER_HEADER,
)
"""Only the run's own key may send them."""


def in_environ(header: str) -> str:
    """The name of a header in a WSGI environment."""
    return f"HTTP_{header.upper().replace('-', '_')}"


@dataclass(frozen=True)
class Endpoint:
    """A running local AWS.

    Args:
        url: Where it listens.
        secret: The secret of its run, with which everything may be done in it.
    """

    url: str
    secret: str = field(default="", repr=False)


_sessions = threading.local()
_clients: dict[tuple[str, str, str, Endpoint, str], Any] = {}
_clients_lock = threading.Lock()
_serving = threading.Event()


def serve_here() -> None:
    """This process is the local AWS from now on: its requests are its own."""
    _serving.set()


def client(service: str, account: str, region: str, endpoint: Endpoint, acting: str = "") -> Any:
    """A boto3 client that acts in one account of the local AWS.

    The account travels in a header, as moto offers, so no role has to be assumed.

    Args:
        acting: With whose permissions it works, a role's ARN or an access key.
            Default: everything is allowed.
    """
    key = (service, account, region, endpoint, acting)
    with _clients_lock:
        if key not in _clients:
            _clients[key] = _new_client(*key)
        return _clients[key]


def _new_client(
    service: str, account: str, region: str, endpoint: Endpoint, acting: str = ""
) -> Any:
    from botocore.config import Config

    if "session" not in _sessions.__dict__:
        _sessions.session = session_without_profile()
    made = _sessions.session.client(
        service,
        region_name=region,
        endpoint_url=endpoint.url,
        aws_access_key_id=ADMINISTRATOR_KEY,
        aws_secret_access_key=endpoint.secret,
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )

    def name_the_account(request: Any, **_: Any) -> None:
        request.headers[ACCOUNT_HEADER] = account
        if acting:
            request.headers[ACTING_HEADER] = acting
        if _serving.is_set():
            request.headers[INTERNAL_HEADER] = "1"

    made.meta.events.register("before-sign", name_the_account)
    return made


def session_without_profile() -> Any:
    """A session that reads no profile, whatever the caller's environment names."""
    import boto3
    from botocore.session import Session

    unread = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    core = Session(session_vars=unread)
    core.register_component("data_loader", _models())
    return boto3.Session(botocore_session=core)


@cache
def _models() -> Any:
    """One reader of the services' descriptions for all sessions, because it keeps what it read."""
    from botocore.loaders import create_loader

    return create_loader()


def service_credentials(
    site: Site, role_arn: str, service: str, session: str = ""
) -> dict[str, str]:
    """Keys of a role, as the service that runs something with them gets them.

    Args:
        site: The account, region and local AWS.
        role_arn: The role.
        service: The service that its trust policy has to name, such as `lambda.amazonaws.com`.
            The caller has checked that it does.
        session: Name of the session. Default: of the service and the region.
    """
    sts = _new_client("sts", site.account, site.region, site.endpoint)

    def name_the_service(request: Any, **_: Any) -> None:
        request.headers[ASSUMING_SERVICE_HEADER] = service

    sts.meta.events.register("before-sign", name_the_service)
    name = session or f"{service.partition('.')[0]}-{site.region}"
    keys = sts.assume_role(RoleArn=role_arn, RoleSessionName=name)["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }


@dataclass(frozen=True)
class Site:
    """The account, region and stack that a resource belongs to.

    Args:
        account: AWS account ID.
        region: Region of the stack.
        endpoint: The local AWS.
        stack_name: Name of the stack.
        stack_id: ARN of the stack.
        stack_tags: Tags of the stack, which CloudFormation passes on to resources.
        acting: With whose permissions CloudFormation works: ARN of the stack's service role, or
            the access key of the one who called. Default: everything is allowed.
    """

    account: str
    region: str
    endpoint: Endpoint
    stack_name: str
    stack_id: str
    stack_tags: Mapping[str, str] = field(default_factory=dict)
    acting: str = ""

    def client(self, service: str, *, account: str = "", region: str = "", acting: str = "") -> Any:
        """A boto3 client, for this site's account and region unless others are named."""
        where = (account or self.account, region or self.region)
        return client(service, *where, self.endpoint, acting)

    def arn(self, service: str, resource: str, *, region: bool = True) -> str:
        """ARN of something in this account."""
        return f"arn:aws:{service}:{self.region if region else ''}:{self.account}:{resource}"

"""Clients of one caller in one region, each made once; and questions that may stay open."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from gotocloud.aws.session import client, error_code, explained, session
from gotocloud.errors import InputError, unknown_name
from gotocloud.platform.regions import REGIONS

T = TypeVar("T")
_ACTION = re.compile(r"perform: (?P<action>[a-z0-9-]+:\w+)")
_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "403",
    "Forbidden",
    "NotAuthorized",
}
_OURS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "AuthFailure",
}


class Cloud(Protocol):
    """Whatever can make clients: the standard configuration, or a scientist of a rehearsal."""

    @property
    def region(self) -> str:
        """Where the caller works."""

    def client(self, service: str, region: str = "") -> Any:
        """A boto3 client; for the caller's region unless another is named."""


class StandardCloud:
    """AWS as the standard configuration sets it: environment, profile, endpoint.

    Args:
        region: AWS region. Default: that of the configuration.

    Raises:
        InputError: if there is no region, or AWS has none of that name.
    """

    def __init__(self, region: str | None = None) -> None:
        self._region = region or configured_region()
        self._clients: dict[tuple[str, str], Any] = {}

    @property
    def region(self) -> str:
        """Where the caller works."""
        return self._region

    def client(self, service: str, region: str = "") -> Any:
        """A boto3 client, made once."""
        key = (service, region or self._region)
        if key not in self._clients:
            self._clients[key] = client(*key)
        return self._clients[key]


def configured_region() -> str:
    """The region of the standard configuration.

    Raises:
        InputError: if there is none, or AWS has none of that name.
    """
    with explained("read the AWS configuration"):
        # boto3 alone among AWS's tools does not read AWS_REGION:
        # https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html
        region = os.environ.get("AWS_REGION") or session().region_name
    if not region:
        raise InputError(
            "No AWS region is set; a group works in the regions that it was set up for.",
            advice="Use a region of your group.",
            next_command="export AWS_REGION=ap-northeast-1",
            again=True,
        )
    if region not in REGIONS:
        raise unknown_name(
            "region", region, REGIONS, next_command="export AWS_REGION=ap-northeast-1"
        )
    return region


def answer_of(doing: str, call: Callable[[], T]) -> tuple[T | None, str]:
    """The answer to a question that may stay open, and why it did.

    Args:
        doing: The action, as in "Cannot …".
        ask: Calls AWS.

    Raises:
        GoToCloudError: if no call is possible: no network, or no valid credentials.
    """
    from botocore.exceptions import ClientError

    with explained(doing):
        try:
            return call(), ""
        except ClientError as error:
            code = error_code(error)
            if code in _OURS:
                raise
            if code not in _DENIED:
                return None, f"AWS answered {code}"
            named = _ACTION.search(str(error))
            return None, f"no permission for {named['action']}" if named else "no permission"

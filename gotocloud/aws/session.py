"""Clients for AWS, and its errors in words that name what to do."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gotocloud import __version__
from gotocloud.errors import GoToCloudError, InputError

RETRIES = 5
CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 60

_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_UNKNOWN_CREDENTIALS = {
    "AuthFailure",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}
ABSENT_OBJECT = frozenset({"404", "NoSuchKey", "NotFound"})
ABSENT_BUCKET = frozenset({"404", "NoSuchBucket", "NotFound"})
"""Codes with which S3 answers that there is no such object or bucket; 404 alone where it answers
without a body, for HEAD."""

# boto3 can make clients in one thread at a time only.
_making = threading.RLock()
WHO_AM_I = "aws sts get-caller-identity"


def client(service: str, region: str, *, profile: str | None = None) -> Any:
    """A boto3 client of the standard configuration, for a named region.

    Args:
        service: AWS's name, for example "s3".
        region: AWS region.
        profile: A profile of the AWS configuration. Default: that of the environment.

    Raises:
        GoToCloudError: if the profile does not exist.
    """
    from botocore.config import Config

    with explained(f"make a client for {service}"), _making:
        return session(profile).client(
            service,
            region_name=region,
            config=Config(
                user_agent_extra=f"gotocloud/{__version__}",
                retries={"mode": "standard", "total_max_attempts": RETRIES},
                connect_timeout=CONNECT_TIMEOUT_S,
                read_timeout=READ_TIMEOUT_S,
            ),
        )


def session(profile: str | None = None) -> Any:
    """The boto3 session of the standard configuration, the same one each time.

    A session of its own for each client would sign on again for each of them, and ask for the
    MFA code as often.

    Args:
        profile: A profile of the AWS configuration. Default: that of the environment.
    """
    settings = tuple(sorted(item for item in os.environ.items() if item[0].startswith("AWS_")))
    return _session(profile, settings)


@cache
def _session(profile: str | None, _settings: tuple[tuple[str, str], ...]) -> Any:
    import boto3
    from botocore.utils import JSONFileCache

    made = boto3.Session(profile_name=profile)
    # Where the AWS command line keeps what an assumed role was given, too: without it every
    # command would ask for an MFA code.
    provider = made._session.get_component("credential_provider").get_provider("assume-role")
    provider.cache = JSONFileCache(str(Path("~/.aws/cli/cache").expanduser()))
    return made


def stand_in(service: str, region: str) -> str:
    """The endpoint that answers for a service instead of AWS; empty where AWS does.

    A variable, a profile or a block of services can name one; the client has it.
    """
    url = str(client(service, region).meta.endpoint_url)
    host = urlsplit(url).hostname or ""
    return "" if host.endswith((".amazonaws.com", ".api.aws")) else url


def profiles() -> tuple[str, dict[str, dict[str, str]]]:
    """The profile of the standard configuration, and the lines of every profile.

    The profile is "" where keys in the environment are used, which come before any.
    """
    import botocore.session

    # Not the session that is kept: a profile that does not exist must not raise here.
    made = botocore.session.Session()
    in_use = "" if os.environ.get("AWS_ACCESS_KEY_ID") else os.environ.get("AWS_PROFILE", "default")
    return in_use, dict(made.full_config.get("profiles", {}))


def account_id(region: str) -> str:
    """The account that the standard configuration acts in.

    Raises:
        GoToCloudError: if AWS does not answer.
    """
    with explained("ask AWS who is calling"):
        return str(client("sts", region).get_caller_identity()["Account"])


def require_account(expected: str, region: str, what: str) -> None:
    """Refuse to work in a wrong account.

    Raises:
        InputError: if the credentials belong to another account.
    """
    actual = account_id(region)
    if actual != expected:
        raise InputError(
            f"These credentials belong to account {actual}; {what} needs account {expected}.",
            advice=f"Select a profile of account {expected} (AWS_PROFILE).",
            next_command="aws configure list-profiles",
        )


def error_code(error: Exception) -> str:
    """AWS's code of an error, for example "NoSuchKey"; empty if it has none."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn AWS's errors into ours.

    Args:
        doing: What is being done, as in "Cannot …".

    Raises:
        GoToCloudError: for every error of botocore, with what to do next.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _client_error(error, doing) from error
    except BotoCoreError as error:
        raise _local_error(error, doing) from error


def _client_error(error: Any, doing: str) -> GoToCloudError:
    code = error_code(error)
    message = error.response.get("Error", {}).get("Message", "") or str(error)
    if code in _EXPIRED:
        return GoToCloudError(f"Cannot {doing}: the credentials have expired.", **_SIGN_IN)
    if code in _UNKNOWN_CREDENTIALS:
        return GoToCloudError(
            f"Cannot {doing}: AWS does not accept these credentials ({code}).",
            next_command=WHO_AM_I,
        )
    if code in _DENIED:
        return GoToCloudError(
            f"Cannot {doing}: access denied. AWS's message: {message}", next_command=WHO_AM_I
        )
    return GoToCloudError(f"Cannot {doing}. AWS's message: {message} ({code})", again=True)


def _local_error(error: Any, doing: str) -> GoToCloudError:
    from botocore import exceptions

    if isinstance(error, exceptions.ProfileNotFound):
        return InputError(f"Cannot {doing}: {error}.", next_command="aws configure list-profiles")
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return GoToCloudError(f"Cannot {doing}: there are no AWS credentials.", **_SIGN_IN)
    expired = (exceptions.TokenRetrievalError, exceptions.SSOTokenLoadError)
    if isinstance(error, (*expired, exceptions.UnauthorizedSSOTokenError)):
        return GoToCloudError(f"Cannot {doing}: the sign-on has expired.", **_SIGN_IN)
    unreachable = (exceptions.ConnectionError, exceptions.HTTPClientError)
    if isinstance(error, unreachable):
        return GoToCloudError(
            f"Cannot {doing}: AWS cannot be reached ({error}).",
            advice="Check the network, and AWS_ENDPOINT_URL if it is set.",
            again=True,
        )
    return GoToCloudError(f"Cannot {doing}: {error}")


_LOGIN = "gotocloud login"
_SIGN_IN: dict[str, Any] = {"advice": "Sign in again.", "next_command": _LOGIN, "again": True}

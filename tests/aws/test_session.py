from __future__ import annotations

import pytest
from botocore import exceptions

from gotocloud import __version__
from gotocloud.aws.session import account_id, client, explained, require_account
from gotocloud.errors import GoToCloudError, InputError

pytestmark = pytest.mark.usefixtures("aws")


def client_error(code: str) -> exceptions.ClientError:
    return exceptions.ClientError({"Error": {"Code": code, "Message": "so it is"}}, "Operation")


def test_clients_state_to_aws_who_they_are() -> None:
    assert f"gotocloud/{__version__}" in client("sts", "us-east-1").meta.config.user_agent
    assert account_id("us-east-1") == "123456789012"


def test_another_account_is_refused_with_both_ids() -> None:
    with pytest.raises(InputError, match=r"account 123456789012; publishing needs .*111111111111"):
        require_account("111111111111", "us-east-1", "publishing")


@pytest.mark.parametrize(
    ("error", "words", "next_word"),
    [
        (client_error("ExpiredToken"), "have expired", "gotocloud login"),
        (client_error("RequestExpired"), "have expired", "gotocloud login"),
        (client_error("InvalidClientTokenId"), "does not accept", "get-caller-identity"),
        (
            client_error("AccessDenied"),
            "access denied. AWS's message: so it is",
            "get-caller-identity",
        ),
        (client_error("UnauthorizedOperation"), "access denied", "get-caller-identity"),
        (exceptions.NoCredentialsError(), "no AWS credentials", "gotocloud login"),
        (exceptions.ProfileNotFound(profile="lab"), "lab", "list-profiles"),
        (exceptions.UnauthorizedSSOTokenError(), "sign-on has expired", "gotocloud login"),
        (
            exceptions.EndpointConnectionError(endpoint_url="http://localhost:1"),
            "cannot be reached",
            "AWS_ENDPOINT_URL",
        ),
    ],
)
def test_errors_of_aws_states_what_to_do(error: Exception, words: str, next_word: str) -> None:
    with pytest.raises(GoToCloudError) as caught, explained("do the work"):
        raise error
    assert caught.value.message.startswith("Cannot do the work")
    assert words in caught.value.message
    assert next_word in caught.value.remedy


def test_other_errors_of_aws_keep_their_code() -> None:
    with pytest.raises(GoToCloudError, match=r"so it is \(Throttling\)"), explained("work"):
        raise client_error("Throttling")


def test_our_own_errors_pass_unchanged() -> None:
    with pytest.raises(InputError, match="ours"), explained("work"):
        raise InputError("ours")


def test_an_unknown_profile_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(InputError, match="nobody"):
        client("s3", "us-east-1")

"""Sessions as STS gives them out: what they carry, and whether MFA stands behind them."""

from __future__ import annotations

import base64
import re
import secrets
import string
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from local_aws.answers import Answer
from local_aws.authentication.keys import AccessKey
from local_aws.iam.callers import Caller, Callers, CredentialsError, Session, role_of_arn
from local_aws.iam.evaluator import NamedPolicy
from local_aws.iam.facts import policy_of_arn

SESSION_TOKEN_S = 43_200
ASSUME_ROLE_S = 3_600
BAD_CODE = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
_ALPHABET = string.ascii_uppercase + "234567"


def mfa_given(callers: Callers, caller: Caller, parameters: Mapping[str, Any]) -> bool:
    """Whether a call brings the code of the caller's own MFA device.

    Any six digits are a code: AWS's clock-based codes need the device's secret, which a
    rehearsal does not have to know.

    Raises:
        CredentialsError: if a code or device was given that is not good.
    """
    serial, code = parameters.get("SerialNumber"), parameters.get("TokenCode")
    if not serial and not code:
        return False
    good = re.fullmatch(r"\d{6}", str(code or "")) is not None
    if good and caller.kind == "User":
        good = callers.has_mfa_device(caller, str(serial))
    if not good or caller.kind == "AssumedRole":
        raise CredentialsError("AccessDenied", BAD_CODE)
    return True


def remember_role_session(
    callers: Callers, caller: Caller, parameters: Mapping[str, Any], body: bytes, *, mfa: bool
) -> None:
    """Note the session that an AssumeRole made.

    Args:
        callers: Where it is noted.
        caller: Who assumed the role.
        parameters: Those of the call.
        body: STS's answer.
        mfa: Whether the call brought an MFA code.
    """
    key = re.search(rb"<AccessKeyId>(\w+)</AccessKeyId>", body)
    if key is None:
        return
    parts = str(parameters["RoleArn"]).split(":")
    now = datetime.now(UTC)
    before = caller.session.mfa if caller.session else None
    inherited = caller.session.source_identity if caller.session else ""
    role = role_of_arn(str(parameters["RoleArn"]))
    callers.sessions[key[1].decode()] = Session(
        account=parts[4],
        name=parts[5].rpartition("/")[2],
        is_role=True,
        session_name=str(parameters.get("RoleSessionName", "")),
        issued=now,
        expires=now + timedelta(seconds=int(parameters.get("DurationSeconds", ASSUME_ROLE_S))),
        mfa=now if mfa else before,
        policies=_session_policies(parameters),
        tags={tag["Key"]: tag["Value"] for tag in parameters.get("Tags", ())},
        source_identity=str(parameters.get("SourceIdentity") or inherited),
        role_id=role.id if role else "",
    )


def _session_policies(parameters: Mapping[str, Any]) -> tuple[NamedPolicy, ...]:
    inline = parameters.get("Policy")
    found = [NamedPolicy("session policy", str(inline))] if inline else []
    for item in parameters.get("PolicyArns", ()):
        if policy := policy_of_arn(str(item.get("arn"))):
            found.append(policy)
    return tuple(found)


def _random_text(number_of_bytes: int) -> str:
    """Random text of the letters that AWS's secrets have.

    None begins with a hyphen, which a command line takes for an option.
    """
    return base64.b64encode(secrets.token_bytes(number_of_bytes)).decode()


def user_session(
    callers: Callers,
    caller: Caller,
    long_term_key: str,
    parameters: Mapping[str, Any],
    *,
    mfa: bool,
) -> Answer:
    """Make a user's own session, and STS's answer to GetSessionToken.

    moto gives everybody the same key, which cannot tell people apart.
    """
    now = datetime.now(UTC)
    lifetime = timedelta(seconds=int(parameters.get("DurationSeconds", SESSION_TOKEN_S)))
    access_key = "ASIA" + "".join(secrets.choice(_ALPHABET) for _ in range(16))
    key = AccessKey(_random_text(30), _random_text(90))
    callers.keyring.add(access_key, key)
    callers.sessions[access_key] = Session(
        account=caller.account,
        name=caller.user_name,
        is_role=False,
        session_name="",
        issued=now,
        expires=now + lifetime,
        mfa=now if mfa else None,
        long_term_key=long_term_key,
    )
    credentials = {
        "AccessKeyId": access_key,
        "SecretAccessKey": key.secret,
        "SessionToken": key.token,
        "Expiration": (now + lifetime).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    written = "".join(f"<{name}>{value}</{name}>" for name, value in credentials.items())
    return _sts_answer("GetSessionToken", f"<Credentials>{written}</Credentials>")


def _sts_answer(operation: str, result: str) -> Answer:
    request_id = str(uuid4())
    body = (
        f'<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<{operation}Result>{result}</{operation}Result>"
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        f"</{operation}Response>"
    )
    return Answer(200, body.encode(), {"Content-Type": "text/xml", "x-amzn-RequestId": request_id})


def done(operation: str) -> Answer:
    """IAM's answer to an operation that returns nothing."""
    request_id = str(uuid4())
    body = (
        f'<{operation}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        f"</{operation}Response>"
    )
    return Answer(200, body.encode(), {"Content-Type": "text/xml", "x-amzn-RequestId": request_id})

"""Refusals as AWS words and writes them, for each protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4
from xml.sax.saxutils import escape

from local_aws.iam.evaluator import Verdict

_KINDS = {
    "identity": ("an identity-based policy", "identity-based policy"),
    "pb": ("a permissions boundary", "permissions boundary"),
    "resource": ("a resource-based policy", "resource-based policy"),
    "session": ("a session policy", "session policy"),
    "trust": ("a role trust policy", "role trust policy"),
}

_CODES: dict[str, dict[str, tuple[str, int]]] = {
    "AccessDenied": {
        "ec2": ("UnauthorizedOperation", 403),
        "json": ("AccessDeniedException", 400),
        "rest-json": ("AccessDeniedException", 403),
    },
    "ExpiredToken": {
        "ec2": ("RequestExpired", 400),
        "json": ("ExpiredTokenException", 400),
        "rest-json": ("ExpiredTokenException", 403),
        "s3": ("ExpiredToken", 400),
    },
    "InvalidClientTokenId": {
        "ec2": ("AuthFailure", 401),
        "json": ("UnrecognizedClientException", 400),
        "rest-json": ("UnrecognizedClientException", 403),
        "s3": ("InvalidAccessKeyId", 403),
    },
}
"""Code and status of an error for each way of writing; else the code itself and 403."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def reason(who: str, action: str, resource: str, verdict: Verdict) -> str:
    """Who may not do what to what, and by which kind of policy, in AWS's words.

    Args:
        who: ARN of the caller.
        action: IAM action.
        resource: ARN, or `*`.
        verdict: Why not.
    """
    shown = f'"{resource}"' if action.startswith("s3:") and resource != "*" else resource
    text = f"User: {who} is not authorized to perform: {action} on resource: {shown}"
    if verdict.policy_type == "error":
        return f"{text} because the local AWS cannot judge it: {verdict.error}"
    kind = "resource" if verdict.policy_type not in _KINDS else verdict.policy_type
    if action == "sts:AssumeRole" and kind == "resource":
        kind = "trust"
    one, no = _KINDS[kind]
    if verdict.explicit:
        return f"{text} with an explicit deny in {one}"
    return f"{text} because no {no} allows the {action} action"


def unmapped(who: str, service: str, operation: str, why: str) -> str:
    """The text for a request that is refused because nobody knows what IAM would ask."""
    return (
        f"User: {who} is not authorized to perform: {service}:{operation}. The local AWS does "
        f"not know which permission this needs ({why}), so it denies it; "
        "local_aws/iam has the mapping."
    )


def refusal(code: str, message: str, style: str, *, head: bool = False) -> Answer:
    """An error as a service writes it.

    Args:
        code: AccessDenied, ExpiredToken or InvalidClientTokenId; services have their own.
        message: In words.
        style: Protocol, or `s3`.
        head: Whether a HEAD request is answered, which has no body.
    """
    name, status = _CODES.get(code, {}).get(style, (code, 403))
    if style == "ec2" and name == "UnauthorizedOperation":
        message = f"You are not authorized to perform this operation. {message}"
    request_id = str(uuid4())
    headers = {"x-amzn-RequestId": request_id}
    if style in ("json", "rest-json"):
        headers["Content-Type"] = "application/x-amz-json-1.1"
        headers["x-amzn-ErrorType"] = name
        body = json.dumps({"__type": name, "Message": message, "message": message})
    else:
        headers["Content-Type"] = "text/xml"
        body = '<?xml version="1.0" encoding="UTF-8"?>\n' + _xml(name, message, style, request_id)
    return Answer(status, b"" if head else body.encode(), headers)


def _xml(code: str, message: str, style: str, request_id: str) -> str:
    said = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
    if style == "s3":
        return f"<Error>{said}<RequestId>{request_id}</RequestId><HostId>local</HostId></Error>"
    if style == "ec2":
        errors = f"<Errors><Error>{said}</Error></Errors>"
        return f"<Response>{errors}<RequestID>{request_id}</RequestID></Response>"
    error = f"<Error><Type>Sender</Type>{said}</Error>"
    return f"<ErrorResponse>{error}<RequestId>{request_id}</RequestId></ErrorResponse>"

"""HTTP answers: errors as AWS writes them in each protocol, and how they are sent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import uuid4
from xml.sax.saxutils import escape

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

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


def answered(answer: Answer, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Send an answer (WSGI)."""
    # A client that still sends does not read the answer.
    stream, left = environ["wsgi.input"], int(environ.get("CONTENT_LENGTH") or 0)
    while left > 0 and (read := stream.read(min(left, 1 << 20))):
        left -= len(read)
    phrase = HTTPStatus(answer.status).phrase
    headers = [*answer.headers.items(), ("Content-Length", str(len(answer.body)))]
    start_response(f"{answer.status} {phrase}", headers)
    return [answer.body]


def style_of(environ: Environ) -> str:
    """How the sender of a request reads errors: a protocol, or `s3`."""
    if "HTTP_X_AMZ_TARGET" in environ:
        return "json"
    service = re.search(r"/([^/]+)/aws4_request", environ.get("HTTP_AUTHORIZATION", ""))
    if service is None or service[1] == "s3":
        return "s3"
    if service[1] == "ec2":
        return "ec2"
    return "query" if environ["PATH_INFO"] == "/" else "rest-json"


def refusal(code: str, message: str, style: str, *, head: bool = False) -> Answer:
    """An error as a service writes it.

    Args:
        code: Such as AccessDenied, ExpiredToken or InvalidClientTokenId; services have their own.
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
    stated = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
    if style == "s3":
        return f"<Error>{stated}<RequestId>{request_id}</RequestId><HostId>local</HostId></Error>"
    if style == "ec2":
        errors = f"<Errors><Error>{stated}</Error></Errors>"
        return f"<Response>{errors}<RequestID>{request_id}</RequestID></Response>"
    error = f"<Error><Type>Sender</Type>{stated}</Error>"
    return f"<ErrorResponse>{error}<RequestId>{request_id}</RequestId></ErrorResponse>"

"""Whether a request carries the signature of a secret key. Pure: a request in, yes or no out.

Signature Version 4, in headers and in presigned URLs. Version 2, with which boto3 still presigns
unless another version is named, is refused: S3 takes it for no bucket made after June 2020.
Sources: IAM user guide, "AWS Signature Version 4 for API requests", and S3 API reference,
"Authenticating requests" (read 2026-11).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from botocore.utils import normalize_url_path

ALGORITHM = "AWS4-HMAC-SHA256"
MOST_SKEW = timedelta(minutes=15)
"""How far a request's time may be from now."""

_TIME = "%Y%m%dT%H%M%SZ"
_UNRESERVED = "-_.~"
_UNSIGNED_BODY = "UNSIGNED-PAYLOAD"
_HEADER = re.compile(
    ALGORITHM + r" Credential=(?P<key>[^/,\s]+)/(?P<scope>\d{8}/[^/,\s]+/[^/,\s]+/aws4_request)"
    r",\s*SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_PRESIGNED = re.compile(r"(?P<key>[^/\s]+)/(?P<scope>\d{8}/[^/\s]+/[^/\s]+/aws4_request)")


class SignatureError(Exception):
    """A signature that AWS would not take; the code is AWS's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Received:
    """A request as it came over the wire.

    Args:
        method: HTTP method.
        path: Path as sent, percent-encoded.
        query: Query string as sent, without the question mark.
        headers: Values as sent (bytes as Latin-1), by name in lower case.
        body_sha256: SHA-256 of the body in hexadecimal; empty if nothing read the body.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body_sha256: str = ""

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """Names and values of the query, decoded; a plus sign is a plus sign."""
        pairs = (pair.partition("=") for pair in self.query.split("&") if pair)
        return [(unquote(name), unquote(value)) for name, _, value in pairs]


@dataclass(frozen=True)
class Claim:
    """What a request claims about its signature.

    Args:
        access_key: Id of the key.
        scope: Day, region, service and "aws4_request".
        signed_headers: Names of the headers that it covers.
        signature: In hexadecimal.
        time: When it was made, as sent.
        lifetime_s: How long a presigned URL holds; None for a signature in a header.
        token: The session token that comes with it.
    """

    access_key: str
    scope: str
    signed_headers: tuple[str, ...]
    signature: str
    time: str
    lifetime_s: int | None
    token: str

    @property
    def service(self) -> str:
        """The service that it is made for."""
        return self.scope.split("/")[2]


def claim_of(request: Received) -> Claim | None:
    """What a request claims about its signature; None if it is not signed.

    Raises:
        SignatureError: if it is signed in a way that AWS does not take.
    """
    header = request.headers.get("authorization", "")
    query = dict(request.parameters)
    if header:
        found = _HEADER.fullmatch(header)
        if found is None:
            raise SignatureError(
                "IncompleteSignature", f"The Authorization header is not {ALGORITHM}."
            )
        names = tuple(found["headers"].split(";"))
        time = request.headers.get("x-amz-date", "")
        token = request.headers.get("x-amz-security-token", "")
        return Claim(found["key"], found["scope"], names, found["signature"], time, None, token)
    if "X-Amz-Signature" in query:
        return _presigned(query)
    if "Signature" in query and "AWSAccessKeyId" in query:
        raise SignatureError(
            "InvalidRequest",
            "The authorization mechanism you have provided is not supported. "
            f"Please use {ALGORITHM}.",
        )
    return None


def _presigned(query: Mapping[str, str]) -> Claim:
    found = _PRESIGNED.fullmatch(query.get("X-Amz-Credential", ""))
    lifetime = query.get("X-Amz-Expires", "")
    if found is None or query.get("X-Amz-Algorithm") != ALGORITHM or not lifetime.isdecimal():
        raise SignatureError("AuthorizationQueryParametersError", "The presigned URL is damaged.")
    return Claim(
        found["key"],
        found["scope"],
        tuple(query.get("X-Amz-SignedHeaders", "").split(";")),
        query["X-Amz-Signature"],
        query.get("X-Amz-Date", ""),
        int(lifetime),
        query.get("X-Amz-Security-Token", ""),
    )


def verify(request: Received, claim: Claim, secret: str, now: datetime) -> None:
    """Check a signature.

    Args:
        request: The request.
        claim: Its claim, from `claim_of`.
        secret: Secret of the key that it names.
        now: The time.

    Raises:
        SignatureError: if the signature is another one, or does not hold at this time.
    """
    expected = signature(request, claim, secret)
    if not hmac.compare_digest(expected.encode(), claim.signature.encode("ascii", "replace")):
        raise SignatureError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method.",
        )
    _check_time(claim, now)


def _check_time(claim: Claim, now: datetime) -> None:
    try:
        made = datetime.strptime(claim.time, _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise SignatureError("AccessDenied", "The request has no valid date.") from None
    lasting = MOST_SKEW if claim.lifetime_s is None else timedelta(seconds=claim.lifetime_s)
    late, early = now > made + lasting, made > now + MOST_SKEW
    if late and claim.lifetime_s is not None:
        raise SignatureError("AccessDenied", "Request has expired")
    if late or early:
        raise SignatureError(
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
        )


def signature(request: Received, claim: Claim, secret: str) -> str:
    """The signature that a secret key gives to a request.

    Raises:
        SignatureError: if the claim leaves out a header that every signature covers.
    """
    if "host" not in claim.signed_headers:
        raise SignatureError("SignatureDoesNotMatch", "'host' must be a signed header.")
    digest = hashlib.sha256(_canonical(request, claim).encode("latin-1")).hexdigest()
    text = "\n".join((ALGORITHM, claim.time, claim.scope, digest))
    key = b"AWS4" + secret.encode()
    for part in claim.scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _canonical(request: Received, claim: Claim) -> str:
    pairs = sorted(
        (quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED))
        for name, value in request.parameters
        if claim.lifetime_s is None or name != "X-Amz-Signature"
    )
    headers = [(name, " ".join(request.headers.get(name, "").split())) for name in _sorted(claim)]
    return "\n".join(
        (
            request.method,
            _canonical_path(request.path, claim.service),
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{value}" for name, value in headers),
            "",
            ";".join(claim.signed_headers),
            _body_hash(request, claim),
        )
    )


def _sorted(claim: Claim) -> Sequence[str]:
    if list(claim.signed_headers) != sorted(claim.signed_headers):
        raise SignatureError("IncompleteSignature", "The signed headers are not in order.")
    return claim.signed_headers


def _canonical_path(path: str, service: str) -> str:
    """S3 signs the path as it is sent; every other service normalises and encodes it once more."""
    if service == "s3":
        return path or "/"
    return quote(normalize_url_path(path), safe=f"/{_UNRESERVED}")


def _body_hash(request: Received, claim: Claim) -> str:
    named = request.headers.get("x-amz-content-sha256", "")
    if claim.service == "s3":
        # Objects can be large, so their bodies are not read; the header is part of the signature.
        return named or _UNSIGNED_BODY
    if named not in ("", request.body_sha256, _UNSIGNED_BODY):
        raise SignatureError("SignatureDoesNotMatch", "The body is not the one that was signed.")
    return named or request.body_sha256

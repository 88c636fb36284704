"""Signatures: AWS's own examples, and what botocore and AWS's C library sign."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local_aws.authentication.signatures import (
    Received,
    SignatureError,
    claim_of,
    signature,
    verify,
)

EMPTY = hashlib.sha256(b"").hexdigest()
KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SCOPE = "20130524/us-east-1/s3/aws4_request"
PUT = hashlib.sha256(b"Welcome to Amazon S3.").hexdigest()
HOST = {"host": "examplebucket.s3.amazonaws.com", "x-amz-date": "20130524T000000Z"}


def authorization(signed: str, found: str) -> str:
    return f"AWS4-HMAC-SHA256 Credential={KEY}/{SCOPE},SignedHeaders={signed},Signature={found}"


@pytest.mark.parametrize(
    ("method", "path", "query", "more", "signed", "expected"),
    [
        (
            "GET",
            "/test.txt",
            "",
            {"range": "bytes=0-9", "x-amz-content-sha256": EMPTY},
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT",
            "/test%24file.text",
            "",
            {
                "date": "Fri, 24 May 2013 00:00:00 GMT",
                "x-amz-content-sha256": PUT,
                "x-amz-storage-class": "REDUCED_REDUNDANCY",
            },
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET",
            "/",
            "lifecycle",
            {"x-amz-content-sha256": EMPTY},
            "host;x-amz-content-sha256;x-amz-date",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "GET",
            "/",
            "max-keys=2&prefix=J",
            {"x-amz-content-sha256": EMPTY},
            "host;x-amz-content-sha256;x-amz-date",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_the_examples_of_the_s3_reference_have_their_signatures(
    method: str, path: str, query: str, more: Mapping[str, str], signed: str, expected: str
) -> None:
    """S3 API reference, "Examples: Signature Calculations"."""
    headers = {**HOST, **more, "authorization": authorization(signed, expected)}
    request = Received(method, path, query, headers)
    claim = claim_of(request)
    assert claim is not None
    assert signature(request, claim, SECRET) == expected


def test_the_example_of_a_presigned_url_has_its_signature() -> None:
    """S3 API reference, "Authenticating Requests: Using Query Parameters"."""
    expected = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential={quote(f'{KEY}/{SCOPE}', safe='')}"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        f"&X-Amz-Signature={expected}"
    )
    request = Received("GET", "/test.txt", query, {"host": HOST["host"]})
    claim = claim_of(request)
    assert claim is not None
    assert signature(request, claim, SECRET) == expected
    made = datetime(2013, 5, 24, tzinfo=UTC)
    verify(request, claim, SECRET, made + timedelta(hours=23))
    with pytest.raises(SignatureError, match="expired"):
        verify(request, claim, SECRET, made + timedelta(hours=25))


def received(request: AWSRequest, body: bytes = b"") -> Received:
    parts = urlsplit(str(request.url))
    given = {name.lower(): str(value) for name, value in request.headers.items()}
    headers = {"host": parts.netloc, **given}
    path = parts.path or "/"
    return Received(
        str(request.method), path, parts.query, headers, hashlib.sha256(body).hexdigest()
    )


PATHS = ("/", "/a/b", "/a%20b/%C3%A9", "/a//b/", "/a%2Bb~c", "/%25", "/a/../b")
QUERIES = ("", "?uploads", "?a=1&a=0&b=%20%2B%26", "?prefix=x%2Fy%3D&delimiter=%2F", "?z=%C3%A9")


@pytest.mark.parametrize("signer", [SigV4Auth, S3SigV4Auth, S3SigV4QueryAuth])
@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("path", PATHS)
def test_what_botocore_signs_is_taken_and_nothing_else(signer: Any, path: str, query: str) -> None:
    service = "fsx" if signer is SigV4Auth else "s3"
    body = b"" if signer is S3SigV4QueryAuth else b"body"
    request = AWSRequest(
        method="POST",
        url=f"http://localhost:5000{path}{query}",
        data=body,
        headers={"Content-Type": "text/plain", "X-Amz-Meta-A": " a  b "},
    )
    signer(Credentials(KEY, SECRET, "token"), service, "eu-west-1").add_auth(request)
    sent = received(request, body)
    claim = claim_of(sent)
    assert claim is not None
    assert (claim.access_key, claim.service, claim.token) == (KEY, service, "token")
    verify(sent, claim, SECRET, datetime.now(UTC))
    with pytest.raises(SignatureError, match="does not match"):
        verify(sent, claim, "another", datetime.now(UTC))
    for changed in (
        Received("PUT", sent.path, sent.query, sent.headers, sent.body_sha256),
        Received("POST", f"{sent.path}x", sent.query, sent.headers, sent.body_sha256),
        Received("POST", sent.path, f"{sent.query}&x=1", sent.headers, sent.body_sha256),
        Received(
            "POST", sent.path, sent.query, {**sent.headers, "host": "evil:5000"}, sent.body_sha256
        ),
    ):
        with pytest.raises(SignatureError):
            verify(changed, claim, SECRET, datetime.now(UTC))


def test_another_body_is_refused() -> None:
    request = AWSRequest(method="POST", url="http://localhost:5000/", data=b"body")
    SigV4Auth(Credentials(KEY, SECRET), "fsx", "eu-west-1").add_auth(request)
    sent = received(request, b"another")
    claim = claim_of(sent)
    assert claim is not None
    with pytest.raises(SignatureError):
        verify(sent, claim, SECRET, datetime.now(UTC))


def test_an_old_request_is_refused() -> None:
    request = AWSRequest(method="POST", url="http://localhost:5000/", data=b"")
    SigV4Auth(Credentials(KEY, SECRET), "fsx", "eu-west-1").add_auth(request)
    sent = received(request)
    claim = claim_of(sent)
    assert claim is not None
    for minutes in (-16, 16):
        with pytest.raises(SignatureError, match="too large"):
            verify(sent, claim, SECRET, datetime.now(UTC) + timedelta(minutes=minutes))


def test_a_signature_that_leaves_the_host_out_is_refused() -> None:
    headers = {**HOST, "authorization": authorization("x-amz-date", "0" * 64)}
    request = Received("GET", "/", "", headers)
    claim = claim_of(request)
    assert claim is not None
    with pytest.raises(SignatureError, match="host"):
        signature(request, claim, SECRET)


@pytest.mark.parametrize(
    ("header", "query"),
    [
        ("AWS AKIA:abc", ""),
        ("Bearer x", ""),
        ("", "AWSAccessKeyId=A&Signature=s&Expires=9999999999"),
        ("", "X-Amz-Signature=0&X-Amz-Credential=none"),
    ],
)
def test_other_ways_of_signing_are_refused(header: str, query: str) -> None:
    with pytest.raises(SignatureError):
        claim_of(Received("GET", "/", query, {"authorization": header} if header else {}))

"""The engine: S3 requests by the AWS common runtime (CRT), many at a time.

The CRT signs, sends, retries and times out in its own threads. Every content goes out with
its CRC64NVME, which S3 checks and keeps; the answer is compared as well.
"""

from __future__ import annotations

import base64
import hashlib
import io
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from gotocloud.aws.session import CONNECT_TIMEOUT_S, error_code, explained
from gotocloud.aws.session import session as standard_session
from gotocloud.errors import GoToCloudError

CONNECTIONS = 256
"""Requests at once; s5cmd has as many workers. S3 takes tens of milliseconds to answer each."""
THREADS = 32
CHECKSUM = "x-amz-checksum-crc64nvme"
METADATA = "x-amz-meta-"


class MismatchError(Exception):
    """S3 has stored something else than what was sent."""


@dataclass(frozen=True)
class Answer:
    """What S3 answered; header names are in lower case.

    Args:
        body: The content, where it was requested in memory.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def etag(self) -> str:
        """ETag without quotes."""
        return self.headers.get("etag", "").strip('"')

    @property
    def checksum(self) -> str:
        """CRC64NVME, base64; empty where the store keeps none."""
        return self.headers.get(CHECKSUM, "")

    @property
    def metadata(self) -> dict[str, str]:
        """User metadata, without their prefix."""
        return {
            name.removeprefix(METADATA): value
            for name, value in self.headers.items()
            if name.startswith(METADATA)
        }


def crc64(data: bytes, before: int = 0) -> int:
    """CRC64NVME of data that follow upon others."""
    from awscrt.checksums import crc64nvme

    return int(crc64nvme(data, before))


def crc64_text(value: int) -> str:
    """A CRC64NVME as S3 writes it."""
    return base64.b64encode(value.to_bytes(8, "big")).decode()


def holds(answer: Answer, data: bytes, checksum: str) -> bool:
    """Whether an answer proves that the store holds exactly these data.

    S3 returns the CRC64NVME; stores without that checksum return the MD5 as ETag.
    """
    if answer.checksum:
        return answer.checksum == checksum
    return answer.etag == hashlib.md5(data, usedforsecurity=False).hexdigest()


class Bucket:
    """One bucket, and how it is reached.

    Args:
        name: Name of the bucket.
        region: Region of the configuration; that of the bucket is looked up.
        missing: What to type first where there is none.

    Raises:
        GoToCloudError: if there is no such bucket, or it cannot be reached.
    """

    def __init__(self, name: str, region: str, *, missing: str = "") -> None:
        from botocore.config import Config

        self.name = name
        with explained(f"reach bucket {name}"):
            session = standard_session()
            config = Config(
                signature_version="s3v4",
                retries={"mode": "standard", "total_max_attempts": 5},
                connect_timeout=CONNECT_TIMEOUT_S,
                max_pool_connections=THREADS,
            )
            self.s3 = session.client("s3", region_name=region, config=config)
            try:
                self.region = self.s3.head_bucket(Bucket=name).get("BucketRegion") or region
            except self.s3.exceptions.ClientError as error:
                if error_code(error) not in {"404", "NoSuchBucket"}:
                    raise
                raise GoToCloudError(
                    f"There is no bucket {name}.",
                    next_command=missing or "gotocloud status",
                    again=bool(missing),
                ) from None
            if self.region != region:
                self.s3 = session.client("s3", region_name=self.region, config=config)
            url = self.s3.generate_presigned_url("head_object", Params={"Bucket": name, "Key": "k"})
        place = urlsplit(url)
        self.tls = place.scheme == "https"
        self.host = place.netloc
        self._root = place.path.removesuffix("k")
        self._client = _crt_client(session, self.region, tls=self.tls)

    def send(
        self,
        operation: str,
        method: str,
        key: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        data: bytes = b"",
    ) -> Future[Answer]:
        """Make one request; the result is S3's answer, or an error of botocore."""
        from awscrt.http import HttpHeaders, HttpRequest
        from awscrt.s3 import S3RequestType

        path = self._path(key) + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        given = {"Host": self.host, "Content-Length": str(len(data)), **(headers or {})}
        request = HttpRequest(
            method, path, HttpHeaders(list(given.items())), io.BytesIO(data) if data else None
        )
        return self._made(
            operation, type=S3RequestType.DEFAULT, request=request, operation_name=operation
        )

    def put(
        self, key: str, data: bytes, headers: Mapping[str, str], **query: str
    ) -> Future[Answer]:
        """Store an object, or a part of one; the result proves that it is there.

        The future fails with `MismatchError` if S3 holds anything else than these data.
        """
        checksum = crc64_text(crc64(data))
        stored: Future[Answer] = Future()

        def check(sent: Future[Answer]) -> None:
            if error := sent.exception():
                stored.set_exception(error)
            elif holds(sent.result(), data, checksum):
                stored.set_result(sent.result())
            else:
                stored.set_exception(MismatchError(key))

        self.send(
            "UploadPart" if query else "PutObject",
            "PUT",
            key,
            query=query,
            headers={
                **headers,
                "x-amz-sdk-checksum-algorithm": "CRC64NVME",
                CHECKSUM: checksum,
            },
            data=data,
        ).add_done_callback(check)
        return stored

    def head(self, key: str) -> Answer | None:
        """S3's description of an object; None if there is none.

        Raises:
            ClientError: of botocore, for everything else.
        """
        requested = self.send("HeadObject", "HEAD", key, headers={"x-amz-checksum-mode": "ENABLED"})
        try:
            return requested.result()
        except self.s3.exceptions.ClientError as error:
            if error_code(error) == "404":
                return None
            # An answer to HEAD has no body with the reason; that to a listing has:
            # https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
            self.s3.list_objects_v2(Bucket=self.name, Prefix=key, MaxKeys=1)
            raise

    def get(self, key: str, target: Path, etag: str) -> Future[Answer]:
        """Bring an object into a file, in parts at a time, if it still has that ETag."""
        from awscrt.http import HttpHeaders, HttpRequest
        from awscrt.s3 import S3RequestType

        headers = HttpHeaders([("Host", self.host), ("If-Match", f'"{etag}"')])
        return self._made(
            "GetObject",
            type=S3RequestType.GET_OBJECT,
            request=HttpRequest("GET", self._path(key), headers),
            recv_filepath=str(target),
        )

    def get_whole(self, key: str) -> Future[Answer]:
        """Bring a small object into memory, with its metadata and its checksum."""
        return self.send("GetObject", "GET", key, headers={"x-amz-checksum-mode": "ENABLED"})

    def _path(self, key: str) -> str:
        return f"{self._root}{quote(key, safe='/~')}"

    def _made(self, operation: str, **arguments: Any) -> Future[Answer]:
        done: Future[Answer] = Future()
        seen: dict[str, str] = {}
        pieces: dict[int, bytes] = {}

        def on_headers(headers: list[tuple[str, str]], **_: Any) -> None:
            seen.update((name.lower(), value) for name, value in headers)

        def on_body(chunk: bytes, offset: int, **_: Any) -> None:
            pieces[offset] = chunk

        def on_done(
            error: Exception | None = None,
            error_body: bytes | None = None,
            status_code: int | None = None,
            **_: Any,
        ) -> None:
            if error is None:
                body = b"".join(pieces[offset] for offset in sorted(pieces))
                done.set_result(Answer(status_code or 0, seen, body))
            else:
                done.set_exception(_as_botocore(error, operation, status_code, error_body))

        if "recv_filepath" not in arguments:
            arguments["on_body"] = on_body
        self._client.make_request(on_headers=on_headers, on_done=on_done, **arguments)
        return done


def _crt_client(session: Any, region: str, *, tls: bool) -> Any:
    from awscrt.auth import AwsCredentials, AwsCredentialsProvider
    from awscrt.s3 import S3Client, S3RequestTlsMode, create_default_s3_signing_config
    from botocore.credentials import RefreshableCredentials

    found = session.get_credentials()

    def current() -> AwsCredentials:
        # botocore renews them when they are about to expire.
        frozen = found.get_frozen_credentials()
        return AwsCredentials(frozen.access_key, frozen.secret_key, frozen.token)

    if isinstance(found, RefreshableCredentials):
        provider = AwsCredentialsProvider.new_delegate(current)
    else:
        # Without a call from C into Python for each request.
        frozen = found.get_frozen_credentials()
        provider = AwsCredentialsProvider.new_static(
            frozen.access_key, frozen.secret_key, frozen.token
        )
    signing = create_default_s3_signing_config(
        region=region,
        credential_provider=provider,
        # The content is covered by its checksum, which is a signed header.
        signed_body_value="UNSIGNED-PAYLOAD",
    )
    return S3Client(
        region=region,
        signing_config=signing,
        tls_mode=S3RequestTlsMode.ENABLED if tls else S3RequestTlsMode.DISABLED,
        tls_connection_options=_tls_options(session) if tls else None,
        max_active_connections_override=CONNECTIONS,
        connect_timeout_ms=CONNECT_TIMEOUT_S * 1000,
    )


def _tls_options(session: Any) -> Any:
    """Trust the authorities in AWS_CA_BUNDLE, where a laboratory's proxy needs it."""
    from awscrt.io import ClientTlsContext, TlsContextOptions

    bundle = session._session.get_config_variable("ca_bundle")
    options = TlsContextOptions()
    if bundle:
        options.override_default_trust_store_from_path(None, bundle)
    return ClientTlsContext(options).new_connection_options()


def _as_botocore(
    error: Exception, operation: str, status: int | None, body: bytes | None
) -> Exception:
    from botocore.exceptions import ClientError, EndpointConnectionError

    if status is None:
        return EndpointConnectionError(endpoint_url=operation, error=str(error))
    code, message = _error_of(body or b"")
    response: Any = {
        "Error": {"Code": code or str(status), "Message": message or str(error)},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, operation)


def _error_of(body: bytes) -> tuple[str, str]:
    """S3's error code and message; empty if there is none."""
    try:
        # What S3 answers over TLS; expat takes no external entities.
        root = ElementTree.fromstring(body)  # noqa: S314
    except ElementTree.ParseError:
        return "", ""
    tags = {one.tag.rpartition("}")[2]: one.text or "" for one in root}
    return tags.get("Code", ""), tags.get("Message", "")

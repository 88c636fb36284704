"""An S3 on the loopback that checks checksums as AWS does, counts, slows down and spoils."""

from __future__ import annotations

import base64
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import boto3
from awscrt.checksums import crc64nvme
from moto.s3.exceptions import S3ClientError
from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer

HEADER = "x-amz-checksum-crc64nvme"
BUCKET = "ada-123456789012-apoferritin"


class RefusalError(S3ClientError):
    """An error as S3 returns it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)


class Store:
    """The server, and what a test may do to it."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        _take_any_name()
        self._server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        self.s3 = boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        self._lock = threading.Lock()
        self.reset()
        self._original = S3Response._get_checksum, S3Response.list_multipart_uploads
        _watch_checksums(self)
        _tell_when_uploads_began(self)

    def reset(self) -> None:
        """Empty, and well again."""
        self.puts: list[str] = []
        self.spoil: Callable[[str, bytes], bytes] = lambda _, body: body
        self.silent = False
        self.delay_s = 0.0
        self.began: datetime | None = None
        self.on_put: Callable[[str], None] = lambda _: None

    def empty(self) -> None:
        """A new bucket."""
        import urllib.request

        request = urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")  # noqa: S310
        urllib.request.urlopen(request).read()  # noqa: S310  # our own server
        self.reset()
        self.s3.create_bucket(Bucket=BUCKET)

    def stop(self) -> None:
        """End the server."""
        S3Response._get_checksum = self._original[0]  # type: ignore[method-assign]
        S3Response.list_multipart_uploads = self._original[1]  # type: ignore[method-assign]
        self._server.stop()

    def names(self) -> list[str]:
        """All keys, sorted."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return sorted(one["Key"] for page in pages for one in page.get("Contents", []))

    def body(self, key: str) -> bytes:
        """Content of an object."""
        return bytes(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def head(self, key: str) -> Any:
        """What S3 returns of an object, with its checksum."""
        return self.s3.head_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED")

    def open_uploads(self) -> list[str]:
        """Keys of multipart uploads that are neither complete nor aborted."""
        found = self.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        return sorted(one["Key"] for one in found)

    def note(self, key: str) -> None:
        """Count an upload of an object or a part; takes as long as `delay_s` says."""
        with self._lock:
            self.puts.append(key)
        self.on_put(key)
        time.sleep(self.delay_s)


def _take_any_name() -> None:
    """Let a name hold a newline: moto's pattern of keys stops there, S3's does not."""
    from moto.moto_server.utilities import RegexConverter

    made = RegexConverter.__init__

    def with_newlines(self: Any, url_map: Any, *items: Any) -> None:
        made(self, url_map, *(r"[\s\S]+" if item == ".+" else item for item in items))

    RegexConverter.__init__ = with_newlines  # type: ignore[method-assign]


def _watch_checksums(store: Store) -> None:
    original = S3Response._get_checksum

    def checked(self: Any, headers: dict[str, Any]) -> tuple[str, str | None]:
        given = self.headers.get(HEADER)
        if given is None:
            return original(self, headers)
        key = self.parse_key_name()
        store.note(key)
        self.body = store.spoil(key, self.body)
        actual = base64.b64encode(crc64nvme(self.body or b"").to_bytes(8, "big")).decode()
        if actual != given and not store.silent:
            raise RefusalError("BadDigest", "The CRC64NVME did not match the calculated checksum.")
        headers[HEADER] = actual
        return "CRC64NVME", actual

    cast(Any, S3Response)._get_checksum = checked


def _tell_when_uploads_began(store: Store) -> None:
    """moto tells the same day of 2010 for every multipart upload."""
    original = S3Response.list_multipart_uploads

    def listed(self: Any) -> Any:
        status, headers, body = cast(Any, original)(self)
        began = (store.began or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return status, headers, body.replace("2010-11-10T20:48:33.000Z", began)

    cast(Any, S3Response).list_multipart_uploads = listed

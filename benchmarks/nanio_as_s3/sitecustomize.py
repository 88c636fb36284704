"""Brings nanio nearer to S3 in what every client of S3 may rely on.

Keys may end with "/", as those of folders do, and are listed so. The answer to an upload repeats
its CRC64NVME (which S3 would have compared: here nothing does, as this is about speed). Ranges
may end behind the end of an object. Python imports this before anything else, in every process
of the server, because its folder is in PYTHONPATH.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

keys: Any = None
Starlette: Any = None
try:
    keys = importlib.import_module("nanio.keys")
    Starlette = importlib.import_module("starlette.applications").Starlette
except ImportError:
    pass  # pip's own processes see this file as well

MARKER = ".folder"
CHECKSUM = b"x-amz-checksum-crc64nvme"


def take_folders() -> None:
    """Store a folder's object as a file in it."""
    validate, join = keys.validate_object_key, keys.safe_join

    def validate_object_key(key: str) -> None:
        validate(key.removesuffix("/"))

    def safe_join(base: Path, *parts: str) -> Path:
        marked = (f"{part}{MARKER}" if part.endswith("/") else part for part in parts)
        joined: Path = join(base, *marked)
        return joined

    keys.validate_object_key = validate_object_key
    keys.safe_join = safe_join

    storage: Any = importlib.import_module("nanio.storage.filesystem")
    walk = storage._walk_keys

    def walk_keys(*arguments: Any) -> Iterator[str]:
        for key in walk(*arguments):
            yield f"{key.removesuffix(MARKER)}" if key.endswith(f"/{MARKER}") else key

    storage._walk_keys = walk_keys


def take_long_ranges() -> None:
    """Serve what there is of a range that ends behind the object, as HTTP has it."""
    storage: Any = importlib.import_module("nanio.storage.filesystem")
    errors: Any = importlib.import_module("nanio.errors")
    get = storage.FilesystemStorage.get_object

    async def get_object(self: Any, *names: str, range_start: Any, range_end: Any) -> Any:
        try:
            return await get(self, *names, range_start=range_start, range_end=range_end)
        except errors.InvalidArgument:
            return await get(self, *names, range_start=range_start, range_end=None)

    storage.FilesystemStorage.get_object = get_object


def repeat_checksums() -> None:
    """Answer an upload with the checksum that came with it."""
    call = Starlette.__call__

    async def answered(self: Any, scope: Any, receive: Any, send: Any) -> None:
        given = dict(scope.get("headers", ())).get(CHECKSUM)

        async def sent(message: Any) -> None:
            if given and message["type"] == "http.response.start" and message["status"] < 300:
                message["headers"] = [*message["headers"], (CHECKSUM, given)]
            await send(message)

        await call(self, scope, receive, sent)

    Starlette.__call__ = answered


if Starlette is not None:
    take_folders()
    take_long_ranges()
    repeat_checksums()

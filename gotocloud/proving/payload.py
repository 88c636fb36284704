"""The file that a proof uploads: the same bytes each time, so that a proof can go on."""

from __future__ import annotations

import hashlib

FOLDER = "gotocloud-proof-upload"
FILE = "movie.tiff"
MODE = 0o640
TIME_S = 1_700_000_000
"""Modification time of the file, seconds since 1970."""

_BLOCKS = 4096


def content() -> bytes:
    """128 KiB that no compression shortens."""
    return b"".join(
        hashlib.sha256(f"gotocloud proof {number}".encode()).digest() for number in range(_BLOCKS)
    )

"""One S3 for all tests of a process, emptied before each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.transfer.store import Store


@pytest.fixture(scope="session")
def one_store() -> Iterator[Store]:
    store = Store()
    yield store
    store.stop()


@pytest.fixture
def store(one_store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty bucket, and the standard configuration pointing to it."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ENDPOINT_URL": one_store.url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    one_store.empty()
    return one_store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to upload, empty."""
    made = tmp_path / "session"
    made.mkdir()
    return made

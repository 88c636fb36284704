"""Which bucket `upload` and `download` mean."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.identity import Caller, ahead_of_header, name_in
from gotocloud.aws.transfer import place as transfer_place
from gotocloud.aws.transfer.place import project_bucket
from gotocloud.errors import InputError

ADA = Caller("ada", "123456789012")
CLOUD = cast(Cloud, SimpleNamespace(region="us-east-1"))


@pytest.fixture
def projects(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The projects that Ada has; a test fills them in."""
    names: list[str] = []
    where = SimpleNamespace(names=ADA.names)
    monkeypatch.setattr(transfer_place, "place", lambda _: where)
    monkeypatch.setattr(transfer_place, "own_projects", lambda *_: tuple(names))

    def only(_: Any, __: Any, verb: str) -> str:
        assert verb == "upload /data --project"
        if len(names) != 1:
            raise InputError("State which one.")
        return names[0]

    monkeypatch.setattr(transfer_place, "only_project", only)
    return names


def test_the_only_project_is_meant(projects: list[str]) -> None:
    projects += ["apoferritin"]
    assert project_bucket(CLOUD, None, "upload /data").bucket == (
        "gotocloud-data-ada-123456789012-apoferritin"
    )


def test_of_several_projects_one_must_be_named(projects: list[str]) -> None:
    projects += ["apoferritin", "virus"]
    with pytest.raises(InputError):
        project_bucket(CLOUD, None, "upload /data")
    assert project_bucket(CLOUD, "virus", "upload /data").bucket == (
        "gotocloud-data-ada-123456789012-virus"
    )


def test_an_unknown_project_comes_with_a_suggestion(projects: list[str]) -> None:
    projects += ["apoferritin"]
    with pytest.raises(InputError, match="Did you mean 'apoferritin'"):
        project_bucket(CLOUD, "apoferitin", "upload /data")


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:iam::123456789012:user/ada", "ada"),
        ("arn:aws:iam::123456789012:user/lab/x/ada", "ada"),
        ("arn:aws:sts::123456789012:assumed-role/gotocloud-scientist/ada", "ada"),
        ("arn:aws:sts::123456789012:assumed-role/SSO/ada@lab.example", "ada@lab.example"),
        ("arn:aws-cn:sts::123456789012:federated-user/ada", "ada"),
        ("arn:aws:iam::123456789012:root", None),
    ],
)
def test_a_scientist_is_named_by_user_or_session(arn: str, name: str | None) -> None:
    assert name_in(arn) == name


def test_a_clock_that_is_ahead_is_measured_and_no_header_is_unknown() -> None:
    from datetime import UTC, datetime

    now = datetime(2026, 5, 14, 12, 5, tzinfo=UTC)
    assert ahead_of_header("Thu, 14 May 2026 12:00:00 GMT", now) == 300
    assert ahead_of_header(None, now) is None
    assert ahead_of_header("soon", now) is None

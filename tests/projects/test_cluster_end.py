from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gotocloud.projects.cluster_end import kept_longer, kept_until

CREATED = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
STACK = "arn:aws:cloudformation:us-east-1:1:stack/gotocloud-cluster-x/1"


def test_hours_count_from_the_creation_of_the_stack() -> None:
    assert kept_until(STACK, CREATED, {"KeepHours": "8"}, None) == CREATED + timedelta(hours=8)


@pytest.mark.parametrize("parameters", [{}, {"KeepHours": "0"}])
def test_without_hours_only_use_keeps_a_cluster(parameters: dict[str, str]) -> None:
    assert kept_until(STACK, CREATED, parameters, None) is None


def test_a_request_for_more_hours_holds_from_then_on() -> None:
    asked = CREATED + timedelta(hours=7)
    body, until = kept_longer(STACK, 4, "ann", asked)
    assert until == asked + timedelta(hours=4)
    assert kept_until(STACK, CREATED, {"KeepHours": "8"}, body) == until


def test_what_was_requested_for_another_cluster_means_nothing_to_this_one() -> None:
    body, _ = kept_longer(STACK, 4, "ann", CREATED)
    assert kept_until(f"{STACK}2", CREATED, {}, body) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"stack_id": "%s"}' % STACK.encode()])
def test_nonsense_is_no_answer(body: bytes) -> None:
    with pytest.raises(ValueError, match="not what gotocloud writes"):
        kept_until(STACK, CREATED, {}, body)

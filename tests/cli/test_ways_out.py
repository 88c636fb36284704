"""What commands suggest leads out of every state of a project: no circle, no dead end.

By default some of the states, each with one command; GOTOCLOUD_EVERY_POINT=1 takes those that
differ from a usual one in one thing, with every command. `python -m benchmarks.faults` takes more.
"""

from __future__ import annotations

import os
from itertools import count

import pytest

from gotocloud.rehearsal.local_aws import LocalAws
from tests.cli.launchable import LaunchableGroup
from tests.cli.ways import VERBS, Situation, Ways, neighbours

pytestmark = [pytest.mark.rehearsal, pytest.mark.usefixtures("local_scientist")]
_numbers = count(1)

CHOSEN = [
    ("pause", Situation(bucket="gone")),
    ("finish", Situation(bucket="gone", cluster="absent")),
    ("start", Situation(bucket="gone", cluster="absent")),
    ("setup", Situation(bucket="others", cluster="absent")),
    ("pause", Situation(cluster="DELETE_FAILED", link="gone")),
    ("start", Situation(cluster="DELETE_FAILED", link="gone")),
    ("start", Situation(cluster="UPDATE_ROLLBACK_FAILED")),
    ("finish", Situation(cluster="ROLLBACK_FAILED", stuck="Door")),
    ("pause", Situation(proof=True, stuck="Lustre")),
    ("pause", Situation(node="silent")),
    ("setup", Situation(project="UPDATE_ROLLBACK_FAILED", cluster="absent")),
    ("setup", Situation(project="DELETE_FAILED", cluster="absent")),
]
EVERY = [(verb, one) for one in neighbours() for verb in VERBS]


@pytest.fixture(scope="module")
def group(local: LocalAws) -> LaunchableGroup:
    """A group whose scientist launches."""
    return LaunchableGroup(local)


@pytest.mark.parametrize(
    ("verb", "situation"),
    EVERY if os.environ.get("GOTOCLOUD_EVERY_POINT") else CHOSEN,
    ids=str,
)
def test_what_is_suggested_leads_to_a_good_end(
    group: LaunchableGroup, verb: str, situation: Situation
) -> None:
    ways = Ways(group)
    project = f"p{next(_numbers)}"
    ways.bring_about(project, situation)
    assert ways.way_out(project, verb, situation) == []
    ways.clear(project)

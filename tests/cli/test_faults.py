"""A sample of commands under faults; `make faults` tries all of them, several times."""

from __future__ import annotations

import pytest

from gotocloud.rehearsal.local_aws import LocalAws
from tests.cli.faulty import COMMANDS, FAULTS, Faulty, possible
from tests.cli.launchable import LaunchableGroup

pytestmark = [pytest.mark.rehearsal, pytest.mark.usefixtures("local_scientist")]
SAMPLE = [
    ("setup", "answer lost in a reset"),
    ("start", "killed"),
    ("start", "token expires"),
    ("connect", "error 500"),
    ("pause", "throttled"),
    ("finish", "killed"),
    ("upload", "killed"),
    ("download", "full disk"),
]


@pytest.fixture(scope="module")
def faulty(local: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Faulty:
    """A scientist who is disturbed."""
    return Faulty(LaunchableGroup(local), tmp_path_factory.mktemp("faulty"), seed=11)


@pytest.mark.parametrize(("command", "fault"), SAMPLE)
def test_a_command_that_was_disturbed_ends_well_when_it_is_typed_again(
    faulty: Faulty, command: str, fault: str
) -> None:
    if not possible(fault):
        pytest.skip("only root mounts a small disk")
    assert faulty.try_out(command, fault).wrong == []


def test_the_sample_is_of_what_is_swept() -> None:
    assert {command for command, _ in SAMPLE} <= set(COMMANDS)
    assert {fault for _, fault in SAMPLE} <= set(FAULTS)

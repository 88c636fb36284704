from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gotocloud.errors import GoToCloudError, InputError
from gotocloud.proving.journal import STATE, Journal, alone, open_journal
from gotocloud.proving.stages import ProofStage
from gotocloud.proving.verdicts import ProbeAnswer

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SUBJECT = {"platform": "cryoem", "group": "lab", "answers": "AWS"}


def opened(folder: Path, **changed: str) -> Journal:
    return open_journal(folder, SUBJECT | changed, NOW)


def test_everything_is_as_it_was_after_a_kill(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.makes(ProofStage.CLUSTER)
    first.complete(ProofStage.PROJECT)
    first.note("spot-role", ProbeAnswer("it exists", agrees=True), NOW)
    first.seen["budget-mail-arrives"] = "2026-11-30"
    first.bill(Decimal("0.5"), NOW)
    assert vars(opened(tmp_path)) == vars(first)


def test_time_in_which_it_was_interrupted_is_billed(tmp_path: Path) -> None:
    opened(tmp_path).bill(Decimal("0.5"), NOW)
    again = opened(tmp_path)
    assert again.spent(NOW + timedelta(hours=3)) == Decimal("1.5")
    again.bill(Decimal(2), NOW + timedelta(hours=3))
    again.bill(Decimal(), NOW + timedelta(hours=4))
    assert opened(tmp_path).spent(NOW + timedelta(days=9)) == Decimal("3.5")


def test_a_clock_that_was_set_back_gives_no_money_back(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.bill(Decimal(1), NOW)
    assert journal.spent(NOW - timedelta(hours=1)) == 0


def test_a_proof_that_is_over_begins_again_but_for_what_a_person_has_seen(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.complete(ProofStage.FINISH)
    first.seen["budget-mail-arrives"] = "2026-11-01"
    first.ended = NOW.isoformat()
    first.keep()
    again = opened(tmp_path)
    assert (again.done, again.answers) == ([], {})
    assert again.seen == {"budget-mail-arrives": "2026-11-01"}
    bill = open_journal(tmp_path, SUBJECT, NOW, bill=True)
    assert bill.done == [ProofStage.FINISH]


def test_another_platform_is_refused_while_something_is_left(tmp_path: Path) -> None:
    opened(tmp_path).makes(ProofStage.CLUSTER)
    with pytest.raises(InputError, match="belongs to another proof") as caught:
        opened(tmp_path, group="other")
    assert "group: lab" in caught.value.problems


@pytest.mark.parametrize("text", ["", "{", "[]", '{"answers": {}}', '{"answers": 3}'])
def test_a_broken_state_is_kept_and_named(tmp_path: Path, text: str) -> None:
    (tmp_path / STATE).write_text(text)
    with pytest.raises(InputError, match="cannot be read as the state of a proof") as caught:
        opened(tmp_path)
    assert str(caught.value.next_command).startswith("mv ")
    assert (tmp_path / STATE).read_text() == text


def test_two_proofs_never_share_a_folder(tmp_path: Path) -> None:
    with (
        alone(tmp_path),
        pytest.raises(GoToCloudError, match="Another proof is at work"),
        alone(tmp_path),
    ):
        pass
    with alone(tmp_path):
        pass

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gotocloud.waiting import looks, poll
from tests.needs import ROOT


def test_the_first_look_is_at_once_and_the_last_when_the_time_is_up() -> None:
    pauses: list[float] = []
    assert list(looks(2, within_s=5, sleep=pauses.append)) == pytest.approx([0, 2, 4, 6])
    assert pauses == [2, 2, 2]


def test_the_time_that_the_looks_take_counts_as_waiting() -> None:
    clock: Iterator[float] = iter([0.0, 30.0, 70.0])
    waited = list(looks(1, within_s=60, sleep=lambda _: None, clock=lambda: next(clock)))
    assert waited == [0.0, 30.0, 70.0]


def test_pauses_can_grow_with_the_time_waited() -> None:
    pauses: list[float] = []
    assert len(list(looks(lambda waited_s: 1 + waited_s, tries=4, sleep=pauses.append))) == 4
    assert pauses == pytest.approx([1, 2, 4], abs=0.01)


def test_polling_ends_with_what_was_found_or_after_its_tries() -> None:
    answers = iter([None, None, "there"])
    assert poll(lambda: next(answers), pause_s=0, tries=3) == "there"
    looked: list[int] = []
    assert poll(lambda: looked.append(1), pause_s=0, tries=3) is None
    assert len(looked) == 3


LOOPS_OF_THEIR_OWN = {
    "node/home_archive.py": "one pause, until the next whole second",
    "cli/views/stack.py": "the display's own way to wait",
    "rehearsal/launch.py": "a faster one",
    "rehearsal/lives.py": "a faster one",
    "rehearsal/slurm/keeper.py": "a daemon, which ticks until it is ended",
}


def test_every_other_file_waits_with_the_one_loop() -> None:
    package = ROOT / "gotocloud"
    found = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if "time.sleep(" in path.read_text(encoding="utf-8")
    }
    assert found == set(LOOPS_OF_THEIR_OWN)

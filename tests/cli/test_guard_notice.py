"""The notice of the idle guard in the bucket goes when what it reports is over."""

from __future__ import annotations

from typing import Any

import pytest

from gotocloud.cli.commands.guard import _notify
from gotocloud.projects.idle_guard import Action, Decision, Memory


@pytest.mark.parametrize(
    ("before", "now", "alarm", "left"),
    [
        (Memory(), Memory(), "", []),
        (Memory(), Memory(alarm_s=5.0), "nothing ends it", ["nothing ends it"]),
        (Memory(alarm_s=5.0), Memory(alarm_s=5.0), "", []),
        (Memory(alarm_s=5.0), Memory(), "", [""]),
        # Used again after a pause that failed, before there was an alarm.
        (Memory(failures=1), Memory(), "", [""]),
        (Memory(failures=1), Memory(failures=1), "", []),
    ],
)
def test_a_notice_that_is_over_goes(
    monkeypatch: pytest.MonkeyPatch, before: Memory, now: Memory, alarm: str, left: list[str]
) -> None:
    found: list[str] = []
    monkeypatch.setattr("gotocloud.aws.guarding.warn", lambda *_: None)
    monkeypatch.setattr("gotocloud.aws.guarding.notify", lambda _, __, text: found.append(text))
    one: Any = type("One", (), {"node": None})
    cloud: Any = None
    _notify(cloud, one, Decision(Action.KEEP, "kept", now, alarm=alarm), before)
    assert found == left

"""Until when a cluster is kept (`gotocloud start --keep-for`), wherever that is written.

The hours that a cluster is launched with are a parameter of its stack. More hours are requested
in an object of the project's bucket: changing the parameter would update the whole cluster. The
object names the stack that it is about, so that it means nothing to the next one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gotocloud.contract.project_bucket import KEEP_UNTIL, NOTICE_TEXT, STACK_ID, UNTIL
from gotocloud.contract.stacks import MOST_KEEP_HOURS, ClusterParameter
from gotocloud.formats import parse_json, whole_number
from gotocloud.projects.idle_guard import IDLE_MINUTES


@dataclass(frozen=True)
class ClusterEnd:
    """How a cluster that runs will end by itself.

    Args:
        until: Until when it is kept; None while it is used.
        guarded: Whether its head node has an idle guard at all; older releases have none.
        why: Why nothing is known; empty when it is.
        notice: What the idle guard reports; empty as long as all is well.
    """

    until: datetime | None = None
    guarded: bool = True
    why: str = ""
    notice: str = ""

    def __str__(self) -> str:
        if self.why:
            return "not known"
        if not self.guarded:
            return "by hand only"
        if self.until is None:
            return f"after {IDLE_MINUTES // 60} idle hours"
        return f"{self.until:%d %b %H:%M} UTC"

    def as_dict(self) -> dict[str, Any]:
        """For a JSON report."""
        return {
            "kept_until": self.until and self.until.isoformat(),
            "when_idle": self.guarded and self.until is None and not self.why,
            "unknown": self.why,
            "notice": self.notice,
        }


def kept_longer(stack_id: str, hours: int, scientist: str, now: datetime) -> tuple[bytes, datetime]:
    """The object that keeps a cluster for so many hours from now, and until when that is."""
    until = (now + timedelta(hours=hours)).astimezone(UTC).replace(microsecond=0)
    content = {
        "format": 1,
        STACK_ID: stack_id,
        UNTIL: until.isoformat(),
        "asked_by": scientist,
        "hours": hours,
    }
    return json.dumps(content, indent=1).encode() + b"\n", until


def guard_notice(stack_id: str, kept: bytes | None) -> str:
    """What the idle guard of a cluster left for people; empty if nothing, or of another cluster."""
    try:
        content: Any = parse_json(kept or b"{}")
        mine = content.get(STACK_ID) == stack_id
        return str(content.get(NOTICE_TEXT) or "") if mine else ""
    except (ValueError, AttributeError):
        return ""


def kept_until(
    stack_id: str, created: datetime, parameters: Mapping[str, str], kept: bytes | None
) -> datetime | None:
    """Until when a cluster is kept; None while only use keeps it.

    Args:
        stack_id: Its stack.
        created: When CloudFormation began to make it, which is when it began to cost.
        parameters: Of its stack.
        kept: The object of the project's bucket; None if there is none.

    Raises:
        ValueError: if the object is not what `kept_longer` makes.
    """
    if kept is not None:
        try:
            content: Any = parse_json(kept)
            if content[STACK_ID] == stack_id:
                until = datetime.fromisoformat(content[UNTIL])
                return until if until.tzinfo else until.replace(tzinfo=UTC)
        except (LookupError, TypeError, ValueError) as error:
            raise ValueError(f"{KEEP_UNTIL} is not what gotocloud writes: {error}") from error
    hours = whole_number(parameters.get(ClusterParameter.KEEP_HOURS, "0"), most=MOST_KEEP_HOURS)
    return created + timedelta(hours=hours) if hours else None

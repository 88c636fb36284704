"""The log of decisions: JSON lines, from which a test can tell what a command needed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

LOG = "decisions.jsonl"


@dataclass(frozen=True)
class Decision:
    """One check of one request.

    Args:
        time: When, UTC.
        caller: ARN.
        service: botocore's name of the service.
        operation: The requested operation.
        action: IAM action; empty if the request is not mapped.
        resource: ARN, or `*`.
        allowed: Whether policies allow it.
        enforced: Whether a denial was answered, not only noted.
        reason: Of a denial, in AWS's words.
        statements: The deciding statements, as `policy#sid`.
        milliseconds: How long the evaluator took.
        request: Number of the request; its checks have the same one.
        keys: Condition keys about the request and the resource.
        via: "cloudformation" where CloudFormation works with the caller's permissions.
    """

    time: str
    caller: str
    service: str
    operation: str
    action: str
    resource: str
    allowed: bool
    enforced: bool
    reason: str = ""
    statements: tuple[str, ...] = ()
    milliseconds: float = 0.0
    request: int = 0
    keys: tuple[str, ...] = ()
    via: str = ""


class DecisionLog:
    """Writes decisions into the state folder of a local AWS."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / LOG
        self._lock = threading.Lock()

    def add(self, decision: Decision) -> None:
        """Append a decision."""
        line = json.dumps(asdict(decision), ensure_ascii=False) + "\n"
        with self._lock, self._path.open("a", encoding="utf-8") as log:
            log.write(line)


def read_decisions(state_dir: Path, since: int = 0) -> Iterator[Decision]:
    """The decisions of a local AWS, oldest first.

    Args:
        state_dir: Its state folder.
        since: How many to leave out at the beginning.
    """
    path = state_dir / LOG
    if not path.exists():
        return
    with path.open(encoding="utf-8") as log:
        for number, line in enumerate(log):
            if number >= since:
                given = json.loads(line)
                listed = {name: tuple(given[name]) for name in ("statements", "keys")}
                yield Decision(**{**given, **listed})

"""The journal of a proof: what it has made, what AWS has answered, what it has cost.

It is written before something is made, so that a proof that was killed finds again what it made.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from gotocloud.errors import GoToCloudError, InputError, shell_line
from gotocloud.files import write_file
from gotocloud.formats import parse_json
from gotocloud.proving.stages import ProofStage
from gotocloud.proving.verdicts import ProbeAnswer

STATE = "state.json"
LOCK = "prove.lock"
_SECONDS_PER_HOUR = 3600


@dataclass
class Journal:
    """What is kept between two runs of a proof.

    Args:
        path: Its file.
        subject: What is proven: platform, group, region, endpoint. Another subject is refused.
        began: When the proof began.
        ended: When everything that it made was gone; empty before.
        made: Stages that have begun to make something that is not removed yet.
        done: Stages that are complete.
        answers: AWS's answers by the assumption's id.
        when: When each was given.
        seen: What a person has confirmed, with the day.
        spent_usd: What is spent without what is billed now.
        usd_per_hour: What is billed now.
        since: Since when.
        failure: Why the last run stopped; empty if it did not.
    """

    path: Path
    subject: dict[str, str]
    began: str = ""
    ended: str = ""
    made: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    answers: dict[str, ProbeAnswer] = field(default_factory=dict)
    when: dict[str, str] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    spent_usd: Decimal = Decimal()
    usd_per_hour: Decimal = Decimal()
    since: str = ""
    failure: str = ""

    def spent(self, now: datetime) -> Decimal:
        """What has been spent up to now, USD, by the prices that were shown."""
        if not self.since:
            return self.spent_usd
        elapsed_s = max(0.0, (now - datetime.fromisoformat(self.since)).total_seconds())
        return self.spent_usd + self.usd_per_hour * Decimal(elapsed_s) / _SECONDS_PER_HOUR

    def bill(self, usd_per_hour: Decimal, now: datetime) -> None:
        """From now on so much is billed by the hour; zero when nothing is."""
        self.spent_usd, self.usd_per_hour = self.spent(now), usd_per_hour
        self.since = now.isoformat() if usd_per_hour else ""
        self.keep()

    def makes(self, stage: ProofStage) -> None:
        """Note that a stage is about to make something."""
        if stage.value not in self.made:
            self.made.append(stage.value)
        self.ended = ""
        self.keep()

    def removed(self, *stages: ProofStage) -> None:
        """Note that nothing is left of what stages made."""
        self.made = [one for one in self.made if one not in stages]
        self.keep()

    def complete(self, stage: ProofStage) -> None:
        """Note that a stage is complete."""
        if stage.value not in self.done:
            self.done.append(stage.value)
        self.keep()

    def note(self, name: str, answer: ProbeAnswer, now: datetime) -> None:
        """Keep an answer."""
        self.answers[name], self.when[name] = answer, now.isoformat(timespec="seconds")
        self.keep()

    def keep(self) -> None:
        """Write it, in one step."""
        data = {key: value for key, value in vars(self).items() if key != "path"}
        data["answers"] = {name: asdict(answer) for name, answer in self.answers.items()}
        write_file(self.path, json.dumps(data, indent=1, default=str) + "\n")


def open_journal(
    folder: Path, subject: Mapping[str, str], now: datetime, *, bill: bool = False
) -> Journal:
    """The journal of a folder: of a proof that goes on, or a new one.

    Args:
        bill: Whether the bill of a proof that is over is to be read.

    Raises:
        InputError: if it is of another subject, or cannot be read.
    """
    path = folder / STATE
    fresh = Journal(path, dict(subject), began=now.isoformat(timespec="seconds"))
    if not path.exists():
        return fresh
    kept = _read(path)
    if kept.subject != dict(subject):
        if kept.made:
            raise InputError(
                f"{path} belongs to another proof, which has not removed what it made.",
                problems=[f"{key}: {value}" for key, value in kept.subject.items()],
                advice="Finish that one first, or use another --output.",
            )
        return fresh
    if bill or not kept.ended:
        return kept
    # A proof that is over begins again; what a person has seen stays seen.
    fresh.seen = kept.seen
    return fresh


def _read(path: Path) -> Journal:
    try:
        data: dict[str, Any] = parse_json(path.read_text(encoding="utf-8"))
        data["answers"] = {name: ProbeAnswer(**one) for name, one in data["answers"].items()}
        for money in ("spent_usd", "usd_per_hour"):
            data[money] = Decimal(data[money])
        return Journal(path, **data)
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, OSError) as error:
        raise InputError(
            f"{path} cannot be read as the state of a proof ({type(error).__name__}: {error}).",
            next_command=shell_line("mv", path, f"{path}.broken"),
        ) from None


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep a second proof out of a folder; one that was killed does not.

    Raises:
        GoToCloudError: if another is at work there.
    """
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GoToCloudError(
                f"Another proof is at work in {folder}.",
                advice="Wait for it, or use another --output.",
            ) from None
        yield


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)

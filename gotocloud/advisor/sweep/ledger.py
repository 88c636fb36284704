"""The file of a sweep: what is to run, what has run, and as which job.

Each step is written down before it is taken, so that a sweep that was killed goes on where it
was and runs nothing twice.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from gotocloud.advisor.sweep.plan import Planned, Setting
from gotocloud.errors import InputError, shell_line

VERSION = 1


class Stage(StrEnum):
    """How far a run is."""

    PLANNED = "planned"
    ADDING = "adding"
    """It is about to be added to RELION; its job's number is predicted."""

    RUNNING = "running"
    """RELION has it."""

    ENDED = "ended"


@dataclass(frozen=True)
class Entry:
    """One run and what became of it.

    Args:
        plan: What is to run.
        stage: How far it is.
        job: RELION's name of its job; empty before it is foreseen.
        outcome: `succeeded`, `failed`, `aborted` or `lost`; empty before it ended.
        usd: What its machines cost while it ran; None before, or if the price is unknown.
    """

    plan: Planned
    stage: Stage = Stage.PLANNED
    job: str = ""
    outcome: str = ""
    usd: float | None = None


@dataclass(frozen=True)
class Sweep:
    """A sweep as its file has it.

    Args:
        base: RELION's name of the job that is measured, "Class2D/job012/".
        label: Its label, for example "relion.class2d".
        budget_usd: Where it stops; None for no limit.
        entries: Its runs, in order.
    """

    base: str
    label: str
    budget_usd: float | None
    entries: tuple[Entry, ...]

    @property
    def spent_usd(self) -> float:
        """What the runs have cost so far, as far as prices are known."""
        return sum(entry.usd or 0.0 for entry in self.entries)

    @property
    def next_number(self) -> int | None:
        """Index of the run that is under way or comes next; None when all have ended."""
        left = (i for i, entry in enumerate(self.entries) if entry.stage is not Stage.ENDED)
        return next(left, None)

    def with_entry(self, number: int, **changes: Any) -> Sweep:
        """The sweep with something changed in one of its runs."""
        entries = list(self.entries)
        entries[number] = replace(entries[number], **changes)
        return replace(self, entries=tuple(entries))

    def over_budget(self, number: int) -> str | None:
        """Why a run must not begin any more, or None when it may."""
        if self.budget_usd is None:
            return None
        usd = self.entries[number].plan.usd
        if usd is None:
            return "its cost is unknown, so no budget can be kept"
        if self.spent_usd + usd > self.budget_usd:
            return (
                f"{self.spent_usd:.2f} USD are spent, it would cost about {usd:.2f}, and the "
                f"budget is {self.budget_usd:.2f}"
            )
        return None


def new_sweep(base: str, label: str, budget_usd: float | None, runs: Sequence[Planned]) -> Sweep:
    """A sweep of which nothing has run."""
    return Sweep(base, label, budget_usd, tuple(Entry(run) for run in runs))


def dump(sweep: Sweep) -> str:
    """The text of a sweep's file."""
    return json.dumps({"version": VERSION, **asdict(sweep)}, indent=1)


def load(path: Path) -> Sweep:
    """A sweep from its file.

    Raises:
        InputError: if there is none, or it is not a sweep's.
    """
    plan = "gotocloud bench plan JOBDIR"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise InputError(
                f"{str(path)!r} has version {content['version']!r}; this release reads {VERSION}."
            )
        return Sweep(
            base=str(content["base"]),
            label=str(content["label"]),
            budget_usd=_amount(content["budget_usd"]),
            entries=tuple(_entry(entry) for entry in content["entries"]),
        )
    except FileNotFoundError:
        raise InputError(f"There is no sweep {str(path)!r}.", next_command=plan) from None
    except OSError as error:
        raise InputError(
            f"{str(path)!r} cannot be read: {error.strerror}.",
            next_command=shell_line("ls", "-ld", path),
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{str(path)!r} is not the file of a sweep ({error}).", next_command=plan
        ) from None


def _amount(value: Any) -> float | None:
    """Hours or US dollars; None when they are not known."""
    if value is None:
        return None
    if not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"{value!r} is no amount")
    return float(value)


def _entry(content: Mapping[str, Any]) -> Entry:
    plan = dict(content["plan"])
    setting = Setting(**plan.pop("setting"))
    hours, usd = _amount(plan.pop("hours")), _amount(plan.pop("usd"))
    for count in (setting.nodes, setting.ranks, setting.threads, plan["repeat"]):
        if not isinstance(count, int) or count < 1:
            raise ValueError(f"{count!r} is no count")
    return Entry(
        plan=Planned(setting=setting, hours=hours, usd=usd, **plan),
        stage=Stage(content["stage"]),
        job=str(content["job"]),
        outcome=str(content["outcome"]),
        usd=_amount(content["usd"]),
    )

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

from gotocloud.advisor.sweep.plan import Planned, SweepSetting
from gotocloud.costs.machine_time import Cost
from gotocloud.errors import InputError, shell_line
from gotocloud.formats import parse_json, usd_text

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
class LedgerEntry:
    """One run and what became of it.

    Args:
        plan: What is to run.
        stage: How far it is.
        job: RELION's name of its job; empty before it is foreseen.
        outcome: `succeeded`, `failed`, `aborted` or `lost`; empty before it ended.
        usd: What its machines cost while it ran, as far as it is known; None if nothing is.
        usd_complete: Whether that is all.
    """

    plan: Planned
    stage: Stage = Stage.PLANNED
    job: str = ""
    outcome: str = ""
    usd: float | None = None
    usd_complete: bool = False

    @property
    def cost(self) -> Cost:
        """What it has cost."""
        return Cost(self.usd, self.usd_complete)

    @property
    def budgeted_usd(self) -> float | None:
        """What the budget counts for a run that has ended.

        Where the cost is known in part only, its estimate counts if that is more; None if
        there is neither.
        """
        if self.usd_complete:
            return self.usd
        amounts = [usd for usd in (self.usd, self.plan.usd) if usd is not None]
        return max(amounts) if self.plan.usd is not None else None


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
    entries: tuple[LedgerEntry, ...]

    @property
    def spent(self) -> Cost:
        """What the runs that have ended have cost; "at least" where one of them is unknown."""
        ended = [entry for entry in self.entries if entry.stage is Stage.ENDED]
        amounts = [entry.usd for entry in ended if entry.usd is not None]
        return Cost(
            sum(amounts) if amounts or not ended else None,
            complete=all(entry.usd_complete for entry in ended),
        )

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
        counted = 0.0
        for entry in self.entries:
            if entry.stage is not Stage.ENDED:
                continue
            if entry.budgeted_usd is None:
                return f"the cost of {entry.job} is {entry.cost}, so no budget can be kept"
            counted += entry.budgeted_usd
        if counted + usd > self.budget_usd:
            estimated = (
                "" if self.spent.complete else f", counted as {usd_text(counted)} by estimates,"
            )
            return (
                f"{self.spent} spent{estimated}; the next run would cost about "
                f"{usd_text(usd)} USD, and the budget is {usd_text(self.budget_usd)} USD"
            )
        return None


def new_sweep(base: str, label: str, budget_usd: float | None, runs: Sequence[Planned]) -> Sweep:
    """A sweep of which nothing has run."""
    return Sweep(base, label, budget_usd, tuple(LedgerEntry(run) for run in runs))


def dump(sweep: Sweep) -> str:
    """The text of a sweep's file."""
    return json.dumps({"version": VERSION, **asdict(sweep)}, indent=1)


def load(path: Path) -> Sweep:
    """A sweep from its file.

    Raises:
        InputError: if there is none, or it is not a sweep's.
    """
    plan = "gotocloud bench plan --help"
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
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


def _entry(content: Mapping[str, Any]) -> LedgerEntry:
    plan = dict(content["plan"])
    setting = SweepSetting(**plan.pop("setting"))
    hours, usd = _amount(plan.pop("hours")), _amount(plan.pop("usd"))
    for count in (setting.nodes, setting.ranks, setting.threads, plan["repeat"]):
        if not isinstance(count, int) or count < 1:
            raise ValueError(f"{count!r} is no count")
    return LedgerEntry(
        plan=Planned(setting=setting, hours=hours, usd=usd, **plan),
        stage=Stage(content["stage"]),
        job=str(content["job"]),
        outcome=str(content["outcome"]),
        usd=_amount(content["usd"]),
        # Files of earlier releases held the cost of a run only if it was known to its end.
        usd_complete=bool(content.get("usd_complete", content["usd"] is not None)),
    )

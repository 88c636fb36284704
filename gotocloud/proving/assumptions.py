"""The table of assumptions: one row for each that only AWS can confirm."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from gotocloud.errors import unknown_name
from gotocloud.proving.stages import ProofStage
from gotocloud.yaml_files import load_yaml


class Here(StrEnum):
    """What an answer of the local AWS is worth."""

    CONFIRMS = "confirms"
    """It behaves as AWS does in this, by a source that is not ours."""

    ANSWERS = "answers"
    """Agreement proves nothing, because it is our own model; a difference is reported."""

    ABSENT = "absent"
    """There is nothing of it: the probe is not run."""


@dataclass(frozen=True)
class Assumption:
    """One assumption about AWS.

    Args:
        id: Its name in reports.
        stage: When it is looked at.
        sentence: What is assumed.
        probe: The function that reads AWS's answer, after a colon its argument.
        expected: The answer that confirms it.
        remedy: What to do when AWS answers otherwise; empty where the answer itself names it.
        source: Where the assumption comes from.
        here: What an answer of the local AWS is worth.
    """

    id: str
    stage: ProofStage
    sentence: str
    probe: str
    expected: str
    remedy: str
    source: str
    here: Here


@cache
def assumptions() -> tuple[Assumption, ...]:
    """Every assumption, in the order of the stages."""
    name = "assumptions.yaml"
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    rows = [
        Assumption(**{**row, "stage": ProofStage(row["stage"]), "here": Here(row["here"])})
        for row in load_yaml(text, name).data
    ]
    order = list(ProofStage)
    return tuple(sorted(rows, key=lambda row: order.index(row.stage)))


def of_stage(stage: ProofStage) -> tuple[Assumption, ...]:
    """The assumptions of one stage."""
    return tuple(one for one in assumptions() if one.stage is stage)


def assumption(name: str) -> Assumption:
    """The assumption of an id.

    Raises:
        InputError: if there is none; lists those that there are.
    """
    by_id = {one.id: one for one in assumptions()}
    if name not in by_id:
        raise unknown_name("assumption", name, list(by_id), next_command="gotocloud platform prove")
    return by_id[name]

from __future__ import annotations

import pytest

from gotocloud.aws.proving.probes import PROBES
from gotocloud.errors import InputError
from gotocloud.proving.assumptions import Here, assumption, assumptions, of_stage
from gotocloud.proving.stages import ProofStage
from tests.proving import table
from tests.rooms import part_of


def test_every_row_is_complete_and_has_a_name_of_its_own() -> None:
    rows = assumptions()
    assert len({one.id for one in rows}) == len(rows)
    for one in rows:
        assert one.sentence.endswith("."), one.id
        assert one.expected, one.id
        assert one.source, one.id
        assert one.remedy or one.probe.startswith(("quota", "peerings")), one.id


def test_every_probe_is_used_and_every_row_has_one() -> None:
    assert {one.probe.split(":")[0] for one in assumptions()} == set(PROBES)


def test_every_stage_looks_at_something() -> None:
    assert all(of_stage(stage) for stage in ProofStage)


@pytest.mark.parametrize("name", ["spot-node", "mpi-job", "gpu", "budget-mail-arrives"])
def test_what_the_local_aws_has_nothing_of_is_never_run_there(name: str) -> None:
    assert assumption(name).here is Here.ABSENT


def test_an_unknown_assumption_names_those_that_there_are() -> None:
    with pytest.raises(InputError, match="Did you mean 'budget-mail-arrives'"):
        assumption("budget-mail-arrive")


def test_the_document_shows_the_table() -> None:
    shown = part_of(table.DOCUMENT.read_text("utf-8"), table.BEGIN, table.END)
    assert shown == table.table(), "python -m tests.proving.table"

"""A group's stacks after the management account was destroyed and deployed again."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gotocloud.aws.deployed import create_only
from gotocloud.errors import InputError
from gotocloud.platform.load import load_platform, record_path
from gotocloud.platform.record import dump_record, load_record, recorded_groups
from gotocloud.platform.update import Effect, changes, refusals
from tests.stacks.conftest import EXAMPLE, synthesise

pytestmark = pytest.mark.cdk
HOLD_ADDRESSES = {"AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::IAM::User", "AWS::IAM::Role"}


@pytest.fixture
def platform(tmp_path: Path) -> Path:
    """The example platform, whose record has other identifiers of everything in AWS."""
    path = Path(shutil.copy(EXAMPLE, tmp_path / "platform.yaml"))
    record = load_record(record_path(EXAMPLE))
    known = load_platform(path)
    kept = {"pool": known.network.pool, "groups": recorded_groups(known)}
    text = dump_record(record.model_copy(update=kept))
    record_path(path).write_text(re.sub(r"\b(vpc|rtb|fs)-[12]", r"\1-9", text))
    return path


def test_nothing_of_the_group_moves_and_no_data_is_at_risk(
    example: Mapping[str, dict[str, Any]], platform: Path, tmp_path: Path
) -> None:
    again = synthesise(tmp_path / "out", platform=str(platform), group="membrane-lab")
    found = changes(example["UserStack"], again["UserStack"], create_only)
    assert refusals(found) == ()
    moved = {one.kind for one in found if one.effect is Effect.REPLACED}
    assert "AWS::EC2::VPCPeeringConnection" in moved
    assert not moved & HOLD_ADDRESSES, moved
    assert [one.data for one in found if one.data] == []


def test_neither_account_is_synthesised_from_a_file_that_moves_its_groups(
    platform: Path, tmp_path: Path
) -> None:
    platform.write_text(platform.read_text().replace("number: 1", "number: 7"))
    for context in ({"group": "membrane-lab"}, {}):
        with pytest.raises(InputError, match="changes what platform") as raised:
            synthesise(tmp_path / "out", platform=str(platform), **context)
        assert raised.value.problems == ("group 'membrane-lab': number is 7, and was 1",)

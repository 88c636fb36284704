from __future__ import annotations

import pytest

from gotocloud.aws.proving.probes import PROBES
from gotocloud.errors import InputError
from gotocloud.proving.assumptions import Here, assumption, assumptions, of_stage
from gotocloud.proving.stages import ProofStage
from tests.proving import table
from tests.rooms import part_of

OPEN_FACTS = {
    "a session of aws login carries MFA": "aws-login-carries-mfa",
    "a policy with aws:PrincipalAccount counts as public": "distribution-policy-not-public",
    "change sets with nested stacks and a transform have limits": "change-set",
    "DescribeStacks without a name needs *": "list-stacks",
    "FSx makes a role for the link with the bucket": "fsx-s3-role",
    "deleting that role needs a permission": "fsx-role-gone",
    "replication that changes nothing bills": "replication-price",
    "Secrets Manager's price": "secrets-price",
    "the composite alarm is denied with a narrow resource": "composite-alarm",
    "peerings of a VPC": "peerings",
    "absent objects answer 403 or 404": "absent-object",
    "/home lies on a volume that is deleted": "home-dies-with-head-node",
    "Ubuntu has no amazon-efs-utils": "software-mounted",
    "the first sign-in without MFA": "first-sign-in",
    "systemd on ParallelCluster's image": "guard-runs",
    "DCV on ParallelCluster's image": "desktop-answers",
    "ParallelCluster's tags reach the head node's role": "head-node-role-is-tagged",
    "storage of the head node is untagged": "volumes-are-tagged",
}
"""What was found open or likely about AWS -> the row that proves it."""


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


@pytest.mark.parametrize("name", OPEN_FACTS.values(), ids=OPEN_FACTS)
def test_an_open_fact_about_aws_is_in_the_kit(name: str) -> None:
    assert assumption(name).id == name


@pytest.mark.parametrize("name", ["spot-node", "mpi-job", "gpu", "budget-mail-arrives"])
def test_what_the_local_aws_has_nothing_of_is_never_run_there(name: str) -> None:
    assert assumption(name).here is Here.ABSENT


def test_an_unknown_assumption_names_those_that_there_are() -> None:
    with pytest.raises(InputError, match="Did you mean 'budget-mail-arrives'"):
        assumption("budget-mail-arrive")


def test_the_document_shows_the_table() -> None:
    shown = part_of(table.DOCUMENT.read_text("utf-8"), table.BEGIN, table.END)
    assert shown == table.table(), "python -m tests.proving.table"

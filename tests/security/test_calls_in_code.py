"""What the commands of scientists call, their role may call."""

from __future__ import annotations

from pathlib import Path

import pytest

from gotocloud.contract.names import SCIENTIST_ROLE
from local_aws.iam.actions import WITHOUT_PERMISSION
from tests.needs import ROOT
from tests.security.attacks import USERS
from tests.security.calls_in_code import actions
from tests.security.checks.template import as_list
from tests.security.principals import principals, unattached
from tests.security.site import Group
from tests.security.test_handlers import allows

pytestmark = [pytest.mark.cdk, pytest.mark.xdist_group("security")]

AWS = ROOT / "gotocloud/aws"
OF_THE_MANAGEMENT_GROUP = {
    "handing_over.py": "`platform hand-over` copies a project for another person",
    "offboarding.py": "`platform remove-scientist` ends a person's access",
    "offerings.py": "`platform zones` asks where machines and file systems are offered",
    "price_list.py": "the shipped price table is written before a release",
    "quotas.py": "`platform check` counts the quotas of an account",
    "replication.py": "`software publish` starts and follows the copies of the software",
}
"""Module -> the command of administrators, who have no policy of ours, that calls it."""

PROOF = AWS / "proving"
"""`platform prove`: its probes act as administrators; what a scientist does, the commands do."""

OTHERS = {
    # `platform publish` writes what scientists only read.
    "releases.py": {"s3:PutObject": ""},
    # Each object is named with its version, which is another action.
    "project_removal.py": {"s3:DeleteObject": "s3:DeleteObjectVersion"},
}
"""Actions of a module that are of administrators, or another one for what the call names."""


def modules() -> list[Path]:
    return sorted(
        path
        for path in AWS.rglob("*.py")
        if path.name not in OF_THE_MANAGEMENT_GROUP
        and not path.is_relative_to(PROOF)
        and actions(path)
    )


@pytest.mark.parametrize("module", modules(), ids=lambda path: str(path.relative_to(AWS)))
def test_every_call_is_allowed_to_a_scientist_or_a_head_node(module: Path, group: Group) -> None:
    found = principals(group.template)
    statements = found[SCIENTIST_ROLE].statements + found[USERS].statements
    for document in unattached(group.template).values():
        statements += tuple(as_list(document["Statement"]))
    free = {f"{service}:{operation}" for service, operation in WITHOUT_PERMISSION}
    others = OTHERS.get(module.name, {})
    needed = {others.get(one, one) for one in actions(module) - free} - {""}
    assert [one for one in sorted(needed) if not allows(statements, one)] == []


def test_calls_are_found_in_variables_arguments_and_pages(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        'cfn.create_stack(StackName="a")\n'
        'cloud.client("fsx").describe_file_systems()\n'
        'ec2.get_paginator("describe_vpcs")\n'
        "s3.upload_fileobj(1)\n"
        "other.create_stack()\n"
    )
    assert actions(module) == {
        "cloudformation:CreateStack",
        "ec2:DescribeVpcs",
        "fsx:DescribeFileSystems",
        "s3:PutObject",
    }
    assert len(modules()) > 15

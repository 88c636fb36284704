"""The page that counts IAM's decisions: who is counted as whom, and whether it is current."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gotocloud.cli.commands.rehearse import app
from gotocloud.cluster_configs.engine import engine_of
from gotocloud.cluster_configs.model import configuration_names
from gotocloud.contract.names import CLUSTER_SERVICE_ROLE, PROVIDER_ROLE, SCIENTIST_ROLE
from gotocloud.errors import GoToCloudError
from gotocloud.platform.model import Group
from gotocloud.rehearsal import judged
from gotocloud.rehearsal.judged import COLUMNS, principal_of, refuse_denials, tallies, written
from gotocloud.rehearsal.lives import Life
from gotocloud.rehearsal.local_aws import LocalAws
from local_aws.iam.decisions import Decision, DecisionLog
from tests.needs import ROOT

PAGE = ROOT / "docs/rehearsal-iam.md"
STS = "arn:aws:sts::222222222222:assumed-role"
CALLERS = {
    f"{STS}/{SCIENTIST_ROLE}/ann": f"role `{SCIENTIST_ROLE}`",
    f"{STS}/{PROVIDER_ROLE}/lambda-eu-west-1": f"role `{PROVIDER_ROLE}`",
    f"{STS}/ann-222222222222-apo-RoleHeadNode-0123456789AB/i-1": "head nodes",
    f"{STS}/ann-222222222222-apo-ComputeFleetQueu-0123456789AB/i-2": "compute nodes",
    f"{STS}/ann-222222222222-apo-CleanupRoute53Fu-0123456789AB/lambda-x": "clean-up functions",
    f"{STS}/cdk-hnb659fds-deploy-role-222222222222-x/cdk": "roles of the CDK's bootstrap",
    "arn:aws:iam::222222222222:user/ann": "scientists as IAM users",
}
Place = tuple[Group, str]
LIFE = Life("tutorial", ("AWS::EC2::Instance",), (), ())


def decision(caller: str, request: int, *, allowed: bool = True, via: str = "") -> Decision:
    return Decision(
        time="",
        caller=caller,
        service="ec2",
        operation="DescribeVpcs",
        action="ec2:DescribeVpcs",
        resource="*",
        allowed=allowed,
        enforced=True,
        reason="" if allowed else f"{caller} is not authorized",
        request=request,
        via=via,
    )


@pytest.mark.parametrize("caller", CALLERS)
def test_a_caller_is_named_by_what_it_is(caller: str) -> None:
    assert principal_of(caller) == CALLERS[caller]


def test_a_request_with_two_permissions_is_one_call() -> None:
    provider = f"{STS}/{PROVIDER_ROLE}/lambda-eu-west-1"
    made = [
        decision(provider, 1),
        decision(provider, 1),
        decision(provider, 2, via="cloudformation"),
    ]
    (tally,) = tallies(made).values()
    assert (len(tally.requests), len(tally.by_cloudformation), tally.permissions) == (2, 1, 3)
    assert f"| role `{PROVIDER_ROLE}` | 2 | 1 | 3 | 0 |" in written([LIFE], made)


def test_no_page_is_written_of_a_rehearsal_with_a_denial() -> None:
    refuse_denials([LIFE], [decision("arn:aws:iam::222222222222:user/ann", 1)])
    for lives, made in (
        ([LIFE], [decision("arn:aws:iam::222222222222:user/ann", 1, allowed=False)]),
        ([Life("tutorial", (), ("head node: no",), ())], []),
    ):
        with pytest.raises(GoToCloudError, match="IAM denied 1 call"):
            refuse_denials(lives, made)


def test_the_page_counts_what_was_decided_while_its_clusters_lived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, page = tmp_path / "state", tmp_path / "pages/iam.md"
    caller = f"{STS}/{SCIENTIST_ROLE}/ann"
    ended = []

    class Local:
        def stop(self) -> None:
            ended.append(True)

    def lived(_local: object, _platform: object, place: Place, name: str, _: object) -> Life:
        group, region = place
        assert region in group.regions
        DecisionLog(state).add(decision(caller, 1))
        return replace(LIFE, configuration=name)

    monkeypatch.setattr(LocalAws, "start", lambda *_, **__: Local())
    monkeypatch.setattr(judged, "deploy_platform", lambda *_, **__: None)
    monkeypatch.setattr(judged, "live", lived)
    words = ["iam", "--config", "tutorial", "--page", str(page), "--state", str(state)]
    monkeypatch.chdir(ROOT)
    for _ in range(2):
        assert CliRunner().invoke(app, words).exit_code == 0
        assert f"| role `{SCIENTIST_ROLE}` | 1 | 0 | 1 | 0 |" in page.read_text()
    assert "| tutorial | 1 | 0 |" in page.read_text()
    assert ended == [True, True]


def test_the_page_has_the_form_that_the_command_writes() -> None:
    text = PAGE.read_text("utf-8")
    without_numbers = re.compile(r"\d{2} \w+ \d{4}|[\d,]+(?= API calls were)")
    sample = written([LIFE], [])
    paragraphs = [part for part in sample.split("\n\n") if not part.startswith("|")]
    for part in paragraphs:
        assert without_numbers.sub("", part) in without_numbers.sub("", text)
    assert f"| {' | '.join(COLUMNS)} |" in text
    assert f"ParallelCluster {engine_of().version}." in text


def test_the_page_has_every_configuration_and_every_principal_and_no_denial() -> None:
    text = PAGE.read_text("utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    found = {row[0]: row for row in rows}
    roles = {f"role `{name}`" for name in (SCIENTIST_ROLE, CLUSTER_SERVICE_ROLE, PROVIDER_ROLE)}
    assert {*configuration_names(), *roles, "head nodes", "compute nodes"} <= set(found)
    assert [row for row in rows if row[0] in found and row[-1] not in ("0", "denied", "---")][
        1:
    ] == []

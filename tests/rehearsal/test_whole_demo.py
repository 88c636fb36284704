"""The whole demo, for real: about a minute."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gotocloud import __version__
from gotocloud.rehearsal import demo
from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.rehearsal.progress import StepDisplay
from gotocloud.rehearsal.report import DemoReport
from local_aws.iam.decisions import read_decisions

pytestmark = [pytest.mark.rehearsal, pytest.mark.cdk, pytest.mark.pcluster]

EXAMPLE = Path(__file__).parents[2] / "platform.example.yaml"
LONGEST_S = 300


@dataclass(frozen=True)
class Done:
    """A demo that has ended."""

    folder: Path
    report: DemoReport

    @property
    def data(self) -> Any:
        return json.loads((self.folder / "out/report.json").read_text())


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    folder = tmp_path_factory.mktemp("demo")
    report = demo.run(
        state_dir=folder / "state",
        output_dir=folder / "out",
        keep_running=False,
        example=EXAMPLE,
        progress=StepDisplay(stream=io.StringIO()),
    )
    yield Done(folder, report)
    if aws := LocalAws.running(folder / "state"):
        aws.stop()


def test_every_stack_stands(done: Done) -> None:
    stacks = {(s["account"], s["region"], s["name"]): s["status"] for s in done.data["stacks"]}
    assert set(stacks.values()) == {"CREATE_COMPLETE"}
    assert len(stacks) == 3 + 3 + 2


def test_iam_decided_about_every_request_of_the_scientist_and_denied_none(done: Done) -> None:
    decided = list(read_decisions(done.folder / "state"))
    caller = f"gotocloud-scientist/{done.report.launch.scientist}"
    scientists = [one for one in decided if one.caller.endswith(caller)]
    assert {"cloudformation:CreateStack", "iam:PassRole"} <= {one.action for one in scientists}
    made = {one.action for one in decided if "gotocloud-cluster-service/" in one.caller}
    assert {"s3:CreateBucket", "ec2:CreateSubnet", "fsx:CreateFileSystem"} <= made
    assert [one for one in decided if not one.allowed] == []


def test_every_peering_is_active_with_routes_both_ways(done: Done) -> None:
    survey = done.report.survey
    peerings = [peering for _, peering in survey.peerings()]
    assert len(peerings) == 3
    for peering in peerings:
        assert peering.state == "active"
        assert survey.routed(peering.requester_vpc, peering.id)
        assert survey.routed(peering.accepter_vpc, peering.id)


def test_the_cluster_has_its_queues_a_head_node_and_lustre_bound_to_the_bucket(done: Done) -> None:
    launch = done.report.launch
    (here,) = [
        region
        for account, region in done.report.survey.everywhere()
        if (account.account, region.region) == (launch.account, launch.region)
    ]
    (cluster,) = [stack for stack in here.stacks if stack.queues]
    assert cluster.name == launch.stacks[1]
    assert {"refine3d", "refine3d-spot"} < {queue.name for queue in cluster.queues}
    assert [head.state for head in here.instances] == ["running"]
    assert here.instances[0].id == cluster.outputs["HeadNodeInstanceId"]
    (lustre,) = here.lustre
    assert any(path.endswith(f"-{launch.project}") for path in lustre.repositories)
    assert len(here.nat_gateways) == 1


def test_the_stacks_carry_the_tags_of_the_paper_and_of_the_group(done: Done) -> None:
    launch = done.report.launch
    stacks = [s for _, r in done.report.survey.everywhere() for s in r.stacks]
    for stack in stacks:
        if stack.name in launch.stacks:
            assert stack.tags["gtc:iam-user"] == launch.scientist
            assert stack.tags["gtc:project"] == launch.project
            assert stack.tags["gtc:account"] == launch.account
            assert stack.tags["gtc:method"] == "cryoem"
            assert stack.tags["cost-centre"] == "structural-biology"


def test_the_scientist_launched_what_was_published(done: Done) -> None:
    launch = done.report.launch
    assert launch.release == __version__
    assert launch.role_arn.endswith(":role/gotocloud-scientist")
    for url, sha in launch.templates:
        assert f"/releases/{__version__}/" in url
        assert len(sha) == 64


def test_its_cost_is_whole_and_sourced(done: Done) -> None:
    costs = done.data["costs"]
    assert costs["complete"]
    assert all(item["price"]["source"] for item in costs["items"])


def test_it_is_quick_and_leaves_nothing_running(done: Done) -> None:
    assert done.data["seconds"] < LONGEST_S
    assert LocalAws.running(done.folder / "state") is None

"""The demo on the rehearsed platform; then its cluster is used by its nodes, and deleted."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gotocloud import __version__
from gotocloud.aws.removal import remove
from gotocloud.aws.stacks import describe
from gotocloud.projects.billed import BilledKind
from gotocloud.rehearsal import demo
from gotocloud.rehearsal.judged import principal_of
from gotocloud.rehearsal.launch import Scientist, sign_in
from gotocloud.rehearsal.lives import QUICK, ClusterUse, use
from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.rehearsal.progress import StepDisplay
from gotocloud.rehearsal.report import DemoReport
from gotocloud.rehearsal.survey_model import Stack
from gotocloud.rehearsal.upkeep import Rehearsal
from local_aws.engine.access import no_real_account
from local_aws.iam.decisions import Decision, read_decisions
from tests.security.handlers import PARALLELCLUSTER, has_handlers

pytestmark = [pytest.mark.rehearsal, pytest.mark.cdk, pytest.mark.pcluster]

EXAMPLE = Path(__file__).parents[2] / "platform.example.yaml"


@dataclass(frozen=True)
class Done:
    """A demo that has ended."""

    rehearsed: Rehearsal
    folder: Path
    report: DemoReport
    since: int

    @property
    def data(self) -> Any:
        return json.loads((self.folder / "out/report.json").read_text())

    @property
    def scientist(self) -> Scientist:
        launch = self.report.launch
        group = self.rehearsed.platform.group(launch.group)
        return sign_in(self.rehearsed.local, group, launch.region, launch.scientist)

    def decisions(self) -> list[Decision]:
        return list(read_decisions(self.rehearsed.local.state_dir, self.since))

    def own_stacks(self) -> list[Stack]:
        found = [stack for _, region in self.report.survey.everywhere() for stack in region.stacks]
        return [stack for stack in found if stack.name in self.report.launch.stacks]


@pytest.fixture(scope="module")
def done(rehearsed: Rehearsal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    """The platform is deployed already; test_demo.py shows how a demo deploys and ends."""
    folder = tmp_path_factory.mktemp("demo")
    since = sum(1 for _ in read_decisions(rehearsed.local.state_dir))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalAws, "start", lambda *_, **__: rehearsed.local)
        patch.setattr(LocalAws, "stop", lambda _: None)
        patch.setattr(demo, "deploy_platform", lambda *_, **__: None)
        report = demo.run(
            state_dir=folder / "state",
            output_dir=folder / "out",
            keep_running=False,
            example=EXAMPLE,
            progress=StepDisplay(stream=io.StringIO()),
        )
    made = Done(rehearsed, folder, report, since)
    yield made
    delete(made)


def delete(made: Done) -> None:
    """Delete the cluster's stack, and finish the project with the command."""
    launch, scientist = made.report.launch, made.scientist
    cfn = scientist.client("cloudformation")
    project, cluster = (describe(name, launch.region, cfn=cfn) for name in launch.stacks)
    if cluster.exists:
        remove(scientist, cluster, QUICK)
    if project.exists:
        words = ("finish", launch.project, "--confirm", launch.project)
        profile = f"{launch.group}-{launch.scientist}"
        own = {**made.rehearsed.environment(), "AWS_PROFILE": profile, "AWS_REGION": launch.region}
        command = [sys.executable, "-m", "gotocloud", *words]
        subprocess.run(command, env={**no_real_account(), **own}, check=True)


@pytest.fixture(scope="module")
def used(done: Done) -> ClusterUse:
    """What the cluster's nodes have called."""
    (cluster,) = [stack for stack in done.own_stacks() if stack.queues]
    return use(done.rehearsed.local, done.scientist, cluster.outputs["ClusterName"])


def test_every_stack_stands(done: Done) -> None:
    stacks = {(s["account"], s["region"], s["name"]): s["status"] for s in done.data["stacks"]}
    assert {stacks[place] for place in stacks} == {"CREATE_COMPLETE"}
    assert len(stacks) >= 3 + 3 + 2
    assert {name for _, _, name in stacks} >= set(done.report.launch.stacks)


def test_iam_decided_about_every_request_of_the_scientist_and_denied_none(done: Done) -> None:
    decided = done.decisions()
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
    assert len(done.own_stacks()) == 2
    for stack in done.own_stacks():
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


def test_what_it_lists_as_billed_is_all_of_the_cluster(done: Done) -> None:
    kinds = {one.kind for one in done.report.billed}
    assert kinds >= {BilledKind.MACHINE, BilledKind.NAT_GATEWAY, BilledKind.LUSTRE}
    assert len(done.data["billed"]) == len(done.report.billed)


def test_no_call_of_any_node_is_denied(done: Done, used: ClusterUse) -> None:
    assert used.refusals == ()
    made = {one.action for one in done.decisions() if principal_of(one.caller) == "head nodes"}
    assert {"ec2:RunInstances", "iam:PassRole", "dynamodb:BatchWriteItem"} <= made
    assert "compute nodes" in {principal_of(one.caller) for one in done.decisions()}


def test_the_handlers_are_looked_at_for_every_type_that_parallelcluster_makes(
    used: ClusterUse,
) -> None:
    found = set(used.resource_types)
    assert {kind for kind in found if has_handlers(kind)} <= set(PARALLELCLUSTER)
    assert {"AWS::CloudWatch::CompositeAlarm", "AWS::EC2::SecurityGroupIngress"} <= found


def test_the_cluster_and_its_project_are_deleted_and_iam_denies_nothing(done: Done) -> None:
    delete(done)
    launch, cfn = done.report.launch, done.scientist.client("cloudformation")
    assert not any(describe(name, launch.region, cfn=cfn).exists for name in launch.stacks)
    assert [one.reason for one in done.decisions() if not one.allowed] == []

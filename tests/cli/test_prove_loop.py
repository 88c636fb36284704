"""`gotocloud platform prove` in a world of our own: it is killed at every step."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gotocloud.aws.proving import removal
from gotocloud.aws.proving.site import ProofSite
from gotocloud.cli.repository import prove as work
from gotocloud.cli.repository import proving
from gotocloud.cluster_configs.model import configuration_names, load_configuration
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.platform.zones import zone_map
from gotocloud.projects.deployed_stack import DeployedStack
from gotocloud.proving.journal import STATE
from gotocloud.proving.plan import cheapest_plan
from gotocloud.proving.report import ProofReport
from gotocloud.proving.stages import ProofStage
from gotocloud.proving.verdicts import ProbeAnswer, Verdict
from tests.aws.scripted import Dies, Killed
from tests.platform.platforms import group, platform

ZONE = zone_map().region("us-east-1").best
PLAN = cheapest_plan(
    [load_configuration(name) for name in configuration_names()],
    "us-east-1",
    ZONE.zone_id,
    ZONE.offerings,
)


class Profile:
    """A profile without anything behind it."""

    profile = "someone"
    region = "us-east-1"

    def client(self, *_: str) -> Any:
        return None

    def environment(self) -> dict[str, str]:
        return {}


@dataclass
class World:
    """What commands make and remove; a clock that each of them advances."""

    there: set[str]
    answer: Callable[[str], ProbeAnswer] = lambda _: ProbeAnswer("so", agrees=True)
    fails: str = ""
    dies: Dies = field(default_factory=lambda: Dies(None))
    hours_each: float = 0.01
    now: datetime = datetime(2026, 11, 30, tzinfo=UTC)
    typed: list[str] = field(default_factory=list)

    def command(self, verb: str) -> None:
        self.now += timedelta(hours=self.hours_each)
        self.typed.append(verb)
        self.dies()
        changes = {
            "setup": ({"project"}, set()),
            "start": ({"cluster"}, set()),
            "pause": (set(), {"cluster"}),
            "finish": (set(), {"project"}),
            "ManagementStack": ({"platform"}, set()),
            "UserStack*": ({"group"}, set()),
        }
        if verb == self.fails:
            # Half of it is there: what a failure leaves.
            self.there |= changes.get(verb, (set(), set()))[0]
            raise GoToCloudError(f"{verb} failed.")
        made, gone = changes.get(verb, (set(), set()))
        self.there = (self.there | made) - gone
        self.dies()

    def remove(self, what: str) -> None:
        self.dies()
        self.there.discard(what)
        self.dies()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    # What was typed is repeated after "Next:".
    monkeypatch.setattr(sys, "argv", ["gotocloud", "platform", "prove"])
    made = World({"platform", "group"})

    def describe(name: str, *_: Any, **__: Any) -> Any:
        there = {"gotocloud-management": "platform"}.get(name, "group") in made.there
        return DeployedStack(name, "CREATE_COMPLETE" if there else None)

    def types(_: Any, __: Any, *arguments: str) -> None:
        made.command(arguments[0])

    def cdk(_: Any, __: Any, *arguments: str) -> None:
        made.command(arguments[1])

    def answer_about(_: Any, one: Any) -> ProbeAnswer:
        if one.id.endswith("stack"):
            made.dies()
        return made.answer(one.id)

    monkeypatch.setattr(proving, "describe", describe)
    monkeypatch.setattr(proving.ProofRun, "types", types)
    monkeypatch.setattr(proving.ProofRun, "cdk", cdk)
    monkeypatch.setattr(proving, "answer_about", answer_about)
    for what in ("cluster", "project", "group", "platform"):
        monkeypatch.setattr(
            removal, f"remove_{what}", lambda _site, _say, what=what: made.remove(what)
        )
    monkeypatch.setattr(work, "site_of", site_of)
    # What is killed here is not the machine: no write has to reach the disk.
    monkeypatch.setattr("gotocloud.files.os.fsync", lambda _: None)
    return made


def site_of(_: work.ProofRequest) -> ProofSite:
    described = platform(group(1, regions=["us-east-1"]))
    one: Any = Profile()
    return ProofSite(
        described, Path("platform.yaml"), described.groups[0], PLAN, one, one, one, local=False
    )


def wanted(folder: Path, **changed: Any) -> work.ProofRequest:
    given: dict[str, Any] = {
        "platform_path": Path("platform.yaml"),
        "group": None,
        "region": None,
        "management_profile": "management",
        "group_profile": None,
        "scientist_profile": None,
        "last": ProofStage.FINISH,
        "budget_usd": Decimal(10),
        "yes": True,
        "folder": folder,
        "seen": (),
        "remove": False,
        "keep_platform": False,
    }
    return work.ProofRequest(**given | changed)


def prove(world: World, folder: Path, **changed: Any) -> ProofReport:
    return work.prove(wanted(folder, **changed), now=lambda: world.now)


def made(folder: Path) -> list[str]:
    kept: list[str] = json.loads((folder / STATE).read_text())["made"]
    return kept


def test_a_clean_run_confirms_everything_and_removes_what_it_made(
    world: World, tmp_path: Path
) -> None:
    report = prove(world, tmp_path)
    assert report.holds
    assert report.counts[Verdict.CONFIRMED] == len(report.judged) - 3  # the bill is a day later
    assert world.there == {"platform", "group"}
    assert world.typed == ["setup", "start", "upload", "pause", "finish"]
    data = json.loads((tmp_path / "proof.json").read_text())
    assert data["holds"] is True
    assert data["spent_usd_at_most"] >= 0
    assert "proof of test" in (tmp_path / "proof.html").read_text()


@pytest.mark.parametrize("at_first", [{"platform", "group"}, set()], ids=["there", "made by it"])
def test_killed_anywhere_it_goes_on_and_leaves_nothing(
    world: World, tmp_path: Path, at_first: set[str]
) -> None:
    for point in range(1000):
        folder = tmp_path / str(point)
        world.there, world.dies = set(at_first), Dies(point)
        try:
            prove(world, folder)
        except Killed:
            unknown = world.there - at_first - set(made(folder))
            assert not unknown, f"killed at {point}, {unknown} was not noted before it was made"
            world.dies = Dies(None)
            assert prove(world, folder).holds, f"killed at {point}"
        else:
            break
        assert world.there == at_first, f"killed at {point}"
        assert made(folder) == []
    assert point >= 13


@pytest.mark.parametrize("verb", ["setup", "start", "upload", "pause", "finish"])
def test_a_stage_that_fails_is_reported_and_all_is_removed(
    world: World, tmp_path: Path, verb: str
) -> None:
    world.fails = verb
    report = prove(world, tmp_path)
    assert report.failure == f"{verb} failed."
    assert not report.holds
    assert world.there == {"platform", "group"}
    assert made(tmp_path) == []
    with pytest.raises(GoToCloudError, match=f"{verb} failed"):
        work.outcome(report, tmp_path)


def test_what_cannot_be_removed_is_named_and_removed_by_the_next_run(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_site: ProofSite, _say: Any) -> None:
        raise GoToCloudError("The gateway could not be deleted.")

    world.fails = "upload"
    with monkeypatch.context() as stuck:
        stuck.setattr(removal, "remove_cluster", refuses)
        with pytest.raises(GoToCloudError, match="gateway"):
            prove(world, tmp_path)
    assert "cluster" in made(tmp_path)
    assert "perhaps billed: project, cluster" in (tmp_path / "proof.html").read_text()
    prove(world, tmp_path, remove=True)
    assert world.there == {"platform", "group"}
    assert made(tmp_path) == []


def test_it_stops_before_the_stage_that_could_exceed_the_budget(
    world: World, tmp_path: Path
) -> None:
    report = prove(world, tmp_path, budget_usd=Decimal(1))
    assert "The stage job costs at most USD" in report.failure
    assert report.spent_usd <= 1
    assert "pause" not in world.typed
    assert world.there == {"platform", "group"}


def test_time_while_it_was_killed_counts_against_the_budget(world: World, tmp_path: Path) -> None:
    world.dies = Dies(6)
    with pytest.raises(Killed):
        prove(world, tmp_path)
    assert "cluster" in made(tmp_path)
    world.dies = Dies(None)
    world.now += timedelta(hours=30)
    report = prove(world, tmp_path)
    assert report.spent_usd > 10
    assert "are left" in report.failure
    assert world.there == {"platform", "group"}


def test_ctrl_c_keeps_what_was_made_and_names_it(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as hand:
        hand.setitem(proving._STAGES, ProofStage.JOB, stopped)
        with pytest.raises(GoToCloudError, match="a cluster is billed at USD 0") as caught:
            prove(world, tmp_path)
    assert "made and not removed: cluster" in caught.value.problems
    assert "cluster" in world.there
    assert prove(world, tmp_path).holds
    assert "cluster" not in world.there


def test_without_a_terminal_nothing_is_made_unless_yes_is_given(
    world: World, tmp_path: Path
) -> None:
    report = prove(world, tmp_path, yes=False)
    assert "add --yes" in report.failure or "The stage platform makes something" in report.failure
    assert world.typed == []


def test_an_end_after_a_stage_removes_what_was_made_up_to_there(
    world: World, tmp_path: Path
) -> None:
    report = prove(world, tmp_path, last=ProofStage.PROJECT)
    assert world.typed == ["setup"]
    assert world.there == {"platform", "group"}
    reached = {one.assumption.stage for one in report.judged if one.when}
    assert reached == {
        ProofStage.ACCOUNT,
        ProofStage.PLATFORM,
        ProofStage.GROUP,
        ProofStage.PROJECT,
    }


def test_a_pause_that_fails_still_shows_whether_the_stack_was_deleted(
    world: World, tmp_path: Path
) -> None:
    world.fails = "pause"
    report = prove(world, tmp_path)
    found = {one.assumption.id: one.when for one in report.judged}
    assert found["deletion-passes-role"]
    assert not found["proof-of-export"]


def test_a_platform_that_it_deployed_stays_when_it_is_to_be_kept(
    world: World, tmp_path: Path
) -> None:
    world.there = set()
    prove(world, tmp_path, keep_platform=True)
    assert world.there == {"platform", "group"}
    assert made(tmp_path) == []


@pytest.mark.parametrize("agrees", [False, None])
def test_one_answer_that_differs_fails_the_proof_by_name_and_goes_on(
    world: World, tmp_path: Path, agrees: bool | None
) -> None:
    world.answer = lambda name: ProbeAnswer("no", agrees if name == "spot-role" else True)
    report = prove(world, tmp_path)
    assert [one.assumption.id for one in report.against] == ["spot-role"]
    assert world.typed[-1] == "finish"
    with pytest.raises(GoToCloudError) as caught:
        work.outcome(report, tmp_path)
    [problem] = caught.value.problems
    assert problem.startswith("spot-role: ")
    assert "create-service-linked-role" in problem


def test_the_bill_is_read_a_day_later_and_runs_nothing_else(world: World, tmp_path: Path) -> None:
    prove(world, tmp_path)
    world.typed.clear()
    report = prove(world, tmp_path, last=ProofStage.BILL)
    assert world.typed == []
    assert {one.verdict for one in report.judged} == {Verdict.CONFIRMED}


def test_an_unknown_name_of_what_was_seen_is_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No assumption named 'mail'"):
        prove(world, tmp_path, seen=("mail",))

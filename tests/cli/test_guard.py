"""The idle guard from its look to the proof, on a head node that runs commands.

Its commands run on the head node of the local AWS, through Systems Manager. That the program
runs on a head node itself, with that machine's permissions alone, is shown at the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import botocore.client
import pytest

from gotocloud.aws import guarding
from gotocloud.aws.billed import billed_for
from gotocloud.aws.cloud import StandardCloud
from gotocloud.aws.cluster_end import deadline, keep
from gotocloud.aws.lustre_export import proof as lustre_export_proof
from gotocloud.aws.lustre_export.proof import UnprovenError
from gotocloud.aws.pausing import cluster_state, proof_of
from gotocloud.aws.stacks import stack_of
from gotocloud.cli import main
from gotocloud.contract.project_bucket import GUARD_NOTICE, KEEP_UNTIL
from gotocloud.errors import GoToCloudError
from gotocloud.jobs import watching
from gotocloud.projects.cluster_end import guard_notice
from gotocloud.projects.deployed_stack import DeployedStack
from gotocloud.projects.observation import OBSERVE
from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.slurm.standstill import Standstill
from tests.aws.scripted import Killed
from tests.cli.guarded_project import DESKTOP, GuardedProject, facts
from tests.cli.local_project import LocalProject

pytestmark = [pytest.mark.rehearsal, pytest.mark.usefixtures("local_scientist")]
JOB = {"job_id": 7, "name": "x", "user": "ubuntu", "partition": "refine3d", "state": "RUNNING"}
QUEUES = [{"name": "refine3d"}]
_numbers = count(1)

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def guard(
    local: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[GuardedProject]:
    project = LocalProject(local, f"g{next(_numbers)}").start()
    yield GuardedProject.of(project, tmp_path, monkeypatch)
    project.control.clear()


def jobs(guard: GuardedProject, *listed: dict[str, Any], **more: Any) -> None:
    state = guard.project.control.node(guard.project.instance) / "opt/slurm/etc/rehearsal.json"
    kept = json.loads(state.read_text())["partitions"]
    guard.project.control.set_jobs(guard.project.instance, listed, partitions=kept, **more)


def stack(guard: GuardedProject) -> DeployedStack:
    return stack_of(StandardCloud(), guard.project.names.cluster_stack)


def test_a_job_whose_log_stands_still_is_named_and_its_people_are_warned_once(
    guard: GuardedProject, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = Standstill("Refine3D/job012/", "7", still_s=9000.0, pace_s=600.0)
    monkeypatch.setattr(watching, "standstills", lambda: (still,))
    jobs(guard, JOB)
    for _ in range(2):
        found = guard.look(capsys)
        # It counts as use all the same: only a person can know what it does.
        assert found["action"] == "keep"
        assert found["standing_still"] == [str(still)]
        guard.later(5)
    assert guard.commands().count("gotocloud: warn its users") == 1


def test_a_cluster_without_users_is_warned_and_then_paused_by_proof(
    guard: GuardedProject, capsys: Capture
) -> None:
    content = guard.project.fill()
    assert guard.look(capsys)["action"] == "keep"
    guard.later(95)
    warned = guard.look(capsys)
    assert warned["action"] == "warn"
    assert "gotocloud start g" in warned["message"]
    assert "gotocloud: warn its users" in guard.commands()
    guard.later(10)
    assert guard.look(capsys)["action"] == "keep"
    guard.later(25)
    told = guard.look(capsys)
    assert told["action"] == "pause"
    # One more is the archive of /home.
    assert told["proof"]["counted"]["files"] == len(content) + 1
    guard.ended()
    stored = guard.project.stored()
    assert {name: stored[name] for name in content} == content
    assert len(guard.project.proofs()) == 1
    assert billed_for(StandardCloud(), guard.project.names) == []


@pytest.mark.parametrize("use", ["job", "desktop", "gpu", "silent Slurm"])
def test_a_user_keeps_it_at_the_last_moment(
    guard: GuardedProject, capsys: Capture, monkeypatch: pytest.MonkeyPatch, use: str
) -> None:
    guard.about_to_pause(capsys)
    if use == "job":
        jobs(guard, JOB)
    elif use == "desktop":
        guard.has("dcv", DESKTOP)
    elif use == "gpu":
        gpus = "/proc/driver/nvidia/gpus"
        monkeypatch.setattr(guarding, "OBSERVE", OBSERVE.replace(gpus, "/snap/bin"))
        guard.has("nvidia-smi", '#!/bin/sh\ncase "$*" in *utilization*) echo 93;; esac\n')
    else:
        jobs(guard, down=True)
    told = guard.look(capsys)
    assert told["action"] == "keep"
    assert told["message"].startswith("in use: ")
    assert guard.memory["idle_since_s"] is None
    assert guard.given_back()


def test_a_proof_that_fails_keeps_the_cluster_as_it_was_and_is_tried_again_later(
    guard: GuardedProject, capsys: Capture
) -> None:
    control = guard.project.control
    guard.about_to_pause(capsys)
    with (
        control.during("auto-export-stalls"),
        control.during("export-skips", path="movies/a.mrc"),
    ):
        guard.project.fill()
        with pytest.raises(UnprovenError, match=r"movies/a\.mrc"):
            guard.look(capsys)
    assert guard.given_back()
    assert guard.project.proofs() == []
    assert "pause: idle for" in capsys.readouterr().err
    guard.later(10)
    assert "1 attempt to pause failed" in guard.look(capsys)["message"]
    guard.later(61)
    # What Lustre takes for exported is exported again once it is touched, as the error says.
    (guard.project.lustre / "movies/a.mrc").touch()
    assert guard.look(capsys)["action"] == "pause"
    guard.ended()
    assert len(guard.project.proofs()) == 1


def test_a_person_who_connects_during_the_proof_keeps_the_cluster(
    guard: GuardedProject, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard.about_to_pause(capsys)
    original = lustre_export_proof._compare

    def compare(*given: Any) -> None:
        original(*given)
        guard.has("dcv", DESKTOP)

    monkeypatch.setattr(lustre_export_proof, "_compare", compare)
    with pytest.raises(UnprovenError, match="desktop is connected"):
        guard.look(capsys)
    assert guard.given_back()
    # No proof is kept that could later stand for what is written from now on.
    assert guard.project.proofs() == []


def notice(guard: GuardedProject) -> str:
    """What the guard left in the bucket for people who are away."""
    place = {"Bucket": guard.project.names.bucket, "Key": GUARD_NOTICE}
    kept = guard.project.s3.get_object(**place)["Body"].read()
    return guard_notice(stack(guard).stack_id, kept)


def test_a_doubt_that_lasts_reaches_people_who_are_away_until_it_is_over(
    guard: GuardedProject, capsys: Capture
) -> None:
    jobs(guard, down=True)
    guard.look(capsys)
    # Otherwise the load of the machine that runs the tests counts as use.
    guard.later(20)
    memory = guard.memory
    memory["doubtful_since_s"] -= 3 * 3600
    guard.memory_file.write_text(json.dumps(memory))
    assert guard.look(capsys)["action"] == "keep"
    said = notice(guard)
    assert "billed and does not pause itself" in said
    assert "Slurm does not report" in said
    assert guard.commands().count("gotocloud: warn its users") == 1
    jobs(guard)
    guard.look(capsys)
    assert notice(guard) == ""


def test_hours_that_were_requested_keep_an_idle_cluster(
    guard: GuardedProject, capsys: Capture
) -> None:
    guard.about_to_pause(capsys)
    keep(StandardCloud(), stack(guard), 3, "ann")
    told = guard.look(capsys)
    assert (told["action"], "idle or not" in told["message"]) == ("keep", True)


def set_deadline(guard: GuardedProject, minutes: float) -> None:
    """As if hours had been asked for that end then."""
    keep(StandardCloud(), stack(guard), 1, "ann")
    s3, place = guard.project.s3, {"Bucket": guard.project.names.bucket, "Key": KEEP_UNTIL}
    content = json.loads(s3.get_object(**place)["Body"].read())
    content["until"] = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
    s3.put_object(**place, Body=json.dumps(content).encode())


def test_at_the_end_of_its_hours_a_cluster_waits_for_jobs_and_lets_none_in(
    guard: GuardedProject, capsys: Capture
) -> None:
    content = guard.project.fill()
    set_deadline(guard, 20)
    jobs(guard, JOB)
    assert guard.look(capsys)["action"] == "warn"
    memory = guard.memory
    set_deadline(guard, -1)
    until = deadline(StandardCloud(), stack(guard))
    assert until
    # The same deadline as before, which time has reached.
    memory |= {"deadline_s": until.timestamp(), "warned_s": memory["warned_s"] - 1260}
    guard.memory_file.write_text(json.dumps(memory | {"warned_minutes": 10}))
    assert guard.look(capsys)["action"] == "close"
    assert guard.queues() == ["drain"]
    assert "waiting for 1 jobs" in guard.look(capsys)["message"]
    jobs(guard)
    assert guard.look(capsys)["action"] == "pause"
    guard.ended()
    assert content.items() <= guard.project.stored().items()


def test_hours_that_are_added_open_the_queues_again(guard: GuardedProject, capsys: Capture) -> None:
    set_deadline(guard, -1)
    jobs(guard, JOB)
    assert guard.look(capsys)["action"] == "warn"
    assert guard.look(capsys)["action"] == "close"
    keep(StandardCloud(), stack(guard), 2, "ann")
    told = guard.look(capsys)
    assert (told["action"], told["reopen"]) == ("keep", True)
    assert guard.given_back()


def test_nonsense_about_hours_keeps_the_cluster(guard: GuardedProject, capsys: Capture) -> None:
    guard.about_to_pause(capsys)
    guard.project.s3.put_object(Bucket=guard.project.names.bucket, Key=KEEP_UNTIL, Body=b"soon")
    with pytest.raises(GoToCloudError, match="not what gotocloud writes"):
        guard.look(capsys)
    assert guard.given_back()


def test_a_dry_run_shows_what_would_follow_and_remembers_nothing(
    guard: GuardedProject, capsys: Capture
) -> None:
    guard.about_to_pause(capsys)
    before = guard.memory
    main.app([*guard.arguments, "--dry-run"], standalone_mode=False)
    assert "pause: idle for" in capsys.readouterr().out
    assert guard.memory == before
    assert guard.given_back()


def test_a_memory_that_is_lost_begins_again_and_gives_back_what_may_be_closed(
    guard: GuardedProject, capsys: Capture
) -> None:
    guard.about_to_pause(capsys)
    guard.memory_file.write_text('{"last": 3')
    told = guard.look(capsys)
    assert (told["action"], told["reopen"]) == ("keep", True)
    assert "idle for 0 of" in told["message"]


def test_facts_that_are_another_clusters_pause_nothing(
    guard: GuardedProject, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(facts(guard.project) | {"project": "another"}))
    monkeypatch.setenv("GOTOCLOUD_CLUSTER_FACTS", str(wrong))
    with pytest.raises(GoToCloudError, match="By its facts this machine belongs to"):
        guard.look(capsys)


def test_a_stack_that_could_not_be_deleted_is_left_to_people(
    guard: GuardedProject, capsys: Capture
) -> None:
    guard.about_to_pause(capsys)
    with guard.project.control.during("resource-fails", logical_id="Door", phase="delete"):
        assert guard.look(capsys)["action"] == "pause"
        guard.project.stacks.settled(guard.project.names.cluster_stack)
    guard.later(15)
    assert "DELETE_FAILED: nothing is done" in guard.look(capsys)["message"]
    main.app(["pause", guard.project.names.project], standalone_mode=False)
    assert not guard.project.running


def dies_at(monkeypatch: pytest.MonkeyPatch, operation: str, *, after: bool) -> None:
    """Let the process die before or after it calls AWS, the first time only."""
    original = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]
    dead: list[str] = []

    def call(client: Any, called: str, arguments: Any) -> Any:
        proves = str(arguments.get("Key", "")).endswith("/proof.json")
        meant = called == operation and not dead and (called != "PutObject" or proves)
        if meant and not after:
            dead.append(called)
            raise Killed
        answer = original(client, called, arguments)
        if meant:
            dead.append(called)
            raise Killed
        return answer

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        ("UpdateDataRepositoryAssociation", True),
        ("CreateDataRepositoryTask", True),
        ("PutObject", True),
        ("DeleteStack", False),
    ],
)
@pytest.mark.parametrize("comes_back", [False, True])
def test_a_guard_that_is_killed_goes_on_or_gives_the_cluster_back(
    guard: GuardedProject,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
    after: bool,
    comes_back: bool,
) -> None:
    content = guard.project.fill()
    guard.about_to_pause(capsys)
    dies_at(monkeypatch, operation, after=after)
    with pytest.raises(Killed):
        guard.look(capsys)
    guard.later(4)
    if comes_back:
        guard.has("dcv", DESKTOP)
        assert guard.look(capsys)["action"] == "keep"
        assert guard.given_back()
        # What is written from now on is in no proof, so no proof may stand for it.
        assert (
            proof_of(StandardCloud(), cluster_state(StandardCloud(), guard.project.names)) is None
        )
        return
    assert guard.look(capsys)["action"] == "pause"
    guard.ended()
    assert content.items() <= guard.project.stored().items()
    assert guard.project.proofs()


def test_a_guard_that_dies_with_its_machine_has_done_its_work(
    guard: GuardedProject, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = guard.project.fill()
    guard.about_to_pause(capsys)
    dies_at(monkeypatch, "DeleteStack", after=True)
    with pytest.raises(Killed):
        guard.look(capsys)
    guard.ended()
    assert content.items() <= guard.project.stored().items()
    assert billed_for(StandardCloud(), guard.project.names) == []

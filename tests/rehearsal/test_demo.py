"""The demo around its steps: what it writes, how it fails, what it leaves running."""

from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gotocloud.cluster_configs.model import load_configuration
from gotocloud.costs.idle import idle_cost
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.platform.load import load_platform
from gotocloud.platform.model import Platform
from gotocloud.rehearsal import demo
from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.rehearsal.progress import StepDisplay
from gotocloud.rehearsal.report import SCHEMA_VERSION, DemoReport
from gotocloud.rehearsal.upkeep import look
from tests.rehearsal.reports import report
from tests.rehearsal.surveys import small

EXAMPLE = Path(__file__).parents[2] / "platform.example.yaml"

pytestmark = pytest.mark.rehearsal


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a demo, where nothing is left running after a test."""
    yield tmp_path
    if aws := LocalAws.running(tmp_path / "state"):
        aws.stop()


def run(folder: Path, *, keep_running: bool = False, example: Path = EXAMPLE) -> DemoReport:
    return demo.run(
        state_dir=folder / "state",
        output_dir=folder / "out",
        keep_running=keep_running,
        example=example,
        progress=StepDisplay(stream=io.StringIO()),
    )


def stub(monkeypatch: pytest.MonkeyPatch, deploy: Any) -> None:
    """Replace what takes minutes; the local AWS is a real one."""
    monkeypatch.setattr(demo, "deploy_platform", deploy)
    monkeypatch.setattr(
        demo, "_launch", lambda *_: (report(small()).launch, report(small()).billed)
    )
    monkeypatch.setattr(demo, "add_scientists", lambda *_: None)


def deployed(_aws: LocalAws, _path: Path, *, step: Any, log: Any) -> None:
    with step("Deploy"):
        log("a line of the CDK")


def running(folder: Path) -> bool:
    return LocalAws.running(folder / "state") is not None


def test_a_demo_writes_its_report_and_its_page_and_ends_the_local_aws(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub(monkeypatch, deployed)
    made = run(folder)
    assert str(folder / "out/index.html") in capsys.readouterr().out.replace("\n", "")
    data = json.loads((folder / "out/report.json").read_text())
    assert data == json.loads(json.dumps(made.as_dict()))
    assert data["schema_version"] == SCHEMA_VERSION
    assert [s["name"] for s in data["steps"]] == [
        "Start the local AWS",
        "Deploy",
        "Ask AWS what exists where",
    ]
    assert (folder / "out/index.html").read_text().startswith("<!doctype html>")
    assert "a line of the CDK" in (folder / "out/demo.log").read_text()
    assert not running(folder)


def test_the_local_aws_is_kept_when_that_was_requested(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub(monkeypatch, deployed)
    made = run(folder, keep_running=True)
    assert running(folder)
    assert look(folder / "state")["profiles"] == ["management", "membrane-lab", "ribosome-lab"]
    assert "gotocloud rehearse down" in [command for command, _ in made.next_commands]


def test_a_failure_names_the_step_and_the_log_and_leaves_nothing_running(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_aws: LocalAws, _path: Path, *, step: Any, log: Any) -> None:
        with step("Deploy the groups"):
            raise GoToCloudError("Stack X is ROLLBACK_COMPLETE.", problems=["no room"])

    stub(monkeypatch, broken)
    with pytest.raises(GoToCloudError) as caught:
        run(folder, keep_running=True)
    assert "“Deploy the groups”: Stack X is ROLLBACK_COMPLETE." in caught.value.message
    assert caught.value.problems == ("no room",)
    assert "demo.log" in (caught.value.next_command or "")
    assert caught.value.exit_code == 1
    assert "no room" in (folder / "out/demo.log").read_text()
    assert not running(folder)
    assert not (folder / "out/report.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_leaves_nothing_running(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), number)

    before = signal.getsignal(signal.SIGTERM)
    stub(monkeypatch, interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(folder)
    assert not running(folder)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_demo_outside_the_project_shows_where_to_go(folder: Path) -> None:
    with pytest.raises(InputError, match="runs in the folder of the project"):
        run(folder, example=folder / "platform.example.yaml")
    assert not (folder / "out").exists()


def test_a_demo_beside_a_running_local_aws_states_how_to_end_that_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub(monkeypatch, deployed)
    LocalAws.start(folder / "state")
    (folder / "out").mkdir()
    for name in ("demo.log", "index.html"):
        (folder / "out" / name).write_text("of the first")
    with pytest.raises(GoToCloudError, match="already runs") as caught:
        run(folder)
    assert "gotocloud rehearse down" in (caught.value.next_command or "")
    assert running(folder)
    assert (folder / "out/index.html").read_text() == "of the first"
    assert (folder / "out/demo.log").read_text() == "of the first"


def test_a_second_demo_in_the_same_folder_touches_nothing_of_the_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []

    def meanwhile(_aws: LocalAws, path: Path, *, step: Any, log: Any) -> None:
        (path.parent / "index.html").write_text("of the first")
        with pytest.raises(GoToCloudError, match="Another demo is at work"):
            demo.run(
                state_dir=folder / "other",
                output_dir=path.parent,
                keep_running=False,
                example=EXAMPLE,
            )
        found.append((path.parent / "index.html").read_text())

    stub(monkeypatch, meanwhile)
    run(folder)
    assert found == ["of the first"]


def test_nothing_of_an_earlier_demo_is_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = folder / "out"
    out.mkdir()
    for name in ("demo.log", "platform.record.yaml", "report.json", "index.html", "notes.txt"):
        (out / name).write_text("old")

    def broken(*_: Any, **__: Any) -> None:
        raise GoToCloudError("no")

    stub(monkeypatch, broken)
    with pytest.raises(GoToCloudError):
        run(folder)
    assert sorted(path.name for path in out.iterdir()) == [
        "demo.log",
        "notes.txt",
        "platform.yaml",
    ]


@pytest.fixture
def platform() -> Platform:
    return load_platform(EXAMPLE)


def test_the_cluster_is_launched_where_its_cost_is_known(platform: Platform) -> None:
    group, region = demo.launching_group(platform, "cryoem-spa")
    assert region in group.regions
    wanted = load_configuration("cryoem-spa")
    assert idle_cost(wanted, region, wanted.lustre.gib).unknown == ()


def test_without_any_known_cost_the_first_group_launches_at_home(platform: Platform) -> None:
    group = platform.groups[0].model_copy(update={"regions": ("ap-southeast-7",)})
    alone = platform.model_copy(update={"all_groups": (group,)})
    assert demo.launching_group(alone, "cryoem-spa") == (group, "ap-southeast-7")

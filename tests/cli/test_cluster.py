"""`gotocloud cluster …`, run as people run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from gotocloud.cli.commands.cluster import app
from gotocloud.cluster_configs.model import (
    DIRECTORY,
    JOB_TYPES,
    configuration_names,
    used_instance_types,
)
from gotocloud.errors import ExitCode, InputError
from gotocloud.platform.zones import ZoneMap, zone_map
from gotocloud.rehearsal import validation
from gotocloud.rehearsal.judge import PYTHON_VARIABLE, Message
from gotocloud.rehearsal.validation import Accepted, ValidationResult
from tests.needs import ROOT, need_parallelcluster

RUNNER = CliRunner()


def gotocloud(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gotocloud", "cluster", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_list_shows_every_configuration_and_where_job_types_go() -> None:
    done = RUNNER.invoke(app, ["list"])
    assert done.exit_code == 0
    for name in configuration_names():
        assert f"{name}, version" in done.stdout
    assert "class2d-vdam" in done.stdout


def test_list_as_json_holds_every_figure_with_its_source() -> None:
    done = RUNNER.invoke(app, ["list", "--json"])
    listed = json.loads(done.stdout)
    assert [one["name"] for one in listed] == list(configuration_names())
    (spa, _tutorial) = listed
    assert {queue["name"] for queue in spa["queues"]} == set(JOB_TYPES)
    assert all(choice["source"] for queue in spa["queues"] for choice in queue["choices"])


def test_render_prints_nothing_but_yaml_on_stdout() -> None:
    done = gotocloud("render", "cryoem-spa", "--region", "ap-northeast-1")
    assert done.returncode == 0, done.stderr
    made = yaml.safe_load(done.stdout)
    assert made["Region"] == "ap-northeast-1"
    assert made["HeadNode"]["Networking"]["SubnetId"] == "<public subnet of the group>"
    assert len(made["Scheduling"]["SlurmQueues"]) == 18


def test_a_configuration_of_ones_own_is_rendered_from_its_file(tmp_path: Path) -> None:
    text = (DIRECTORY / "tutorial.yaml").read_text().replace("name: tutorial", "name: mine")
    (tmp_path / "mine.yaml").write_text(text)
    done = gotocloud("render", str(tmp_path / "mine.yaml"), "--region", "us-east-1")
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load(done.stdout)["Scheduling"]["SlurmQueues"]
    done = gotocloud("render", str(tmp_path / "none.yaml"), "--region", "us-east-1")
    assert done.returncode == 2
    assert f"There is no cluster configuration {tmp_path}/none.yaml" in done.stderr


def test_render_states_which_queues_a_region_cannot_have(monkeypatch: pytest.MonkeyPatch) -> None:
    known = zone_map()
    best = known.region("us-east-1").best
    poorer = best.model_copy(
        update={"offered": ("m5.xlarge", "c6i.32xlarge"), "missing": used_instance_types()}
    )
    region = known.region("us-east-1").model_copy(update={"ranked": (poorer,)})
    poor_map = ZoneMap(regions={"us-east-1": region}, left_out={})
    monkeypatch.setattr("gotocloud.platform.zones.zone_map", lambda _: poor_map)
    done = RUNNER.invoke(app, ["render", "cryoem-spa", "--region", "us-east-1"])
    assert done.exit_code == 0
    assert (
        "Left out in us-east-1: queue class2d; none of g4dn.12xlarge, g6.12xlarge is offered"
        in done.stderr
    )
    names = [queue["Name"] for queue in yaml.safe_load(done.stdout)["Scheduling"]["SlurmQueues"]]
    assert names == ["polish", "polish-spot", "prep-cpu", "prep-cpu-spot"]


def test_unknown_names_and_regions_are_all_reported_with_exit_code_2() -> None:
    done = gotocloud("validate", "cryoem-sap", "tutorail", "--region", "us-est-1")
    assert done.returncode == ExitCode.USAGE
    assert done.stdout == ""
    assert "Did you mean 'cryoem-spa'?" in done.stderr
    assert "Did you mean 'tutorial'?" in done.stderr
    assert "No region named 'us-est-1'" in done.stderr
    assert "Next: gotocloud cluster list" in done.stderr
    assert "Traceback" not in done.stderr


def test_one_unknown_name_gets_its_own_error() -> None:
    with pytest.raises(InputError, match="No cluster configuration named 'x'"):
        RUNNER.invoke(app, ["render", "x", "--region", "us-east-1"], catch_exceptions=False)


def test_validate_without_parallelcluster_names_make_env() -> None:
    done = gotocloud("validate", "tutorial", **{PYTHON_VARIABLE: "/nowhere/python"})
    assert done.returncode == ExitCode.FAILED
    assert "Next: make env" in done.stderr


def verdict(*findings: Message) -> ValidationResult:
    accepted = Accepted(Message("WARNING", "DcvValidator", "no GPU"), "nobody needs one")
    return ValidationResult(
        "tutorial", "us-east-1", "use1-az1", "plain", (), findings, (accepted,), 0.5
    )


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_validate_fails_when_anything_was_found(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    found = Message("WARNING", "UrlValidator", "not there")
    monkeypatch.setattr(validation, "validate", lambda *_: iter([verdict(), verdict(found)]))
    done = RUNNER.invoke(app, ["validate", "tutorial", "--region", "us-east-1", *arguments])
    assert done.exit_code == ExitCode.FAILED
    assert "UrlValidator" in done.stdout
    assert "1 finding" in done.stderr


def test_validate_succeeds_when_only_acknowledged_warnings_remain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(validation, "validate", lambda *_: iter([verdict()]))
    done = RUNNER.invoke(app, ["validate", "tutorial", "--region", "us-east-1"])
    assert done.exit_code == ExitCode.DONE
    assert "Acknowledged DcvValidator: nobody needs one" in done.stderr
    assert "1 of 1 passed" in done.stdout


@pytest.mark.pcluster
def test_every_configuration_is_valid_in_every_region_of_the_zone_map(tmp_path: Path) -> None:
    need_parallelcluster()
    done = gotocloud("validate", "--json", TMPDIR=str(tmp_path))
    verdicts: list[dict[str, Any]] = json.loads(done.stdout)
    found = [
        (one["configuration"], one["region"], one["form"], one["findings"])
        for one in verdicts
        if not one["passed"]
    ]
    assert found == []
    assert done.returncode == ExitCode.DONE
    assert {(one["configuration"], one["region"], one["form"]) for one in verdicts} == {
        (name, region, form)
        for name in configuration_names()
        for region in zone_map().regions
        for form in ("plain", "stringified")
    }
    # Nothing of the private local AWS is left behind.
    assert list(tmp_path.iterdir()) == []


def test_a_configuration_of_ones_own_is_written_checked_and_listed(tmp_path: Path) -> None:
    platform = tmp_path / "platform.yaml"
    example = (ROOT / "platform.example.yaml").read_text(encoding="utf-8")
    platform.write_text(example)
    where = ("--platform", str(platform))
    done = RUNNER.invoke(app, ["new", "screening", "--from", "tutorial", *where])
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (
        0,
        "cluster_configurations: [screening.yaml]",
    )
    platform.write_text(f"{example}\n{done.stdout.splitlines()[-1]}\n")
    listed = json.loads(RUNNER.invoke(app, ["list", "--json", *where]).stdout)
    by_name = {one["name"]: one for one in listed}
    assert by_name["screening"]["queues"] == by_name["tutorial"]["queues"]
    rendered = RUNNER.invoke(app, ["render", "screening", "--region", "us-east-1", *where])
    as_tutorial = RUNNER.invoke(app, ["render", "tutorial", "--region", "us-east-1"])
    assert yaml.safe_load(rendered.stdout) == yaml.safe_load(as_tutorial.stdout)


@pytest.mark.parametrize(
    ("name", "said"),
    [("tutorial", "already"), ("Bad Name", "pattern"), ("screening", "already")],
)
def test_a_name_that_cannot_be_had_writes_nothing(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "screening.yaml").write_text("mine")
    where = ("--platform", str(tmp_path / "platform.yaml"))
    done = RUNNER.invoke(app, ["new", name, *where])
    assert isinstance(done.exception, InputError)
    assert said in str(done.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["screening.yaml"]
    assert (tmp_path / "screening.yaml").read_text() == "mine"

"""`gotocloud status`, against AWS in this process."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from gotocloud.cli.commands import setup, start, status
from gotocloud.contract.project_names import ProjectNames
from gotocloud.errors import InputError
from tests.cli import group_account
from tests.cli.group_account import ACCOUNT, build, facts, invoke

pytestmark = [
    pytest.mark.usefixtures("aws", "cluster_in_moto"),
    pytest.mark.filterwarnings("ignore:Tried to parse AWS..FSx"),
]


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    capsys.readouterr()
    invoke(status.app, "--json")
    return json.loads(capsys.readouterr().out)


def test_without_a_project_the_first_step_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    build()
    invoke(status.app)
    assert "Next: gotocloud setup\n" in capsys.readouterr().err


def test_projects_clusters_and_costs_come_from_stacks_and_tags(
    capsys: pytest.CaptureFixture[str],
) -> None:
    build()
    invoke(setup.app, "p")
    invoke(setup.app, "q")
    invoke(start.app, "p", "--config", "tutorial", "--yes")
    found = told(capsys)
    assert (found["group"], found["account"], found["scientist"]) == ("lab", ACCOUNT, "ann")
    first, second = found["projects"]
    assert (first["project"], first["state"], first["mine"]) == ("p", "ready", True)
    assert first["next_command"] == "gotocloud connect p"
    assert first["cluster"]["configuration"] == "tutorial"
    assert first["cluster"]["jobs"] is None
    assert first["cluster"]["jobs_unknown"] == "its stack names no head node"
    # What exists is summed, and moto makes nothing of the template that is billed by the hour.
    assert first["cluster"]["known_usd_per_hour"] == found["known_usd_per_hour"] == 0
    assert (second["cluster"], second["next_command"]) == (None, "gotocloud start q")


def test_projects_of_the_groups_other_regions_are_listed_and_summed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build()
    invoke(setup.app, "here")
    monkeypatch.setattr(group_account, "REGION", "ap-northeast-1")
    facts("vpc-0123456789abcdef0")
    names = ProjectNames("ann", ACCOUNT, "tokyo")
    boto3.client("cloudformation", "ap-northeast-1").create_stack(
        StackName=names.project_stack,
        TemplateBody=json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}),
        Tags=[{"Key": key, "Value": value} for key, value in names.tags.items()],
    )
    found = told(capsys)
    assert found["regions"] == ["us-east-1", "ap-northeast-1"]
    assert [(one["project"], one["region"]) for one in found["projects"]] == [
        ("here", "us-east-1"),
        ("tokyo", "ap-northeast-1"),
    ]
    assert found["projects"][1]["next_command"] == "AWS_REGION=ap-northeast-1 gotocloud start tokyo"


def test_a_region_that_cannot_be_read_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    build()
    assert list(told(capsys)["regions_unread"]) == ["ap-northeast-1"]
    invoke(status.app)
    assert "ap-northeast-1: could not be read, and is not in the sum" in " ".join(
        capsys.readouterr().err.split()
    )


def test_the_table_states_what_everything_costs(capsys: pytest.CaptureFixture[str]) -> None:
    build()
    invoke(setup.app, "p")
    capsys.readouterr()
    invoke(status.app)
    shown = capsys.readouterr()
    assert "storage only" in shown.out
    assert "All clusters together: USD 0.00/h" in shown.out


def test_watching_ends_with_ctrl_c_and_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build()
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("gotocloud.cli.commands.status.time.sleep", sleep)
    invoke(status.app, "--watch", "30")
    assert waited == [30, 30]
    assert capsys.readouterr().err.count("lab in us-east-1") == 2


def test_watching_all_the_time_is_refused() -> None:
    with pytest.raises(InputError, match="too often"):
        invoke(status.app, "--watch", "1")

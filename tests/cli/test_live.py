"""What `status`, `start` and `doctor` ask of clusters that run, and close behind people."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gotocloud.aws import running_jobs
from gotocloud.aws.cloud import StandardCloud
from gotocloud.aws.live_status import group_stacks
from gotocloud.cli import main
from gotocloud.contract.ports import DESKTOP_PORT
from gotocloud.projects.desktop_access import description
from gotocloud.rehearsal.local_aws import LocalAws
from tests.cli.local_project import LocalProject

pytestmark = [pytest.mark.rehearsal, pytest.mark.usefixtures("local_scientist")]
JOB = {"job_id": 7, "name": "a|b", "user": "ubuntu", "partition": "refine3d", "state": "RUNNING"}


@pytest.fixture(scope="module")
def both(local: LocalAws) -> tuple[LocalProject, LocalProject]:
    return LocalProject(local, "one").start(), LocalProject(local, "two").start()


@pytest.fixture
def clusters(both: tuple[LocalProject, LocalProject]) -> Iterator[tuple[LocalProject, ...]]:
    yield both
    for one in both:
        one.control.set_jobs(one.instance, [], partitions=[{"name": "refine3d"}])
        one.control.clear()
    assert openings(both[0]) == []


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    main.app([*arguments, "--json"], standalone_mode=False, prog_name="gotocloud")
    return json.loads(capsys.readouterr().out)


def openings(project: LocalProject) -> list[str]:
    found = project.stacks.client("ec2").describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [project.outputs["DesktopSecurityGroupId"]]}]
    )["SecurityGroupRules"]
    return [rule["CidrIpv4"] for rule in found if not rule["IsEgress"]]


def forgotten_opening(project: LocalProject) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    allowed = {"CidrIp": "9.9.9.9/32", "Description": description("ben", long_ago)}
    project.stacks.client("ec2").authorize_security_group_ingress(
        GroupId=project.outputs["DesktopSecurityGroupId"],
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": DESKTOP_PORT,
                "ToPort": DESKTOP_PORT,
                "IpRanges": [allowed],
            }
        ],
    )


def jobs(found: Any) -> dict[str, Any]:
    return {row["project"]: row["cluster"]["jobs"] for row in found["projects"]}


def test_status_counts_the_jobs_of_every_cluster(
    clusters: tuple[LocalProject, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    one, _ = clusters
    waiting = {**JOB, "job_id": 8, "state": "PENDING"}
    one.control.set_jobs(one.instance, [JOB, waiting], partitions=[{"name": "refine3d"}])
    assert jobs(told(capsys, "status")) == {
        "one": {"running": 1, "waiting": 1, "queues": {"refine3d": 2}},
        "two": {"running": 0, "waiting": 0, "queues": {}},
    }
    main.app(["status"], standalone_mode=False)
    assert "1 running, 1 waiting" in capsys.readouterr().out


def test_a_cluster_that_cannot_be_read_hides_nothing_else(
    clusters: tuple[LocalProject, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = clusters
    one.control.set_jobs(one.instance, [], down=True)
    two.control.set_jobs(two.instance, [JOB])
    found = told(capsys, "status")
    assert jobs(found)["one"] is None
    assert jobs(found)["two"]["running"] == 1
    assert "Unable to contact slurm controller" in found["projects"][0]["cluster"]["jobs_unknown"]
    main.app(["status"], standalone_mode=False)
    shown = capsys.readouterr()
    assert "could not be read" in shown.out
    assert "Jobs of 'one' could not be read" in shown.err


def test_a_head_node_that_hangs_is_not_waited_for(
    clusters: tuple[LocalProject, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_jobs, "COUNT", "sleep 60; echo counted\n")
    cloud = StandardCloud()
    began = time.monotonic()
    found = running_jobs.jobs_now(cloud, group_stacks(cloud), within_s=0.5)
    assert time.monotonic() - began < 30
    assert len(found) == len(clusters)
    assert all(one.why for one in found.values())


@pytest.mark.parametrize("command", [["status"], ["doctor"], ["start", "one", "--yes"]])
def test_an_opening_that_was_left_is_closed_by_the_next_command(
    clusters: tuple[LocalProject, ...], capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    forgotten_opening(clusters[0])
    main.app(command, standalone_mode=False, prog_name="gotocloud")
    shown = capsys.readouterr()
    assert "9.9.9.9/32" in shown.out + shown.err
    assert openings(clusters[0]) == []


def test_a_start_that_is_only_tried_closes_nothing(clusters: tuple[LocalProject, ...]) -> None:
    forgotten_opening(clusters[0])
    main.app(["start", "one", "--dry-run"], standalone_mode=False, prog_name="gotocloud")
    assert openings(clusters[0]) == ["9.9.9.9/32"]
    main.app(["status"], standalone_mode=False)

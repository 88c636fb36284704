from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.cluster_configs.engine import DEFAULT_VERSION, ENGINES, SUPPORT_WARNING, engine_of
from gotocloud.findings import Severity
from gotocloud.projects import checkup
from gotocloud.projects.billed import Billed, BilledKind
from gotocloud.projects.deployed_stack import DeployedStack
from gotocloud.projects.quotas import Level, Quota


@given(st.floats(-10_000, 10_000))
def test_a_clock_is_judged_by_how_far_it_is_off(ahead_s: float) -> None:
    found = checkup.clock(ahead_s)
    off = abs(ahead_s)
    expected = Severity.OK if off < 30 else Severity.ERROR if off > 300 else Severity.WARNING
    assert found.severity is expected
    assert bool(found.remedy) == (off >= 30)


def test_without_a_time_nothing_is_reported_about_the_clock() -> None:
    assert checkup.clock(None).severity is Severity.UNKNOWN


def stack(name: str, status: str, scientist: str = "ann") -> DeployedStack:
    return DeployedStack(name, status, tags={"gtc:iam-user": scientist, "gtc:project": "p"})


def test_a_failed_stack_names_the_command_that_puts_it_right() -> None:
    (found,) = checkup.stacks([stack("gotocloud-cluster-ann-p", "ROLLBACK_COMPLETE")], "ann")
    assert found.severity is Severity.ERROR
    assert found.remedy.startswith("gotocloud start p removes")


def test_another_persons_failed_stack_is_theirs() -> None:
    (found,) = checkup.stacks([stack("gotocloud-project-zoe-p", "CREATE_FAILED", "zoe")], "ann")
    assert found.remedy.startswith("tell zoe: gotocloud setup")


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_FAILED", "DELETE_FAILED"])
def test_what_may_hold_data_is_paused_with_a_proof(status: str) -> None:
    (found,) = checkup.stacks([stack("gotocloud-cluster-ann-p", status)], "ann")
    assert found.remedy.startswith("gotocloud pause p proves")


def test_a_broken_project_keeps_its_data() -> None:
    (found,) = checkup.stacks([stack("gotocloud-project-ann-p", "UPDATE_ROLLBACK_FAILED")], "ann")
    assert found.remedy.startswith("gotocloud finish p --keep-data")


def test_a_bucket_that_an_earlier_release_named_is_reported() -> None:
    def project(bucket: str) -> DeployedStack:
        parameters = {"BucketName": bucket}
        return DeployedStack("gotocloud-project-ann-p", "CREATE_COMPLETE", parameters=parameters)

    (found,) = checkup.stacks([project("ann-222222222222-p")], "ann")
    assert found.severity is Severity.WARNING
    assert "ann-222222222222-p was named by an earlier release" in found.text
    (found,) = checkup.stacks([project("gotocloud-data-ann-222222222222-p")], "ann")
    assert found.severity is Severity.OK


def test_what_works_or_is_on_its_way_is_no_finding() -> None:
    fine = [stack("a", "CREATE_COMPLETE"), stack("b", "CREATE_IN_PROGRESS")]
    (found,) = checkup.stacks(fine, "ann")
    assert found.severity is Severity.OK


def test_leftovers_are_problems_and_what_was_not_seen_is_unknown() -> None:
    found = checkup.leftovers(
        [Billed(BilledKind.ADDRESS, "eipalloc-1", note="192.0.2.1")],
        {BilledKind.MACHINE: "no"},
        "us-east-1",
    )
    assert [one.severity for one in found] == [Severity.ERROR, Severity.UNKNOWN]
    assert checkup.leftovers([], {}, "us-east-1")[0].severity is Severity.OK


def test_quotas_warn_when_no_cluster_has_room_any_more() -> None:
    levels = {Quota.ELASTIC_IPS: Level(5, 4), Quota.NAT_GATEWAYS: Level(5, 4)}
    first, second = checkup.quotas({**levels}, "us-east-1")
    assert (first.severity, second.severity) == (Severity.WARNING, Severity.OK)
    assert "--desired-value 6" in first.remedy


def test_missing_programs_come_with_the_place_to_get_them() -> None:
    old, missing, strange = checkup.tools(
        (3, 10, 1), {"session-manager-plugin": None, "other": None}
    )
    assert old.severity is Severity.ERROR
    assert missing.remedy.startswith("https://docs.aws.amazon.com/")
    assert strange.severity is Severity.WARNING


def test_clusters_whose_support_ends_soon_are_named_before_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ends = date(2027, 3, 31)
    dated = dataclasses.replace(engine_of(), version="3.14.2", supported_until=ends)
    monkeypatch.setattr(checkup, "ENGINES", {**ENGINES, "3.14.2": dated})
    clusters = {"old": "3.14.2"}
    (early,) = checkup.versions(clusters, ends - SUPPORT_WARNING)
    assert early.severity is Severity.OK
    (late,) = checkup.versions(clusters, ends - timedelta(days=10))
    assert late.severity is Severity.WARNING
    assert late.text == "old runs 3.14.2, which AWS supports until 2027-03-31."
    assert "a new cluster takes the platform's version" in late.remedy


def test_a_version_without_a_known_end_of_support_is_called_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    undated = dataclasses.replace(engine_of(), supported_until=None)
    monkeypatch.setattr(checkup, "ENGINES", {DEFAULT_VERSION: undated})
    (found,) = checkup.versions({"new": DEFAULT_VERSION}, date(2027, 1, 1))
    assert found.severity is Severity.UNKNOWN
    assert "until when AWS supports it is not known" in found.text
    assert "support-policy" in found.remedy


def test_a_version_that_this_release_does_not_have_is_named() -> None:
    (found,) = checkup.versions({"old": "3.0.3"}, date(2027, 1, 1))
    assert found.severity is Severity.WARNING
    assert "does not have" in found.text
    assert checkup.versions({}, date(2027, 1, 1))[0].severity is Severity.OK

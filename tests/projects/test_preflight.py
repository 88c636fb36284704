from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.findings import Finding, Severity, errors
from gotocloud.projects.preflight import Budget, Observed, preflight
from gotocloud.projects.quotas import Level, Quota
from tests.projects.shapes import PLENTY, observed, shape

IDLE = Decimal("1.00")


def judged(seen: Observed, **changes: Any) -> tuple[Finding, ...]:
    return preflight(shape(**changes), 2400, IDLE, seen, "us-east-1")


def one(findings: tuple[Finding, ...], check: str) -> Finding:
    (found,) = [finding for finding in findings if finding.check.startswith(check)]
    return found


def levels(**changes: Level) -> dict[Quota, Level]:
    return {**PLENTY, **{Quota[name]: level for name, level in changes.items()}}


def test_an_account_with_plenty_has_nothing_but_good_news() -> None:
    assert {finding.severity for finding in judged(observed())} == {Severity.OK}


@pytest.mark.parametrize(
    "quota",
    [
        "STANDARD",
        "ELASTIC_IPS",
        "NAT_GATEWAYS",
        "GATEWAY_ENDPOINTS",
        "SCRATCH_FILE_SYSTEMS",
        "SCRATCH_GIB",
    ],
)
def test_what_the_cluster_itself_needs_forbids_the_start(quota: str) -> None:
    found = judged(observed(levels=levels(**{quota: Level(5, 5)})))
    forbidding = {finding.check for finding in errors(found)}
    assert forbidding == {Quota[quota].value.name}


def test_all_findings_come_at_once_problems_first() -> None:
    seen = observed(
        levels=levels(ELASTIC_IPS=Level(5, 4), NAT_GATEWAYS=Level(5, 5), GRAPHICS=Level(0, 0)),
        block=None,
        offered=None,
    )
    order = [finding.severity for finding in judged(seen)]
    assert order == sorted(order, key=list(Severity).index)
    assert len(errors(judged(seen))) == 3


def test_a_new_account_without_gpus_lists_what_starts_and_what_does_not() -> None:
    seen = observed(levels=levels(GRAPHICS=Level(0, 0), GRAPHICS_SPOT=Level(96, 0)))
    found = judged(seen)
    assert not errors(found)
    on_demand = one(found, "Running On-Demand G")
    assert on_demand.severity is Severity.WARNING
    assert "refine3d gets 0 of 2 x g4dn.metal (192 vCPUs)" in on_demand.text
    assert "--quota-code L-DB2E81BA --desired-value 192" in on_demand.remedy
    assert "gets 1 of 2" in one(found, "All G and VT Spot").text


def test_a_cluster_in_which_nothing_could_compute_is_not_started() -> None:
    nothing = {
        name: Level(5, 0) for name in ("STANDARD", "STANDARD_SPOT", "GRAPHICS", "GRAPHICS_SPOT")
    }
    assert {finding.check for finding in errors(judged(observed(levels=levels(**nothing))))} == {
        "Queues"
    }


def test_a_quota_without_an_answer_is_no_reason_to_refuse() -> None:
    nothing = {name: Level(5, 0) for name in ("STANDARD", "STANDARD_SPOT", "GRAPHICS")}
    seen = observed(levels=levels(**nothing, GRAPHICS_SPOT=Level(why="no permission")))
    assert errors(judged(seen)) == ()


def test_the_head_node_is_counted_before_the_queues_of_its_family() -> None:
    exactly = 4 * 128
    full = judged(observed(levels=levels(STANDARD=Level(exactly + 4, 0))))
    short = judged(observed(levels=levels(STANDARD=Level(exactly, 0))))
    assert not [finding for finding in full if finding.severity is Severity.WARNING]
    (warning,) = [finding for finding in short if finding.severity is Severity.WARNING]
    assert "polish gets 3 of 4" in warning.text


def test_missing_information_is_reported_and_never_guessed() -> None:
    seen = observed(
        levels={},
        offered=None,
        spot_role=None,
        budget=Budget(why="no permission for budgets"),
        unknown={"offerings": "no permission for ec2:DescribeInstanceTypeOfferings"},
    )
    found = judged(seen)
    unknown = [finding for finding in found if finding.severity is Severity.UNKNOWN]
    assert len(unknown) == len(found) - 1
    assert any("DescribeInstanceTypeOfferings" in finding.text for finding in unknown)


def test_a_type_that_is_not_offered_any_more_is_reported_with_its_queues() -> None:
    found = one(judged(observed(offered={"m5.xlarge", "c6i.32xlarge"})), "Instance types")
    assert found.severity is Severity.WARNING
    assert "g4dn.metal (queues refine3d, refine3d-spot)" in found.text


def test_no_head_node_no_cluster() -> None:
    assert errors(judged(observed(offered={"g4dn.metal", "c6i.32xlarge"})))


def test_the_spot_role_is_requested_only_by_spot_queues() -> None:
    on_demand = tuple(queue for queue in shape().queues if not queue.spot)
    assert one(judged(observed(spot_role=False)), "Spot role").severity is Severity.WARNING
    found = judged(observed(spot_role=False), queues=on_demand)
    assert not [finding for finding in found if finding.check == "Spot role"]


@given(limit=st.decimals(1, 10_000, places=2), spent=st.decimals(0, 20_000, places=2))
def test_the_budget_warns_before_a_day_is_not_covered_any_more(
    limit: Decimal, spent: Decimal
) -> None:
    found = one(judged(observed(budget=Budget(limit, spent))), "Budget")
    assert (found.severity is Severity.WARNING) == (limit - spent < 24 * IDLE)


def test_spot_that_was_requested_must_be_possible() -> None:
    none = {name: Level(0, 0) for name in ("STANDARD_SPOT", "GRAPHICS_SPOT")}
    seen = observed(levels=levels(**none), spot_role=False)
    found = preflight(shape(), 2400, IDLE, seen, "us-east-1", spot=True)
    assert {finding.check for finding in errors(found)} == {"Spot role", "Spot"}
    assert errors(preflight(shape(), 2400, IDLE, seen, "us-east-1")) == ()


def test_one_spot_queue_that_can_start_is_enough() -> None:
    seen = observed(levels=levels(GRAPHICS_SPOT=Level(0, 0)))
    assert errors(preflight(shape(), 2400, IDLE, seen, "us-east-1", spot=True)) == ()


@pytest.mark.parametrize(
    ("limit", "spent", "severity", "text", "remedy"),
    [
        ("100", "100", "warning", "USD 0.00 of 100.00 are left. Nothing is stopped", "head of"),
        ("100", "110", "warning", "USD -10.00 of 100.00 are left. Nothing is stopped", "head of"),
        ("100", "99", "warning", f"{1 / IDLE:.0f} hours of this cluster", "pause the cluster"),
        ("1000", "0", "ok", "USD 1,000.00 of 1,000.00 are left.", ""),
    ],
)
def test_a_budget_is_shown_with_what_is_left_of_it(
    limit: str, spent: str, severity: str, text: str, remedy: str
) -> None:
    seen = observed(budget=Budget(Decimal(limit), Decimal(spent)))
    found = one(judged(seen), "Budget of this month")
    assert (found.severity, text in found.text) == (severity, True)
    assert remedy in found.remedy
    assert bool(found.remedy) is bool(remedy)


def test_a_day_of_the_cluster_that_is_just_covered_is_no_warning() -> None:
    found = one(judged(observed(budget=Budget(24 * IDLE, Decimal(0)))), "Budget")
    assert found.severity is Severity.OK


@pytest.mark.parametrize(
    ("budget", "text"),
    [
        (Budget(why="denied"), "not known (denied)."),
        (Budget(), "not known."),
        (Budget(limit_usd=Decimal(5)), "not known."),
        (Budget(spent_usd=Decimal(5)), "not known."),
    ],
)
def test_a_budget_of_which_a_part_is_unknown_is_unknown(budget: Budget, text: str) -> None:
    found = one(judged(observed(budget=budget)), "Budget of this month")
    assert (found.severity, found.text) == (Severity.UNKNOWN, f"what is left of it is {text}")

"""`gotocloud platform cost` as the management group types it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
import yaml

from gotocloud.costs.platform_cost import (
    COPIES_PER_MONTH,
    MonthlyUse,
    StackPlace,
    known_total,
    platform_cost,
)
from tests.cli.in_process import Outcome, typed
from tests.needs import ROOT

EXAMPLE = ROOT / "platform.example.yaml"


@pytest.fixture
def cost(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(*words: object) -> Outcome:
        return typed(monkeypatch, capsys, "platform", "cost", "--platform", EXAMPLE, *words)

    return run


def share_in_virginia(runs_a_month: int, files: int) -> float:
    """What one share's looks at unchanged files cost, if the master is in us-east-1 too."""
    places = [StackPlace("RegionStack", "us-east-1", {"stack": 1, "share": 1})]
    lines = platform_cost(places, "us-east-1", MonthlyUse(software_files=files))
    looks = [line for line in lines if "look" in line.part]
    assert len(looks) == 2
    return float(known_total(looks)) * runs_a_month / float(COPIES_PER_MONTH)


def test_an_hourly_look_at_a_million_files_would_cost_what_is_publicly_estimated() -> None:
    # About 175 USD for each region and shard; a gigabyte of 2^30 bytes makes it a little less.
    assert share_in_virginia(730, 1_000_000) == pytest.approx(175, rel=0.1)
    assert share_in_virginia(4, 1_000_000) < 1


def test_every_part_has_its_amount_price_source_and_date(cost: Any) -> None:
    status, out, _ = cost("--json", "--software-gb", 200, "--software-files", 1_000_000)
    assert status == 0
    report = json.loads(out)
    assert (report["groups"], report["complete"]) == (2, False)
    parts = report["parts"]
    for part in parts:
        if part["usd_per_month"]:
            assert part["price"]["source"].startswith("https://")
            assert part["price"]["date"]
            assert part["amount"] > 0
        assert (part["usd_per_month"] is None) == bool(part["unknown"])
    known = sum(part["usd_per_month"] or 0 for part in parts)
    assert report["known_total_usd_per_month"] == pytest.approx(known, abs=0.01)
    (secrets,) = [part for part in parts if part["part"] == "initial passwords" and part["count"]]
    assert (secrets["count"], secrets["usd_per_month"]) == (3, 1.2)
    backup = [part for part in parts if part["part"] == "software backed up"]
    assert [part["stack"] for part in backup] == ["ManagementStack"]


def test_what_does_not_exist_is_shown_with_zero(cost: Any) -> None:
    parts = json.loads(cost("--json")[1])["parts"]
    none = {part["part"]: part["usd_per_month"] for part in parts if not part["stack"]}
    assert set(none.values()) == {0}
    assert {"alarms", "hosted zones", "NAT gateways"} <= set(none)


def test_what_has_no_price_is_listed_and_never_counts_as_free(cost: Any) -> None:
    status, out, _ = cost("--changed-gb", 10)
    assert status == 0
    total = out.splitlines()[-1]
    assert total.startswith("At least USD ")
    assert "Not priced: " in total
    assert "changed software sent to the region" in total
    assert "Amount not given: " in total
    assert "not priced" in out
    assert "0.00" in out


def test_the_cost_grows_with_the_groups_and_the_regions() -> None:
    from gotocloud.cli.views.platform_cost import places_of
    from gotocloud.platform.model import Platform

    def passwords(groups: int) -> float:
        raw = yaml.safe_load(EXAMPLE.read_text())
        first = raw["groups"][0]
        raw["groups"] = [
            {**first, "name": f"lab{n}", "number": n, "account": f"{n:012d}"}
            for n in range(1, groups + 1)
        ]
        platform = Platform.model_validate(raw)
        return float(known_total(platform_cost(places_of(platform), "us-east-1", MonthlyUse())))

    assert passwords(130) == pytest.approx(130 * 2 * 0.4)


def test_the_options_of_a_group_cost_what_aws_bills_for_them() -> None:
    from gotocloud.cli.views.platform_cost import places_of
    from gotocloud.platform.load import load_platform

    # One of 130 groups has a multi-Region key and an audit; it works in four regions.
    platform = load_platform(ROOT / "tests/security/platforms/large.yaml")
    lines = platform_cost(places_of(platform), "eu-central-1", MonthlyUse())
    keys = [line for line in lines if line.part == "keys of groups" and line.count]
    assert [(line.count, line.usd_per_month) for line in keys] == [(1, Decimal(1))] * 4
    (calls,) = [
        line for line in lines if line.part == "calls that the audit records" and line.count
    ]
    assert calls.region == "us-west-2"
    assert (calls.count, calls.why_unknown) == (1, "amount not given")
    assert calls.price
    assert calls.price.usd == 1

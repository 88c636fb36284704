"""`gotocloud platform prices` against the local AWS, whose price list tells the shipped prices."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from gotocloud.cluster_configs.instances import instance_types
from gotocloud.costs.price import PriceUnit
from gotocloud.costs.price_files import read_table
from gotocloud.costs.prices import shipped_table
from gotocloud.origin import stated_endpoint
from gotocloud.rehearsal.local_aws import LocalAws
from tests.needs import ROOT

REGION = "us-east-1"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    started = LocalAws.start(tmp_path_factory.mktemp("prices"))
    yield started
    started.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "platform.example.yaml", tmp_path / "platform.yaml")
    return tmp_path


def prices(local: LocalAws, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gotocloud", "platform", "prices", *arguments],
        cwd=folder,
        env={**os.environ, **local.environment("111111111111", REGION)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_refresh_keeps_what_aws_shows_and_calls_the_rest_unknown(
    local: LocalAws, folder: Path
) -> None:
    done = prices(local, folder, "--refresh", REGION)
    assert done.returncode == 0, done.stderr
    kept = read_table(folder / "platform.prices.csv")
    assert {stated_endpoint(one.source) for one in kept.values()} == {local.endpoint_url}
    refused = subprocess.run(
        [sys.executable, "-m", "gotocloud", "platform", "prices"],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith("AWS_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (refused.returncode, "is invented" in refused.stderr) == (2, True)
    today = datetime.now(UTC).date()
    for key, price in kept.items():
        shipped = shipped_table().get(key) or shipped_table()[(key[0], "*", key[2])]
        # A mean of a spot price is rounded to four digits.
        assert float(price.usd) == pytest.approx(float(shipped.usd), abs=5e-5)
        assert price.date.endswith(f"/{today}")
        assert "localhost" in price.source
    # Every type that the product names, and its spot price in every zone that the list has.
    here = {key for key, price in shipped_table().items() if price.region == REGION}
    assert {key for key in here if key[0] in instance_types()} <= kept.keys()
    # What a platform alone is billed for is not read from AWS's price list.
    assert {key[2] for key in kept} == set(PriceUnit) - {PriceUnit.MONTH}
    assert f"Unknown: efs-standard in {REGION}" not in done.stderr
    assert f"Unknown: hpc7a.96xlarge in {REGION}: not in the price list" in done.stderr
    assert f"Unknown: hpc7a.96xlarge in {REGION}: no spot history" in done.stderr


def test_a_dry_run_writes_nothing(local: LocalAws, folder: Path) -> None:
    done = prices(local, folder, "--refresh", "--dry-run", REGION)
    assert done.returncode == 0, done.stderr
    assert "Would write platform.prices.csv" in done.stderr
    assert not (folder / "platform.prices.csv").exists()


def test_changes_are_reported_with_both_prices(local: LocalAws, folder: Path) -> None:
    source = f"an earlier price list at {local.endpoint_url}"
    (folder / "platform.prices.csv").write_text(
        "item,region,usd,unit,source,date\n"
        f"g5.12xlarge,{REGION},5,instance-hour,{source},2026-11-01\n"
        f"g5.12xlarge,sa-east-1,6.3,instance-hour,{source},2020-01-01\n"
    )
    done = prices(local, folder, "--refresh", REGION)
    assert "5 (2026-11-01) to 5.672 USD, +13.4 %" in done.stderr
    kept = read_table(folder / "platform.prices.csv")
    assert kept[("g5.12xlarge", "sa-east-1", PriceUnit.INSTANCE_HOUR)].source == source


def test_every_price_that_is_needed_is_shown_known_or_not(local: LocalAws, folder: Path) -> None:
    rows = json.loads(prices(local, folder, "--json").stdout)
    assert {row["region"] for row in rows} == {"ap-northeast-1", "us-east-1"}
    unknown = [row for row in rows if row["usd"] is None]
    assert unknown
    assert all(row["age_days"] is None for row in unknown)
    ages = {row["age_days"] for row in rows if row["date"] == "2026-01-20/2026-01-29"}
    assert ages == {(datetime.now(UTC).date() - date(2026, 1, 29)).days}
    # Where the source gives no date, the day of reading is no age.
    undated = [row for row in rows if (row["date"] or "").startswith("read ")]
    assert undated
    assert all(row["age_days"] is None and row["old"] for row in undated)


def test_wrong_regions_are_reported_at_once(local: LocalAws, folder: Path) -> None:
    done = prices(local, folder, "us-east-9", "moon-1", "--refresh")
    assert done.returncode == 2
    assert "us-east-9" in done.stderr
    assert "moon-1" in done.stderr


def test_without_aws_nothing_is_written(folder: Path, local: LocalAws) -> None:
    away = {**local.environment("111111111111", REGION), "AWS_ENDPOINT_URL": "http://localhost:1"}
    done = subprocess.run(
        [sys.executable, "-m", "gotocloud", "platform", "prices", "--refresh", REGION],
        cwd=folder,
        env={**os.environ, **away, "AWS_MAX_ATTEMPTS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr
    assert not (folder / "platform.prices.csv").exists()


def test_a_region_that_exists_is_no_wrong_region_whatever_is_known_of_it(
    local: LocalAws, folder: Path
) -> None:
    done = prices(local, folder, "mx-central-1")
    assert (done.returncode, "--refresh" in done.stderr) == (0, True)
    assert "unknown" in done.stdout

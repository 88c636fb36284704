"""Price tables of one's own: read with every problem at once, laid over the shipped ones."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.costs.price import Price, PriceUnit
from gotocloud.costs.price_files import dump_table, parse_table, read_table
from gotocloud.costs.prices import find_price, price_usd_per_hour
from gotocloud.errors import InputError

HEADER = "item,region,usd,unit,source,date,spread_usd\n"
OWN = HEADER + "g5.12xlarge,sa-east-1,6.3,instance-hour,AWS price list,2026-11-01/2026-11-22,\n"

WORDS = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8)
PRICES = st.builds(
    Price,
    item=WORDS,
    region=WORDS,
    usd=st.decimals("0.0001", "99999", places=4),
    unit=st.sampled_from(PriceUnit),
    source=st.text(st.characters(categories=("L", "N", "P")), min_size=1),
    date=st.dates().map(str),
    spread_usd=st.none() | st.decimals("0", "99", places=4),
    zone_id=st.just("") | WORDS,
)


@given(st.lists(PRICES, unique_by=lambda price: price.key))
def test_a_table_is_read_as_it_was_written(prices: list[Price]) -> None:
    assert list(parse_table(dump_table(prices), "t").values()) == sorted(
        prices, key=lambda price: price.key
    )


def test_every_row_that_cannot_be_used_is_reported_at_once() -> None:
    rows = [
        "g5.12xlarge,eu-west-1,-1,instance-hour,s,2026-11-01,",
        "g5.12xlarge,eu-west-1,0,instance-hour,s,2026-11-01,",
        "g5.12xlarge,eu-west-1,nan,instance-hour,s,2026-11-01,",
        "g5.12xlarge,eu-west-1,5 EUR,instance-hour,s,2026-11-01,",
        "g5.12xlarge,eu-west-1,5,fortnight,s,2026-11-01,",
        "g5.12xlarge,eu-west-1,5,instance-hour,s,yesterday,",
        "g5.12xlarge,,5,instance-hour,,2026-11-01,",
        "g5.12xlarge,eu-west-1,5,instance-hour,s,2026-11-01,",
        "g5.12xlarge,eu-west-1,6,instance-hour,s,2026-11-02,-3",
    ]
    with pytest.raises(InputError) as told:
        parse_table(HEADER + "\n".join(rows), "mine.csv")
    problems = told.value.problems
    assert [problem.split(":")[0] for problem in problems] == [
        f"line {number}" for number in (2, 3, 4, 5, 6, 7, 8, 10)
    ]
    assert "'5 EUR'" in problems[3]
    assert "fortnight" in problems[4]
    assert "region, source empty" in problems[6]


def test_a_price_given_twice_is_refused() -> None:
    row = "g5.12xlarge,eu-west-1,5,instance-hour,s,2026-11-01,\n"
    with pytest.raises(InputError, match="cannot be used") as told:
        parse_table(HEADER + row + row, "mine.csv")
    assert "given twice" in told.value.problems[0]


def test_a_file_that_is_no_price_table_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="lacks the columns item, region"):
        read_table(other)
    with pytest.raises(InputError, match="no price table"):
        read_table(tmp_path / "absent.csv")


def test_own_prices_lie_over_the_shipped_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = price_usd_per_hour("g5.12xlarge", "us-east-1")
    (tmp_path / "own.csv").write_text(OWN)
    monkeypatch.setenv("GOTOCLOUD_PRICES", str(tmp_path / "own.csv"))
    own = price_usd_per_hour("g5.12xlarge", "sa-east-1")
    assert own is not None
    assert own.usd == Decimal("6.3")
    assert price_usd_per_hour("g5.12xlarge", "us-east-1") == shipped


def test_the_table_beside_the_platform_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOTOCLOUD_PRICES", raising=False)
    monkeypatch.chdir(tmp_path)
    assert find_price("g5.12xlarge", "sa-east-1", PriceUnit.INSTANCE_HOUR) is None
    (tmp_path / "platform.prices.csv").write_text(OWN)
    assert find_price("g5.12xlarge", "sa-east-1", PriceUnit.INSTANCE_HOUR) is not None


def test_a_named_table_that_is_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOTOCLOUD_PRICES", "/no/such/prices.csv")
    with pytest.raises(InputError, match="no price table"):
        price_usd_per_hour("g5.12xlarge", "us-east-1")

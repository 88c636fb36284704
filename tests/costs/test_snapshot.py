"""Importing a price snapshot: its rows, no more and no less, with the date of the data."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from botocore.loaders import Loader

from gotocloud.costs.price import PriceUnit
from gotocloud.costs.price_files import parse_table
from gotocloud.costs.snapshot import main, short_region
from gotocloud.platform.zones import zone_map


def test_every_row_is_imported_with_its_source_and_the_date_of_the_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "on_demand.csv").write_text(
        "instance_type,region,usd_per_hour\ng5.12xlarge,us-east-1,5.6720\nx.big,eu-west-1,10\n"
    )
    (tmp_path / "spot.csv").write_text(
        "instance_type,zone_id,spot_usd_per_hour\n"
        "g5.12xlarge,use1-az4,2.081300\n"
        "g5.12xlarge,mec9-az1,1.0\n"
    )
    main([str(tmp_path), "--date", "2026-01-20/2026-01-29", "--source", "https://example.org/x"])
    rows = parse_table(capsys.readouterr().out, "out")
    assert {key: price.usd for key, price in rows.items()} == {
        ("g5.12xlarge", "us-east-1", PriceUnit.INSTANCE_HOUR): Decimal("5.672"),
        ("x.big", "eu-west-1", PriceUnit.INSTANCE_HOUR): Decimal(10),
        ("g5.12xlarge", "use1-az4", PriceUnit.SPOT_INSTANCE_HOUR): Decimal("2.0813"),
    }
    assert {price.source for price in rows.values()} == {"https://example.org/x"}
    assert {price.date for price in rows.values()} == {"2026-01-20/2026-01-29"}


def test_zone_ids_begin_with_the_short_name_of_their_region() -> None:
    for region, zones in zone_map().regions.items():
        assert {zone.zone_id.partition("-")[0] for zone in zones.ranked} == {short_region(region)}


def test_the_short_names_of_all_regions_differ() -> None:
    partitions = Loader().load_data("endpoints")["partitions"]
    regions = next(one for one in partitions if one["partition"] == "aws")["regions"]
    assert len({*map(short_region, regions)}) == len(regions) > 30

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.errors import InputError
from gotocloud.platform.zones import (
    Need,
    dump_map,
    make_map,
    map_changes,
    merged,
    parse_map,
    rank_zones,
    unmet,
    zone_map,
    zones_path,
)

NEEDS = (Need("refine", ("big", "medium")), Need("head", ("small",)))
DAY = date(2026, 11, 22)


def ranked(offerings: dict[str, set[str]]) -> list[str]:
    return [zone.zone_id for zone in rank_zones(offerings, NEEDS)]


def test_a_zone_that_runs_everything_comes_before_one_with_more_types() -> None:
    assert ranked({"x1-az1": {"big", "medium"}, "x1-az2": {"medium", "small"}}) == [
        "x1-az2",
        "x1-az1",
    ]


def test_the_preferred_type_decides_between_zones_that_run_everything() -> None:
    assert ranked({"x1-az1": {"medium", "small"}, "x1-az2": {"big", "small"}}) == [
        "x1-az2",
        "x1-az1",
    ]


def test_equal_zones_stand_in_order_of_zone_id() -> None:
    everything = {"big", "medium", "small"}
    assert ranked({"x1-az3": everything, "x1-az1": everything, "x1-az2": everything}) == [
        "x1-az1",
        "x1-az2",
        "x1-az3",
    ]


def test_local_zones_are_not_ranked() -> None:
    assert ranked({"x1-lax1-az1": {"big", "small"}, "x1-az1": {"small"}}) == ["x1-az1"]


def test_a_zone_states_what_it_lacks_and_why_it_stands_there() -> None:
    (zone,) = rank_zones({"x1-az1": {"small", "unused"}}, NEEDS)
    assert (zone.offered, zone.missing) == (("small",), ("big", "medium"))
    assert zone.reason == (
        "1 of 3 instance types, first choice for 1 of 2 uses; nothing for refine"
    )


types = st.sets(st.sampled_from(["big", "medium", "small", "other"]))
zone_ids = st.sampled_from([f"x1-az{n}" for n in range(1, 7)])


@given(st.dictionaries(zone_ids, types), st.data())
def test_ranking_does_not_depend_on_the_order_of_the_answers(
    offerings: dict[str, set[str]], data: st.DataObject
) -> None:
    shuffled = dict(data.draw(st.permutations(list(offerings.items()))))
    assert rank_zones(shuffled, NEEDS) == rank_zones(offerings, NEEDS)


@given(st.dictionaries(zone_ids, types, min_size=1))
def test_no_zone_runs_more_than_the_first(offerings: dict[str, set[str]]) -> None:
    best = rank_zones(offerings, NEEDS)[0]
    fewest = min(len(unmet(offered, NEEDS)) for offered in offerings.values())
    assert len(unmet(best.offered, NEEDS)) == fewest


def test_a_region_that_cannot_run_everything_is_left_out_with_the_reason() -> None:
    made = make_map(
        {"a": {"x1-az1": {"big", "small"}}, "b": {"y1-az1": {"small"}}, "c": {}},
        NEEDS,
        day=DAY,
        source="EC2",
    )
    assert list(made.regions) == ["a"]
    assert "y1-az1, lacks refine (big or medium)" in made.left_out["b"]
    assert made.left_out["c"] == "EC2 has no offerings by zone ID for it"
    with pytest.raises(InputError, match="'b' cannot be used by these data: no single zone"):
        made.region("b")


def test_zones_without_any_type_get_no_mount_target() -> None:
    made = make_map({"a": {"x1-az1": {"big", "small"}, "x1-az2": set()}}, NEEDS, day=DAY, source="")
    assert made.region("a").chosen() == ("x1-az1",)


def test_the_shipped_map_chooses_two_zones_and_states_its_source_and_date() -> None:
    shipped = zone_map()
    assert shipped.region("ap-northeast-1").chosen() == ("apne1-az1", "apne1-az4")
    assert "moto 5.2.5" in shipped.source
    assert shipped.date == date(2026, 10, 27)


def test_an_unknown_region_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"Did you mean 'us-east-1'.*ap-northeast-1"):
        zone_map().region("us-east1")


def test_a_file_beside_the_platform_overrides_only_its_regions(tmp_path: Path) -> None:
    path = tmp_path / "platform.yaml"
    own = make_map({"us-east-1": {"use1-az9": {"big", "small"}}}, NEEDS, day=DAY, source="asked")
    zones_path(path).write_text(dump_map(own), encoding="utf-8")
    found = zone_map(path)
    assert found.region("us-east-1").chosen() == ("use1-az9",)
    assert found.region("us-east-2") == zone_map().region("us-east-2")
    assert zone_map(tmp_path / "other.yaml") == zone_map()


def test_a_region_that_is_left_out_later_leaves_the_merged_map() -> None:
    before = make_map({"a": {"x1-az1": {"big", "small"}}}, NEEDS, day=DAY, source="1")
    after = merged(before, make_map({"a": {"x1-az1": {"big"}}}, NEEDS, day=DAY, source="2"))
    assert after.regions == {}
    assert map_changes(before, after) == [f"a: left out now: {after.left_out['a']}"]


def test_changes_are_reported_by_zone_and_type() -> None:
    before = make_map({"a": {"x1-az1": {"big", "small"}}}, NEEDS, day=DAY, source="")
    after = make_map({"a": {"x1-az1": {"medium", "small"}}}, NEEDS, day=DAY, source="")
    assert map_changes(before, after) == ["a: x1-az1: +medium -big"]
    assert map_changes(before, before) == []


def test_a_map_survives_writing_and_reading() -> None:
    assert parse_map(dump_map(zone_map()), "map") == zone_map()


@pytest.mark.parametrize(
    ("text", "words"), [("{", "line 1"), ("{}", "regions: "), ('{"regions": 1}', "left_out: ")]
)
def test_a_file_that_is_no_map_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "platform.yaml"
    zones_path(path).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"zones.json has \d+ problem") as caught:
        zone_map(path)
    assert any(words in problem for problem in caught.value.problems)

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from gotocloud.errors import ExitCode, InputError
from gotocloud.platform.model import Platform
from gotocloud.platform.record import (
    Record,
    RecordError,
    dump_record,
    history_problems,
    load_record,
    record_from_outputs,
    record_problems,
)
from tests.platform.platforms import group, platform

DAY = date(2026, 11, 22)
REGIONS = ["ap-northeast-1", "us-east-1"]


@pytest.fixture
def known() -> Platform:
    return platform(group(1, regions=REGIONS), group(126), regions=REGIONS)


@pytest.fixture
def management() -> dict[str, str]:
    role = "arn:aws:iam::111111111111:role/gotocloud-peering-acceptor-"
    return {
        "DistributionBucketName": "gotocloud-bucket",
        "AcceptorRoleArn0": f"{role}00",
        "AcceptorRoleArn5": f"{role}05",
        "Unrelated": "x",
    }


def share(shard: int, cidr: str) -> dict[str, str]:
    return {
        f"Share{shard}VpcId": f"vpc-{shard}",
        f"Share{shard}Cidr": cidr,
        f"Share{shard}RouteTableId": f"rtb-{shard}",
        f"Share{shard}FileSystemId": f"fs-{shard}",
        f"Share{shard}MountTargets": "apne1-az4=10.0.0.5,apne1-az1=10.0.0.37",
    }


@pytest.fixture
def regions() -> dict[str, dict[str, str] | None]:
    return {
        "ap-northeast-1": share(0, "10.0.0.0/24") | share(1, "10.0.1.0/24"),
        "us-east-1": share(0, "10.0.8.0/24"),
    }


@pytest.fixture
def record(
    known: Platform, management: dict[str, str], regions: dict[str, dict[str, str] | None]
) -> Record:
    return record_from_outputs(known, management, regions, written=DAY)


def test_a_record_holds_what_a_group_needs(record: Record) -> None:
    found = record.share("ap-northeast-1", 1)
    assert (found.vpc_id, str(found.cidr)) == ("vpc-1", "10.0.1.0/24")
    assert {zone: str(ip) for zone, ip in found.mount_targets.items()} == {
        "apne1-az1": "10.0.0.37",
        "apne1-az4": "10.0.0.5",
    }
    assert list(record.management.acceptor_roles) == [0, 5]


def test_a_record_survives_writing_and_reading_with_the_same_bytes(
    record: Record, tmp_path: Path
) -> None:
    path = tmp_path / "platform.record.yaml"
    path.write_text(dump_record(record), encoding="utf-8")
    assert load_record(path) == record
    assert dump_record(load_record(path)) == dump_record(record)


def test_a_record_reads_well(record: Record) -> None:
    text = dump_record(record)
    assert text.startswith("# Written by `gotocloud platform record`")
    assert "written: 2026-11-22\n" in text
    assert "      cidr: 10.0.0.0/24\n" in text
    assert text.index("apne1-az1: 10.0.0.37") < text.index("apne1-az4: 10.0.0.5")


def test_everything_that_is_missing_is_reported_at_once_and_how_to_deploy_it(
    known: Platform, regions: dict[str, dict[str, str] | None]
) -> None:
    tokyo = regions["ap-northeast-1"]
    assert tokyo
    del tokyo["Share1VpcId"]
    with pytest.raises(RecordError) as caught:
        record_from_outputs(known, None, {"ap-northeast-1": tokyo, "us-east-1": None})
    assert caught.value.exit_code == ExitCode.FAILED
    assert caught.value.problems == (
        "stack gotocloud-management in ap-northeast-1 is not deployed: cdk deploy ManagementStack",
        "stack gotocloud-region in ap-northeast-1: has no output Share1VpcId: "
        "cdk deploy RegionStack-ap-northeast-1",
        "stack gotocloud-region in us-east-1 is not deployed: cdk deploy RegionStack-us-east-1",
    )


def test_outputs_that_differ_from_the_platform_file_are_reported(
    known: Platform, management: dict[str, str], regions: dict[str, dict[str, str] | None]
) -> None:
    management["AcceptorRoleArn5"] = "arn:aws:iam::999999999999:role/x"
    regions["us-east-1"] = share(0, "10.9.9.0/24") | {"Share0MountTargets": "use1-az1"}
    with pytest.raises(RecordError) as caught:
        record_from_outputs(known, management, regions)
    text = str(caught.value)
    assert "AcceptorRoleArn5 is arn:aws:iam::999999999999:role/x, not of account 111" in text
    assert "Share0Cidr is 10.9.9.0/24, the address plan has 10.0.8.0/24" in text
    assert "Share0MountTargets has 'use1-az1'" in text


def test_a_record_of_another_platform_does_not_fit(record: Record, known: Platform) -> None:
    assert record_problems(known, record) == []
    other = platform(
        group(1),
        group(300),
        management={"account": "444444444444", "home_region": "us-east-1"},
        regions=["ap-northeast-1", "eu-west-1"],
    )
    assert record_problems(other, record) == [
        "management account is 111111111111 in the record, 444444444444 in the platform file",
        "management home region is ap-northeast-1 in the record, us-east-1 in the platform file",
        "the record has no acceptor role 11; deploy ManagementStack",
        'the record has no share 2 in ap-northeast-1; deploy "RegionStack-ap-northeast-1"',
        'the record has no share 0 in eu-west-1; deploy "RegionStack-eu-west-1"',
    ]


def test_another_pool_does_not_fit_the_record(record: Record) -> None:
    moved = platform(group(1), regions=["ap-northeast-1"], network={"pool": "172.16.0.0/12"})
    assert record_problems(moved, record) == [
        "share 0 in ap-northeast-1 has network 10.0.0.0/24, the plan has 172.16.0.0/24"
    ]


def test_a_missing_record_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no record") as caught:
        load_record(tmp_path / "platform.record.yaml")
    assert caught.value.next_command
    assert caught.value.next_command.endswith("&& gotocloud platform record")


def test_a_missing_share_names_the_command(record: Record) -> None:
    with pytest.raises(InputError, match="No recorded region named 'eu-west-1'"):
        record.share("eu-west-1", 0)
    with pytest.raises(InputError, match="no share 1 in us-east-1; it has 0") as caught:
        record.share("us-east-1", 1)
    assert "RegionStack-us-east-1" in str(caught.value.next_command)


@pytest.mark.parametrize(
    ("text", "words"),
    [("a: [", "line 1"), ("a: 1", "management: "), ("", "must be a block")],
)
def test_a_file_that_is_no_record_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "platform.record.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"is not YAML|has \d+ problem") as caught:
        load_record(path)
    assert any(words in problem for problem in caught.value.problems)


def described(*changed: dict[str, Any], **more: Any) -> Platform:
    """The platform of the record, with other blocks for some groups."""
    given = {"regions": REGIONS, **more}
    return platform(*changed, **given)


FIRST, SECOND = group(1, regions=REGIONS), group(126)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (described(FIRST, SECOND, network={"pool": "10.128.0.0/9"}), "was 10.0.0.0/8"),
        (described({**FIRST, "number": 3}, SECOND), "number is 3, and was 1"),
        (described({**FIRST, "account": "2" * 12}, SECOND), "account is 222222222222, and was"),
        (described({**FIRST, "regions": REGIONS[::-1]}, SECOND), "regions begin with us-east-1"),
        (described({**FIRST, "regions": REGIONS[:1]}, SECOND), "append new regions at the end"),
        (described(FIRST), "keep its block with `retired: true`, so that its number 126"),
    ],
)
def test_what_must_stay_as_it_was_deployed_is_refused_when_it_changes(
    record: Record, changed: Platform, said: str
) -> None:
    found = history_problems(changed, record)
    assert len(found) == 1, found
    assert said in found[0]


def test_what_may_change_is_no_problem(record: Record, known: Platform) -> None:
    assert history_problems(known, record) == []
    grown = described(
        {**FIRST, "regions": [*REGIONS, "eu-west-1"], "scientists": ["new-scientist"]},
        {**SECOND, "retired": True},
        group(127),
        regions=[*REGIONS, "eu-west-1"],
    )
    assert history_problems(grown, record) == []
    assert [one.number for one in grown.groups] == [1, 127]


def test_a_number_is_never_given_to_another_group(record: Record) -> None:
    renamed = {**SECOND, "name": "other"}
    found = history_problems(described(FIRST, renamed), record)
    assert found[1] == f"group 'other': 126 was the number of group {SECOND['name']!r}"


def test_a_removed_group_stays_recorded(
    record: Record, management: dict[str, str], regions: dict[str, dict[str, str] | None]
) -> None:
    retired = described(FIRST, {**SECOND, "retired": True})
    later = record_from_outputs(retired, management, regions, before=record)
    assert later.groups == record.groups
    with pytest.raises(RecordError, match="is missing: keep its block"):
        record_from_outputs(described(FIRST), management, regions, before=record)


def test_a_record_of_an_endpoint_is_refused_where_aws_answers(
    known: Platform,
    management: dict[str, str],
    regions: dict[str, dict[str, str] | None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    local = "http://127.0.0.1:5000"
    made = record_from_outputs(known, management, regions, endpoint=local)
    path = tmp_path / "platform.record.yaml"
    path.write_text(dump_record(made))
    assert yaml.safe_load(path.read_text())["endpoint"] == local
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with pytest.raises(InputError, match="is invented") as caught:
        load_record(path)
    assert caught.value.next_command == "gotocloud platform record"
    monkeypatch.setenv("AWS_ENDPOINT_URL", local)
    assert load_record(path) == made

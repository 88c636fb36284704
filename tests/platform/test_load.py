from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from gotocloud.errors import ExitCode, InputError
from gotocloud.platform.load import load_platform, record_path
from tests.needs import ROOT
from tests.platform.platforms import group, platform, platform_data

Problems = Callable[..., tuple[str, ...]]


@pytest.fixture
def problems_of(tmp_path: Path) -> Problems:
    """The problems of a file with the given text or data."""

    def find(content: str | dict[str, Any]) -> tuple[str, ...]:
        path = tmp_path / "platform.yaml"
        text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError) as caught:
            load_platform(path)
        assert caught.value.exit_code == ExitCode.USAGE
        assert caught.value.next_command
        assert [entry.name for entry in tmp_path.iterdir()] == ["platform.yaml"]
        return caught.value.problems

    return find


def test_the_example_is_a_platform() -> None:
    example = load_platform(ROOT / "platform.example.yaml")
    assert example.management.account == "111111111111"
    assert example.regions == ("ap-northeast-1", "us-east-1")
    assert [len(group.regions) for group in example.groups] == [2, 1]
    assert [group.account for group in example.groups] == ["222222222222", "333333333333"]


def test_every_problem_is_reported_at_once_with_its_line(problems_of: Problems) -> None:
    text = """\
name: test
management:
  account: 11111111111
  home_region: ap-norteast-1
regions: [ap-northeast-1]
groups:
  - name: one
    number: 1
    account: "222222222222"
    regions: [us-east-1]
    scientists: [anna, anna]
    monthly_budget_usd: 0
    alert_email: lab@example.org
  - name: one
    number: 1
    account: "222222222222"
    regions: [ap-northeast-1]
    scientists: [bert]
    monthly_budget_usd: -5
    alert_email: nobody
    budget: 5
"""
    found = problems_of(text)
    assert [problem.split(": ")[:2] for problem in found] == [
        ["line 3", "management.account"],
        ["line 4", "management.home_region"],
        ["line 10", "groups[0].regions[0]"],
        ["line 11", "groups[0].scientists[1]"],
        ["line 12", "groups[0].monthly_budget_usd"],
        ["line 14", "groups[1].name"],
        ["line 15", "groups[1].number"],
        ["line 16", "groups[1].account"],
        ["line 19", "groups[1].monthly_budget_usd"],
        ["line 20", "groups[1].alert_email"],
        ["line 21", "groups[1].budget"],
    ]


def with_group(**changes: Any) -> dict[str, Any]:
    return platform_data(group(1, **changes))


def with_management(**changes: Any) -> dict[str, Any]:
    management = {"account": "111111111111", "home_region": "ap-northeast-1"} | changes
    return platform_data(management=management)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (with_group(account="12345678901"), "groups[0].account: '12345678901' is not an AWS acc"),
        (with_group(account=222222222222), 'write it in quotes: "222222222222"'),
        (with_group(account="111111111111"), "is also the management account"),
        (platform_data(group(1), group(2, account="200000000001")), "account of group 'group-1'"),
        (with_management(home_region="us-eas-1"), "did you mean 'us-east-1'?"),
        (with_management(home_region="ap-northeast-3"), "ParallelCluster is not supported"),
        (platform_data(regions=["ap-northeast-1", "il-central-1"]), "no single zone runs"),
        (with_management(home_region="il-central-1"), "management.home_region: 'il-central-1' can"),
        (platform_data(regions=["ap-northeast-1", "ap-northeast-1"]), "is listed twice"),
        (platform_data(regions=[]), "regions: needs at least one entry"),
        (with_group(regions=["us-east-2"]), "the platform has no share in 'us-east-2'"),
        (with_group(regions=["ap-northeast-1"] * 2), "'ap-northeast-1' is listed twice"),
        (with_group(regions=[f"r{n}" for n in range(5)]), "has 5 regions"),
        (with_group(regions=[]), "groups[0].regions: needs at least one entry"),
        (platform_data(group(1), group(2, name="group-1")), "already a group 'group-1'"),
        (platform_data(group(1), group(1, account="2" * 12)), "the next free number is 2"),
        (with_group(number=0), "must be 1 or more"),
        (with_group(number="1"), "must be a whole number"),
        (with_group(number=1001), "room for 1,000 groups"),
        (with_group(scientists=["Anna", "anna"]), "'anna' is listed twice as 'Anna'"),
        (with_group(scientists=["a b"]), "cannot be an IAM user"),
        (with_group(scientists=["a,b"]), "cannot be an IAM user"),
        (with_group(scientists=["x" * 65]), "cannot be an IAM user"),
        (with_group(scientists=[]), "needs at least one entry"),
        (with_group(scientists="anna"), "must be a list"),
        (with_group(name="Group"), "is not a name"),
        (with_group(name="g" * 31), "is not a name"),
        (with_group(monthly_budget_usd=0), "0 is not a budget"),
        (with_group(monthly_budget_usd=-1), "-1 is not a budget"),
        (with_group(monthly_budget_usd=float("inf")), "inf is not a budget"),
        (with_group(monthly_budget_usd=float("nan")), "nan is not a budget"),
        (with_group(monthly_budget_usd=True), "True is not an amount"),
        (with_group(monthly_budget_usd="much"), "'much' is not an amount"),
        (with_group(alert_email="lab.example.org"), "is not an e-mail address"),
        (with_group(desktop_networks=["0.0.0.0/0"]), "would open the desktop to the world"),
        (with_group(desktop_networks=["0.0.0.0/1"]), "would open the desktop to the world"),
        (with_group(desktop_networks=["10.2.0.0/16"]), "overlaps the platform's own pool"),
        (with_group(desktop_networks=["192.0.2.0/24", "192.0.2.0/25"]), "listed already"),
        (with_group(desktop_networks=["192.0.2.1/24"]), "did you mean 192.0.2.0/24?"),
        (with_group(desktop_networks=["192.0.2.1"]), "is not an IPv4 network"),
        (with_group(desktop_networks=["2001:db8::/32"]), "is not an IPv4 network"),
        (with_group(allowed_networks=["0.0.0.0/1"]), "no institute's network"),
        (with_group(allowed_networks=["192.168.4.0/24"]), "AWS never sees such an address"),
        (with_group(audit="yes please"), "audit"),
        (with_group(tags={"gtc:project": "x"}), "reserved prefix"),
        (with_group(tags={"a": 1}), "must be text, not 1"),
        (with_group(tags={"a;": "b"}), "is not a tag key"),
        (with_group(tags={f"t{n}": "" for n in range(31)}), "has 31 entries"),
        (with_group(emails="x"), "emails: is not known"),
        (with_group(scientist=["x"]), "did you mean 'scientists'?"),
        (platform_data(network={"pool": "8.0.0.0/8"}), "is not private"),
        (platform_data(network={"pool": "10.0.0.0/16"}), "is too small"),
        (platform_data(network={"pool": "10.1.0.0/8"}), "did you mean 10.0.0.0/8?"),
        (platform_data(network={"pool": "10.0.0.0/33"}), "is not an IPv4 network"),
        (platform_data(network=7), "must be a block"),
        (platform_data(groups={"a": 1}), "groups: must be a list"),
        (platform_data(groups=["a"]), "groups[0]: must be a block"),
        ({"regions": ["us-east-1"]}, "line 1: management: is missing"),
    ],
)
def test_bad_input_is_reported_in_words(
    problems_of: Problems, data: dict[str, Any], words: str
) -> None:
    assert any(words in problem for problem in problems_of(data))


def test_an_account_with_leading_zeros_is_shown_as_it_is_written(problems_of: Problems) -> None:
    text = yaml.safe_dump(platform_data()).replace("'111111111111'", "011111111111")
    assert any('"011111111111"' in problem for problem in problems_of(text))


def test_a_smaller_pool_is_exhausted_sooner(problems_of: Problems) -> None:
    data = platform_data(*(group(n) for n in range(1, 6)), network={"pool": "10.4.0.0/15"})
    (problem,) = problems_of(data)
    assert "group number 5 does not fit: 10.4.0.0/15 has room for 4 groups" in problem
    assert "172.16.0.0/12 has room for 60" in problem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: [", "line 1: while parsing"),
        ("name: x\n\tregions: y", "line 2"),
        ("a: 1\n---\nb: 2\n", "expected a single document"),
        ("", "must be a block"),
        ("- a\n- b\n", "must be a block"),
        ("name: a\nname: b\n", "line 2: name: is given a second time (first on line 1)"),
        ("name: &a [*a]\n", "refers to what it stands in"),
        ("name: !!python/object:os.system x\n", "cannot be read"),
        ("name: a\0b\n", "special characters are not allowed"),
        ("[" * 5000, "nested too deeply"),
    ],
)
def test_bad_yaml_is_reported_with_its_line(problems_of: Problems, text: str, words: str) -> None:
    assert any(words in problem for problem in problems_of(text))


def test_a_missing_file_names_the_next_command(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no platform file .*absent") as caught:
        load_platform(tmp_path / "absent.yaml")
    assert caught.value.next_command == "cp platform.example.yaml platform.yaml"


def test_a_folder_or_bytes_instead_of_a_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_platform(tmp_path)
    binary = tmp_path / "platform.yaml"
    binary.write_bytes(b"name: \xff")
    with pytest.raises(InputError, match="not UTF-8") as caught:
        load_platform(binary)
    assert "cp " not in str(caught.value.next_command), "it would destroy the file"


def test_one_bad_entry_is_not_also_an_empty_list(problems_of: Problems) -> None:
    problems = problems_of(platform_data(group(1, scientists=["a b"])))
    assert ["cannot be an IAM user" in problem for problem in problems] == [True]


def test_more_scientists_than_a_stack_holds_are_reported(problems_of: Problems) -> None:
    many = [f"scientist{number}" for number in range(201)]
    (problem,) = problems_of(platform_data(group(1, scientists=many)))
    assert "has 201 entries; 200 are allowed" in problem


def test_more_desktop_networks_than_a_security_group_takes_are_reported(
    problems_of: Problems,
) -> None:
    many = [f"198.51.{number}.0/24" for number in range(51)]
    (problem,) = problems_of(platform_data(group(1, desktop_networks=many)))
    assert "has 51 entries; 50 are allowed" in problem


def test_the_record_lies_beside_the_platform_file() -> None:
    assert record_path(Path("a/platform.yaml")) == Path("a/platform.record.yaml")


def test_an_unknown_group_lists_the_groups() -> None:
    known = platform(group(1), group(2))
    with pytest.raises(InputError, match=r"Did you mean 'group-2'.*group-1, group-2"):
        known.group("grup-2")


def test_a_platform_made_in_code_keeps_the_same_rules() -> None:
    with pytest.raises(ValueError, match="the next free number is 2"):
        platform(group(1), group(1, name="other", account="9" * 12))


def test_a_thousand_groups_are_a_platform() -> None:
    many = platform(*(group(number) for number in range(1, 1001)))
    assert len(many.groups_in("ap-northeast-1")) == 1000
    assert many.groups_in("us-east-1") == ()

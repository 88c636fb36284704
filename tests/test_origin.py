"""Files that commands write from AWS's answers, and what stands in for AWS."""

from __future__ import annotations

from pathlib import Path

import pytest

from gotocloud.aws.session import stand_in
from gotocloud.errors import InputError
from gotocloud.origin import endpoint, keep_from_aws, require_from_aws, stated_endpoint

LOCAL = "http://127.0.0.1:5000"
PATH = Path("platform.zones.json")


@pytest.fixture(autouse=True)
def no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def test_an_endpoint_of_one_service_counts() -> None:
    assert endpoint({}) == endpoint({"AWS_REGION": "x", "AWS_ENDPOINT_URL": ""}) == ""
    assert endpoint({"AWS_ENDPOINT_URL_EC2": LOCAL}) == LOCAL
    assert endpoint({"AWS_ENDPOINT_URL_EC2": "http://b", "AWS_ENDPOINT_URL": LOCAL}) == LOCAL


def test_a_source_states_where_it_came_from() -> None:
    assert stated_endpoint(f"AWS price list, AmazonEC2 at {LOCAL}") == LOCAL
    assert stated_endpoint("EC2 DescribeInstanceTypeOfferings at AWS") == ""


def test_invented_files_are_refused_without_an_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    require_from_aws(PATH, "", "x")
    with pytest.raises(InputError, match="not from AWS"):
        require_from_aws(PATH, LOCAL, "gotocloud platform zones --refresh")
    monkeypatch.setenv("AWS_ENDPOINT_URL", LOCAL)
    require_from_aws(PATH, LOCAL, "x")


def test_answers_of_aws_are_not_replaced_by_those_of_an_endpoint() -> None:
    keep_from_aws(PATH, ["", LOCAL], "")
    keep_from_aws(PATH, [LOCAL], LOCAL)
    with pytest.raises(InputError, match="would replace them"):
        keep_from_aws(PATH, [LOCAL, ""], LOCAL)


def test_an_endpoint_of_a_profile_or_a_block_of_services_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"[profile local]\nendpoint_url = {LOCAL}\n[profile part]\nservices = x\n"
        f"[services x]\nec2 =\n  endpoint_url = {LOCAL}\n[profile aws]\nregion = eu-west-1\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    found = {}
    for profile in ("local", "part", "aws"):
        monkeypatch.setenv("AWS_PROFILE", profile)
        found[profile] = stand_in("ec2", "eu-west-1"), stand_in("sts", "eu-west-1")
    assert found == {"local": (LOCAL, LOCAL), "part": (LOCAL, ""), "aws": ("", "")}


CONFIGURATIONS = {
    "whole": f"[default]\nendpoint_url = {LOCAL}\n",
    "part": f"[default]\nservices = x y\n[services 'x y']\nsts =\n  endpoint_url = {LOCAL}\n",
    "ignored": f"[default]\nendpoint_url={LOCAL}\nignore_configured_endpoint_urls = true\n",
    "another": f"[default]\nregion = x\n[profile lab]\nendpoint_url = {LOCAL}\n",
    "unused": f"[default]\nregion = x\n[services x]\ns3 =\n  endpoint_url = {LOCAL}\n",
    "of another service": f"[default]\nservices=x\n[services x]\nsts =\n  region = {LOCAL}\n",
    "none": "",
}


VARIABLES = {"AWS_ENDPOINT_URL_STS": LOCAL}
IGNORE = {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}


@pytest.mark.parametrize(
    ("name", "variables"),
    [*((name, {}) for name in CONFIGURATIONS), ("none", VARIABLES), ("whole", IGNORE)],
)
def test_an_endpoint_stands_in_exactly_where_botocore_uses_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, variables: dict[str, str]
) -> None:
    path = tmp_path / "config"
    path.write_text(CONFIGURATIONS[name])
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    assert endpoint() == stand_in("sts", "eu-west-1")


def test_a_configuration_that_cannot_be_read_names_no_endpoint(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("[default\nendpoint_url = x\n")
    assert endpoint({"AWS_CONFIG_FILE": str(path)}) == ""
    assert endpoint({"AWS_CONFIG_FILE": str(tmp_path)}) == ""


def test_what_makes_way_for_aws_is_what_stands_in_its_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as refused:
        keep_from_aws(PATH, [""], LOCAL)
    assert refused.value.next_command == "aws configure list-profiles"
    for name in ("AWS_ENDPOINT_URL_EC2", "AWS_ENDPOINT_URL_PRICING"):
        monkeypatch.setenv(name, LOCAL)
    with pytest.raises(InputError) as refused:
        keep_from_aws(PATH, [""], LOCAL)
    assert refused.value.next_command == "unset AWS_ENDPOINT_URL_EC2 AWS_ENDPOINT_URL_PRICING"

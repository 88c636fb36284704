"""A whole platform, deployed into the local AWS by the CDK command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from gotocloud import __version__
from gotocloud.contract.names import SCIENTIST_ROLE
from gotocloud.contract.releases import MANIFEST
from gotocloud.errors import InputError
from gotocloud.platform.addresses import shard_of, share_network
from gotocloud.platform.load import load_platform, record_path
from gotocloud.platform.model import Group, Platform
from gotocloud.platform.record import Record, load_record
from gotocloud.platform.zones import zone_map
from gotocloud.rehearsal.upkeep import PLATFORM, Rehearsal, bring_up, look

pytestmark = pytest.mark.rehearsal
EXAMPLE = Path(__file__).parent.parent.parent / "platform.example.yaml"


@pytest.fixture
def deployed(rehearsed: Rehearsal) -> Rehearsal:
    return rehearsed


@pytest.fixture
def record(deployed: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> Record:
    path = record_path(deployed.local.state_dir / PLATFORM)
    # Without the endpoint of the rehearsal, its record is refused.
    with pytest.raises(InputError, match="is invented"):
        load_record(path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", deployed.endpoint_url)
    return load_record(path)


def links(platform: Platform) -> list[tuple[Group, str]]:
    return [(group, region) for group in platform.groups for region in group.regions]


def routes(ec2: Any, **wanted: str) -> set[tuple[str, str]]:
    """(destination, peering) of every route through a peering."""
    filters = [
        {"Name": name.replace("_", "-"), "Values": [value]} for name, value in wanted.items()
    ]
    return {
        (route["DestinationCidrBlock"], route["VpcPeeringConnectionId"])
        for table in ec2.describe_route_tables(Filters=filters)["RouteTables"]
        for route in table["Routes"]
        if "VpcPeeringConnectionId" in route
    }


def test_every_stack_is_complete(deployed: Rehearsal) -> None:
    found = look(deployed.local.state_dir)
    assert found["deployed"] is True
    places = {(stack["name"], stack["region"], stack["stack"]) for stack in found["stacks"]}
    assert ("management", "ap-northeast-1", "gotocloud-management") in places
    assert ("management", "us-east-1", "gotocloud-region") in places
    for group, region in links(deployed.platform):
        assert (group.name, region, "gotocloud-user") in places


def test_peerings_are_active_seen_from_both_accounts(deployed: Rehearsal) -> None:
    management = deployed.platform.management.account
    for group, region in links(deployed.platform):
        mine = deployed.local.client("ec2", group.account, region)
        peerings = mine.describe_vpc_peering_connections()["VpcPeeringConnections"]
        assert [peering["Status"]["Code"] for peering in peerings] == ["active"]
        theirs = deployed.local.client("ec2", management, region)
        seen = theirs.describe_vpc_peering_connections(
            VpcPeeringConnectionIds=[peerings[0]["VpcPeeringConnectionId"]]
        )["VpcPeeringConnections"]
        assert [peering["Status"]["Code"] for peering in seen] == ["active"]


def test_both_route_tables_lead_through_the_peering(deployed: Rehearsal, record: Record) -> None:
    platform = deployed.platform
    for group, region in links(platform):
        mine = deployed.local.client("ec2", group.account, region)
        peering = mine.describe_vpc_peering_connections()["VpcPeeringConnections"][0]
        peering_id, shard = peering["VpcPeeringConnectionId"], shard_of(group.number)
        there = str(share_network(platform.network.pool, region, shard))
        assert (there, peering_id) in routes(mine)
        share = record.regions[region].shares[shard]
        theirs = deployed.local.client("ec2", platform.management.account, region)
        back = str(platform.network_of(group, region))
        assert (back, peering_id) in routes(theirs, vpc_id=share.vpc_id)


def test_mount_targets_stand_in_the_zones_of_the_zone_map(
    deployed: Rehearsal, record: Record
) -> None:
    management = deployed.platform.management.account
    for region, written in record.regions.items():
        chosen = set(zone_map().region(region).chosen(2))
        for share in written.shares.values():
            efs = deployed.local.client("efs", management, region)
            targets = efs.describe_mount_targets(FileSystemId=share.file_system_id)["MountTargets"]
            assert {target["AvailabilityZoneId"] for target in targets} == chosen
            assert {target["AvailabilityZoneId"]: target["IpAddress"] for target in targets} == {
                zone: str(address) for zone, address in share.mount_targets.items()
            }


def test_the_release_is_published_with_its_manifest(deployed: Rehearsal, record: Record) -> None:
    given = deployed.platform.management
    s3 = deployed.local.client("s3", given.account, given.home_region)
    key = f"releases/{__version__}/{MANIFEST}"
    body = s3.get_object(Bucket=record.management.distribution_bucket, Key=key)["Body"].read()
    assert "project.template.json" in json.dumps(json.loads(body))


def test_every_profile_acts_in_its_account(deployed: Rehearsal) -> None:
    script = (
        "import boto3, json; print(json.dumps({name: boto3.Session(profile_name=name)"
        ".client('sts').get_caller_identity()['Account']"
        " for name in boto3.Session().available_profiles}))"
    )
    exported = "\n".join([*deployed.exports(), f'exec "{sys.executable}" -c "{script}"'])
    kept = {"PATH": os.environ["PATH"], "AWS_ACCESS_KEY_ID": "a-real-one"}
    done = subprocess.run(["bash", "-c", exported], env=kept, capture_output=True, check=True)
    platform = deployed.platform
    assert json.loads(done.stdout) == {
        "management": platform.management.account,
        **{group.name: group.account for group in platform.groups},
        **{f"{group.name}-scientist": group.account for group in platform.groups},
        **{
            f"{group.name}-{name}": group.account
            for group in platform.groups
            for name in group.scientists
        },
    }


def test_the_profile_of_a_scientist_can_do_what_the_role_allows_and_no_more(
    deployed: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(deployed.config_file))
    for profile in deployed.scientists:
        mine = boto3.Session(profile_name=profile)
        arn = mine.client("sts").get_caller_identity()["Arn"]
        assert f":assumed-role/{SCIENTIST_ROLE}/" in arn
        assert profile.endswith(f"-{arn.rpartition('/')[2]}")
        assert mine.client("cloudformation").describe_stacks()["Stacks"]
        with pytest.raises(ClientError, match=f"User: {arn} is not authorized to perform: iam:"):
            mine.client("iam").create_user(UserName="mallory")


def test_up_again_changes_nothing(deployed: Rehearsal) -> None:
    state = deployed.local.state_dir
    before = (record_path(state / PLATFORM).read_bytes(), look(state)["stacks"])
    bring_up(EXAMPLE, state)
    assert (record_path(state / PLATFORM).read_bytes(), look(state)["stacks"]) == before


def test_a_platform_of_another_organisation_is_refused(deployed: Rehearsal, tmp_path: Path) -> None:
    from gotocloud.errors import GoToCloudError

    other = tmp_path / "other.yaml"
    text = EXAMPLE.read_text().replace("111111111111", "444444444444")
    other.write_text(text)
    assert load_platform(other).management.account == "444444444444"
    with pytest.raises(GoToCloudError, match="belongs to management account 111111111111"):
        bring_up(other, deployed.local.state_dir)

"""The management account is destroyed and deployed again, as docs/deploying.md describes it.

The stacks of the smallest platform are deployed without the CDK's command line, which would take
most of the time.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gotocloud.cli.main import app
from gotocloud.contract.releases import distribution_bucket
from gotocloud.contract.stacks import MANAGEMENT_STACK, REGION_STACK, USER_STACK
from gotocloud.platform.load import load_platform, record_path
from gotocloud.platform.model import Platform
from gotocloud.platform.record import Record, load_record
from gotocloud.rehearsal.local_aws import LocalAws
from local_aws.testing import Stacks
from tests.needs import need_cdk
from tests.security.assemblies import SITES
from tests.stacks.conftest import synthesise

pytestmark = [pytest.mark.rehearsal, pytest.mark.cdk]

CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
STACKS = {
    "ManagementStack": MANAGEMENT_STACK,
    "RegionStack-eu-west-1": REGION_STACK,
    "UserStack": USER_STACK,
}


class Site:
    """The smallest platform, in a local AWS of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file = Path(shutil.copy(SITES["minimal"].platform, folder / "platform.yaml"))
        self.platform: Platform = load_platform(self.file)
        self.local = LocalAws.start(folder / "state", account=self.management)
        self.folder = folder
        self._runs = 0
        for name, value in self.local.environment(self.management, self.region).items():
            monkeypatch.setenv(name, value)
        for account in (self.management, self.group):
            ssm = self.local.client("ssm", account, self.region)
            ssm.put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
            s3 = self.local.client("s3", account, self.region)
            where = {"LocationConstraint": self.region}
            s3.create_bucket(Bucket=self.assets(account), CreateBucketConfiguration=where)

    @property
    def management(self) -> str:
        return self.platform.management.account

    @property
    def region(self) -> str:
        return self.platform.management.home_region

    @property
    def group(self) -> str:
        return self.platform.groups[0].account

    def assets(self, account: str) -> str:
        """The CDK's bucket of an account."""
        return f"cdk-hnb659fds-assets-{account}-{self.region}"

    def deploy(self, *wanted: str, **context: str) -> list[str]:
        """Synthesise, create or update these stacks; returns their statuses."""
        self._runs += 1
        output = self.folder / f"out-{self._runs}"
        synthesise(output, platform=str(self.file), **context)
        account = self.group if context else self.management
        self._upload(output, account)
        stacks = Stacks(self.local, account, self.region)
        found = []
        for name in wanted:
            url = f"https://s3.{self.region}.amazonaws.com/{self.assets(account)}/{name}"
            given = {"StackName": STACKS[name], "TemplateURL": url, "Capabilities": CAPABILITIES}
            there = stacks.cfn.list_stacks(StackStatusFilter=["CREATE_COMPLETE"])
            exists = STACKS[name] in {one["StackName"] for one in there["StackSummaries"]}
            (stacks.cfn.update_stack if exists else stacks.cfn.create_stack)(**given)
            found.append(str(stacks.settled(STACKS[name])["StackStatus"]))
        return found

    def _upload(self, output: Path, account: str) -> None:
        s3, bucket = self.local.client("s3", account, self.region), self.assets(account)
        for manifest in output.glob("*.assets.json"):
            for key, one in json.loads(manifest.read_text())["files"].items():
                path = output / one["source"]["path"]
                if one["source"]["packaging"] == "zip":
                    packed = Path(shutil.make_archive(str(path), "zip", path))
                    s3.put_object(Bucket=bucket, Key=f"{key}.zip", Body=packed.read_bytes())
                else:
                    name = path.name.removesuffix(".template.json")
                    s3.put_object(Bucket=bucket, Key=name, Body=path.read_bytes())

    def record(self) -> Record:
        """What `gotocloud platform record` writes."""
        app(["platform", "record", "--platform", str(self.file)], standalone_mode=False)
        return load_record(record_path(self.file))

    def client(self, service: str, account: str) -> Any:
        return self.local.client(service, account, self.region)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    need_cdk()
    made = Site(tmp_path, monkeypatch)
    yield made
    made.local.stop()


def test_a_group_works_again_after_the_management_account_was_destroyed(site: Site) -> None:
    shared = ("ManagementStack", "RegionStack-eu-west-1")
    assert site.deploy(*shared) == ["CREATE_COMPLETE"] * 2
    before = site.record()
    assert site.deploy("UserStack", group="alone") == ["CREATE_COMPLETE"]

    management = Stacks(site.local, site.management, site.region)
    for name in (REGION_STACK, MANAGEMENT_STACK):
        management.delete(name)
    kept = site.client("efs", site.management).describe_file_systems()["FileSystems"]
    share = before.regions[site.region].shares[0]
    assert share.file_system_id in {one["FileSystemId"] for one in kept}

    # The retained bucket has the name that the new stack gives to its own.
    bucket = distribution_bucket(site.management, site.region)
    assert site.deploy("ManagementStack") == ["ROLLBACK_COMPLETE"]
    assert "BucketAlreadyOwnedByYou" in management.reasons(MANAGEMENT_STACK)
    management.delete(MANAGEMENT_STACK)
    site.client("s3", site.management).delete_bucket(Bucket=bucket)

    assert site.deploy(*shared) == ["CREATE_COMPLETE"] * 2
    after = site.record()
    assert after.groups == before.groups
    new = after.regions[site.region].shares[0]
    assert {new.vpc_id, new.file_system_id}.isdisjoint({share.vpc_id, share.file_system_id})

    group = Stacks(site.local, site.group, site.region)
    assert site.deploy("UserStack", group="alone") == ["UPDATE_COMPLETE"], group.reasons(USER_STACK)
    ec2 = site.client("ec2", site.group)
    active = [
        one
        for one in ec2.describe_vpc_peering_connections()["VpcPeeringConnections"]
        if one["Status"]["Code"] == "active"
    ]
    assert [one["AccepterVpcInfo"]["VpcId"] for one in active] == [new.vpc_id]
    for account in (site.group, site.management):
        tables = site.client("ec2", account).describe_route_tables()["RouteTables"]
        routes = [route for table in tables for route in table["Routes"]]
        through = {route.get("VpcPeeringConnectionId") for route in routes}
        assert active[0]["VpcPeeringConnectionId"] in through

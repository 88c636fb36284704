"""Synthesis of whole platforms for the tests of their templates."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from gotocloud.contract.names import acceptor_role
from gotocloud.contract.releases import distribution_bucket
from gotocloud.platform.addresses import acceptor_chunk, share_network
from gotocloud.platform.load import load_platform, record_path
from gotocloud.platform.model import Platform
from gotocloud.platform.record import dump_record, record_from_outputs
from gotocloud.platform.zones import zone_map
from gotocloud.stacks.app import build
from tests.security.checks import Template

ROOT = Path(__file__).parents[2]
VERSION = "9.8.7"


@dataclass(frozen=True)
class Site:
    """A platform to synthesise, and the groups whose stacks are looked at.

    Args:
        platform: The platform file.
        groups: Names of groups; those of a large platform are alike. Default: all.
    """

    platform: Path
    groups: tuple[str, ...] = ()


SITES = {
    "example": Site(ROOT / "platform.example.yaml"),
    "minimal": Site(ROOT / "tests/security/platforms/minimal.yaml"),
    # The one with everything, the first of the second share, and the last.
    "large": Site(ROOT / "tests/security/platforms/large.yaml", ("mission", "lab126", "lab130")),
}


@dataclass(frozen=True)
class Assembly:
    """What one run of the CDK app wrote."""

    directory: Path

    @cached_property
    def templates(self) -> dict[Path, Template]:
        """Templates by their file."""
        return {
            path: json.loads(path.read_text())
            for path in sorted(self.directory.glob("**/*.template.json"))
        }

    @cached_property
    def report(self) -> dict[str, Any]:
        """What cdk-nag found."""
        return dict(json.loads((self.directory / "validation-report.json").read_text()))

    def regions(self) -> dict[Path, str]:
        """The region of each template; us-east-1 for one that serves every region."""
        manifest = json.loads((self.directory / "manifest.json").read_text())
        found = {}
        for artifact in manifest["artifacts"].values():
            if artifact["type"] == "aws:cloudformation:stack":
                path = self.directory / artifact["properties"]["templateFile"]
                region = artifact["environment"].rpartition("/")[2]
                found[path] = "us-east-1" if region == "unknown-region" else region
        return found


def assemblies(site: Site, directory: Path) -> Iterator[Assembly]:
    """Synthesise every stack of a platform, as the CDK command line does.

    Args:
        site: The platform.
        directory: Where everything is written.
    """
    directory.mkdir(parents=True)
    path = Path(shutil.copy(site.platform, directory / "platform.yaml"))
    platform = load_platform(path)
    record_path(path).write_text(record_text(platform))
    yield _synthesised(directory / "management", path)
    for group in site.groups or [group.name for group in platform.groups]:
        yield _synthesised(directory / group, path, group=group)
    yield _synthesised(directory / "templates", path, templates=VERSION)


def record_text(platform: Platform) -> str:
    """The record of a platform whose management and region stacks have been deployed."""
    account, home = platform.management.account, platform.management.home_region
    chunks = {acceptor_chunk(group.number) for group in platform.groups} | {0}
    management = {"DistributionBucketName": distribution_bucket(account, home)} | {
        f"AcceptorRoleArn{chunk}": f"arn:aws:iam::{account}:role/{acceptor_role(chunk)}"
        for chunk in chunks
    }
    regions = {region: _share_outputs(platform, region) for region in platform.regions}
    return dump_record(record_from_outputs(platform, management, regions))


def _share_outputs(platform: Platform, region: str) -> dict[str, str]:
    outputs: dict[str, str] = {}
    for shard in platform.shards_in(region):
        network = share_network(platform.network.pool, region, shard)
        targets = zip(zone_map().region(region).chosen(2), network.hosts(), strict=False)
        outputs |= {
            f"Share{shard}VpcId": f"vpc-0000000000000000{shard}",
            f"Share{shard}Cidr": str(network),
            f"Share{shard}RouteTableId": f"rtb-0000000000000000{shard}",
            f"Share{shard}FileSystemId": f"fs-0000000000000000{shard}",
            f"Share{shard}MountTargets": ",".join(f"{zone}={ip}" for zone, ip in targets),
        }
    return outputs


def _synthesised(directory: Path, platform: Path, **context: str) -> Assembly:
    app = cdk.App(
        outdir=str(directory),
        context={"platform": str(platform), "nag": "true", **context},
        analytics_reporting=False,
    )
    build(app)
    try:
        app.synth()
    except RuntimeError as error:
        # The tests read the report and show all findings at once.
        if "ValidationFailed" not in str(error):
            raise
    return Assembly(directory)


def synthesised_apart(name: str, directory: Path) -> list[Assembly]:
    """Synthesise a platform in a process of its own.

    jsii keeps every construct of a process, and each further synthesis takes longer for it: in
    one process with the two others, the smallest platform takes ten times as long.

    Args:
        name: Of `SITES`.
        directory: Where everything is written.
    """
    module = "tests.security.assemblies"
    subprocess.run([sys.executable, "-m", module, str(directory), name], cwd=ROOT, check=True)
    found = [Assembly(path.parent) for path in directory.glob(f"{name}/*/manifest.json")]
    return sorted(found, key=lambda assembly: assembly.directory)


def main(directory: Path, names: Sequence[str]) -> None:
    """Write the templates of platforms, all of them by default."""
    for name in names or SITES:
        for _ in assemblies(SITES[name], directory / name):
            pass


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

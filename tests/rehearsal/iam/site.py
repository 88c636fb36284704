"""A group with the really synthesised permissions, and the releases it launches from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from gotocloud.contract.releases import distribution_bucket, releases_url
from gotocloud.platform.load import load_platform, record_path
from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.rehearsal.people import enrol, mfa_device, sign_in
from gotocloud.stacks.app import build
from local_aws.iam.decisions import Decision, read_decisions
from local_aws.testing import Person, Stacks
from tests.needs import need_iam_evaluator
from tests.security.assemblies import SITES, record_text

SHARED = "test_scientist.py"
"""Group of the tests that share one site: one worker deploys it once."""

Resources = dict[str, Any]
MANAGEMENT, GROUP, REGION = "410000000000", "410000000001", "eu-west-1"
OTHER_GROUP = "410000000002"
SCIENTIST = "solo"
ROLE = f"arn:aws:iam::{GROUP}:role/gotocloud-scientist"
SERVICE_ROLE = f"arn:aws:iam::{GROUP}:role/gotocloud-cluster-service"
MFA = mfa_device(GROUP, SCIENTIST)
BUCKET = distribution_bucket(MANAGEMENT, REGION)
PROJECT_URL = f"{releases_url(MANAGEMENT, REGION)}1.0.0/project.template.json"
TRAP = f"gotocloud-data-stranger-{GROUP}-x"
OWN_BUCKET = f"gotocloud-data-{SCIENTIST}-{GROUP}-apoferritin"
PROJECT = {
    "Resources": {
        "Key": {
            "Type": "AWS::EC2::KeyPair",
            "Properties": {"KeyName": {"Ref": "AWS::StackName"}},
        }
    }
}
"""A template of something that the cluster service role may make."""

BEYOND_URL = PROJECT_URL.replace("project", "cluster/beyond")
BEYOND = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
"""A template of something that it may not."""


@dataclass(frozen=True)
class Site:
    """The local AWS with a group's people and permissions."""

    aws: LocalAws
    newcomer: Person

    def admin(self, service: str, account: str = GROUP) -> Any:
        """A client to which everything is allowed."""
        return self.aws.client(service, account, REGION)

    def scientist(self, **more: Any) -> Person:
        """The scientist, at work: the role, assumed with MFA."""
        keys = dict(self.newcomer.keys)
        return Person(self.aws, sign_in(self.aws, GROUP, REGION, SCIENTIST, keys, **more))

    def decisions(self) -> list[Decision]:
        """Everything decided so far."""
        return list(read_decisions(self.aws.state_dir))


def started(workdir: Path, single_sign_on: str = "") -> Iterator[Site]:
    """The site in a local AWS of its own, which is stopped at the end: for a fixture.

    Args:
        workdir: Where everything is written.
        single_sign_on: As for `deployed`.
    """
    need_iam_evaluator()
    aws = LocalAws.start(workdir / "state", iam=True)
    try:
        yield deployed(aws, workdir, single_sign_on)
    finally:
        aws.stop()


def deployed(aws: LocalAws, workdir: Path, single_sign_on: str = "") -> Site:
    """Deploy the IAM of the minimal platform's group, and its releases.

    Args:
        single_sign_on: Permission set of the group. Default: none.
    """
    path = Path(shutil.copy(SITES["minimal"].platform, workdir / "platform.yaml"))
    if single_sign_on:
        text, number = path.read_text("utf-8"), "    number: 1\n"
        assert text.count(number) == 1
        added = f"{number}    single_sign_on: {single_sign_on}\n"
        path.write_text(text.replace(number, added), "utf-8")
    record_path(path).write_text(record_text(load_platform(path)))
    group = synthesised(path, workdir / "group", "gotocloud-user", group="alone")
    management = synthesised(path, workdir / "management", "gotocloud-management")
    _deploy(aws, MANAGEMENT, only(management, "AWS::S3::Bucket"))
    _deploy(aws, GROUP, only(group, "AWS::IAM::"))
    for key, template in (
        ("releases/1.0.0/project.template.json", PROJECT),
        ("releases/1.0.0/cluster/beyond.template.json", BEYOND),
        ("elsewhere/project.template.json", PROJECT),
    ):
        s3 = aws.client("s3", MANAGEMENT, REGION)
        s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(template).encode())
    aws.client("s3", GROUP, REGION).create_bucket(
        Bucket=OWN_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    _lay_trap(aws)
    return Site(aws, Person(aws, enrol(aws, GROUP, REGION, SCIENTIST)))


def _lay_trap(aws: LocalAws) -> None:
    """A bucket of a stranger whose name is like ours, and which lets everybody in."""
    s3 = aws.client("s3", OTHER_GROUP, REGION)
    s3.create_bucket(Bucket=TRAP, CreateBucketConfiguration={"LocationConstraint": REGION})
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:*"}
    resources = [f"arn:aws:s3:::{TRAP}", f"arn:aws:s3:::{TRAP}/*"]
    document = {"Version": "2012-10-17", "Statement": {**statement, "Resource": resources}}
    s3.put_bucket_policy(Bucket=TRAP, Policy=json.dumps(document))


def synthesised(platform: Path, outdir: Path, stack: str, **context: str) -> Resources:
    """The resources of a stack of a platform, as the CDK app writes them."""
    app = cdk.App(
        outdir=str(outdir),
        context={"platform": str(platform), **context},
        analytics_reporting=False,
    )
    build(app)
    app.synth()
    manifest = json.loads((outdir / "manifest.json").read_text())
    for artifact in manifest["artifacts"].values():
        properties = artifact.get("properties", {})
        if properties.get("stackName") == stack:
            template = json.loads((outdir / properties["templateFile"]).read_text())
            return dict(template["Resources"])
    raise AssertionError(f"no stack {stack} in {outdir}")


def only(resources: Resources, kind: str) -> Resources:
    """Resources of a kind that refer to no other kind.

    Logins are left out: their passwords are secrets, which are of another kind.
    """
    kept = {
        name: json.loads(json.dumps(resource))
        for name, resource in resources.items()
        if resource["Type"].startswith(kind)
    }
    for resource in kept.values():
        resource.get("Properties", {}).pop("LoginProfile", None)
        waits = resource.get("DependsOn", [])
        resource["DependsOn"] = [
            name for name in (waits if isinstance(waits, list) else [waits]) if name in kept
        ]
    strangers = [name for name in resources if name not in kept]
    while outside := [
        name for name in kept if any(f'"{other}"' in json.dumps(kept[name]) for other in strangers)
    ]:
        for name in outside:
            strangers.append(name)
            del kept[name]
    return kept


def _deploy(aws: LocalAws, account: str, resources: Resources) -> None:
    stacks = Stacks(aws, account, REGION)
    described = stacks.create("site", resources, Capabilities=["CAPABILITY_NAMED_IAM"])
    assert described["StackStatus"] == "CREATE_COMPLETE", stacks.reasons("site")

"""The idle guard on the head node itself, with IAM deciding: that machine's role, nothing else.

What its timer runs is run here: the script that the head node's configuration installs, on a
machine of its own as far as this one can give it one, with the credentials of the role that
ParallelCluster makes from the synthesised policies.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name

from gotocloud.contract.head_node import FACT_KEYS
from gotocloud.contract.names import BOUNDARY, CLUSTER_GUARD
from gotocloud.contract.tag_text import as_tag
from gotocloud.contract.tags import BUCKET_TAG
from local_aws.nodes import Isolation, Node, isolation
from local_aws.testing import Person
from tests.cli.guarded_project import GuardedProject, facts
from tests.cli.head_node_role import make_role
from tests.cli.local_project import LocalProject
from tests.needs import ROOT, need
from tests.rehearsal.iam.site import GROUP, REGION, SCIENTIST, Site, started

pytestmark = [pytest.mark.rehearsal, pytest.mark.cdk]
OWN = {"account": GROUP, "region": REGION, "scientist": SCIENTIST}
ROLE = "RoleHeadNode"
INSTALLED = ROOT / "gotocloud" / "node" / "configure-head-node.sh"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    yield from started(tmp_path_factory.mktemp("iam"))


def head_node_of(site: Site, project: LocalProject) -> Person:
    """Whoever runs on the head node as root: the role that ParallelCluster makes for it."""

    def call(service: str, operation: str, /, **given: Any) -> dict[str, Any]:
        found: dict[str, Any] = getattr(site.admin(service), xform_name(operation))(**given)
        return found

    policy = f"arn:aws:iam::{GROUP}:policy"
    configuration = {
        "Iam": {"PermissionsBoundary": f"{policy}/{BOUNDARY}"},
        "Tags": [
            {"Key": key, "Value": value}
            for key, value in {**project.names.tags, BUCKET_TAG: project.names.bucket}.items()
        ],
        "HeadNode": {
            "Iam": {
                "AdditionalIamPolicies": [{"Policy": f"{policy}/{CLUSTER_GUARD}"}],
                "S3Access": [{"BucketName": project.names.bucket, "EnableWriteAccess": False}],
            }
        },
    }
    cluster = project.names.cluster
    role = make_role(call, cluster, configuration)
    # EC2 alone takes on this role; here the account's administrator does so in its place.
    trust = {"Effect": "Allow", "Principal": {"AWS": GROUP}, "Action": "sts:AssumeRole"}
    site.admin("iam").update_assume_role_policy(
        RoleName=role, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust})
    )
    keys = site.admin("sts").assume_role(
        RoleArn=f"arn:aws:iam::{GROUP}:role/parallelcluster/{cluster}/{role}",
        RoleSessionName=project.instance,
    )["Credentials"]
    return Person(site.aws, keys)


@dataclass(frozen=True)
class Machine:
    """A head node that runs what its timer would run."""

    node: Node
    environment: dict[str, str]

    def look(self) -> tuple[int, str]:
        done = self.node.run(
            ["/opt/gotocloud-guard"], timeout_s=180, work="/", environment=self.environment
        )
        return done.code, f"{done.stdout}{done.stderr}"


def linked_folders(path: Path) -> Iterator[Path]:
    """Folders through which the links of a path lead: a virtual environment's Python is a link."""
    while path.is_symlink():
        path = path.parent / path.readlink()
        if not path.is_relative_to("/usr"):  # nodes have it
            yield path.parent


def machine_of(site: Site, project: LocalProject, person: Person, folder: Path) -> Machine:
    """The project's head node as its configuration leaves it, with the shared software."""
    root = project.control.node(project.instance)
    seen = {str(ROOT): ROOT, sys.base_prefix: Path(sys.base_prefix), "/fsx": project.lustre}
    seen |= {str(folder): folder for folder in linked_folders(Path(sys.executable))}
    for place in seen:
        (root / place.strip("/")).mkdir(parents=True, exist_ok=True)
    program = root / "efs/gotocloud/bin/gotocloud"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m gotocloud "$@"\n')
    program.chmod(0o755)
    systemctl = folder / "bin" / "systemctl"
    systemctl.parent.mkdir()
    systemctl.symlink_to("/bin/true")
    told = {key: str(value) for key, value in facts(project).items()}
    # As the template's parameters have them.
    told |= {key: as_tag(told[key]) for key in ("project", "scientist")}
    configured = os.spawnve(  # noqa: S606 (the script under test)
        os.P_WAIT,
        "/bin/bash",
        ["bash", str(INSTALLED), *(f"{key}={told[key]}" for key in FACT_KEYS)],
        {"PATH": f"{systemctl.parent}:{os.environ['PATH']}", "GOTOCLOUD_ROOT": str(root)},
    )
    assert configured == 0
    # Its place is hidden by this machine's own programs there.
    (root / "usr/local/sbin/gotocloud-guard").rename(root / "opt/gotocloud-guard")
    node = Node(project.instance, GROUP, REGION, project.names.cluster, root.parent, seen)
    environment = {
        "AWS_ACCESS_KEY_ID": person.keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": person.keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": person.keys["SessionToken"],
        "AWS_ENDPOINT_URL": site.aws.endpoint_url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": "/root",
    }
    return Machine(node, environment)


def test_a_head_node_pauses_its_own_cluster_with_its_own_permissions(
    site: Site, tmp_path: Path
) -> None:
    need(isolation() is not Isolation.REWRITTEN, "namespaces", "run as root, or allow user ones")
    project = LocalProject(site.aws, "Größe 1", **OWN).start()
    content = project.fill()
    machine = machine_of(site, project, head_node_of(site, project), tmp_path)
    memory = project.control.node(project.instance) / "var/lib/gotocloud/idle-guard.json"
    guard = GuardedProject(project, memory)
    for minutes, action in ((95, "keep"), (35, "warn")):
        code, said = machine.look()
        assert (code, f"{action}: " in said) == (0, True), said
        guard.later(minutes)
    code, said = machine.look()
    assert code == 0, said
    assert "CloudFormation deletes the cluster, and this machine with it" in said
    guard.ended()
    stored = project.stored()
    assert {name: stored[name] for name in content} == content
    assert len(project.proofs()) == 1
    denied = [one for one in site.decisions() if not one.allowed and ROLE in one.caller]
    assert denied == []


def test_a_head_node_can_do_nothing_to_another_project(site: Site) -> None:
    own = LocalProject(site.aws, "own", **OWN).start()
    other = LocalProject(site.aws, "other", **OWN).start()
    me = head_node_of(site, own)
    theirs = other.stacks.settled(other.names.cluster_stack)["StackId"]
    association = {"Filters": [{"Name": "file-system-id", "Values": [other.file_system]}]}
    link = site.admin("fsx").describe_data_repository_associations(**association)
    bucket = {"Bucket": other.names.bucket}
    report = {"Enabled": False}
    export = {"FileSystemId": other.file_system, "Type": "EXPORT_TO_REPOSITORY", "Report": report}
    switch = {
        "AssociationId": link["Associations"][0]["AssociationId"],
        "S3": {"AutoExportPolicy": {"Events": []}},
    }
    assert me.refusal("cloudformation", "delete_stack", StackName=theirs)
    assert me.refusal("cloudformation", "describe_stacks", StackName=theirs)
    assert me.refusal("fsx", "create_data_repository_task", **export)
    assert me.refusal("fsx", "update_data_repository_association", **switch)
    assert me.refusal("s3", "list_objects_v2", **bucket)
    assert me.refusal("s3", "get_object", **bucket, Key="x")
    assert me.refusal("s3", "put_object", **bucket, Key="movies/x", Body=b"")
    proof = {"Key": ".gotocloud/proofs/x/proof.json", "Body": b"{}"}
    assert me.refusal("s3", "put_object", **bucket, **proof)
    assert not me.refusal("s3", "put_object", Bucket=own.names.bucket, **proof)
    assert me.refusal(
        "ssm",
        "send_command",
        InstanceIds=[own.instance],
        DocumentName="AWS-RunShellScript",
        Parameters={"commands": ["true"]},
    )
    assert me.refusal("s3", "put_object", Bucket=own.names.bucket, Key="movies/x", Body=b"")
    assert me.refusal("s3", "delete_object", Bucket=own.names.bucket, Key="x")
    assert me.refusal("fsx", "delete_file_system", FileSystemId=own.file_system)
    assert me.refusal("ec2", "terminate_instances", InstanceIds=[own.instance])
    assert me.refusal("iam", "list_roles")

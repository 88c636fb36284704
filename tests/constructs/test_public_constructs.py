"""The constructs as another application uses them: from the wheel, away from the repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

import gotocloud.constructs as public
from gotocloud.cluster_configs.engine import engine_of
from gotocloud.cluster_configs.renderer import stringified
from gotocloud.rehearsal.judge import Message, Request, judge_many
from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.rehearsal.validation_site import validation_site
from tests.needs import ROOT, need_cdk, need_parallelcluster

pytestmark = pytest.mark.cdk

EXAMPLE = ROOT / "docs" / "examples" / "parallelcluster_app.py"
REGION = "us-east-1"
PUBLIC_SUBNET = "subnet-0123456789abcdef0"
PRIVATE_SUBNET = "subnet-0fedcba9876543210"

CHECKED = """
import sys
import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from gotocloud.checks import attach
from parallelcluster_app import Cluster

app = cdk.App()
stack = Cluster(app, "Cluster")
if "--careless" in sys.argv:
    s3.Bucket(stack, "Open")
attach(app)
app.synth()
"""


def _subnets(kind: str, subnet_id: str) -> dict[str, Any]:
    subnet = {
        "subnetId": subnet_id,
        "cidr": "10.0.0.0/24",
        "availabilityZone": "us-east-1a",
        "routeTableId": "rtb-0123456789abcdef0",
    }
    return {"name": kind, "type": kind, "subnets": [subnet]}


LOOKED_UP = {
    "vpc-provider:account=111111111111:filter.vpc-id=vpc-0123456789abcdef0:region=us-east-1"
    ":returnAsymmetricSubnets=true": {
        "vpcId": "vpc-0123456789abcdef0",
        "vpcCidrBlock": "10.0.0.0/16",
        "ownerAccountId": "111111111111",
        "availabilityZones": [],
        "subnetGroups": [
            _subnets("Public", PUBLIC_SUBNET),
            _subnets("Private", PRIVATE_SUBNET),
        ],
    }
}
"""What the CDK command line keeps of a VPC that it has looked up in the account."""


@dataclass(frozen=True)
class Installed:
    """A folder of an application, and a Python that has the wheel and not the repository."""

    folder: Path
    python: Path

    def run(self, *command: object) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder, with nothing of AWS in reach."""
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("AWS_", "CDK_", "PYTHON"))
        }
        return subprocess.run(
            [str(word) for word in command],
            cwd=self.folder,
            env={**kept, "HOME": str(self.folder), "AWS_EC2_METADATA_DISABLED": "true", "CI": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("application")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    python = folder / "env" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps"]
    subprocess.run([*map(str, pip), "--no-index", wheel], check=True, capture_output=True)
    [site] = (folder / "env" / "lib").glob("python*/site-packages")
    # The libraries of this environment, but not its editable installation of the repository:
    # Python reads .pth files of site folders only, not of those that a .pth file adds.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    shutil.copy(EXAMPLE, folder)
    (folder / "checked.py").write_text(CHECKED)
    (folder / "cdk.context.json").write_text(json.dumps(LOOKED_UP))
    return Installed(folder, python)


@pytest.fixture(scope="module")
def synthesised(installed: Installed) -> Path:
    """The template, from `cdk synth`."""
    need_cdk()
    app = f"{installed.python} {EXAMPLE.name}"
    done = installed.run("cdk", "synth", "--quiet", "--app", app, "--output", "out")
    assert done.returncode == 0, done.stderr
    return installed.folder / "out" / "Cluster.template.json"


@pytest.fixture(scope="module")
def template(synthesised: Path) -> Template:
    return Template.from_string(synthesised.read_text())


def test_the_repository_is_out_of_reach(installed: Installed) -> None:
    done = installed.run(
        installed.python, "-c", "import gotocloud, sys; print(gotocloud.__file__, *sys.path)"
    )
    assert done.stdout.startswith(str(installed.folder))
    assert f"{ROOT} " not in f"{done.stdout.strip()} "


def test_the_package_is_imported_without_the_cdk_and_each_name_at_its_first_use(
    installed: Installed,
) -> None:
    code = (
        "import sys, gotocloud.constructs as public; assert 'aws_cdk' not in sys.modules; "
        "from gotocloud.constructs import engine_of; assert 'aws_cdk' not in sys.modules; "
        "print(*(getattr(public, name).__name__ for name in public.__all__))"
    )
    done = installed.run(installed.python, "-c", code)
    assert done.stderr == ""
    assert done.stdout.split() == public.__all__


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = public.Nothing


def test_the_example_makes_one_cluster_with_its_provider(template: Template) -> None:
    template.resource_count_is("Custom::PclusterCluster", 1)
    template.has_resource_properties(
        "AWS::CloudFormation::Stack",
        {"TemplateURL": engine_of().provider_template_url(REGION)},
    )
    template.has_resource_properties(
        "AWS::EC2::SecurityGroup",
        {"SecurityGroupIngress": [Match.object_like({"CidrIp": "198.51.100.0/24"})]},
    )
    template.has_output("HeadNode", {"Value": {"Fn::GetAtt": Match.any_value()}})


def test_the_examples_cluster_waits_for_the_rules_of_lustre(template: Template) -> None:
    [cluster] = template.find_resources("Custom::PclusterCluster").values()
    kinds = {template.to_json()["Resources"][name]["Type"] for name in cluster["DependsOn"]}
    assert kinds == {"AWS::EC2::SecurityGroupIngress"}


def test_cdk_nag_finds_nothing_in_the_example(installed: Installed) -> None:
    done = installed.run(installed.python, "checked.py")
    assert done.returncode == 0, done.stderr


def test_cdk_nag_is_heard_when_the_application_is_careless(installed: Installed) -> None:
    done = installed.run(installed.python, "checked.py", "--careless")
    assert done.returncode != 0
    assert "AwsSolutions-S1" in done.stdout + done.stderr


def test_cfn_lint_finds_nothing_in_the_example(synthesised: Path, installed: Installed) -> None:
    done = installed.run("cfn-lint", "--regions", REGION, "--", synthesised)
    assert done.stdout + done.stderr == ""


def test_the_documentation_shows_the_example_as_it_is() -> None:
    document = (ROOT / "docs" / "parallelcluster-construct.md").read_text()
    _, _, rest = document.partition("```python\n")
    assert rest.partition("```")[0] == EXAMPLE.read_text()


def _resolved(value: Any, real: dict[str, str]) -> Any:
    """A value of the template with its functions replaced by what the local AWS has."""
    if isinstance(value, list):
        return [_resolved(item, real) for item in value]
    if not isinstance(value, dict):
        return real.get(value, value) if isinstance(value, str) else value
    if "Ref" in value:
        return real[value["Ref"]]
    if "Fn::GetAtt" in value:
        return real[value["Fn::GetAtt"][0]]
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return separator.join(_resolved(parts, real))
    return {key: _resolved(item, real) for key, item in value.items()}


@pytest.fixture(scope="module")
def messages(
    template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, list[Message]]]:
    """ParallelCluster on the example's configuration, whole and with a wrong subnet."""
    need_parallelcluster()
    running = LocalAws.start(tmp_path_factory.mktemp("judge"))
    try:
        site = validation_site(
            lambda service, region: running.client(service, running.account, region),
            region=REGION,
            zone_id="use1-az4",
            engine=engine_of(),
        )
        real = {"AWS::Partition": "aws", PUBLIC_SUBNET: site.head_subnet_id}
        real[PRIVATE_SUBNET] = site.compute_subnet_ids[0]
        desktop, lustre = site.head_node.security_group_ids
        for name, resource in template.to_json()["Resources"].items():
            if resource["Type"] == "AWS::EC2::SecurityGroup":
                real[name] = desktop if "Desktop" in name else lustre
            elif resource["Type"] == "AWS::FSx::FileSystem":
                real[name] = str(site.lustre_file_system_id)
            elif resource["Type"] == "AWS::IAM::ManagedPolicy":
                real[name] = site.head_node.policy_arns[0]
        [cluster] = template.find_resources("Custom::PclusterCluster").values()
        whole = _resolved(cluster["Properties"]["ClusterConfiguration"], real)
        contents = {
            "whole": whole,
            "stringified": stringified(whole),
            "broken": {**whole, "HeadNod": {}},
        }
        answers = judge_many(
            [Request(name, REGION, content) for name, content in contents.items()],
            version=engine_of().version,
            endpoint_url=running.endpoint_url,
            environment=running.environment(running.account, REGION),
        )
        yield dict(zip(contents, answers, strict=True))
    finally:
        running.stop()


@pytest.mark.pcluster
@pytest.mark.parametrize("form", ["whole", "stringified"])
def test_parallelclusters_own_validators_accept_the_example(
    messages: dict[str, list[Message]], form: str
) -> None:
    # A desktop without a GPU and a head node without an SSH key are what the example wants.
    expected = {("WARNING", "DcvValidator"), ("WARNING", "KeyPairValidator")}
    assert {(one.level, one.validator) for one in messages[form]} == expected


@pytest.mark.pcluster
def test_parallelclusters_own_validators_are_heard(messages: dict[str, list[Message]]) -> None:
    assert "ConfigSchemaValidator" in {one.validator for one in messages["broken"]}

"""All templates of three platforms keep the rules of the house."""

from __future__ import annotations

import hashlib
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks

from tests.security.assemblies import Assembly
from tests.security.checks import (
    Finding,
    Template,
    broad_writes,
    meters,
    open_clusters,
    open_trusts,
    secret_literals,
    unbounded_roles,
    world_ingress,
)
from tests.security.checks.nag import acknowledged, empty_reasons, unacknowledged

pytestmark = [pytest.mark.cdk, pytest.mark.xdist_group("security")]

LINT_SECONDS = 300


def templates(synthesised: list[Assembly]) -> Iterator[tuple[str, Template]]:
    for assembly in synthesised:
        for path, template in assembly.templates.items():
            yield f"{assembly.directory.name}/{path.name}", template


def findings(
    synthesised: list[Assembly], check: Callable[[Template], list[Finding]]
) -> list[Finding]:
    return [
        f"{name}: {finding}"
        for name, template in templates(synthesised)
        for finding in check(template)
    ]


def test_every_stack_is_synthesised(synthesised: list[Assembly]) -> None:
    names = {name.partition("/")[2].partition(".")[0] for name, _ in templates(synthesised)}
    kinds = {name.partition("-")[0] for name in names}
    assert {"ManagementStack", "RegionStack", "UserStack", "ProjectStack", "ClusterStack"} <= kinds


def test_no_port_is_open_to_the_world(synthesised: list[Assembly]) -> None:
    assert findings(synthesised, world_ingress) == []


def test_no_cluster_is_open_to_the_world(synthesised: list[Assembly]) -> None:
    assert findings(synthesised, open_clusters) == []


def test_every_role_carries_the_boundary(synthesised: list[Assembly]) -> None:
    assert findings(synthesised, unbounded_roles) == []


def test_every_role_trusts_those_whom_it_names(synthesised: list[Assembly]) -> None:
    assert findings(synthesised, open_trusts) == []


def test_no_write_is_allowed_on_everything(synthesised: list[Assembly]) -> None:
    assert findings(synthesised, broad_writes) == []


def test_no_secret_stands_in_a_template(synthesised: list[Assembly]) -> None:
    assert findings(synthesised, secret_literals) == []


def test_only_cluster_templates_hold_what_is_billed_by_the_hour(
    synthesised: list[Assembly],
) -> None:
    running = findings(synthesised, meters)
    assert [finding for finding in running if "/ClusterStack-" not in finding] == []
    assert running, "a cluster without a meter: the check looks at the wrong thing"


def test_no_finding_of_cdk_nag_is_left_open(synthesised: list[Assembly]) -> None:
    assert [finding for run in synthesised for finding in unacknowledged(run.report)] == []


def test_every_acknowledgement_has_a_reason_of_its_own(synthesised: list[Assembly]) -> None:
    answers = [answer for run in synthesised for answer in acknowledged(run.report)]
    assert answers, "no acknowledgement at all: the report is read wrongly"
    assert empty_reasons(answers) == []


def lint(regions: dict[Path, str], directory: Path) -> str:
    """What cfn-lint says of templates, each for its own region."""
    by_region = defaultdict(list)
    seen = set()
    for path, region in regions.items():
        digest = (hashlib.sha256(path.read_bytes()).hexdigest(), region)
        if digest not in seen:
            by_region[region].append(path)
        seen.add(digest)
    said = []
    for region, paths in by_region.items():
        command = ["cfn-lint", "--regions", region, "--format", "parseable", "--", *map(str, paths)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=LINT_SECONDS,
            cwd=directory,
            check=False,
        )
        said.append(done.stdout + done.stderr)
    return "".join(said)


def test_cfn_lint_finds_nothing(synthesised: list[Assembly], tmp_path: Path) -> None:
    regions = {path: region for run in synthesised for path, region in run.regions().items()}
    assert lint(regions, tmp_path) == ""


def test_a_finding_of_cfn_lint_is_reported(tmp_path: Path) -> None:
    bad = tmp_path / "bad.template.json"
    bad.write_text('{"Resources": {"It": {"Type": "AWS::S3::Bucket", "Properties": {"No": 1}}}}')
    assert "E3002" in lint({bad: "us-east-1"}, tmp_path)


def test_cdk_nag_is_heard_when_it_finds_something(tmp_path: Path) -> None:
    app = cdk.App(outdir=str(tmp_path / "out"))
    s3.Bucket(cdk.Stack(app, "Stack"), "Bucket")
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app), NIST80053R5Checks(app))
    with pytest.raises(Exception, match="AwsSolutions-S1"):
        app.synth()
    found = unacknowledged(Assembly(tmp_path / "out").report)
    assert any("AwsSolutions-S1" in finding for finding in found)
    assert any("NIST.800.53.R5-S3BucketLoggingEnabled" in finding for finding in found)

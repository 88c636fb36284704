"""The CDK app as the real CDK command line runs it: without credentials and without network."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import aws_cdk as cdk
import pytest

from gotocloud.errors import InputError
from gotocloud.stacks.app import build
from tests.needs import ROOT, need_cdk

pytestmark = pytest.mark.cdk

EXAMPLE = ROOT / "platform.example.yaml"
UNREACHABLE = "http://127.0.0.1:9"


def run_cdk(*arguments: str, output: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the CDK command line with nothing of AWS in reach."""
    need_cdk()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "CDK_"))}
    environment |= {
        "HOME": str(home),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(home / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "none"),
        "HTTP_PROXY": UNREACHABLE,
        "HTTPS_PROXY": UNREACHABLE,
        "CI": "true",
    }
    return subprocess.run(
        ["cdk", *arguments, "-c", f"platform={EXAMPLE}", "--output", str(output)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def bytes_of(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.glob("*.template.json")}


@pytest.mark.parametrize(
    ("stacks", "context", "expected"),
    [
        (("UserStack",), ("-c", "group=membrane-lab"), "UserStack.template.json"),
        (("ManagementStack",), (), "ManagementStack.template.json"),
        (("RegionStack*",), (), "RegionStack-us-east-1.template.json"),
    ],
)
def test_synthesis_gives_the_same_bytes_twice_without_credentials_and_network(
    tmp_path: Path, stacks: tuple[str, ...], context: tuple[str, ...], expected: str
) -> None:
    outputs = []
    for name in ("first", "second"):
        home = tmp_path / f"home-{name}"
        home.mkdir()
        done = run_cdk("synth", "--quiet", *stacks, *context, output=tmp_path / name, home=home)
        assert done.returncode == 0, done.stderr
        outputs.append(bytes_of(tmp_path / name))
    assert expected in outputs[0]
    assert outputs[0] == outputs[1]


def test_an_unknown_group_is_an_error_that_lists_the_groups(tmp_path: Path) -> None:
    done = run_cdk(
        "synth", "UserStack", "-c", "group=membrane", output=tmp_path / "out", home=tmp_path
    )
    assert done.returncode != 0
    assert "No group named 'membrane'. Did you mean 'membrane-lab'?" in done.stderr
    assert "Available: membrane-lab, ribosome-lab." in done.stderr
    assert "Traceback" not in done.stderr


def build_with(**context: str) -> cdk.App:
    app = cdk.App(context=context, analytics_reporting=False)
    build(app)
    return app


def names(app: cdk.App) -> set[str]:
    return {child.node.id for child in app.node.children if isinstance(child, cdk.Stack)}


def test_without_context_there_are_the_stacks_of_the_management_account() -> None:
    assert names(build_with(platform=str(EXAMPLE))) == {
        "ManagementStack",
        "RegionStack-ap-northeast-1",
        "RegionStack-us-east-1",
    }


def test_a_group_has_a_stack_in_each_of_its_regions() -> None:
    app = build_with(platform=str(EXAMPLE), group="membrane-lab")
    assert names(app) == {"UserStack", "UserStack-us-east-1"}


@pytest.mark.parametrize("version", ["../../x", "a/b", "", ".hidden"])
def test_a_version_that_may_not_stand_in_a_url_is_refused(version: str) -> None:
    with pytest.raises(InputError, match="is not a version"):
        build_with(platform=str(EXAMPLE), templates=version)


def test_a_version_gives_the_templates_to_publish() -> None:
    found = names(build_with(platform=str(EXAMPLE), templates="1.2.3"))
    assert "ProjectStack" in found
    assert "ClusterStack-cryoem-spa-us-east-1" in found


def test_stacks_are_named_as_the_command_line_looks_for_them() -> None:
    app = build_with(platform=str(EXAMPLE))
    stacks = {c.node.id: c.stack_name for c in app.node.children if isinstance(c, cdk.Stack)}
    assert stacks["ManagementStack"] == "gotocloud-management"
    assert stacks["RegionStack-us-east-1"] == "gotocloud-region"


def test_a_missing_record_names_the_command_that_writes_it(tmp_path: Path) -> None:
    platform = Path(shutil.copy(EXAMPLE, tmp_path / "platform.yaml"))
    with pytest.raises(InputError, match="There is no record") as caught:
        build_with(platform=str(platform), group="membrane-lab")
    assert "gotocloud platform record" in str(caught.value)
    assert names(build_with(platform=str(platform))), "management needs no record"


def test_a_record_without_the_groups_acceptor_role_names_what_to_deploy(tmp_path: Path) -> None:
    platform = Path(shutil.copy(EXAMPLE, tmp_path / "platform.yaml"))
    record = (ROOT / "platform.example.record.yaml").read_text()
    (tmp_path / "platform.record.yaml").write_text(record.replace("    0: arn", "    7: arn"))
    with pytest.raises(InputError, match="no acceptor role 0; it has 7") as caught:
        build_with(platform=str(platform), group="membrane-lab")
    assert "cdk deploy ManagementStack" in str(caught.value)


def test_an_empty_group_is_not_taken_for_none() -> None:
    with pytest.raises(InputError, match=r"Available: membrane-lab, ribosome-lab\."):
        build_with(platform=str(EXAMPLE), group="")


def test_a_group_and_a_version_at_once_are_refused() -> None:
    with pytest.raises(InputError, match="not both"):
        build_with(platform=str(EXAMPLE), group="membrane-lab", templates="1.2.3")


def test_without_a_platform_file_the_example_is_used_and_reported_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copy(EXAMPLE, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert "ManagementStack" in names(build_with())
    assert capsys.readouterr().err == "There is no platform.yaml: using platform.example.yaml.\n"

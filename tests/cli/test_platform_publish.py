"""`gotocloud platform publish`: templates and node scripts of a release, once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import boto3
import pytest

from gotocloud import __version__
from gotocloud.cluster_configs.model import configuration_names
from gotocloud.contract.releases import (
    CONFIGURE_HEAD_NODE,
    KEEP_HOME,
    MOUNT_SOFTWARE,
    SCRIPT_DIGESTS,
    install_uri,
)
from gotocloud.platform.release import sha256
from tests.cli.in_process import Run
from tests.cli.platform_site import (
    BUCKET,
    HOME,
    REGIONS,
)
from tests.cli.platform_site import aws as aws
from tests.cli.platform_site import folder as folder
from tests.cli.platform_site import run as run
from tests.needs import ROOT


@pytest.fixture
def assembly(folder: Path) -> Path:
    """A cloud assembly with every template of a release."""
    made = folder / "assembly"
    made.mkdir()
    names = ["ProjectStack"]
    names += [f"ClusterStack-{n}-{region}" for n in configuration_names() for region in REGIONS]
    scripts = (MOUNT_SOFTWARE, KEEP_HOME, CONFIGURE_HEAD_NODE)
    digests = {path: sha256((ROOT / "gotocloud" / path).read_bytes()) for path in scripts}
    for name in names:
        template = {"Description": name, "Metadata": {SCRIPT_DIGESTS: digests}}
        (made / f"{name}.template.json").write_text(json.dumps(template))
    return made


def make_bucket() -> None:
    boto3.client("s3", HOME).create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"}
    )


def published() -> list[str]:
    listed = boto3.client("s3", HOME).list_objects_v2(Bucket=BUCKET)
    return [item["Key"] for item in listed.get("Contents", [])]


@pytest.mark.usefixtures("aws")
def test_publish_uploads_templates_and_scripts_once(run: Run, assembly: Path) -> None:
    make_bucket()
    dry = run("publish", "--version", "1.0", "--from", "assembly", "--dry-run", "--json")
    assert {file["state"] for file in json.loads(dry.out)["files"]} == {"would be uploaded"}
    assert published() == []

    assert run("publish", "--version", "1.0", "--from", "assembly").code == 0
    assert set(published()) == {
        "releases/1.0/manifest.json",
        "releases/1.0/project.template.json",
        "releases/1.0/node/configure-head-node.sh",
        "releases/1.0/node/home.py",
        "releases/1.0/node/home_archive.py",
        "releases/1.0/node/home_listing.py",
        "releases/1.0/node/inventory.py",
        "releases/1.0/node/mount-software.sh",
        "releases/1.0/node/relion-submit-template.sh",
        *(
            f"releases/1.0/cluster/{name}/{region}.template.json"
            for name in configuration_names()
            for region in REGIONS
        ),
    }
    again = run("publish", "--version", "1.0", "--from", "assembly")
    assert again.code == 0
    assert "Nothing to do" in again.err

    (assembly / "ProjectStack.template.json").write_text("{}")
    other = run("publish", "--version", "1.0", "--from", "assembly")
    assert other.code == 1
    assert "never overwritten" in other.err
    assert "project.template.json differs" in other.err


@pytest.mark.usefixtures("aws")
def test_publish_includes_what_scientists_install(run: Run, assembly: Path, folder: Path) -> None:
    make_bucket()
    wheel = folder / f"gotocloud-{__version__}-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    (folder / "requirements-scientists.txt").write_text("rich==1 --hash=sha256:00\n")
    other = folder / "gotocloud-9.9-py3-none-any.whl"
    words = ("publish", "--from", "assembly", "--wheel")
    refused = run(*words, str(other))
    assert (refused.code, "make wheel" in refused.err) == (2, True)
    other.write_bytes(b"wheel")
    assert "is not the wheel of gotocloud" in run(*words, str(other)).err
    assert run(*words, str(wheel)).code == 0
    folder_of = f"releases/{__version__}/install/"
    keys = [key for key in published() if key.startswith(folder_of)]
    assert keys == [f"{folder_of}{wheel.name}", f"{folder_of}requirements.txt"]
    text = boto3.client("s3", HOME).get_object(Bucket=BUCKET, Key=keys[1])["Body"].read().decode()
    assert text.splitlines() == [
        "--require-hashes",
        "--only-binary :all:",
        f"./{wheel.name} --hash=sha256:{sha256(b'wheel')}",
        "rich==1 --hash=sha256:00",
    ]
    assert install_uri(BUCKET, __version__).endswith(f"{BUCKET}/{folder_of}")


@pytest.mark.usefixtures("aws")
def test_publish_of_an_incomplete_folder_writes_nothing(run: Run, assembly: Path) -> None:
    make_bucket()
    (assembly / "ProjectStack.template.json").unlink()
    (assembly / "ClusterStack-tutorial-us-east-1.template.json").unlink()
    outcome = run("publish", "--from", "assembly")
    assert outcome.code == 1
    assert "ProjectStack is missing" in outcome.err
    assert "ClusterStack-tutorial-us-east-1 is missing" in outcome.err
    assert published() == []


@pytest.mark.usefixtures("aws")
def test_publish_without_bucket_cdk_app_or_version_is_reported(run: Run, assembly: Path) -> None:
    outcome = run("publish", "--from", "assembly")
    assert outcome.code == 1
    assert f"no distribution bucket {BUCKET}" in outcome.err
    outcome = run("publish")
    assert outcome.code == 2
    assert "no CDK app (cdk.json)" in outcome.err
    outcome = run("publish", "--version", "a/b")
    assert outcome.code == 2
    assert "'a/b' is not a version" in outcome.err
    outcome = run("publish", "--from", "absent")
    assert outcome.code == 2
    assert "no templates in absent" in outcome.err


@pytest.mark.usefixtures("aws")
def test_publish_without_the_cdk_shows_how_to_get_it(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "cdk.json").write_text("{}")
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    outcome = run("publish")
    assert outcome.code == 2
    assert "The CDK command line is not installed" in outcome.err
    assert "Next: make env" in outcome.err


@pytest.mark.usefixtures("aws")
def test_a_failed_synthesis_shows_what_the_cdk_reported(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cdk = folder / "cdk"
    cdk.write_text('#!/bin/sh\necho "said: $*" >&2\nexit 3\n')
    cdk.chmod(0o755)
    (folder / "cdk.json").write_text("{}")
    monkeypatch.setattr(shutil, "which", lambda *_, **__: str(cdk))
    outcome = run("publish", "--version", "2.0")
    assert outcome.code == 1
    assert "The templates cannot be synthesised" in outcome.err
    assert "said: synth --quiet --output" in outcome.err
    assert f"--context templates=2.0 --context platform={folder}/platform.yaml" in outcome.err

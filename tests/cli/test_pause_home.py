"""`gotocloud pause` archives /home of the head node with all the rest."""

from __future__ import annotations

import io
import json
import os
import tarfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from gotocloud.aws.cloud import StandardCloud
from gotocloud.aws.head_node import HeadNode
from gotocloud.aws.lustre_export.proof import UnprovenError
from gotocloud.contract.project_bucket import HOME_ARCHIVE
from gotocloud.errors import GoToCloudError
from gotocloud.projects.pausing import node_script
from local_aws.testing import until
from tests.cli.local_project import LocalProject
from tests.cli.test_pause import pause
from tests.cli.test_pause import project as project

pytestmark = [pytest.mark.rehearsal, pytest.mark.usefixtures("local_scientist")]


def home(project: LocalProject) -> Path:
    """What a person sees as /home/ubuntu."""
    return project.control.node(project.instance) / "home/ubuntu"


def test_home_of_the_head_node_is_proven_with_all_the_rest_and_comes_back(
    project: LocalProject, capsys: pytest.CaptureFixture[str]
) -> None:
    (home(project) / "script.py").write_text("mine")
    (home(project) / ".bashrc").write_text("alias")
    raw = Path(os.fsdecode(os.fsencode(home(project)) + b"/caf\xe9"))
    raw.write_bytes(b"no key of S3 could be called so")
    tmp = project.control.node(project.instance) / "tmp/large"
    tmp.write_text("12345")
    os.chown(tmp, 1000, 1000)
    pause(project)
    said = capsys.readouterr().err
    assert "1 files (5 bytes) of people in /tmp are in the archive" in said
    archived = project.s3.head_object(Bucket=project.names.bucket, Key=HOME_ARCHIVE)
    assert archived["ContentLength"] > 0
    project.start()
    until((project.lustre / HOME_ARCHIVE).exists)
    node = HeadNode(StandardCloud(), project.instance)
    script = (files("gotocloud.node") / "home.py").read_text()
    told = json.loads(node.run(node_script(script, "restore", "/fsx"), "restore"))
    assert told["placed"] == 3
    assert (home(project) / "script.py").read_text() == "mine"
    assert Path(os.fsdecode(os.fsencode(home(project)) + b"/caf\xe9")).exists()
    pause(project)


@pytest.mark.parametrize("place", ["home/ubuntu/late", "tmp/late"])
def test_what_is_written_on_the_head_node_after_the_archive_is_archived_too(
    project: LocalProject, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    from gotocloud.aws.lustre_export import proof as lustre_export_proof

    original = lustre_export_proof._compare
    written: list[int] = []

    def compare(*given: Any) -> None:
        if not written:
            late = project.control.node(project.instance) / place
            written.append(late.write_bytes(b"late"))
            os.chown(late, 1000, 1000)
        original(*given)

    monkeypatch.setattr(lustre_export_proof, "_compare", compare)
    pause(project)
    packed = project.s3.get_object(Bucket=project.names.bucket, Key=HOME_ARCHIVE)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        assert place in tar.getnames()


def test_a_home_that_goes_on_changing_keeps_the_cluster(
    project: LocalProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gotocloud.aws.lustre_export import proof as lustre_export_proof

    original = lustre_export_proof._compare

    def compare(*given: Any) -> None:
        original(*given)
        with (home(project) / "log").open("a") as log:
            log.write("more\n")

    monkeypatch.setattr(lustre_export_proof, "_compare", compare)
    with pytest.raises(UnprovenError, match="something in /home was written"):
        pause(project)
    assert project.running


def test_a_home_too_large_for_the_archive_keeps_the_cluster_and_names_the_way_out(
    project: LocalProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gotocloud.aws.lustre_export.home.LIMIT_GIB", 0)
    (home(project) / "large").write_bytes(b"x" * 10_000)
    with pytest.raises(GoToCloudError, match="too large to be archived") as caught:
        pause(project)
    assert "move the largest to /fsx" in caught.value.advice
    assert any("/home/ubuntu: 0.0 GiB in 1 files" in line for line in caught.value.problems)
    assert project.running


def test_another_archive_never_takes_the_place_of_one_that_was_not_restored(
    project: LocalProject,
) -> None:
    with project.control.during("auto-import-stalls"):
        project.s3.put_object(Bucket=project.names.bucket, Key=HOME_ARCHIVE, Body=b"earlier")
        with pytest.raises(GoToCloudError, match="archive /home") as caught:
            pause(project)
    assert any("Lustre does not show yet" in line for line in caught.value.problems)
    assert project.running

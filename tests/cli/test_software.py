"""`gotocloud software …` as the management group and scientists type it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from gotocloud.aws import replication
from gotocloud.aws.replication import SoftwareCopy
from gotocloud.cli.repository import publishing
from gotocloud.errors import GoToCloudError
from gotocloud.software.in_force import CATALOGUE_VARIABLE, PACKAGED, system_catalogue
from gotocloud.software.layout import Layout
from gotocloud.software.load import dump_catalogue, load_catalogue
from gotocloud.software.modules import module_files
from gotocloud.software.publishing.release import content, in_force, install
from tests.cli.in_process import Outcome, typed
from tests.needs import ROOT
from tests.software.small_site import MAIN, THIS_PYTHON, make_site


class Command:
    """Runs commands in this process, as `gotocloud` would."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.capsys, self.monkeypatch = capsys, monkeypatch

    def __call__(self, *arguments: str | Path) -> Outcome:
        return typed(self.monkeypatch, self.capsys, "software", *arguments)


@pytest.fixture(name="software")
def a_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.delenv(CATALOGUE_VARIABLE, raising=False)
    return Command(capsys, monkeypatch)


@pytest.fixture(name="small")
def a_small_site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """Publishes a stand-in for the command line, so that nothing is fetched."""
    text = {"main": MAIN}
    numbers = iter(range(100))

    def site(_work: Path, _repository: Path, _python: str, _extras: object) -> Path:
        return make_site(tmp_path / f"site{next(numbers)}", text["main"])

    monkeypatch.setattr(publishing, "_site", site)
    return text


def publish(*more: str | Path) -> tuple[str | Path, ...]:
    return ("publish", "--python", THIS_PYTHON, "--interpreter", sys.executable, *more)


def test_the_list_shows_versions_builds_and_hardware(software: Command) -> None:
    status, out, err = software("list")
    assert status == 0
    assert "relion/5.0.1" in out
    assert "sm75, sm80, sm86, sm89, sm90, sm120, avx512, avx2" in out
    assert "relion/5.0.1-sm86" in out
    assert "read on 2026-11-22" in err


def test_the_list_for_programs_has_sources_and_licences(software: Command) -> None:
    status, out, _ = software("list", "--json")
    data = json.loads(out)
    assert status == 0
    for package in data["packages"]:
        assert package["licence"]
        assert all(version["source"] for version in package["versions"])
    by_family = {each["family"]: each for each in data["hardware"]}
    assert by_family["g5"]["module"] == "relion/5.0.1-sm86"
    assert by_family["c6i"]["cuda_arch"] is None


def test_the_list_of_a_machine_s_own_programs_has_no_hardware(
    software: Command, tmp_path: Path
) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text(dump_catalogue(system_catalogue({"relion": ("3.1.3", "/usr")})))
    status, out, _ = software("list", "--catalogue", path)
    assert (status, "relion/3.1.3" in out, "instance family" in out) == (0, True, False)


def test_a_module_file_is_printed(software: Command) -> None:
    status, out, _ = software("modules", "relion/5.0.1-sm86")
    assert (status, out) == (0, module_files(load_catalogue(PACKAGED))["relion/5.0.1-sm86"])
    status, out, _ = software("modules")
    assert "relion/5.0.1-sm86" in out.split("\n")
    status, _, err = software("modules", "relion/5.0.1-sm6")
    assert status == 2
    assert "No module named 'relion/5.0.1-sm6'. Did you mean 'relion/5.0.1-sm" in err
    assert ".modulerc" not in err


def test_module_files_are_written_for_another_mount_point(
    software: Command, tmp_path: Path
) -> None:
    status, _, err = software("modules", "--to", tmp_path / "m", "--root", "/shared")
    assert status == 0
    assert f"Next: module use {tmp_path / 'm'}" in err
    text = (tmp_path / "m" / "relion" / "5.0.1-sm86").read_text()
    assert "set prefix /shared/software/relion/5.0.1/sm86" in text
    status, _, err = software("modules", "--root", "shared")
    assert (status, "'shared' is not an absolute path" in err) == (2, True)


def test_environments_are_written_and_recipes_shown_with_their_licence(
    software: Command, tmp_path: Path
) -> None:
    status, out, err = software("spack", "--to", tmp_path)
    assert (status, out) == (0, "")
    made = yaml.safe_load((tmp_path / "relion-5.0.1-sm86" / "spack.yaml").read_text())
    assert made["spack"]["specs"][0].startswith("relion@5.0.1 +cuda")
    assert f"Next: spack -e {tmp_path}/relion-5.0.1-sm86 install" in err
    assert "chimerax/1.11.1 is made by hand. Licence: UCSF's own licence" in err


def test_environments_are_printed_as_one_stream(software: Command) -> None:
    status, out, _ = software("spack", "relion")
    assert status == 0
    assert len(list(yaml.safe_load_all(out))) == 20


def test_a_folder_that_cannot_be_written_is_reported(software: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for words in (("spack", "--to"), ("modules", "--to")):
        status, _, err = software(*words, tmp_path / "file")
        assert status == 1
        assert "cannot be written: " in err


def test_a_broken_catalogue_is_reported_with_every_problem(
    software: Command, tmp_path: Path
) -> None:
    data = yaml.safe_load(PACKAGED.read_text())
    data["packages"]["relion"]["default"] = "6"
    data["families"]["g5"]["build"] = "sm87"
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(data))
    status, out, err = software("list", "--catalogue", tmp_path / "c.yaml")
    assert (status, out) == (2, "")
    assert "families/g5: no build 'sm87'" in err
    assert "default '6' is no version of it" in err


@pytest.mark.usefixtures("small")
def test_what_is_published_is_found_by_check_and_by_shells(
    software: Command, tmp_path: Path
) -> None:
    root = tmp_path / "efs"
    root.mkdir()
    prefix = tmp_path / "usr"
    (prefix / "bin").mkdir(parents=True)
    program = prefix / "bin" / "relion_refine"
    program.write_text("#!/bin/sh\necho RELION version: 3.1.3\n")
    program.chmod(0o755)
    own = tmp_path / "catalogue.yaml"
    own.write_text(dump_catalogue(system_catalogue({"relion": ("3.1.3", str(prefix))})))
    where = ("--root", root, "--catalogue", own)
    status, out, err = software(*publish("--to", root, "--json", *where))
    assert (status, "is in force.\nNext: gotocloud software check" in err) == (0, True)
    assert json.loads(out)["written"] is True
    command = root / "gotocloud" / "bin" / "gotocloud"
    environment = {"PATH": "/usr/bin:/bin", "GOTOCLOUD_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [command, "works"], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "small works\n"
    status, out, err = software("check", "--root", root, "--catalogue", own)
    assert (status, "All is there: " in err) == (0, True)
    program.unlink()
    status, out, err = software("check", "--json", *where)
    assert status == 1
    assert [each["what"] for each in json.loads(out) if each["state"] == "missing"] == [
        "relion/3.1.3"
    ]
    assert "1 of 8 promises are not kept" in err


def test_publishing_again_does_nothing_and_staging_waits(
    software: Command, small: dict[str, str], tmp_path: Path
) -> None:
    words = publish("--to", tmp_path, "--root", tmp_path)
    assert software(*words)[0] == 0
    assert "Nothing to do: release " in software(*words)[2]
    small["main"] = MAIN.replace("small", "new")
    status, _, err = software(*words, "--stage")
    assert (status, "stays in force. To put it in force" in err) == (0, True)
    status, _, err = software(*words)
    assert (status, "is in force.\nNext: " in err) == (0, True)


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What is copied to the regions and waited for, with the release that is in force then."""
    done: list[str] = []
    layout = Layout(tmp_path / "efs")

    def start(regions: tuple[str, ...], *, below: tuple[str, ...] = ()) -> tuple[SoftwareCopy, ...]:
        link = "old" if in_force(layout) is None else "new"
        done.append(f"{' '.join(below) or 'all'} to {','.join(regions)}, link {link}")
        return tuple(SoftwareCopy(region, "gotocloud-share-0", "arn") for region in regions)

    monkeypatch.setattr(replication, "start_copies", start)
    monkeypatch.setattr(replication, "wait_for", lambda copies: done.append(f"{len(copies)} ended"))
    return done


@pytest.mark.usefixtures("small")
def test_the_regions_have_the_files_of_a_release_before_the_link_that_leads_to_them(
    software: Command, copied: list[str], tmp_path: Path
) -> None:
    (tmp_path / "efs").mkdir()
    words = publish("--to", tmp_path / "efs", "--platform", ROOT / "platform.example.yaml")
    regions = "ap-northeast-1,us-east-1"
    status, out, _ = software(*words, "--json")
    assert status == 0
    release = json.loads(out)["release"]
    assert copied == [
        f"/gotocloud/releases/{release} to {regions}, link old",
        "2 ended",
        f"/gotocloud to {regions}, link new",
    ]
    copied.clear()
    assert "Nothing to do" in software(*words)[2]
    assert copied == []
    status, _, err = software("replicate", "--platform", ROOT / "platform.example.yaml", "--wait")
    assert (status, "All copies have ended well." in err) == (0, True)
    assert copied == [f"all to {regions}, link new", "2 ended"]


@pytest.mark.usefixtures("small")
def test_a_copy_that_fails_leaves_the_old_release_in_force(
    software: Command, copied: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise GoToCloudError("1 of 2 copies of the software did not end well.")

    (tmp_path / "efs").mkdir()
    words = publish("--to", tmp_path / "efs", "--platform", ROOT / "platform.example.yaml")
    with monkeypatch.context() as patched:
        patched.setattr(replication, "wait_for", fail)
        assert software(*words)[0] == 1
    assert in_force(Layout(tmp_path / "efs")) is None
    copied.clear()
    assert software(*words)[0] == 0
    assert len(copied) == 3
    assert in_force(Layout(tmp_path / "efs")) is not None


@pytest.mark.usefixtures("small")
def test_without_a_platform_file_publishing_shows_how_to_copy(
    software: Command, copied: list[str], tmp_path: Path
) -> None:
    for words in (("--platform", tmp_path / "none.yaml"), ("--no-copy",)):
        status, _, err = software(*publish("--to", tmp_path, *words))
        assert (status, "gotocloud software replicate" in err) == (0, True)
    assert copied == []
    status, _, err = software("replicate", "moon-1")
    assert (status, "'moon-1'" in err) == (2, True)


@pytest.mark.usefixtures("small")
def test_a_dry_run_builds_and_tries_and_writes_nothing(software: Command, tmp_path: Path) -> None:
    status, out, err = software(*publish("--to", tmp_path, "--dry-run", "--json"))
    assert (status, json.loads(out)["written"]) == (0, False)
    assert f"Tried with {sys.executable}: small --version." in err
    assert not (tmp_path / "gotocloud").exists()


def test_a_file_that_does_not_start_is_not_published(
    software: Command, small: dict[str, str], tmp_path: Path
) -> None:
    small["main"] = "raise SystemExit('no such library')"
    status, _, err = software(*publish("--to", tmp_path))
    assert status == 1
    assert "The file does not start with " in err
    assert "no such library" in err
    assert not (tmp_path / "gotocloud").exists()


@pytest.mark.usefixtures("small")
def test_an_interpreter_that_only_nodes_have_is_reported(software: Command, tmp_path: Path) -> None:
    words = ("publish", "--to", tmp_path, "--interpreter", "/opt/none/python3.12")
    status, _, err = software(*words)
    assert status == 0
    assert "Not tried: /opt/none/python3.12 is not on this machine." in err


@pytest.mark.usefixtures("small")
def test_publishing_needs_the_file_system(software: Command, tmp_path: Path) -> None:
    status, _, err = software(*publish("--to", tmp_path / "efs"))
    assert status == 2
    assert "is the shared file system mounted?" in err


def test_publishing_needs_the_repository(software: Command, tmp_path: Path) -> None:
    status, _, err = software(*publish("--to", tmp_path, "--from", tmp_path))
    assert status == 2
    assert "pyproject.toml: No such file or directory" in err
    assert "Name its folder with --from." in err


def test_a_package_that_cannot_be_fetched_is_named(
    software: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    status, _, err = software(*publish("--to", tmp_path, "--from", ROOT))
    assert status == 1
    assert f"pip could not fetch the locked packages for Python {THIS_PYTHON}" in err
    assert "annotated-doc==" in err
    assert not (tmp_path / "gotocloud").exists()


def test_a_job_keeps_the_release_that_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`gotocloud submit` writes into its script which file the job calls when it ends."""
    from gotocloud.jobs.cluster import own_path

    layout, catalogue = Layout(tmp_path), system_catalogue({"relion": ("3.1.3", "/usr")})
    first = install(layout, content("1", b"#!/bin/sh\n", b"", catalogue))
    monkeypatch.setattr(sys, "argv", [str(layout.top / "bin" / "gotocloud")])
    submitted_with = own_path()
    install(layout, content("2", b"#!/bin/sh\n", b"", catalogue))
    assert submitted_with == str(first.folder / "gotocloud.pyz")
    assert own_path() != submitted_with


def test_the_published_catalogue_is_the_one_given(tmp_path: Path) -> None:
    ours = replace(load_catalogue(PACKAGED), root="/shared")
    path = tmp_path / "catalogue.yaml"
    path.write_text(dump_catalogue(ours))
    assert load_catalogue(path) == ours

"""What a catalogue promises against what a shared file system holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gotocloud.cli.work.software import run_for_version
from gotocloud.errors import InputError
from gotocloud.software.catalogue import Catalogue
from gotocloud.software.in_force import PACKAGED, system_catalogue
from gotocloud.software.inspection import InspectedItem, InspectionState, inspect
from gotocloud.software.layout import WEIGHTS, Layout
from gotocloud.software.load import load_catalogue
from gotocloud.software.publishing import release
from tests.needs import need_relion


class Site:
    """A shared file system on which everything of one catalogue is installed."""

    def __init__(self, root: Path) -> None:
        root.mkdir()
        self.layout = Layout(root)
        self.catalogue: Catalogue = replace(load_catalogue(PACKAGED), root=str(root))
        release.install(
            self.layout, release.content("1.0.0", b"#!/bin/sh\n", b"#!/bin/sh\n", self.catalogue)
        )
        for package in self.catalogue.packages.values():
            for version in package.versions.values():
                for build in version.builds or (None,):
                    self.install(package.name, version.number, build)

    def place(self, package: str, number: str, build: str | None) -> Path:
        version = self.catalogue.package(package).version(number)
        return Path(self.catalogue.prefix(package, version, build)) / "bin"

    def install(self, package: str, number: str, build: str | None, said: str = "") -> None:
        place = self.place(package, number, build)
        place.mkdir(parents=True, exist_ok=True)
        weights = place.parent / WEIGHTS
        weights.mkdir(parents=True, exist_ok=True)
        (weights / "blush.ckpt").write_text("weights")
        for name in self.catalogue.package(package).executables:
            (place / name).write_text(f"#!/bin/sh\n{said or f'echo version: {number} of it'}\n")
            (place / name).chmod(0o755)

    def faults(self) -> list[InspectedItem]:
        items = inspect(self.catalogue, self.layout, run_for_version)
        return [item for item in items if item.state is not InspectionState.OK]

    def only_fault(self) -> tuple[str, InspectionState, str]:
        (fault,) = self.faults()
        return fault.what, fault.state, fault.text


@pytest.fixture(name="site")
def a_complete_site(tmp_path: Path) -> Site:
    return Site(tmp_path / "efs")


def test_a_complete_file_system_keeps_every_promise(site: Site) -> None:
    items = inspect(site.catalogue, site.layout, run_for_version)
    assert {item.state for item in items} == {InspectionState.OK}
    said = {item.what: item.text for item in items}
    assert said["relion/5.0.1-sm86"] == "relion_refine reports version 5.0.1"
    assert "relion/.modulerc" in said


def test_a_build_that_is_not_there_is_named(site: Site) -> None:
    for path in site.place("relion", "5.0.1", "sm89").iterdir():
        path.unlink()
    assert site.only_fault() == ("relion/5.0.1-sm89", InspectionState.MISSING, "not installed")


def test_a_single_missing_executable_is_named(site: Site) -> None:
    (site.place("relion", "5.0.1", "sm89") / "relion_refine_mpi").unlink()
    found = ("relion/5.0.1-sm89", InspectionState.MISSING, "relion_refine_mpi: it is not there")
    assert site.only_fault() == found


def test_a_link_to_nothing_is_not_a_program(site: Site) -> None:
    program = site.place("ctffind", "4.1.14", None) / "ctffind"
    program.unlink()
    program.symlink_to("gone")
    assert site.only_fault() == ("ctffind/4.1.14", InspectionState.MISSING, "not installed")


def test_what_not_everybody_may_run_is_reported(site: Site) -> None:
    """Whoever published it: root may read everything and would not notice."""
    (site.place("relion", "4.0.1", "avx2") / "relion_refine").chmod(0o700)
    what, state, text = site.only_fault()
    assert (what, state) == ("relion/4.0.1-avx2", InspectionState.MISSING)
    assert text == "relion_refine: not everybody may read it (mode 700)"


def test_another_version_than_promised_is_reported(site: Site) -> None:
    site.install("relion", "5.0.1", "sm75", "echo RELION version: 5.0.0")
    assert site.only_fault() == (
        "relion/5.0.1-sm75",
        InspectionState.WRONG,
        "relion_refine reports version 5.0.0, not 5.0.1",
    )


def test_a_program_that_does_not_start_is_reported_with_its_words(site: Site) -> None:
    said = "echo libcufft.so.11: cannot open shared object file >&2; exit 127"
    site.install("relion", "5.0.1", "sm75", said)
    what, state, text = site.only_fault()
    assert (what, state) == ("relion/5.0.1-sm75", InspectionState.WRONG)
    assert (
        text
        == "relion_refine ended with exit code 127: libcufft.so.11: cannot open shared object file"
    )


def test_a_build_for_another_processor_is_no_fault_of_the_build(site: Site) -> None:
    site.install("relion", "5.0.1", "avx512", "kill -ILL $$")
    assert site.only_fault() == (
        "relion/5.0.1-avx512",
        InspectionState.UNKNOWN,
        "it needs another processor than this machine's",
    )


def test_a_changed_module_file_is_reported(site: Site) -> None:
    (site.layout.modules / "topaz" / "0.3.18").write_text("#%Module1.0\n")
    faults = {(fault.what, fault.text) for fault in site.faults()}
    assert faults == {
        ("topaz/0.3.18", "the module file differs from the catalogue"),
        ("the release in force", "modulefiles/topaz/0.3.18: other content"),
    }


def test_one_package_may_be_checked_alone(site: Site) -> None:
    (site.place("topaz", "0.3.18", None) / "topaz").unlink()
    only = inspect(site.catalogue, site.layout, run_for_version, package="ctffind")
    assert {item.what: item.state for item in only} == {
        "ctffind/.modulerc": InspectionState.OK,
        "ctffind/4.1.14": InspectionState.OK,
    }
    with pytest.raises(InputError, match="No software named 'ctfind'"):
        inspect(site.catalogue, site.layout, package="ctfind")


def test_an_empty_file_system_lacks_everything(tmp_path: Path) -> None:
    catalogue = replace(load_catalogue(PACKAGED), root=str(tmp_path))

    def never(command: Sequence[str]) -> tuple[int, str]:
        raise AssertionError(command)

    items = inspect(catalogue, Layout(tmp_path), never)
    assert {item.state for item in items} == {InspectionState.MISSING}
    assert items[0].text == "it is not there; gotocloud software publish puts it there"


def test_a_real_relion_shows_its_version(tmp_path: Path) -> None:
    need_relion()
    catalogue = system_catalogue({"relion": ("3.1.3", "/usr")}, root=str(tmp_path))
    release.install(Layout(tmp_path), release.content("1", b"#!/bin/sh\n", b"", catalogue))
    items = {item.what: item for item in inspect(catalogue, Layout(tmp_path), run_for_version)}
    assert items["relion/3.1.3"].state is InspectionState.OK
    assert items["relion/3.1.3"].text == "relion_refine reports version 3.1.3"


def test_a_program_that_hangs_or_is_none_does_not_stop_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gotocloud.cli.work.software._TIMEOUT_S", 0.2)
    assert run_for_version(["sleep", "5"]) == (124, "no answer within 0.2 s")
    assert run_for_version([str(tmp_path)])[0] == 126

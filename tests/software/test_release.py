"""Releases on the shared file system: complete, side by side, in force in one step."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from gotocloud.errors import GoToCloudError, InputError
from gotocloud.software.catalogue import Catalogue
from gotocloud.software.in_force import (
    PACKAGED,
    catalogue_in_force,
    executable_for,
    module_to_load,
    system_catalogue,
)
from gotocloud.software.inspection import damage
from gotocloud.software.layout import LINKS, Layout
from gotocloud.software.load import load_catalogue
from gotocloud.software.publishing import release
from tests.needs import need_modules


@pytest.fixture(name="layout")
def an_empty_file_system(tmp_path: Path) -> Layout:
    root = tmp_path / "efs"
    root.mkdir()
    return Layout(root)


def ours(layout: Layout) -> Catalogue:
    return replace(load_catalogue(PACKAGED), root=str(layout.root))


def made(layout: Layout, program: bytes = b"#!/bin/sh\necho one\n") -> release.Content:
    return release.content("1.2.0", program, b"#!/bin/bash\ntemplate\n", ours(layout))


def answer(layout: Layout) -> str:
    command = [str(layout.top / "bin" / "gotocloud")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_everything_is_reached_through_names_that_stay(layout: Layout) -> None:
    done = release.install(layout, made(layout))
    assert answer(layout) == "one\n"
    assert done.written
    assert (done.before, done.in_force) == (None, done.folder.name)
    assert done.folder.name.startswith("1.2.0-")
    for name in LINKS:
        assert (layout.top / name).exists(), name
    assert (layout.modules / "relion" / "5.0.1-sm86").is_file()
    assert "template" in (layout.top / "relion-submit-template.sh").read_text()


def test_publishing_the_same_again_changes_nothing(layout: Layout) -> None:
    first = release.install(layout, made(layout))
    before = {path: path.lstat().st_ino for path in layout.top.rglob("*")}
    second = release.install(layout, made(layout))
    assert not second.written
    assert second.in_force == first.in_force
    assert {path: path.lstat().st_ino for path in layout.top.rglob("*")} == before


def test_a_new_release_lies_beside_the_old_one_which_running_jobs_keep(layout: Layout) -> None:
    old = release.install(layout, made(layout))
    new = release.install(layout, made(layout, b"#!/bin/sh\necho two\n"))
    assert (new.before, new.in_force) == (old.folder.name, new.folder.name)
    assert answer(layout) == "two\n"
    still = subprocess.run([old.folder / "gotocloud.pyz"], capture_output=True, check=True)
    assert still.stdout == b"one\n"
    assert damage(old.folder) == []


def test_a_staged_release_waits(layout: Layout) -> None:
    release.install(layout, made(layout))
    new = made(layout, b"#!/bin/sh\necho two\n")
    staged = release.install(layout, new, switch=False)
    assert staged.written
    assert staged.in_force != new.name
    assert answer(layout) == "one\n"
    assert release.install(layout, new).in_force == new.name
    assert answer(layout) == "two\n"


@pytest.mark.parametrize("where", ["write_bytes", "chmod", "rename", "symlink_to", "replace"])
def test_whatever_fails_the_old_release_stays_in_force_and_a_second_run_finishes(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    release.install(layout, made(layout))
    new = made(layout, b"#!/bin/sh\necho two\n")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "somewhere")

    with monkeypatch.context() as patch:
        patch.setattr(Path, where, full)
        with pytest.raises(GoToCloudError, match=r"somewhere cannot be written: No space left"):
            release.install(layout, new)
    assert answer(layout) == "one\n"
    assert [path.name for path in layout.releases.glob(".*")] == [".lock"]
    assert release.install(layout, new).in_force == new.name
    assert answer(layout) == "two\n"


def test_a_release_is_never_half_in_force(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is seen through the names is one release whole, after each single step."""
    release.install(layout, made(layout))
    seen: set[tuple[str, str]] = set()
    new = release.content("1.3.0", b"#!/bin/sh\necho two\n", b"two\n", ours(layout))
    real = {name: getattr(Path, name) for name in ("rename", "replace", "symlink_to")}

    def watched(name: str) -> object:
        def step(self: Path, *args: object, **kwargs: object) -> object:
            made = real[name](self, *args, **kwargs)
            template = (layout.top / "relion-submit-template.sh").read_text()
            seen.add((answer(layout).strip(), template.split("\n")[-2]))
            return made

        return step

    with monkeypatch.context() as patch:
        for name in ("rename", "replace", "symlink_to"):
            patch.setattr(Path, name, watched(name))
        release.install(layout, new)
    assert seen == {("one", "template"), ("two", "two")}


def test_two_who_publish_the_same_at_once_do_not_disturb_each_other(layout: Layout) -> None:
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: release.install(layout, made(layout)), range(2)))
    (name,) = {one.in_force for one in done}
    assert sorted(one.written for one in done) == [False, True]
    assert sorted(path.name for path in layout.releases.iterdir()) == [".lock", name]
    assert answer(layout) == "one\n"


def test_a_damaged_release_is_reported_with_its_files(layout: Layout) -> None:
    done = release.install(layout, made(layout))
    (done.folder / "settings.sh").write_text("changed")
    (done.folder / "catalogue.yaml").unlink()
    with pytest.raises(GoToCloudError) as caught:
        release.install(layout, made(layout))
    assert caught.value.problems == (
        "catalogue.yaml: No such file or directory",
        "settings.sh: other content",
    )
    assert caught.value.next_command
    assert caught.value.next_command.startswith(f"rm -r {done.folder} && ")


def test_everybody_may_read_it_whatever_the_umask(layout: Layout) -> None:
    before = os.umask(0o077)
    try:
        release.install(layout, made(layout))
    finally:
        os.umask(before)
    for path in layout.top.rglob("*"):
        if not path.is_symlink() and path.name != ".lock":
            wanted = 0o755 if path.is_dir() else 0o644
            assert path.stat().st_mode & wanted == wanted, path
            assert path.stat().st_mode & 0o022 == 0, path


def test_what_a_killed_publication_left_is_removed_by_the_next(layout: Layout) -> None:
    left = layout.releases / ".1.0.0-a.17" / "bin"
    left.mkdir(parents=True)
    release.install(layout, made(layout))
    assert not left.parent.exists()


def test_a_publication_waits_for_another_one_that_still_writes(layout: Layout) -> None:
    under_way = layout.releases / ".1.0.0-a.17"
    under_way.mkdir(parents=True)
    second = Thread(target=release.install, args=(layout, made(layout)))
    with (layout.releases / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second.start()
        second.join(0.2)
        assert under_way.exists()
        assert second.is_alive()
    second.join(10)
    assert not under_way.exists()


def test_nothing_of_others_is_overwritten(layout: Layout) -> None:
    (layout.top / "bin").mkdir(parents=True)
    (layout.top / "settings.sh").write_text("mine")
    with pytest.raises(InputError) as caught:
        release.install(layout, made(layout))
    assert len(caught.value.problems) == 2
    assert (layout.top / "settings.sh").read_text() == "mine"
    assert not layout.releases.exists()


def test_a_file_system_that_is_not_mounted_is_reported(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "efs")
    with pytest.raises(InputError, match="is the shared file system mounted"):
        release.install(layout, made(layout))


def test_sha256sum_itself_proves_a_release(layout: Layout) -> None:
    done = release.install(layout, made(layout))
    command = ["sha256sum", "--quiet", "--check", "SHA256SUMS"]
    assert subprocess.run(command, cwd=done.folder, check=False).returncode == 0


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_a_login_finds_command_template_and_modules_and_reading_twice_adds_nothing(
    layout: Layout, shell: str
) -> None:
    need_modules()
    release.install(layout, made(layout))
    settings = layout.top / "settings.sh"
    script = (
        f". {settings}; . {settings}; gotocloud; echo $RELION_QSUB_TEMPLATE; "
        'echo "$PATH:$MODULEPATH" | tr : "\\n" | grep -c "^$TOP"; module is-avail relion/5.0.1'
    )
    done = subprocess.run(
        [shell, "-c", script],
        env={"PATH": "/usr/bin:/bin", "HOME": str(layout.root), "TOP": str(layout.top)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"one\n{layout.top}/relion-submit-template.sh\n2\n"


def test_a_template_that_is_set_already_stays(layout: Layout) -> None:
    release.install(layout, made(layout))
    script = f". {layout.top / 'settings.sh'}; echo $RELION_QSUB_TEMPLATE"
    done = subprocess.run(
        ["sh", "-c", script],
        env={"PATH": "/usr/bin:/bin", "RELION_QSUB_TEMPLATE": "/mine"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "/mine\n"


def test_the_settings_are_clean_shell(layout: Layout) -> None:
    shellcheck = shutil.which("shellcheck")
    assert shellcheck, "shellcheck comes with the dev extra: make env"
    text = release.settings(replace(ours(layout), root="/shared files"))
    done = subprocess.run(
        [shellcheck, "-"], input=text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_a_rehearsal_gets_modules_and_catalogue_without_a_release(layout: Layout) -> None:
    system = system_catalogue({"relion": ("3.1.3", "/usr")}, root=str(layout.root))
    told = release.lay_out_system(layout, system)
    known = catalogue_in_force(told)
    wanted = executable_for("refine3d", "g5.12xlarge", catalogue=known)
    assert module_to_load(wanted, layout.modules) == "relion/3.1.3"

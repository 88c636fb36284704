"""The archive of a head node's own disks, made and restored by the script on real files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from gotocloud.aws.lustre_export.home import home_program
from gotocloud.node import home, home_listing
from gotocloud.printed import lines_of
from gotocloud.projects.home_archive import CODE_TOO_LARGE, home_notes, read_home
from tests.node.home_machine import LIMIT, FailedError, Machine, fill, own, snapshot
from tests.node.home_machine import machine as machine


def test_everything_in_home_comes_back_as_it_was(machine: Machine, tmp_path: Path) -> None:
    fill(machine.home)
    before = snapshot(machine.home)
    made = machine.archive()
    assert (made.differs, made.special) == ((), 0)
    assert made.entries == len(before) + 2
    after = machine.next(tmp_path / "second")
    assert after.restore()["restored"]
    assert snapshot(after.home) == before
    assert (after.home / "sparse").stat().st_blocks * 512 < 1_000_000
    assert sorted(path.name for path in (after.root / "home").iterdir()) == ["ubuntu"]


def test_gnu_tar_itself_finds_no_difference_between_archive_and_disk(machine: Machine) -> None:
    fill(machine.home)
    machine.archive()
    compared = subprocess.run(
        ["tar", "--compare", "-f", str(machine.archive_file), "-C", str(machine.root), "home"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (compared.returncode, compared.stdout) == (0, "")


def test_an_unchanged_home_is_not_archived_again_unless_its_archive_is_damaged(
    machine: Machine,
) -> None:
    fill(machine.home)
    first = machine.archive()
    written = machine.archive_file.stat().st_ino
    assert machine.archive(earlier=True) == first
    assert machine.archive_file.stat().st_ino == written
    with machine.archive_file.open("r+b") as damaged:
        damaged.seek(-20_000, os.SEEK_END)
        damaged.write(b"!" * 3000)
    again = machine.archive(earlier=True)
    assert (again.differs, again.id != first.id) == ((), True)
    (machine.home / "new").write_text("1")
    assert machine.archive(earlier=True).entries == first.entries + 1


def test_an_archive_is_for_root_alone(machine: Machine) -> None:
    machine.archive()
    assert machine.archive_file.parent.stat().st_mode & 0o777 == 0o700


def test_keys_of_the_cluster_and_caches_stay_out_and_are_named(machine: Machine) -> None:
    for name in ("id_ed25519", "id_ed25519.pub", "authorized_keys_cluster", "authorized_keys"):
        (machine.home / ".ssh" / name).write_text("k")
    (machine.home / ".cache/deep").mkdir(parents=True)
    (machine.home / ".cache/deep/x").write_text("12345")
    (machine.root / "home/ann/.ssh").mkdir(parents=True)
    (machine.root / "home/ann/.ssh/id_ed25519").write_text("her own")
    made = machine.archive()
    assert made.left_out["home/ubuntu/.cache"] == 5
    assert {name for name in made.left_out if ".ssh" in name} == {
        "home/ubuntu/.ssh/id_ed25519",
        "home/ubuntu/.ssh/id_ed25519.pub",
        "home/ubuntu/.ssh/authorized_keys_cluster",
    }
    listed = subprocess.check_output(["tar", "tf", str(machine.archive_file)], text=True)
    assert "home/ann/.ssh/id_ed25519\n" in listed
    assert "home/ubuntu/.ssh/authorized_keys\n" in listed
    assert any(".cache" in note for note in home_notes(made))


def test_what_people_wrote_elsewhere_is_archived_named_and_not_restored(
    machine: Machine, tmp_path: Path
) -> None:
    theirs = ("tmp/result", "var/tmp/a", "opt/tool/x", "scratch/big", "usr/local/bin/y")
    for name in (*theirs, "tmp/.X1-lock", "tmp/gotocloud-1/cache", "opt/roots", "tmp/old"):
        path = machine.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1234")
        if name != "opt/roots":
            os.chown(path, 1000, 1000)
    (machine.root / "root").mkdir()
    (machine.root / "root/by sudo").write_text("1")
    made = machine.archive()
    assert made.elsewhere == {
        "/tmp": (2, 8),
        "/var/tmp": (1, 4),
        "/opt": (1, 4),
        "/scratch": (1, 4),
        "/usr/local": (1, 4),
        "/root": (1, 1),
    }
    assert "2 files (8 bytes) of people in /tmp" in " ".join(home_notes(made))
    listed = subprocess.check_output(["tar", "tf", str(machine.archive_file)], text=True)
    assert set(theirs) <= set(lines_of(listed))
    after = machine.next(tmp_path / "second")
    assert after.restore()["not_restored"] == sorted(made.elsewhere)
    assert not (after.root / "scratch").exists()


def test_what_is_mounted_in_a_home_is_named_and_never_looked_at(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not even root may look into a person's FUSE mount, and a dead server hangs for ever."""
    fill(machine.home)
    mounts = tmp_path / "mounts"
    away = {"remote data": "fuse.sshfs", "institute": "nfs4"}
    lines = [f"/dev/nvme0n1p1 {machine.root} ext4 rw 0 0"]
    for name, kind in away.items():
        (machine.home / name).mkdir()
        escaped = str(machine.home / name).replace(" ", "\\040")
        lines.append(f"host:/{name.replace(' ', '_')} {escaped} {kind} rw 0 0")
    mounts.write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(home_listing, "MOUNTS", str(mounts))
    monkeypatch.setattr(home, "ROOT", os.fsencode(machine.root))
    really = os.lstat

    def refusing(path: Any, **given: Any) -> os.stat_result:
        if os.fsdecode(path).endswith(tuple(away)):
            raise PermissionError(13, "Permission denied", path)
        return really(path, **given)

    monkeypatch.setattr(os, "lstat", refusing)
    found = home_listing.Listing(os.fsencode(machine.lustre)).read()
    made = read_home(json.dumps(found))
    assert sorted(made.mounted) == ["home/ubuntu/institute", "home/ubuntu/remote data"]
    assert made.files == 10
    (note,) = [one for one in home_notes(made) if "disks" in one]
    assert note.endswith(": /home/ubuntu/institute, /home/ubuntu/remote data.")


def test_a_disk_that_is_too_small_for_the_archive_is_not_left_full(
    machine: Machine, tmp_path: Path
) -> None:
    fill(machine.home)
    machine.archive()
    programs = tmp_path / "programs"
    programs.mkdir()
    broken = programs / "tar"
    broken.write_text('#!/bin/sh\nPATH=/usr/bin:/bin; tar "$@"; echo "No space left" >&2; exit 2\n')
    broken.chmod(0o755)
    later = machine.next(tmp_path / "second")
    with pytest.raises(FailedError, match="No space left"):
        later.call("restore", str(later.lustre), PATH=f"{programs}:{os.environ['PATH']}")
    assert [one.name for one in later.home.parent.iterdir()] == ["ubuntu"]
    assert later.restore()["placed"]


def test_what_the_image_holds_is_not_taken_for_files_of_people(
    machine: Machine, tmp_path: Path
) -> None:
    (machine.root / "opt/image").write_text("of the image")
    os.chown(machine.root / "opt/image", 1001, 1001)
    later = time.time() + 60
    os.utime(machine.root / "var/lib/gotocloud/head-node-set-up", (later, later))
    assert machine.archive().elsewhere == {}


@pytest.mark.parametrize("change", ["write", "chmod", "rename", "remove", "same time", "elsewhere"])
def test_any_change_after_the_archive_is_seen(machine: Machine, change: str) -> None:
    fill(machine.home)
    made = machine.archive()
    assert machine.look().digest == made.digest
    file = machine.home / "sp ace/new\nline"
    if change == "write":
        (machine.home / "sp ace/more").write_text("")
    elif change == "chmod":
        file.chmod(0o600)
    elif change == "rename":
        file.rename(machine.home / "renamed")
    elif change == "remove":
        file.unlink()
    elif change == "elsewhere":
        (machine.root / "tmp/late").write_text("")
        os.chown(machine.root / "tmp/late", 1000, 1000)
    else:
        times = file.stat()
        file.write_bytes(os.urandom(3000))
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert machine.look().digest != made.digest


def broken_tar(folder: Path, then: str) -> str:
    """A PATH on which tar does something else as well."""
    program = folder / "bin/tar"
    program.parent.mkdir()
    program.write_text(f'#!/bin/bash\n/bin/tar "$@"; code=$?\nfile=$3\n{then}\nexit $code\n')
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ("sed -i 's/recognise-me/recognise-ME/' $file", "another content"),
        ("head -c 4096 /dev/urandom >>/dev/null; truncate -s 2048 $file", ""),
        ("/bin/tar --delete --file $file home/ubuntu/b", "in its place"),
        ("/bin/tar --append --file $file --directory / etc/hostname", "something else as well"),
        ("echo more >>$GOTOCLOUD_ROOT/home/ubuntu/a", "a"),
        ("touch $GOTOCLOUD_ROOT/home/ubuntu/new", "written, renamed or removed"),
        ("chmod 600 $GOTOCLOUD_ROOT/home/ubuntu/a", "other permissions"),
        ("chown 7 $GOTOCLOUD_ROOT/home/ubuntu/a", "another owner"),
        ("touch $GOTOCLOUD_ROOT/home/ubuntu/a", "another time"),
        ("ln -sfn else $GOTOCLOUD_ROOT/home/ubuntu/l", "another"),
        ("rm $GOTOCLOUD_ROOT/home/ubuntu/a", "No such file"),
    ],
)
def test_an_archive_that_differs_from_the_disk_does_not_count(
    machine: Machine, tmp_path: Path, then: str, said: str
) -> None:
    (machine.home / "a").write_text("recognise-me\n")
    (machine.home / "a").chmod(0o644)
    (machine.home / "b").write_text("b")
    (machine.home / "l").symlink_to("there")
    machine.archive()
    earlier = machine.archive_file.read_bytes()
    (machine.home / "since").touch()
    try:
        differs = machine.archive(PATH=broken_tar(tmp_path, then)).differs
    except FailedError:
        differs = ("no archive at all",)
    assert differs
    assert said in " ".join(differs)
    assert machine.archive_file.read_bytes() == earlier


def test_a_tar_that_fails_keeps_the_earlier_archive(machine: Machine, tmp_path: Path) -> None:
    machine.archive()
    earlier = machine.archive_file.read_bytes()
    (machine.home / "since").touch()
    with pytest.raises(FailedError, match="home: tar"):
        machine.archive(PATH=broken_tar(tmp_path, "echo disk full >&2; code=2"))
    assert machine.archive_file.read_bytes() == earlier


def test_more_than_the_limit_is_refused_and_the_largest_places_are_named(machine: Machine) -> None:
    with (machine.home / "large").open("wb") as large:
        large.truncate(3 * 1024**3)
    with pytest.raises(FailedError) as failed:
        machine.archive(limit=2 * 1024**3)
    code, said = failed.value.args
    assert code == CODE_TOO_LARGE
    assert "3.0 GiB on the head node's disks; 2.0 GiB are archived at most" in said
    assert "/home/ubuntu: 3.0 GiB in 1 files" in said


def test_newer_files_stay_and_older_ones_are_replaced(machine: Machine, tmp_path: Path) -> None:
    (machine.home / ".bashrc").write_text("mine")
    (machine.home / "notes").write_text("old notes")
    machine.archive()
    after = machine.next(tmp_path / "second")
    (after.home / ".bashrc").write_text("of the image")
    os.utime(after.home / ".bashrc", (1, 1))
    (after.home / "notes").write_text("written since")
    later = time.time() + 5
    os.utime(after.home / "notes", (later, later))
    told = after.restore()
    assert (after.home / ".bashrc").read_text() == "mine"
    assert (after.home / "notes").read_text() == "written since"
    assert (told["newer"], told["shown"]) == (1, ["home/ubuntu/notes"])


def test_what_people_remove_after_it_came_back_stays_removed(
    machine: Machine, tmp_path: Path
) -> None:
    (machine.home / "a").write_text("1")
    machine.archive()
    after = machine.next(tmp_path / "second")
    after.restore()
    (after.home / "a").unlink()
    assert after.restore() == {"restored": False}
    assert after.archive(earlier=True).differs == ()
    assert not (after.home / "a").exists()


def test_a_head_node_never_restores_its_own_archive_over_its_people(machine: Machine) -> None:
    (machine.home / "a").write_text("1")
    machine.archive()
    (machine.home / "a").unlink()
    machine.archive(earlier=True)
    assert not (machine.home / "a").exists()


def test_a_pause_before_home_came_back_brings_it_back_first(
    machine: Machine, tmp_path: Path
) -> None:
    (machine.home / "a").write_text("1")
    machine.archive()
    after = machine.next(tmp_path / "second")
    after.archive(earlier=True)
    assert (after.home / "a").read_text() == "1"


def test_an_archive_that_lustre_does_not_show_yet_is_not_replaced(machine: Machine) -> None:
    with pytest.raises(FailedError, match="which Lustre does not show yet"):
        machine.archive(earlier=True)
    assert not machine.archive_file.exists()


@pytest.mark.parametrize("verb", ["archive", "restore"])
def test_killed_anywhere_and_run_again_everything_is_there(
    machine: Machine, tmp_path: Path, verb: str
) -> None:
    fill(machine.home)
    for number in range(300):
        (machine.home / f"file{number}").write_text(str(number))
    own(machine.home)
    before = snapshot(machine.home)
    machine.archive()
    one = machine if verb == "archive" else machine.next(tmp_path / "second")
    arguments = [verb, str(one.lustre), *((str(LIMIT), "1") if verb == "archive" else ())]
    for delay_s in (0.05, 0.08, 0.11, 0.14, 0.17, 0.2):
        with subprocess.Popen(
            one.command(*arguments),
            env=one.environment(),
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        ) as running:
            time.sleep(delay_s)
            os.killpg(running.pid, signal.SIGKILL)
        # Whatever the moment, there is a whole archive.
        subprocess.run(["tar", "tf", str(one.archive_file)], check=True, capture_output=True)
    one.call(*arguments)
    assert snapshot(one.home) == before
    assert not (one.root / "home/.gotocloud-restoring").exists()


def test_a_link_in_the_place_of_a_folder_leads_root_nowhere(
    machine: Machine, tmp_path: Path
) -> None:
    (machine.home / "folder").mkdir()
    (machine.home / "folder/a").write_text("1")
    machine.archive()
    after = machine.next(tmp_path / "second")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (after.home / "folder").symlink_to(elsewhere)
    told = after.restore()
    assert list(elsewhere.iterdir()) == []
    assert told["shown"] == ["home/ubuntu/folder"]
    (tmp_path / "fsx2").mkdir()
    (tmp_path / "fsx2/.gotocloud").symlink_to(elsewhere)
    with pytest.raises(FailedError, match="is no folder"):
        Machine(after.root, tmp_path / "fsx2").archive()
    assert list(elsewhere.iterdir()) == []


def test_an_archive_that_cannot_be_read_is_neither_restored_nor_replaced(
    machine: Machine, tmp_path: Path
) -> None:
    machine.archive()
    machine.archive_file.write_bytes(b"no tar" * 1000)
    after = machine.next(tmp_path / "second")
    for call in (after.restore, lambda: after.archive(earlier=True)):
        with pytest.raises(FailedError, match="cannot be read"):
            call()
    assert machine.archive_file.read_bytes() == b"no tar" * 1000


def test_the_program_survives_run_command() -> None:
    text = home_program("look", "/fsx")
    # Run Command reads braces in pairs as parameters of its own, and takes 64 KB.
    assert "{{" not in text
    assert len(text.encode()) < 40_000

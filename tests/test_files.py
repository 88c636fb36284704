"""Files are whole or as they were."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from gotocloud.files import replacing, scratch_folder, unwritable, write_whole


def test_a_file_is_as_it_was_when_its_writing_is_interrupted(tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    target.write_text("before")
    with pytest.raises(KeyboardInterrupt):
        _interrupted(target)
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def _interrupted(target: Path) -> None:
    with replacing(target) as draft:
        draft.write_text("half of")
        raise KeyboardInterrupt


def test_a_draft_has_the_ending_that_shows_its_format(tmp_path: Path) -> None:
    with replacing(tmp_path / "plot.svg") as draft:
        assert draft.suffix == ".svg"
        draft.write_text("<svg/>")
    assert [one.name for one in tmp_path.iterdir()] == ["plot.svg"]


def test_a_file_of_the_longest_name_gets_the_mode_of_any_new_file(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 255)
    before = os.umask(0o027)
    try:
        write_whole(target, "text")
    finally:
        os.umask(before)
    assert target.read_text() == "text"
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("name", "number", "command"),
    [
        ("plot.svg", errno.ENOSPC, "df -h"),
        ("no such folder/plot.svg", errno.ENOENT, "mkdir -p"),
        ("plot.svg", errno.EACCES, "ls -ld"),
    ],
)
def test_what_cannot_be_written_shows_where_to_look(
    tmp_path: Path, name: str, number: int, command: str
) -> None:
    said = unwritable(tmp_path / name, OSError(number, os.strerror(number)))
    assert os.strerror(number) in said.message
    assert (said.next_command or "").startswith(command)


def test_what_a_killed_run_left_is_removed_and_what_is_in_use_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    child = (
        "import os, signal\n"
        "from gotocloud.files import scratch_folder\n"
        "with scratch_folder('publish') as folder:\n"
        "    (folder / 'template').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", child], env=environment, check=False)
    assert done.returncode == -9
    (killed,) = tmp_path.iterdir()
    with scratch_folder("update"):
        assert killed.exists()
    with scratch_folder("publish") as first, scratch_folder("publish") as second:
        assert not killed.exists()
        assert first.is_dir()
        assert second.is_dir()
    assert list(tmp_path.iterdir()) == []

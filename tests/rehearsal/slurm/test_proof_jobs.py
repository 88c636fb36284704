"""The jobs of `platform prove`, as it writes them, on the rehearsal's real Slurm."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gotocloud.cluster_configs.model import load_configuration
from gotocloud.platform.zones import zone_map
from gotocloud.proving.jobs import ProbeJobEnd, ended, hosts_of, look_script, submit_script
from gotocloud.proving.plan import cheapest_plan
from gotocloud.rehearsal.slurm.cluster import RehearsalCluster

WITHIN_S = 90.0
ZONE = zone_map().region("us-east-1").best
PLAN = cheapest_plan([load_configuration("cryoem-spa")], "us-east-1", ZONE.zone_id, ZONE.offerings)
HEADER = """
typedef struct ompi_communicator_t *MPI_Comm;
typedef struct ompi_datatype_t *MPI_Datatype;
typedef struct ompi_op_t *MPI_Op;
extern char ompi_mpi_comm_world, ompi_mpi_int, ompi_mpi_op_sum;
#define MPI_COMM_WORLD ((MPI_Comm)&ompi_mpi_comm_world)
#define MPI_INT ((MPI_Datatype)&ompi_mpi_int)
#define MPI_SUM ((MPI_Op)&ompi_mpi_op_sum)
#define MPI_MAX_PROCESSOR_NAME 256
int MPI_Init(int *, char ***);
int MPI_Comm_rank(MPI_Comm, int *);
int MPI_Comm_size(MPI_Comm, int *);
int MPI_Allreduce(const void *, void *, int, MPI_Datatype, MPI_Op, MPI_Comm);
int MPI_Get_processor_name(char *, int *);
int MPI_Finalize(void);
"""
"""What the proof's program uses of Open MPI's `mpi.h` (4.1), for machines with its library only."""

LIBRARIES = ("mpi", "open-rte", "open-pal", "hwloc", "event_core", "event_pthreads", "z")
"""What mpicc links where the machine has no files for linking."""

PROGRAMS = {
    "id": '[ "$*" = "-un 1000" ] && echo rehearsal || exec /usr/bin/id "$@"',
    "runuser": 'shift 3; exec bash -c "$1"',
}
"""What makes the user of this test user 1000 of ParallelCluster's image."""


class Metadata(BaseHTTPRequestHandler):
    """Instance metadata, version 2, of a spot node. Source: EC2 user guide."""

    def do_PUT(self) -> None:
        self._answer("token" if self.headers["X-aws-ec2-metadata-token-ttl-seconds"] else "")

    def do_GET(self) -> None:
        known = self.headers["X-aws-ec2-metadata-token"] == "token"
        self._answer("spot" if known and self.path.endswith("/instance-life-cycle") else "")

    def _answer(self, text: str) -> None:
        self.send_response(200 if text else 401)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its own name)
        pass


@pytest.fixture
def metadata() -> Iterator[str]:
    """Address of a proxy that answers as a spot node's metadata."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def machine(head_node: RehearsalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A head node whose user 1000 is the user of this test, and nodes that can compile MPI."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    library = next(Path("/usr/lib").glob("*/libmpi.so.*"))
    if not (library.parent / "libmpi.so").exists():
        (tmp_path / "mpi.h").write_text(HEADER)
        for name in LIBRARIES:
            (tmp_path / f"lib{name}.so").symlink_to(library)
        monkeypatch.setenv("OMPI_CFLAGS", f"-I{tmp_path}")
        monkeypatch.setenv("OMPI_LDFLAGS", f"-L{tmp_path}")
    return tmp_path / "proof"


def job_end(name: str, folder: Path) -> ProbeJobEnd:
    """The end of a job, looked at as the proof does it."""
    deadline = time.monotonic() + WITHIN_S
    while (job := ended(shown := _said(look_script(name, str(folder))))) is None:
        assert time.monotonic() < deadline, shown
        time.sleep(0.2)
    return job


def _said(script: str) -> str:
    done = subprocess.run(["sh"], input=script, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_three_machines_sum_and_a_spot_machine_reads_what_it_is(
    machine: Path, head_node: RehearsalCluster, metadata: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", metadata)
    queues = {name.rpartition("-dy-")[0] for name in head_node.node_names}
    assert {PLAN.mpi.name, PLAN.spot.name} <= queues
    # Both at once, because nodes take time to start; and twice, because a proof may be killed.
    for name, queue in (("mpi", PLAN.mpi), ("spot", PLAN.spot)) * 2:
        _said(submit_script(name, queue, str(machine)))
    spot = job_end("spot", machine)
    assert (spot.code, "lifecycle spot" in spot.lines) == (0, True), spot.lines
    mpi = job_end("mpi", machine)
    hosts, sums = hosts_of(mpi)
    assert (mpi.code, len(hosts), sums) == (0, 3, {3}), mpi.lines
    assert set(hosts) <= set(head_node.node_names)
    assert (machine / "result.txt").read_text()

"""Made-up records for tests: nobody has measured these figures."""

from __future__ import annotations

from typing import Any

from gotocloud.advisor.records import BenchmarkRecord


def record(**changes: Any) -> BenchmarkRecord:
    """One run of Refine3D on two g4dn.metal, with changes."""
    usual: dict[str, Any] = {
        "job_type": "refine3d",
        "instance_type": "g4dn.metal",
        "nodes": 2,
        "ranks": 17,
        "threads": 6,
        "gpus": 16,
        "dataset": "a data set",
        "particles": 100_000,
        "box_px": 256,
        "in_job_s": 3600.0,
        "region": "us-east-1",
        "source": "a test",
        "date": "2026-11",
    }
    return BenchmarkRecord(**usual | changes)


def on_nodes(nodes: int, seconds: float, **changes: Any) -> BenchmarkRecord:
    """A run on so many g4dn.metal with 8 GPUs each, one rank a GPU."""
    shape = {"nodes": nodes, "gpus": 8 * nodes, "ranks": 8 * nodes + 1, "in_job_s": seconds}
    return record(**shape | changes)

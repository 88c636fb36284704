"""Route and check generated RELION jobs of all types and versions, and measure how long it takes.

    python -m benchmarks.routes
    python -m benchmarks.routes --jobs 500

No rule may object to the route's own choice, no shape may need more memory than its machine has,
and each job has 20 ms of processor time. Exit code 1 if one of these does not hold.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.relion.generated_jobs import MOST_MS, answers, generated_jobs


def main() -> int:
    parser = argparse.ArgumentParser(description="Route and check generated RELION jobs.")
    parser.add_argument("--jobs", type=int, default=10_000, help="How many jobs.")
    count = parser.parse_args().jobs
    contradictions: Counter[str] = Counter()
    over, times_ms = 0, []
    with tempfile.TemporaryDirectory() as folder:
        jobs = generated_jobs(Path(folder), count)
        for one in answers(jobs, ("cryoem-spa", "tutorial")):
            contradictions.update(f"{one.job.label}: {text}" for text in one.contradictions)
            over += one.is_over_memory
            times_ms.append(one.cpu_ms)
    slow = sum(one >= MOST_MS for one in times_ms)
    print(f"{count:,} jobs: {contradictions.total()} contradictions, {over} shapes over memory")
    print(
        f"processor time: median {statistics.median(times_ms):.1f} ms, "
        f"99 % below {sorted(times_ms)[int(0.99 * count)]:.1f} ms, "
        f"slowest {max(times_ms):.1f} ms, {slow} jobs above {MOST_MS:g} ms"
    )
    for text, number in contradictions.most_common(20):
        print(f"{number} x {text}")
    return 1 if contradictions or over or slow else 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure how fast candidates are ranked, against a plain Python loop.

    python benchmarks/advise.py
    python benchmarks/advise.py --candidates 100000 --runs 3

Both sides filter by deadline and budget, sort by the paper's criterion with ties settled by
cost and time, and find the Pareto front; they must agree. They run in turn (A B A B …), so
that a drift of the machine's speed touches both; what counts is the ratio of the medians.
Results go to the terminal and to build/advise.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gotocloud.advisor.preference import SCALE_HOURS, SCALE_USD, Preference
from gotocloud.advisor.ranking import pareto_front, rank

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

ROOT = Path(__file__).parent.parent
AIM_S = 1.0
SEED = 7031
PREFERENCE = Preference(weight=0.5, deadline_h=24, budget_usd=500)


def catalogue(count: int) -> tuple[Numbers, Numbers]:
    """Made-up candidates: the faster, the dearer, with scatter, some of them alike."""
    chance = np.random.default_rng(SEED)
    hours = chance.lognormal(0.5, 1.0, count).round(4)
    usd = (20 / hours**0.3 * chance.lognormal(0, 0.5, count)).round(2)
    return hours, usd


def ours(hours: Numbers, usd: Numbers) -> tuple[list[int], set[int]]:
    """The order and the front, as the advisor finds them."""
    return rank(hours, usd, PREFERENCE).order.tolist(), set(pareto_front(hours, usd).tolist())


def plain(hours: list[float], usd: list[float]) -> tuple[list[int], set[int]]:
    """The same in a plain loop."""
    kept = []
    for index, (h, c) in enumerate(zip(hours, usd, strict=True)):
        if h <= 24 and c <= 500:
            x, y = h / SCALE_HOURS, c / SCALE_USD
            kept.append((0.5 * (x * x) + 0.5 * (y * y), c, h, index))
    kept.sort()
    front = set()
    least, last = float("inf"), (-1.0, -1.0)
    for h, c, index in sorted(zip(hours, usd, range(len(hours)), strict=True)):
        if c < least or (h, c) == last:
            front.add(index)
            least, last = min(least, c), (h, c)
    return [index for *_, index in kept], front


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one run."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Measure, print, write build/advise.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--candidates", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    hours, usd = catalogue(given.candidates)
    as_lists = hours.tolist(), usd.tolist()
    if ours(hours, usd) != plain(*as_lists):
        raise SystemExit("The ranking and the plain loop disagree.")
    fast, slow = [], []
    for _ in range(given.runs):
        fast.append(seconds(lambda: (rank(hours, usd, PREFERENCE), pareto_front(hours, usd))))
        slow.append(seconds(lambda: plain(*as_lists)))
    result = {
        "candidates": given.candidates,
        "ours_s": statistics.median(fast),
        "plain_loop_s": statistics.median(slow),
        "ratio": statistics.median(fast) / statistics.median(slow),
        "aim_s": AIM_S,
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
    }
    print(
        f"{given.candidates:,} candidates ranked, with their front: {result['ours_s']:.3f} s "
        f"(aim {AIM_S:g} s); plain loop {result['plain_loop_s']:.3f} s; ratio {result['ratio']:.3f}"
    )
    target = ROOT / "build" / "advise.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

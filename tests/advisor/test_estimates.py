"""How long a job takes: from its own runs, between them, and on other data sets."""

from __future__ import annotations

import numpy as np
import pytest

from gotocloud.advisor.estimates import Estimate, Estimates, estimate_times
from gotocloud.advisor.scaling import RATE
from gotocloud.advisor.shapes import Shape, label
from gotocloud.advisor.sizes import Size
from tests.advisor.measured import on_nodes, record


def by_nodes(times: Estimates) -> dict[int, Estimate]:
    return {one.shape.nodes: one for one in times.found}


def test_one_run_is_its_own_time_without_an_interval() -> None:
    (one,) = estimate_times([record()], Size()).found
    assert (one.seconds, one.low, one.high, one.basis) == (3600, None, None, "one measured run")


def test_repeats_give_the_mean_and_an_interval() -> None:
    (one,) = estimate_times([record(in_job_s=s) for s in (3500, 3600, 3700)], Size()).found
    assert one.seconds == 3600
    assert one.low
    assert one.high
    assert one.low < 3500
    assert one.high > 3700
    assert one.basis == "mean of 3 measured runs"


def test_the_interval_of_repeats_holds_the_next_run_as_often_as_it_states() -> None:
    noise = np.random.default_rng(16)
    runs, held = 4000, 0
    for _ in range(runs):
        timings = [
            on_nodes(nodes, 3600 / nodes * noise.normal(1, 0.05)) for nodes in (1, 2) for _ in "ab"
        ]
        one = by_nodes(estimate_times(timings, Size()))[1]
        assert one.low is not None
        assert one.high is not None
        held += one.low <= 3600 * noise.normal(1, 0.05) <= one.high
    assert abs(held / runs - RATE) < 3 * (RATE * (1 - RATE) / runs) ** 0.5


def test_node_counts_between_measured_ones_are_estimated_and_none_beyond() -> None:
    timings = [on_nodes(n, 600 + 20_000 / n) for n in (1, 2, 4, 8, 8)]
    found = by_nodes(estimate_times(timings, Size()))
    assert sorted(found) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert found[6].seconds == pytest.approx(600 + 20_000 / 6, rel=1e-6)
    assert (found[6].runs, found[6].basis) == (0, "between measured node counts")
    assert found[6].shape == Shape(6, "g4dn.metal", 48, 49, 6)


def test_nothing_is_estimated_between_that_relion_would_refuse() -> None:
    # One follower on each node: with an odd number of nodes the ranks would be even.
    timings = [
        record(nodes=n, gpus=n, ranks=n + 1, instance_type="g6.4xlarge", in_job_s=600 + 9000 / n)
        for n in (2, 4, 8, 8)
    ]
    assert sorted(by_nodes(estimate_times(timings, Size()))) == [2, 4, 6, 8]


def test_other_machines_threads_and_builds_never_share_a_curve() -> None:
    timings = [on_nodes(n, 1000 / n, executable=build) for n in (1, 4) for build in ("75", "86")]
    assert estimate_times(timings, Size()).curves == ()


def test_failed_and_repeated_runs_state_nothing_about_time() -> None:
    timings = [record(outcome="failed"), record(attempts=2), record(outcome="aborted")]
    assert estimate_times(timings, Size()).found == ()


def test_twice_the_particles_take_between_the_same_and_twice_the_time_without_a_curve() -> None:
    (one,) = estimate_times([record()], Size(particles=200_000)).found
    assert (one.seconds, one.bounds) == (7200, (3600, 7200))
    assert (one.low, one.high) == (None, None), "bounds of an assumption are no probability"
    assert one.basis == "scaled from runs with other particles"


def test_a_larger_box_allows_for_squares_and_cubes() -> None:
    size = Size(box_px=384, pixel_angstrom=1.0)
    (one,) = estimate_times([record(pixel_angstrom=1.0)], size).found
    assert (one.seconds, one.bounds) == (3600 * 1.5**2, (3600, 3600 * 1.5**3))


def test_a_curve_scales_its_parallel_part_and_doubts_the_rest() -> None:
    timings = [on_nodes(n, 600 + 20_000 / n) for n in (1, 2, 4, 8, 8)]
    one = by_nodes(estimate_times(timings, Size(particles=150_000)))[2]
    assert one.seconds == pytest.approx(600 + 1.5 * 10_000, rel=1e-6)
    assert one.bounds
    assert one.bounds[1] == pytest.approx(1.5 * 10_600, rel=1e-6)


def test_measured_sizes_bracket_others_between_them() -> None:
    timings = [
        on_nodes(n, 600 + 0.2 * p / n, particles=p) for n in (1, 2, 4) for p in (50_000, 200_000)
    ]
    one = by_nodes(estimate_times(timings, Size(particles=100_000)))[2]
    assert one.seconds == pytest.approx(600 + 10_000, rel=1e-6)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            Size(particles=200_001),
            "particles 200,001: measured 100,000, which speaks for 50,000 to",
        ),
        (Size(particles=49_999), "particles 49,999"),
        (Size(box_px=385), "box 385: measured 256; without the requested pixel size no law"),
        (Size(classes=4), "classes: no record has their number"),
    ],
)
def test_it_refuses_to_extrapolate_and_states_how_far_it_goes(asked: Size, said: str) -> None:
    times = estimate_times([record()], asked)
    assert times.found == ()
    assert said in times.refusals[0]


def test_without_a_size_that_of_most_records_is_spoken_of() -> None:
    timings = [record(), record(), record(particles=150_000)]
    assert estimate_times(timings, Size()).size.particles == 100_000


def test_times_of_progress_bars_are_marked_as_too_short() -> None:
    (one,) = estimate_times([record(timing="progress-bars")], Size()).found
    assert one.basis == "one measured run, a lower bound"


def test_labels_are_the_papers() -> None:
    assert label(Shape(2, "g4dn.metal", 16, 17, 6)) == "16@2x g4dn(8,96)"
    assert label(Shape(8, "g5.12xlarge", 30)) == "30@8x g5(4,48)"
    assert label(Shape(4, "c6i.32xlarge", 0, 16, 16)) == "256@4x c6i(0,128)"
    assert label(Shape(1, "x9.48xlarge", 8)) == "8@1x x9(?,?)"
    assert label(Shape(1, "x9.48xlarge", 8), 8, 192) == "8@1x x9(8,192)"

"""The B-factor line: against NumPy's own fit, and by simulation with known truth."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]

from gotocloud.advisor.collecting import (
    FARTHEST,
    CollectingVerdict,
    b_factor_line,
    collect_advice,
)
from gotocloud.advisor.scaling import RATE
from gotocloud.advisor.shells import Shells
from gotocloud.advisor.subsets import EXAMPLE, Subset, Subsets, parse_subsets, subsets_text
from gotocloud.errors import InputError

SIZES = (3_125, 6_250, 12_500, 25_000, 50_000)


def truth(particles: float, b: float = 100.0) -> float:
    """The resolution of a made-up sample: 3 Å with 10,000 particles."""
    return float((1 / 9 + 2 / b * math.log(particles / 10_000)) ** -0.5)


def subsets(*pairs: tuple[int, float]) -> Subsets:
    return Subsets(tuple(Subset(*pair) for pair in pairs), "made up")


def test_the_b_factor_is_that_of_relions_own_fit() -> None:
    """RELION's bfactor_plot.py: 2 / slope of an ordinary line through ln N and 1/d²."""
    line = b_factor_line(EXAMPLE.subsets)
    assert line
    x = [math.log(one.particles) for one in EXAMPLE.subsets]
    y = [one.resolution_angstrom**-2 for one in EXAMPLE.subsets]
    slope, _ = np.polyfit(x, y, 1)
    assert line.b_factor == pytest.approx(2 / slope)


def test_its_interval_is_that_of_scipys_regression() -> None:
    line = b_factor_line(EXAMPLE.subsets)
    assert line
    assert line.b_interval
    x = [math.log(one.particles) for one in EXAMPLE.subsets]
    found = stats.linregress(x, [one.resolution_angstrom**-2 for one in EXAMPLE.subsets])
    half = stats.t.ppf((1 + RATE) / 2, len(x) - 2) * found.stderr
    assert line.b_interval == pytest.approx((2 / (found.slope + half), 2 / (found.slope - half)))


def test_needed_particles_are_those_whose_resolution_interval_holds_the_target() -> None:
    line = b_factor_line(EXAMPLE.subsets)
    assert line
    likely, fewest, most = line.needed(2.5) or (0, 0, 0)
    assert most
    assert fewest < likely < most
    for particles, which in ((likely, 0), (fewest, 1), (most, 2)):
        found = line.resolution(particles)
        assert found
        assert found[which] == pytest.approx(2.5)


@pytest.mark.parametrize("noise", [0.002, 0.01])
@pytest.mark.parametrize("sizes", [SIZES[-3:], SIZES])
def test_intervals_hold_the_next_map_as_often_as_they_state(
    noise: float, sizes: tuple[int, ...]
) -> None:
    source = np.random.default_rng(20)
    runs, held, reached = 600, 0, 0
    for _ in range(runs):
        ys = [truth(n) ** -2 + source.normal(0, noise) for n in (*sizes, 2 * sizes[-1])]
        if min(ys) <= 0:
            runs -= 1
            continue
        *seen, later = (y**-0.5 for y in ys)
        line = b_factor_line(tuple(map(Subset, sizes, seen)))
        assert line
        found = line.resolution(2 * sizes[-1])
        assert found
        assert found[1] is not None
        assert found[2] is not None
        held += found[1] <= later <= found[2]
        needed = line.needed(later)
        reached += needed is not None and (
            needed[1] <= 2 * sizes[-1] and (needed[2] is None or 2 * sizes[-1] <= needed[2])
        )
    assert abs(held / runs - RATE) < 0.03
    # Where the slope may be 0 nothing bounds the number from above.
    assert reached / runs > RATE - 0.05


def test_points_that_are_whole_shells_never_look_more_certain_than_shells_allow() -> None:
    exact = tuple(Subset(n, truth(n)) for n in SIZES)
    bare, rounded = b_factor_line(exact), b_factor_line(exact, Shells(256, 0.9))
    assert bare
    assert rounded
    assert bare.spread == pytest.approx(0, abs=1e-9)
    assert rounded.spread == pytest.approx(2 / 3 / (256 * 0.9) / 12**0.5, rel=0.1)


def test_a_target_in_reach_states_how_many_particles_and_movies() -> None:
    found = collect_advice(
        EXAMPLE, target_angstrom=2.6, pixel_angstrom=0.9, box_px=256, particles_per_movie=50
    )
    assert found.verdict is CollectingVerdict.COLLECT
    assert found.needed
    assert 70_000 < found.needed[0] < 90_000
    assert "nine times of ten" in found.reason
    assert "movies more" in found.reason


@pytest.mark.parametrize(
    ("given", "asked", "verdict", "said"),
    [
        (EXAMPLE, {"target_angstrom": 2.8}, CollectingVerdict.STOP, "2.8 Å is reached"),
        (EXAMPLE, {"target_angstrom": 1.5, "pixel_angstrom": 0.9}, CollectingVerdict.STOP, "1.8 Å"),
        (EXAMPLE, {"target_angstrom": 2.0}, CollectingVerdict.STOP, f"than {FARTHEST} times"),
        (EXAMPLE, {"target_angstrom": 2.36}, CollectingVerdict.OPEN, "not to be trusted beyond"),
        (EXAMPLE, {}, CollectingVerdict.OPEN, "Give a target"),
        (subsets((9, 3.0)), {}, CollectingVerdict.OPEN, "at least two sizes"),
        (subsets((9, 3.0), (99, 3.1)), {}, CollectingVerdict.STOP, "does not grow"),
        (
            subsets((10_000, 2.0), (20_000, 1.81), (40_000, 1.8)),
            {"pixel_angstrom": 0.9},
            CollectingVerdict.STOP,
            "the limit of pixels of 0.9",
        ),
    ],
)
def test_the_verdict_and_its_reason(
    given: Subsets, asked: dict[str, Any], verdict: CollectingVerdict, said: str
) -> None:
    found = collect_advice(given, **asked)
    assert (found.verdict, said in found.reason) == (verdict, True), found.reason


def test_a_doubling_that_gains_less_than_a_shell_ends_the_collection() -> None:
    flat = tuple(Subset(n, round(truth(n, b=900), 4)) for n in SIZES)
    small = collect_advice(Subsets(flat, ""), pixel_angstrom=1.2, box_px=128)
    large = collect_advice(Subsets(flat, ""), pixel_angstrom=1.2, box_px=1024)
    assert (small.verdict, large.verdict) == (CollectingVerdict.STOP, CollectingVerdict.OPEN)
    assert "less than one Fourier shell" in small.reason


def test_resolutions_at_nyquist_bend_no_line() -> None:
    exact = [(n, truth(n)) for n in SIZES]
    stuck = subsets(*exact, (400_000, 2.42), (800_000, 2.42))
    bent, kept = collect_advice(stuck), collect_advice(stuck, pixel_angstrom=1.2)
    assert kept.line
    assert kept.line.b_factor == pytest.approx(100)
    assert bent.line
    assert (bent.line.b_factor or 0) > 105
    assert "2 of 7 resolutions" in kept.notes[0]


def test_two_points_have_no_interval() -> None:
    found = collect_advice(subsets((10_000, 3.0), (20_000, 2.85)), target_angstrom=2.7)
    assert found.line
    assert found.line.b_interval is None
    assert found.doubled
    assert found.doubled[1] is None
    assert "nine times of ten" not in found.reason
    assert any("Two points" in note for note in found.notes)


def test_a_slope_that_may_be_nothing_bounds_no_number_from_above() -> None:
    noisy = subsets((1_000, 3.4), (2_000, 3.2), (4_000, 3.5), (8_000, 3.1))
    found = collect_advice(noisy, target_angstrom=3.0)
    assert found.needed
    assert found.needed[2] is None
    assert "any number" in found.reason
    assert found.as_dict()["particles_needed"][2] is None


def test_a_number_that_no_computer_holds_is_null_in_json() -> None:
    flat = subsets((1_000, 3.4), (2_000, 3.399999), (4_000, 3.399998))
    found = collect_advice(flat, target_angstrom=1.0).as_dict()
    assert json.dumps(found, allow_nan=False)
    assert found["particles_needed"][0] is None


def test_needed_particles_are_those_of_a_search_over_all_numbers() -> None:
    """Fieller's limits against brute force: each number whose interval holds the target."""
    source = np.random.default_rng(8)
    bounded = 0
    for _ in range(200):
        noise = source.choice([0.001, 0.02])
        seen = [(n, (truth(n) ** -2 + abs(source.normal(0, noise))) ** -0.5) for n in SIZES]
        line = b_factor_line(subsets(*seen).subsets)
        assert line
        target = source.uniform(2.2, 3.2)
        found = line.needed(target)
        if found is None:
            continue
        numbers = np.geomspace(1, 1e9, 3_000)
        design = np.column_stack([np.ones(len(SIZES)), np.log(SIZES)])
        rows = np.column_stack([np.ones(len(numbers)), np.log(numbers)])
        ys = np.array([d**-2 for _, d in seen])
        fit, rest, *_ = np.linalg.lstsq(design, ys, rcond=None)
        leverage = np.einsum("ij,jk,ik->i", rows, np.linalg.inv(design.T @ design), rows)
        freedom = len(SIZES) - 2
        half = stats.t.ppf((1 + RATE) / 2, freedom) * np.sqrt(rest[0] / freedom * (1 + leverage))
        held = numbers[abs(rows @ fit - target**-2) <= half]
        if found[2] is None or not 1 < found[1] < found[2] < 1e9:
            continue
        bounded += 1
        assert held[0] == pytest.approx(found[1], rel=0.01)
        assert held[-1] == pytest.approx(found[2], rel=0.01)
    assert bounded > 100


def test_a_table_comes_back_as_it_was_written() -> None:
    assert parse_subsets(subsets_text(EXAMPLE), "x").subsets == EXAMPLE.subsets


def test_a_hostile_table_is_refused_with_every_problem_and_its_line() -> None:
    text = "# gotocloud-subsets 1\nparticles,resolution_angstrom\n-5,3\n10,abc\n7\n1e3,0.01\n"
    with pytest.raises(InputError) as caught:
        parse_subsets(text, "mine.csv")
    said = str(caught.value)
    for part in ("line 3: particles '-5'", "line 4: resolution", "line 5: 1 cells", "line 6: part"):
        assert part in said
    with pytest.raises(InputError, match="does not begin with"):
        parse_subsets("a,b\n", "mine.csv")

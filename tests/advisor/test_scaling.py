"""The model finds known parameters, as often as it promises."""

from __future__ import annotations

import numpy as np
import pytest

from gotocloud.advisor.scaling import RATE, fit_scaling

UNITS = [1, 2, 4, 8, 16, 32]
TRUTHS = {
    "all parts": (300.0, 20_000.0, 12.0),
    "no communication": (300.0, 20_000.0, 0.0),
    "nothing fixed": (0.0, 20_000.0, 12.0),
    "perfectly parallel": (0.0, 20_000.0, 0.0),
}
RUNS = 600
SPREAD = 0.05
# Three standard deviations of a share counted in RUNS runs.
SLACK = 3 * (RATE * (1 - RATE) / RUNS) ** 0.5


def true_seconds(truth: tuple[float, float, float], units: np.ndarray) -> np.ndarray:
    fixed, parallel, communication = truth
    return fixed + parallel / units + communication * units


@pytest.mark.parametrize("repeats", [1, 3])
@pytest.mark.parametrize("truth", TRUTHS.values(), ids=TRUTHS)
def test_intervals_hold_the_next_run_as_often_as_they_promise(
    truth: tuple[float, float, float], repeats: int
) -> None:
    noise = np.random.default_rng(7031 + repeats)
    units = np.repeat(UNITS, repeats)
    runs_held = 0
    for _ in range(RUNS):
        seconds = true_seconds(truth, units) * noise.normal(1, SPREAD, units.size)
        model = fit_scaling(units.tolist(), seconds.tolist())
        assert model is not None
        next_run = true_seconds(truth, np.array([8.0]))[0] * noise.normal(1, SPREAD)
        _, low, high = model.predict(8)
        runs_held += low <= next_run <= high
    assert RATE - SLACK <= runs_held / RUNS <= RATE + SLACK


def test_without_noise_the_parts_come_back_exactly() -> None:
    seconds = true_seconds((300, 20_000, 12), np.array(UNITS))
    model = fit_scaling(UNITS, seconds.tolist())
    assert model is not None
    assert model.seconds == pytest.approx((300, 20_000, 12))
    assert model.predict(4) == pytest.approx((5348, 5348, 5348), rel=1e-6)


def test_no_part_is_negative_where_an_unconstrained_fit_would_make_it_so() -> None:
    # Faster than proportional: a plain fit needs a negative fixed part.
    model = fit_scaling([1, 2, 4], [1000, 480, 230])
    assert model is not None
    assert min(model.seconds) == 0.0


def test_a_larger_data_set_lengthens_the_parallel_part_alone() -> None:
    units = [1, 2, 4, 8, 1, 2, 4, 8]
    work = [1.0] * 4 + [3.0] * 4
    seconds = [100 + 5000 * w / u + 2 * u for u, w in zip(units, work, strict=True)]
    model = fit_scaling(units, seconds, work)
    assert model is not None
    assert model.predict(4, 2.0)[0] == pytest.approx(100 + 2500 + 8)


@pytest.mark.parametrize(
    ("units", "seconds"),
    [([4], [100]), ([4, 4, 4], [100, 101, 99]), ([2, 4], [100, 60])],
    ids=["one timing", "one number of units", "no timing to spare"],
)
def test_too_few_timings_give_no_model(units: list[int], seconds: list[float]) -> None:
    assert fit_scaling(units, seconds) is None


@pytest.mark.parametrize("units", [1, 64])
def test_it_refuses_to_extrapolate(units: int) -> None:
    model = fit_scaling([2, 4, 8, 16, 32], [1000, 520, 270, 140, 80])
    assert model is not None
    with pytest.raises(ValueError, match="2 to 32 were"):
        model.predict(units)

"""The intervals of a recommendation hold although it was selected."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.coverage import DESIGNS, LAWS, NOISES, coverage, runs_of
from gotocloud.advisor.advice import Question, advise
from gotocloud.advisor.estimates import estimate_times
from gotocloud.advisor.sizes import Size
from tests.advisor.measured import on_nodes, record


@pytest.mark.parametrize(
    ("law", "noise", "design"),
    [
        # Without the selection accounted for these hold 79 % and 83 % (docs/advice.md).
        ("all alike", "normal 10 %", "8 settings x 2"),
        ("logarithm", "log-normal 15 %", "5 settings x 3"),
    ],
)
def test_nine_of_ten_next_runs_of_the_recommendation_lie_in_its_interval(
    law: str, noise: str, design: str
) -> None:
    found = coverage(law, noise, design, 300)
    assert found.answered == 1
    # Three standard errors of 300 trials are 5 %.
    assert found.share == pytest.approx(0.9, abs=0.05)


def test_the_plain_interval_of_the_best_of_many_holds_less_often() -> None:
    chance = np.random.default_rng(3)
    law, noise, design = LAWS["all alike"], NOISES["normal 10 %"], DESIGNS["8 settings x 2"]
    held = []
    for _ in range(300):
        times = estimate_times(runs_of(law, noise, design, chance), Size()).found
        best = min((one for one in times if one.runs), key=lambda one: one.seconds)
        assert best.low is not None
        assert best.high is not None
        held.append(best.low <= law(1) * noise(chance) <= best.high)
    assert sum(held) / len(held) < 0.86


def test_one_run_of_each_setting_gives_no_interval_and_names_only_ties() -> None:
    runs = [on_nodes(n, 600 + 20_000 / n) for n in (1, 2, 4, 8)]
    advice = advise(Question("refine3d"), runs)
    assert {choice.hours_interval for choice in advice.choices} == {None}
    assert advice.alike == ()
    tie = [record(), record(executable="another build")]
    assert [one.shape.executable for one in advise(Question("refine3d"), tie).alike] == [
        "another build"
    ]


def test_settings_that_cannot_be_distinguished_are_named_and_others_are_not() -> None:
    def repeats(nodes: int, seconds: float) -> list:  # type: ignore[type-arg]
        return [on_nodes(nodes, seconds * factor) for factor in (0.98, 1.0, 1.02)]

    runs = [
        *repeats(2, 3900),
        *(
            record(instance_type="g5.12xlarge", gpus=8, ranks=9, in_job_s=s)
            for s in (4680, 4780, 4880)
        ),
        *repeats(8, 3800),
    ]
    advice = advise(Question("refine3d"), runs)
    assert advice.best
    named = {one.label for one in advice.alike}
    assert named <= {"16@2x g4dn(8,96)", "8@2x g5(4,48)"}
    assert "64@8x g4dn(8,96)" not in named
    close = advise(Question("refine3d"), [*repeats(2, 3900), *repeats(3, 3120)])
    assert len(close.alike) == 1


def test_a_curve_that_the_repeats_contradict_is_not_used_between_its_points() -> None:
    def times(seconds: dict[int, float]) -> set[int]:
        runs = [on_nodes(n, s * f) for n, s in seconds.items() for f in (0.99, 1.0, 1.01)]
        return {one.shape.nodes for one in estimate_times(runs, Size()).found if not one.runs}

    assert times({1: 20_600, 2: 10_600, 4: 5_600}) == {3}
    assert times({1: 20_600, 2: 3_000, 4: 9_000}) == set()

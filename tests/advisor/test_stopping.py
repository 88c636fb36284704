"""When to stop: the paper's example, and records that would mislead a simple rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gotocloud.advisor.gains import forecast, margins
from gotocloud.advisor.progress import (
    STREPTAVIDIN,
    ProjectStep,
    ProjectSteps,
    parse_progress,
    progress_text,
    read_progress,
)
from gotocloud.advisor.scaling import RATE
from gotocloud.advisor.shells import Shells
from gotocloud.advisor.stopping import StoppingVerdict, stop_advice
from gotocloud.errors import InputError


def project(*resolutions: float, usd: float = 100) -> ProjectSteps:
    steps = (ProjectStep(f"step {i}", r, 10.0 * i, usd * i) for i, r in enumerate(resolutions))
    return ProjectSteps(tuple(steps), "made up")


def test_the_streptavidin_table_gives_the_papers_dollars_per_angstrom() -> None:
    found = [step.usd_per_angstrom for step in margins(STREPTAVIDIN)]
    assert [round(one) for one in found if one] == [177, 3839, 29275, 8475]


def test_the_target_of_drug_design_was_reached_before_most_of_the_money_was_spent() -> None:
    advice = stop_advice(STREPTAVIDIN, target_angstrom=2.0)
    assert advice.verdict is StoppingVerdict.STOP
    assert "1.95 Å after 77.65 h and 2,204 USD" in advice.reason
    assert "72.68 h and 2,681 USD more" in advice.reason


def test_a_cheap_last_step_does_not_make_the_next_one_look_cheap() -> None:
    """The last step cost 8,475 USD per angstrom, the one before 29,275."""
    advice = stop_advice(STREPTAVIDIN, worth_usd_per_angstrom=9_000)
    assert advice.verdict is not StoppingVerdict.GO_ON
    assert stop_advice(STREPTAVIDIN, worth_usd_per_angstrom=5_000).verdict is StoppingVerdict.STOP
    assert advice.forecast
    assert advice.forecast.usd[0] / advice.forecast.gain[0] > 29_275
    assert any("cost less per angstrom than the one before" in note for note in advice.notes)


def test_a_target_beyond_what_shrinking_gains_add_up_to_is_not_promised() -> None:
    advice = stop_advice(STREPTAVIDIN, target_angstrom=1.6)
    assert advice.verdict is StoppingVerdict.STOP
    assert "more of the same will probably not bring them" in advice.reason


def test_a_near_target_is_worth_another_step() -> None:
    advice = stop_advice(project(4.0, 3.2, 2.8, 2.6), target_angstrom=2.52)
    assert advice.verdict is StoppingVerdict.GO_ON
    assert "next step will probably bring the 0.08 Å" in advice.reason


def test_a_target_some_steps_away_states_how_many_and_what_they_cost() -> None:
    # Gains of 0.8, 0.4, 0.2: the next ones are 0.1, 0.05, ...
    advice = stop_advice(project(4.0, 3.2, 2.8, 2.6), target_angstrom=2.47)
    assert advice.verdict is StoppingVerdict.GO_ON
    assert "about 2 more steps" in advice.reason
    assert "200 USD" in advice.reason


def test_too_few_steps_predict_nothing() -> None:
    advice = stop_advice(project(4.0, 3.5), target_angstrom=3.0)
    assert (advice.verdict, advice.forecast) == (StoppingVerdict.OPEN, None)
    assert stop_advice(project(4.0), target_angstrom=3.0).margins == ()


def test_steps_without_gain_are_named_and_cost_no_division_by_zero() -> None:
    advice = stop_advice(project(4.0, 3.5, 3.6, 3.5), target_angstrom=3.0)
    assert [step.usd_per_angstrom for step in advice.margins] == [200, None, None]
    assert "The last 2 steps gained nothing." in advice.notes


def test_coming_back_to_the_best_resolution_is_no_gain() -> None:
    assert [step.gain_angstrom for step in margins(project(3.0, 3.4, 2.9))] == [0, 0.1]


def test_gains_that_do_not_shrink_are_not_extrapolated() -> None:
    found = forecast(margins(project(5.0, 4.9, 4.7, 4.3)))
    assert found
    assert (found.gain, found.ratio, found.total_gain) == ((0.2, 0.1, 0.4), None, None)


def test_gains_that_do_not_shrink_never_give_go_on() -> None:
    questions: list[dict[str, Any]] = [{"target_angstrom": 4.2}, {"worth_usd_per_angstrom": 1e6}]
    for question in questions:
        advice = stop_advice(project(5.0, 4.9, 4.7, 4.3), **question)
        assert advice.verdict is StoppingVerdict.OPEN
        assert "do not shrink" in advice.reason


def test_a_gain_of_less_than_one_fourier_shell_is_none() -> None:
    # 100 px of 1 Å: shell 33 is 3.03 Å, 34 is 2.94 Å.
    fine = margins(project(3.03, 3.0, 2.99, 2.94), Shells(100, 1.0))
    assert [one.gain_angstrom for one in fine] == [0, 0, 0.09]
    advice = stop_advice(
        project(4.0, 3.45, 3.23, 3.21, 3.2), worth_usd_per_angstrom=100, pixel_angstrom=1, box_px=64
    )
    assert "The last 2 steps gained nothing." in advice.notes


def test_steps_without_a_gain_stay_in_the_data() -> None:
    without = forecast(margins(project(4.0, 3.2, 2.8, 2.6)))
    stalled = forecast(margins(project(4.0, 3.2, 2.8, 2.6, 2.6, 2.6)))
    assert without
    assert stalled
    assert stalled.gain[0] < 0.01 < without.gain[0]
    assert "and 2 below 0.01 Å" in stalled.method


def test_the_cost_of_coming_steps_follows_their_trend() -> None:
    steps = tuple(
        ProjectStep(f"step {i}", r, float(i), 100 * (2.0**i - 1))
        for i, r in enumerate((4.0, 3.2, 2.8, 2.6))
    )
    advice = stop_advice(ProjectSteps(steps, "made up"), target_angstrom=2.47)
    assert advice.forecast
    # 100, 200, 400; the next ones are 800 and 1,600.
    assert advice.forecast.usd[0] == pytest.approx(800)
    assert advice.forecast.usd_ratio == pytest.approx(2)
    assert "about 2 more steps" in advice.reason
    assert "2,400 USD" in advice.reason


def test_at_the_limit_of_the_pixels_nothing_is_left_to_gain() -> None:
    at_limit = project(3.0, 2.5, 2.1, 2.0)
    questions: list[dict[str, Any]] = [
        {"target_angstrom": 1.9},
        {"worth_usd_per_angstrom": 1e6},
        {},
    ]
    for question in questions:
        advice = stop_advice(at_limit, pixel_angstrom=1.0, **question)
        assert advice.verdict is StoppingVerdict.STOP
        assert "limit of pixels of 1 Å" in advice.reason


def test_no_forecast_passes_the_limit_of_the_pixels() -> None:
    found = stop_advice(project(4.0, 3.2, 2.8, 2.6), pixel_angstrom=1.25).forecast
    assert found
    assert found.total_gain
    assert max(found.total_gain) <= 2.6 - 2.5 + 1e-9


def test_nothing_finer_than_twice_the_pixel_is_promised() -> None:
    advice = stop_advice(project(4.0, 3.2, 2.8, 2.6), target_angstrom=1.9, pixel_angstrom=1.0)
    assert advice.verdict is StoppingVerdict.STOP
    assert "2 Å, is the limit" in advice.reason


def test_relions_stall_is_passed_on() -> None:
    notes = stop_advice(project(4.0, 3.5), stalled_iterations=3).notes
    assert any("no gain for 3 iterations" in note for note in notes)


def test_the_interval_of_the_next_gain_holds_as_often_as_it_states() -> None:
    """Gains that shrink to 0.6 of the one before, each off by a fifth or so."""
    noise = np.random.default_rng(53)
    runs, held = 600, 0
    for _ in range(runs):
        gains = 0.8 * 0.6 ** np.arange(6) * np.exp(noise.normal(0, 0.2, 6))
        steps = project(*(6 - np.concatenate(([0], np.cumsum(gains[:5])))).tolist())
        found = forecast(margins(steps))
        assert found
        held += found.gain[1] <= gains[5] <= found.gain[2]
    assert abs(held / runs - RATE) < 3 * (RATE * (1 - RATE) / runs) ** 0.5


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    path.write_text(progress_text(STREPTAVIDIN))
    assert read_progress(path).steps == STREPTAVIDIN.steps


def test_a_hostile_record_is_refused_with_every_problem_and_its_line() -> None:
    text = (
        "# gotocloud-progress 1\nstep,resolution_angstrom,cumulative_hours,cumulative_usd\n"
        "one,3.2,10,100\ntwo,0.31,20,200\nthree,3.0,15,-5\nfour,abc,30\n"
    )
    with pytest.raises(InputError) as caught:
        parse_progress(text, "mine.csv")
    said = str(caught.value)
    assert "line 4: resolution_angstrom 0.31 is not between" in said
    assert "line 5: cumulative_usd '-5'" in said
    assert "line 5: cumulative_hours 15 is less than 20" in said
    assert "line 6: 3 cells instead of 4" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not begin with the line"),
        ("# gotocloud-progress 1\n", "it has none"),
        (
            progress_text(ProjectSteps((ProjectStep("a", 4.0, 1.0, 1e300),), "")),
            "not a number from 0 to 1e",
        ),
        ("# gotocloud-progress 1\nstep,res\n", "it has step,res"),
        (progress_text(ProjectSteps((), "")), "no row below the header"),
    ],
)
def test_a_record_without_content_states_what_it_needs(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_progress(text, "mine.csv")

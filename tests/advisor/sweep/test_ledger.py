"""The file of a sweep."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.advisor.sweep.ledger import LedgerEntry, Stage, Sweep, dump, load, new_sweep
from gotocloud.advisor.sweep.plan import Planned, SweepSetting
from gotocloud.errors import InputError
from gotocloud.files import write_file

SETTING = SweepSetting("class2d", "g4dn.12xlarge", False, 2, 9, 6, 4, "0:1:2:3")
RUN = Planned(SETTING, 1, 0.5, 3.0, "measured")
NUMBERS = st.none() | st.floats(0, 1e6)
RUNS = st.builds(
    Planned, st.just(SETTING), st.integers(1, 9), NUMBERS, NUMBERS, st.text(max_size=9)
)
SWEEPS = st.builds(
    Sweep,
    st.text(max_size=9),
    st.text(max_size=9),
    NUMBERS,
    st.lists(
        st.builds(
            LedgerEntry, RUNS, st.sampled_from(Stage), st.text(), st.text(), NUMBERS, st.booleans()
        ),
        max_size=4,
    ).map(tuple),
)


def sweep(budget: float | None, *costs: float | None) -> Sweep:
    runs = [Planned(SETTING, n, 0.5, usd, "measured") for n, usd in enumerate(costs, 1)]
    return new_sweep("Class2D/job002/", "relion.class2d", budget, runs)


@given(SWEEPS)
def test_a_sweep_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, made: Sweep
) -> None:
    path = tmp_path_factory.getbasetemp() / "sweep.json"
    write_file(path, dump(made))
    assert load(path) == made


def test_runs_are_begun_while_they_fit_the_budget() -> None:
    made = sweep(10.0, 4.0, 4.0, 4.0)
    assert made.over_budget(0) is None
    for number, usd in enumerate((5.9, 0.1)):
        made = made.with_entry(number, stage=Stage.ENDED, usd=usd, usd_complete=True)
    assert made.next_number == 2
    assert made.over_budget(2) is None
    made = made.with_entry(1, usd=0.2)
    told = made.over_budget(2)
    assert told is not None
    assert "6.10" in told
    assert "10.00" in told


@given(
    ended=st.lists(st.tuples(st.none() | st.floats(0, 50), st.floats(0, 50)), min_size=1),
    budget=st.floats(0, 200),
)
def test_a_run_of_unknown_cost_counts_as_its_estimate_and_never_as_zero(
    ended: list[tuple[float | None, float]], budget: float
) -> None:
    made = sweep(budget, *(estimate for _, estimate in ended), 1.0)
    for number, (known, _) in enumerate(ended):
        made = made.with_entry(number, stage=Stage.ENDED, usd=known)
    counted = sum(max(known or 0.0, estimate) for known, estimate in ended)
    assert (made.over_budget(len(ended)) is not None) == (counted + 1.0 > budget)
    assert not made.spent.complete
    assert str(made.spent).startswith(("at least", "unknown"))


def test_an_ended_run_without_cost_and_estimate_stops_a_sweep_with_a_budget() -> None:
    made = sweep(10.0, None, 1.0).with_entry(0, stage=Stage.ENDED, job="Class2D/job003/")
    assert "the cost of Class2D/job003/ is unknown" in (made.over_budget(1) or "")


def test_no_budget_can_be_kept_for_an_unknown_cost() -> None:
    assert "unknown" in (sweep(10.0, None).over_budget(0) or "")
    assert sweep(None, None).over_budget(0) is None


def test_a_run_under_way_comes_before_those_not_begun() -> None:
    made = sweep(None, 1.0, 1.0, 1.0).with_entry(0, stage=Stage.ENDED)
    assert made.next_number == 1
    assert made.with_entry(1, stage=Stage.RUNNING).next_number == 1
    for number in (1, 2):
        made = made.with_entry(number, stage=Stage.ENDED)
    assert made.next_number is None


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"version": 1}', '{"version": 9}', "\0", '{"version": 1, "base": 1}']
)
def test_what_is_no_sweep_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sweep.json"
    path.write_text(text)
    with pytest.raises(InputError):
        load(path)
    with pytest.raises(InputError, match="no sweep"):
        load(tmp_path / "absent.json")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"budget_usd": 10.0', '"budget_usd": "10"', "'10' is no amount"),
        ('"budget_usd": 10.0', '"budget_usd": NaN', "nan is no amount"),
        ('"hours": 0.5', '"hours": "long"', "'long' is no amount"),
        ('"usd": 4.0', '"usd": -4.0', "-4.0 is no amount"),
        ('"nodes": 2', '"nodes": 0', "0 is no count"),
        ('"stage": "planned"', '"stage": "begun"', "'begun'"),
    ],
)
def test_a_sweep_that_a_person_has_edited_wrongly_is_refused(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = tmp_path / "sweep.json"
    write_file(path, dump(sweep(10.0, 4.0)))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(InputError, match=said) as caught:
        load(path)
    assert "gotocloud bench plan" in str(caught.value.next_command)

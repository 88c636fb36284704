"""A sample of `benchmarks/fuzz.py`: damaged input ends as a value or as the reader's own error."""

from __future__ import annotations

from random import Random

import pytest

from benchmarks.fuzz import Target, by_path, damaged, fuzz, not_a_number
from benchmarks.fuzz_targets import targets

READERS = {one.name: one for one in targets()}
IN_PROCESS = [name for name in READERS if name != "commands"]


@pytest.mark.parametrize("name", IN_PROCESS)
def test_a_whole_input_is_read(name: str) -> None:
    target = READERS[name]
    assert target.seeds
    for text in target.seeds:
        target.read(text)


@pytest.mark.parametrize("name", list(READERS))
def test_a_damaged_input_is_a_value_or_an_error_in_words(name: str) -> None:
    outcome = fuzz(READERS[name], 12, seed=20261130)
    assert outcome.failures == []
    assert outcome.tried == 12


def test_the_fuzzer_notices_another_error_a_hang_and_nan(monkeypatch: pytest.MonkeyPatch) -> None:
    def loop(_: str) -> None:
        while True:
            pass

    monkeypatch.setattr("benchmarks.fuzz.LONGEST_S", 0.05)
    for read, noticed in ((len, ""), (loop, "HangError"), (float, "ValueError")):
        failures = fuzz(Target("x", "x", ["a"], read), 3, seed=1).failures
        assert len(failures) == (3 if noticed else 0), noticed
        assert all(noticed in one for one in failures)
    (nan, *_) = fuzz(Target("x", "x", ["a"], lambda _: {"a": [float("nan")]}), 3, seed=1).failures
    assert "NaN" in nan


def test_the_same_seed_gives_the_same_inputs() -> None:
    first, second = ([damaged("a,b,c", Random(n)) for n in range(50)] for _ in range(2))  # noqa: S311
    assert first == second
    assert len(set(first)) > 30
    assert not not_a_number({"a": [1.0, float("inf")]})
    assert by_path(lambda path: path.read_bytes(), "x")("\udcff") == b"\xff"

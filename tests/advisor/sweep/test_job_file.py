"""The description from which RELION makes the jobs of a sweep."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gotocloud.advisor.sweep.job_file import job_star
from gotocloud.errors import InputError
from gotocloud.relion.job import read_job
from tests.relion.samples import VERSIONS, write_job


@pytest.mark.parametrize("version", VERSIONS)
def test_a_description_states_what_the_job_states(tmp_path: Path, version: str) -> None:
    folder = write_job(tmp_path, "Class2D", {"other_args": "--a 'b c' d"}, version=version)
    base = read_job(folder)
    copy = tmp_path / "Class2D" / "job099"
    copy.mkdir()
    (copy / "job.star").write_text(job_star(base))
    again = read_job(copy)
    assert again.options == base.options
    assert (again.label, again.is_continue) == (base.label, False)


def test_a_continued_job_is_measured_from_the_beginning(tmp_path: Path) -> None:
    folder = write_job(tmp_path, "Class2D", is_continue=True)
    assert read_job(folder).is_continue
    copy = tmp_path / "Class2D" / "job099"
    copy.mkdir()
    (copy / "job.star").write_text(job_star(read_job(folder)))
    assert not read_job(copy).is_continue


@pytest.mark.parametrize("value", ['say "yes"', "two\nlines"])
def test_what_a_star_file_cannot_hold_is_refused(tmp_path: Path, value: str) -> None:
    base = read_job(write_job(tmp_path, "Class2D"))
    with pytest.raises(InputError, match="other_args"):
        job_star(replace(base, options={**base.options, "other_args": value}))

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.projects.names import name_problems, version_order


@pytest.mark.parametrize("scientist", ["toshio", "a.b@example.org", "x", "A+b_c=d", "a,b"])
@pytest.mark.parametrize(
    "project",
    [
        "apoferritin-2026",
        "Nitrite reductase (old)",
        "7",
        "アポフェリチン",
        "β-gal",
        'Anna\'s "x"',
        "🧊",
    ],
)
def test_names_of_any_script_and_punctuation_are_taken(scientist: str, project: str) -> None:
    assert name_problems(scientist, project) == ()


@pytest.mark.parametrize("project", ["", " ", "-x", "a\nb", "a\0b", "\udcff", "x" * 257, "ア" * 29])
def test_what_is_no_name_is_reported(project: str) -> None:
    (problem,) = name_problems("toshio", project)
    assert repr(project[:40]) in problem


@given(st.text(min_size=1, max_size=21))
def test_any_text_that_can_be_seen_and_typed_is_a_name(project: str) -> None:
    seen = all(unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp"} for char in project)
    fits = bool(project.strip()) and project[0] != "-"
    assert (name_problems("toshio", project) == ()) == (seen and fits)


@pytest.mark.parametrize("session", ["botocore-session-1700000000", "i-0123456789abcdef0"])
def test_a_session_without_a_person_is_shown_what_to_configure(session: str) -> None:
    (problem,) = name_problems(session, "x")
    assert "role_session_name" in problem


@given(st.text(), st.text())
def test_both_names_are_reported_at_once(scientist: str, project: str) -> None:
    assert len(name_problems(f"-{scientist}", f"-{project}")) == 2


def test_versions_sort_as_people_count() -> None:
    versions = ["0.9.0", "1.0.0-rc1", "0.10.0", "1.0.0", "0.9", "2026.11"]
    assert sorted(versions, key=version_order) == [
        "0.9",
        "0.9.0",
        "0.10.0",
        "1.0.0-rc1",
        "1.0.0",
        "2026.11",
    ]


@given(st.lists(st.from_regex(r"[0-9A-Za-z][0-9A-Za-z.-]{0,12}", fullmatch=True)))
def test_any_versions_can_be_sorted(versions: list[str]) -> None:
    assert len(sorted(versions, key=version_order)) == len(versions)

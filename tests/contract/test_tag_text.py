"""Texts as values of tags: such as AWS takes, and none lost."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.contract.tag_text import TAG_TEXT_PATTERN, as_tag, from_tag

any_text = st.text(min_size=1) | st.text("=0A9Fé aws:", min_size=1) | st.from_regex(r"aws:.*")


@given(any_text)
def test_any_text_comes_back(text: str) -> None:
    assert from_tag(as_tag(text)) == text


@given(any_text)
def test_templates_take_what_any_text_becomes(text: str) -> None:
    assert re.fullmatch(TAG_TEXT_PATTERN[1:-1], as_tag(text))
    assert not as_tag(text).lower().startswith("aws:")


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 _.:/+@-]*[a-z]", fullmatch=True))
def test_usual_names_stay_as_they_are(text: str) -> None:
    if not text.lower().startswith("aws:"):
        assert as_tag(text) == text


@given(st.text(alphabet=st.characters(min_codepoint=0x80, exclude_categories=["Cs"]), min_size=1))
def test_letters_of_other_scripts_are_the_bytes_of_their_utf8(text: str) -> None:
    assert unquote_to_bytes(as_tag(text).replace("=", "%")).decode() == text


@pytest.mark.parametrize("value", ["a=b", "=", "a=FF", "a=C3", "n = 3", "==", "=ZZ"])
def test_what_was_never_escaped_stays_as_it_is(value: str) -> None:
    assert from_tag(value) == value

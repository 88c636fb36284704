"""STAR files of RELION, whole, odd and broken."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.relion.star import StarError, ends_completely, parse_star, read_star
from gotocloud.relion.star_dialect import as_strict_star

PATH = Path("some.star")
LABEL = st.from_regex(r"_rln[A-Z][A-Za-z0-9]{0,12}", fullmatch=True)
# What RELION can write: no line ends, and its reader folds blanks.
VALUE = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=0, max_size=20
).map(lambda text: " ".join(text.split(" ")).strip())


def escaped(value: str) -> str:
    """A value as RELION writes it."""
    if not value:
        return '""'
    if value[0] in "\"'" or " " in value or "\t" in value:
        return f'"{value}"'
    return value


def table_text(name: str, columns: dict[str, list[str]]) -> str:
    header = "".join(f"{label} #{number} \n" for number, label in enumerate(columns, start=1))
    rows = "".join(
        " ".join(f"{escaped(value):>10}" for value in row) + " \n"
        for row in zip(*columns.values(), strict=True)
    )
    return f"\n# version 30001\n\ndata_{name}\n\nloop_ \n{header}{rows} \n"


def relion_reads_it(columns: dict[str, list[str]]) -> bool:
    """Whether RELION itself would read back what it wrote.

    A quote before a blank ends a value for it, "#" in front starts a comment, and a row that
    begins like a label or a table is one.
    """
    values = [value for column in columns.values() for value in column]
    first = next(iter(columns.values()))
    return not (
        any('" ' in one or "' " in one or one.startswith("#") for one in values)
        or any(one.endswith('"') and one[0] not in "\"'" and " " in one for one in values)
        or any(one.startswith(("_", "data_", "loop_", "save_")) for one in first)
    )


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[str]]:
    labels = draw(st.lists(LABEL, min_size=2, max_size=4, unique=True))
    rows = draw(st.integers(1, 4))
    return {label: draw(st.lists(VALUE, min_size=rows, max_size=rows)) for label in labels}


@given(tables().filter(relion_reads_it))
def test_what_relion_writes_is_read_back(columns: dict[str, list[str]]) -> None:
    read = parse_star(table_text("t", columns), PATH).table("t")
    assert {label: list(column) for label, column in read.columns.items()} == columns


@given(st.text(max_size=300))
def test_no_text_makes_the_reader_fail_otherwise_than_in_words(text: str) -> None:
    with suppress(StarError):
        assert parse_star(text, PATH).tables


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail_otherwise_than_in_words(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("star") / "a.star"
    path.write_bytes(content)
    with suppress(StarError):
        assert read_star(path).tables


@given(tables().filter(relion_reads_it))
def test_quoting_once_more_changes_nothing(columns: dict[str, list[str]]) -> None:
    text = as_strict_star(table_text("t", columns))
    assert parse_star(as_strict_star(text), PATH).tables == parse_star(text, PATH).tables


@pytest.mark.parametrize(
    "value", ["$$ranks", "_first.star", "data_1.star", "日本語/粒子.star", "loop_", "a#b", "[1,0]"]
)
def test_values_that_the_grammar_forbids_are_read_all_the_same(value: str) -> None:
    columns = {"_rlnA": ["x", "y"], "_rlnB": [value, "1"]}
    assert parse_star(table_text("t", columns), PATH).table("t").columns["_rlnB"][0] == value
    single = parse_star(f"\ndata_t\n\n_rlnA     {value} \n_rlnB 1 \n \n", PATH)
    assert single.table("t").value("_rlnA") == value


def test_a_quote_inside_a_value_survives() -> None:
    text = '\ndata_t\n\nloop_ \n_rlnA #1 \n_rlnB #2 \nother_args "--gpu "0:1" --x" \nz $$z \n \n'
    (row, _) = (
        parse_star(text.replace('1" --x', '1\a" --x'), PATH).table("t").rows("_rlnA", "_rlnB")
    )
    assert row == ("other_args", '--gpu "0:1" --x')


def test_an_option_without_a_value_is_an_empty_one() -> None:
    text = "\ndata_t\n\nloop_ \n_rlnA #1 \n_rlnB #2 \nfn_mtf \nangpix 1.4 \n \n"
    assert parse_star(text, PATH).table("t").columns["_rlnB"] == ("", "1.4")


@pytest.mark.parametrize("content", [b"", b"   \n\n", b"\x00\x01\x02", b"#!/bin/bash\nrelion\n"])
def test_what_is_no_star_file_is_reported(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.star").write_bytes(content)
    with pytest.raises(StarError, match=r"empty|no STAR file"):
        read_star(tmp_path / "a.star")


def test_a_missing_file_and_a_folder_are_distinguished(tmp_path: Path) -> None:
    with pytest.raises(StarError, match="does not exist"):
        read_star(tmp_path / "a.star")
    for odd in (tmp_path, tmp_path / "a\x00b"):
        with pytest.raises(StarError, match="cannot be read"):
            read_star(odd)


def test_a_missing_table_names_those_that_are_there() -> None:
    star = parse_star("\ndata_one\n\n_rlnA 1 \n \n", PATH)
    with pytest.raises(StarError, match="no table 'data_two'; it holds data_one"):
        star.table("two")


def test_a_row_cut_off_in_its_middle_is_an_error() -> None:
    whole = table_text("t", {"_rlnA": ["a", "b"], "_rlnB": ["1", "2"], "_rlnC": ["x", "y"]})
    with pytest.raises(StarError, match="cut off"):
        parse_star(whole[: whole.rindex("y")].rstrip(), PATH)


@pytest.mark.parametrize(
    ("end", "complete"), [("b 2 \n \n", True), ("b 2 \n", False), ("b 2", False), ("", False)]
)
def test_only_relions_blank_line_ends_a_file(tmp_path: Path, end: str, complete: bool) -> None:
    path = tmp_path / "a.star"
    path.write_text("\ndata_t\n\nloop_ \n_rlnA #1 \n_rlnB #2 \na 1 \n" + end)
    assert ends_completely(path) is complete

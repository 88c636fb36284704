"""Tables of records: what is written comes back; hostile ones get clear errors."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.advisor.columns import COLUMNS, HEADLINE
from gotocloud.advisor.records import FIELDS, records_text
from gotocloud.advisor.tables import SHOWN_PROBLEMS, columns_table, parse_records, read_records
from gotocloud.errors import InputError
from tests.advisor.measured import record

HEADER = "job_type,instance_type,nodes,in_job_s,source,date"
ROW = "refine3d,g4dn.metal,2,3600,a test,2026-11"


def table(*rows: str, header: str = HEADER) -> str:
    return "\n".join([HEADLINE, header, *rows]) + "\n"


def complaint(text: str) -> str:
    with pytest.raises(InputError) as caught:
        parse_records(text, "mine.csv")
    return str(caught.value)


def test_every_column_is_a_field_and_every_field_a_column() -> None:
    assert sorted(FIELDS) == sorted(column.name for column in COLUMNS)
    assert len(columns_table()) == len(COLUMNS)


@given(
    seconds=st.floats(0.001, 7e6),
    note=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30).map(
        str.strip
    ),
    price=st.none() | st.floats(2, 15),
    spot=st.booleans(),
)
def test_what_is_written_comes_back(
    seconds: float, note: str, price: float | None, spot: bool
) -> None:
    written = record(
        in_job_s=seconds,
        note=" ".join(note.split()) or None,
        usd_per_node_hour=price,
        market="spot" if spot else "on-demand",
        attempts=2,
    )
    assert parse_records(records_text([written]), "mine.csv") == (written,)


def test_one_row_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("\ufeff" + table(ROW), encoding="utf-8")  # as spreadsheets write it
    (read,) = read_records(path)
    assert (read.job_type, read.hours, read.usd_in_job) == ("refine3d", 1.0, None)


def test_names_of_relion_are_understood_and_comments_are_not_counted_as_rows() -> None:
    text = table("# a remark", "", ROW.replace("refine3d", "Refine3D"), ROW + ",too much")
    assert "line 6: 7 cells, the header has 6" in complaint(text)
    assert parse_records(table(ROW.replace("refine3d", "relion.refine3d")), "")[0].job_type == (
        "refine3d"
    )


def test_a_table_without_rows_or_header_states_it() -> None:
    assert "there is no row below the header" in complaint(table())
    assert "has no header and no row" in complaint(HEADLINE + "\n")
    assert "does not begin with the line" in complaint("")


def test_another_version_is_not_guessed_at() -> None:
    text = complaint(table(ROW).replace("benchmarks 1", "benchmarks 2"))
    assert "has version 2" in text
    assert "reads version 1" in text


def test_every_missing_and_every_strange_column_is_named_at_once() -> None:
    said = complaint(table("x", header="job_type,nodes,nodes,in_job_h,usd_per_hour_eur,ranx"))
    for part in (
        "line 2: the column 'nodes' appears twice",
        "the column 'in_job_h' has another unit; give in_job_s, in seconds",
        "the column 'usd_per_hour_eur' is not in US dollars",
        "the column 'ranx' is unknown; did you mean 'ranks'?",
        "the column 'instance_type' is missing",
        "the column 'in_job_s' is missing",
        "the column 'source' is missing",
        "the column 'date' is missing",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("-5", "in_job_s -5 is negative"),
        ("0", "took no time"),
        ("nan", "is not a number"),
        ("inf", "is not a number"),
        ("", "in_job_s is empty"),
        ("1:10:39", "the column holds seconds: 4239"),
        ("3.5 h", "the column holds seconds: 12600"),
        ('"3,5"', "has a decimal comma; write 3.5"),
        ('"3,600"', "has separators; write 3600"),
        ("1_000", "is not a number"),
        ("soon", "'soon' is not a number"),
        ("1e9", "is its unit right?"),
    ],
)
def test_times_that_are_none_state_what_is_wrong_with_them(cell: str, said: str) -> None:
    heard = complaint(table(ROW.replace("3600", cell)))
    assert "line 3: in_job_s" in heard
    assert said in heard


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("\x1b[31mred", "holds control characters"),
        ("x" * 5000, "source has 5,000 characters; 500 are allowed"),
    ],
)
def test_text_that_would_upset_a_terminal_is_refused(source: str, said: str) -> None:
    complained = complaint(table(f"refine3d,g4dn.metal,2,3600,{source},2026-11"))
    assert said in complained
    assert "\x1b" not in complained
    assert len(complained) < 300


def test_what_never_ends_is_no_table() -> None:
    with pytest.raises(InputError, match="larger than 100 MB"):
        read_records(Path("/dev/zero"))


@pytest.mark.parametrize("price", ["$7.82", "7.82 EUR", "7.82 USD", "¥780"])
def test_prices_with_a_currency_are_refused(price: str) -> None:
    said = complaint(table(f"{ROW},{price}", header=f"{HEADER},usd_per_node_hour"))
    assert "names a currency" in said


def test_mixed_currencies_are_refused_with_their_line() -> None:
    header = f"{HEADER},usd_per_node_hour,currency"
    said = complaint(table(f"{ROW},7.8,USD", f"{ROW},7.2,EUR", f"{ROW},780,JPY", header=header))
    assert "line 4: currency 'EUR': only USD can be compared" in said
    assert "line 5: currency 'JPY'" in said
    assert "line 3" not in said


@pytest.mark.parametrize(("price", "sane"), [("782.4", False), ("0.0078", False), ("7.824", True)])
def test_a_price_in_cents_or_for_a_second_is_noticed(price: str, sane: bool) -> None:
    text = table(f"{ROW},{price}", header=f"{HEADER},usd_per_node_hour")
    if sane:
        assert parse_records(text, "")[0].usd_in_job == pytest.approx(2 * 7.824)
    else:
        assert "for one node and one hour?" in complaint(text)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("gpus", "17", "gpus 17: 2 x g4dn.metal have 16"),
        ("gpus_per_node", "4", "gpus_per_node 4: g4dn.metal has 8"),
        ("vcpus_per_node", "48", "vcpus_per_node 48: g4dn.metal has 96"),
        ("ranks", "1", "ranks 1: fewer than the 2 nodes"),
        ("submit_to_exit_s", "60", "submit_to_exit_s 60 is less than in_job_s 3600"),
        ("usd_per_node_hour", "0", "leave the cell empty when the price is unknown"),
        ("particles", "1.5", "particles 1.5 must be a whole number"),
        ("box_px", "100000", "is its unit right?"),
        ("market", "reserved", "market 'reserved' is not one of on-demand, spot"),
    ],
)
def test_figures_that_contradict_the_machine_or_each_other_are_refused(
    column: str, value: str, said: str
) -> None:
    heard = complaint(table(f"{ROW},{value}", header=f"{HEADER},{column}"))
    assert f"line 3: {column} " in heard
    assert said in heard


@pytest.mark.parametrize("date", ["11.2026", "2026-13", "yesterday", "2026-11-31x"])
def test_a_date_that_is_none_is_refused(date: str) -> None:
    assert "is no date" in complaint(table(ROW.replace("2026-11", date)))


def test_an_unknown_job_and_a_queue_of_several_are_refused() -> None:
    assert "Did you mean 'refine3d'?" in complaint(table(ROW.replace("refine3d", "refien3d")))
    assert "'prep-cpu' is a queue of several jobs" in complaint(
        table(ROW.replace("refine3d", "prep-cpu"))
    )


def test_thousands_of_problems_are_cut_to_a_page_and_counted() -> None:
    said = complaint(table(*[ROW.replace("3600", "-1")] * 500))
    assert said.count("\n  - line") == SHOWN_PROBLEMS
    assert f"and {500 - SHOWN_PROBLEMS} more" in said


def test_what_is_no_table_at_all_is_refused_in_words(tmp_path: Path) -> None:
    assert "NUL" in complaint(table(ROW) + "\0")
    assert "not CSV" in complaint(table('a "b" c,"'))
    assert "separated by semicolons" in complaint(table(header=HEADER.replace(",", ";")))
    assert "separated by tabs" in complaint(table(header=HEADER.replace(",", "\t")))
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    for path, said in (
        (picture, "is not UTF-8"),
        (tmp_path / "none", "There is no file"),
        (tmp_path, "cannot be read"),
    ):
        with pytest.raises(InputError, match=said):
            read_records(path)


def test_the_cost_is_that_of_all_nodes_for_the_time() -> None:
    one = record(in_job_s=1800, usd_per_node_hour=8.0, submit_to_exit_s=3600)
    assert one.usd_in_job == 8.0
    assert record().usd_in_job is None
    cheap = record(in_job_s=44, nodes=1, usd_per_node_hour=8.568)
    assert cheap.usd_in_job == pytest.approx(0.1047, abs=1e-4)


def test_the_document_lists_every_column_as_it_is() -> None:
    from tests.needs import ROOT

    document = (ROOT / "docs" / "benchmark-records.md").read_text(encoding="utf-8")
    for column in COLUMNS:
        holds = ", ".join(f"`{one}`" for one in column.choices) or column.kind.value
        need = "yes" if column.required else ""
        assert f"| `{column.name}` | {need} | {holds} | {column.meaning} |" in document
    assert HEADLINE in document

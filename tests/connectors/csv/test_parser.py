"""Rows of a CSV file: what Python's module parses, what it cannot, and where reading goes on behind that."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.connectors.csv.parser import MAX_FIELD_CHARACTERS, MAX_LINE_CHARACTERS, Row, Rows
from gateway.model.errors import InvalidSourceData


def rows(text: str, width: int = 5, delimiter: str = ",", quote: str = '"') -> list[Row]:
    several = Rows(io.StringIO(text, newline=""), "a.csv", delimiter, quote)
    several.width = width
    return list(several)


def good(text: str) -> list[list[str]]:
    return [row.cells for row in rows(text) if not row.fault]


def faults(text: str) -> list[tuple[int, int]]:
    """(line, sure cells) of the broken rows."""
    return [(row.line, row.sure) for row in rows(text) if row.fault]


def test_a_row_knows_the_line_that_it_begins_with() -> None:
    found = rows('1,a,b,,\r\n2,"two\r\nlines",c,,\r\n\r\n3,"say ""hi""",d,,\n')
    assert [(row.line, row.cells[0]) for row in found] == [(1, "1"), (2, "2"), (5, "3")]
    assert found[1].cells[1] == "two\r\nlines"
    assert found[2].cells[1] == 'say "hi"'


@pytest.mark.parametrize("empty", ["\n", "\r\n", ",,\n", ",,,,\n", '"",,\n'])
def test_a_row_without_anything_in_it_is_passed_over(empty: str) -> None:
    assert good(f"1,a,b,,\n{empty}2,c,d,,\n") == [["1", "a", "b", "", ""], ["2", "c", "d", "", ""]]
    assert faults(f"1,a,b,,\n{empty}2,c,d,,\n") == []


def test_another_delimiter_and_quote() -> None:
    assert rows("1\t'a\tb'\tc\n", 3, "\t", "'")[0].cells == ["1", "a\tb", "c"]


FIRST, THIRD, FOURTH = (["1", "a", "b", "", ""], ["3", "c", "d", "", ""], ["4", "e", "f", "", ""])


@pytest.mark.parametrize(
    ("row", "sure"),
    [("2,a", 0), ("2", 0), ("2,a,b,c,d,e", 1), ("2,a,b,c,d,e,f", 0), ("2,a,b,c,7,a,b,c,d", 0)],
)
def test_a_row_of_another_width_is_broken_and_the_rest_goes_on(row: str, sure: int) -> None:
    text = f"1,a,b,,\n{row}\n3,c,d,,\n"
    assert good(text) == [FIRST, THIRD]
    assert faults(text) == [(2, sure)]
    assert f"{len(row.split(','))} fields, where the header has 5" in rows(text)[1].fault


def test_with_few_columns_a_delimiter_too_many_may_be_two_rows_in_one() -> None:
    assert [row.sure for row in rows("1,a,b,c\n", 3)] == [0]
    assert [row.sure for row in rows("1,a,b,c,d\n", 4)] == [1]


@pytest.mark.parametrize(
    ("row", "sure"),
    [
        ('2,"a,b,,', 1),  # the quote takes the next lines in, until the end of the file
        ('"2","a,b,,', 1),
        ('"2,a,b,,', 0),
        ('2,a,"b,,', 2),
        ('2,"a"x,b,,', 1),
        ('2,"a"x,b,,7,"a",b,,', 0),  # two rows without a line end between them
    ],
)
@pytest.mark.parametrize("behind", ["3,c,d,,\n4,e,f,,\n", '3,"c",d,,\n4,e,f,,\n', '3,c,"d",,\n4,e,f,,\n', ""])
def test_a_quote_that_is_not_closed_costs_its_own_line_only(row: str, sure: int, behind: str) -> None:
    text = f"1,a,b,,\n{row}\n{behind}"
    assert good(text) == [FIRST, *([THIRD, FOURTH] if behind else [])]
    assert faults(text) == [(2, sure)]
    assert "quotation mark" in rows(text)[1].fault


def test_the_end_of_a_broken_text_is_not_taken_for_a_row() -> None:
    text = '1,a,b,,"two\nlines"2,a,b,,\n3,c,d,,\n'
    assert good(text) == [THIRD]
    assert faults(text) == [(1, 4), (2, 0)]


def test_a_nul_or_octets_that_are_no_text_break_the_row_that_they_are_in() -> None:
    text = "1,a,b,,\n2,a\0,b,,\n3,\udcff,b,,\n4,e,f,,\n"
    assert good(text) == [FIRST, FOURTH]
    assert faults(text) == [(2, 5), (3, 5)]
    assert "a NUL character" in rows(text)[1].fault
    assert "octets that are no text in this encoding" in rows(text)[2].fault


def test_a_line_that_does_not_end_is_no_csv_file() -> None:
    assert len(rows(",,,," + "x" * (MAX_FIELD_CHARACTERS - 1))) == 1
    with pytest.raises(InvalidSourceData, match=r"a\.csv, line 2: this line has more than 1,048,576 characters"):
        rows("1,a,b,,\n" + "x," * MAX_LINE_CHARACTERS)


def test_a_field_that_is_too_long_breaks_its_row() -> None:
    text = f"1,a,b,,\n2,{'x' * (MAX_FIELD_CHARACTERS + 1)},b,,\n3,c,d,,\n"
    assert good(text) == [FIRST, THIRD]
    assert [line for line, _ in faults(text)] == [2]


def test_many_quotes_that_are_not_closed_take_no_longer_than_they_are_many() -> None:
    text = "".join(f'{number},"a,b,,\n' for number in range(2_000)) + "3,c,d,,\n"
    assert len(faults(text)) == 2_000
    assert good(text) == [THIRD]


_CELLS = st.lists(st.text(alphabet='ab"\n\r,; äÖ', max_size=6), min_size=5, max_size=5).filter(any)


@given(st.lists(_CELLS, max_size=6), st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
def test_rows_that_python_writes_are_read_back(written: list[list[str]], quoting: int) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting).writerows(written)  # type: ignore[arg-type]
    assert good(text.getvalue()) == written


@given(st.text(alphabet='12a,"\n\r\0\udcff', max_size=60))
def test_no_text_stops_the_reading_of_the_rows_behind_it(text: str) -> None:
    found = rows(text + "\n7,8,9,0,1\n")
    assert [row.cells for row in found][-1] == ["7", "8", "9", "0", "1"]
    assert all(len(row.cells) == 5 or row.fault for row in found)

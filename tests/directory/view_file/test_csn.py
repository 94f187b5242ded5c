"""Change sequence numbers: exact, ordered like the log, and distinct from foreign ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.directory.view_file.csn import Moment, format_csn, mark_of, parse_csn

moments = st.builds(Moment, st.integers(0, 2**36 - 1), st.integers(0, 250_000_000_000_000))
marks = st.integers(0, 4095)


@given(moments, marks)
def test_a_csn_is_read_as_it_was_written(moment: Moment, mark: int) -> None:
    assert parse_csn(format_csn(moment, mark)) == (moment, mark)


@given(st.lists(moments, min_size=2, max_size=2), marks)
def test_csns_of_one_search_are_ordered_as_the_log_is(two: list[Moment], mark: int) -> None:
    earlier, later = sorted(two, key=lambda moment: (moment.time, moment.number))
    assert format_csn(earlier, mark) <= format_csn(later, mark)


def test_a_csn_looks_as_openldap_writes_them() -> None:
    assert format_csn(Moment(4097, 1_795_417_434_350)) == "20261123070354.350000Z#000001#000#001000"


@pytest.mark.parametrize(
    "text",
    ["", "gw:12", "20261123070354.350000Z#000001#001#001000", "20261323065354.350000Z#000001#000#001000", "x" * 40],
)
def test_text_of_another_form_is_no_csn(text: str) -> None:
    assert parse_csn(text) is None


def test_marks_of_searches_are_never_the_whole_views() -> None:
    assert all(1 <= mark_of("view", number) <= 4095 for number in range(500))

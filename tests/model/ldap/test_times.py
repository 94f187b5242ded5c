"""Generalized Time and FILETIME."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.ldap import times

LAST = times.filetime(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)) + times.TICKS_A_SECOND - 1


@given(st.integers(0, LAST))
def test_ticks_are_kept_to_the_last_digit_in_a_generalized_time(ticks: int) -> None:
    text = times.text_of(ticks)
    assert text is not None and times.ticks_of(text) == ticks


@given(st.datetimes(min_value=times.EPOCH.replace(tzinfo=None), timezones=st.just(UTC)))
def test_a_moment_is_the_same_in_every_form(moment: datetime) -> None:
    ticks = times.filetime(moment)
    assert times.of_filetime(ticks) == moment
    assert times.moment_of(times.text_of(ticks) or "") == moment


@pytest.mark.parametrize("ticks", [-1, LAST + 1, times.NEVER])
def test_ticks_beyond_a_datetime_have_no_text(ticks: int) -> None:
    assert times.text_of(ticks) is None and times.of_filetime(ticks) is None


@pytest.mark.parametrize("text", ["", "0", "20261301000000Z", "20260101000000", "2026-01-01T00:00:00Z", "19941216103200.Z"])
def test_what_is_no_generalized_time_has_no_moment(text: str) -> None:
    assert times.ticks_of(text) is None and times.moment_of(text) is None

"""After failures: how long until the next attempt, and what is said again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.errors import InvalidSourceData, SourceRefused, SourceUnavailable
from gateway.sync.runner.backoff import DELAYS, JITTER, REPEAT_SECONDS, Backoff, Repetition


def test_delays_double_up_to_the_cap_and_start_again_after_a_success() -> None:
    backoff = Backoff(lambda: 0.5)
    delays = [backoff.failed(SourceUnavailable()) for _ in range(12)]
    assert delays == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert backoff.succeeded() == 12
    assert backoff.failed(SourceUnavailable()) == 1


@pytest.mark.parametrize(
    ("error", "first", "last"), [(SourceRefused(), 15, 300), (InvalidSourceData(), 1, 30), (OSError(), 1, 300)]
)
def test_each_kind_of_failure_has_its_own_delays(error: Exception, first: float, last: float) -> None:
    backoff = Backoff(lambda: 0.5)
    assert backoff.failed(error) == first
    assert [backoff.failed(error) for _ in range(10)][-1] == last


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 10_000), st.sampled_from(list(DELAYS)))
def test_a_delay_is_never_short_and_never_longer_than_cap_and_jitter(
    random: float, failures: int, kind: type[Exception]
) -> None:
    delay = Backoff(lambda: random, failures).failed(kind())
    assert DELAYS[kind].first_seconds * (1 - JITTER) <= delay <= DELAYS[kind].cap_seconds * (1 + JITTER)


def test_the_same_sentence_is_news_once_and_again_when_it_is_old() -> None:
    said = Repetition()
    assert said.is_news("down", 0)
    assert not said.is_news("down", 1)
    assert said.is_news("refused", 2)
    assert said.is_news("down", 3)
    assert not said.is_news("down", 2 + REPEAT_SECONDS)
    assert said.is_news("down", 4 + REPEAT_SECONDS)
    said.forget()
    assert said.is_news("down", 5 + REPEAT_SECONDS)

"""Exponential back-off: delays double up to a cap, with jitter, and start again after a success."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.model.backoff import Backoff, Delays

DELAYS = Delays(1.0, 300.0, jitter=(0.75, 1.25))


def test_delays_double_up_to_the_cap_and_start_again_after_a_success() -> None:
    backoff = Backoff(lambda: 0.5)
    delays = [backoff.failed(DELAYS) for _ in range(12)]
    assert delays == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert backoff.failures == 12
    backoff.succeeded()
    assert backoff.failed(DELAYS) == 1


def test_delays_without_jitter_are_the_same_for_every_random_number() -> None:
    assert [Backoff(failures=failures).failed(Delays(1.0, 15.0)) for failures in range(5)] == [1, 2, 4, 8, 15]


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 10_000))
def test_a_delay_stays_between_first_and_cap_widened_by_the_jitter(random: float, failures: int) -> None:
    delay = Backoff(lambda: random, failures).failed(DELAYS)
    assert DELAYS.first_seconds * 0.75 <= delay <= DELAYS.cap_seconds * 1.25

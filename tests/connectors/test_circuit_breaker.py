"""The circuit breaker, on a clock that the test moves."""

from twisted.internet.task import Clock

from gateway.connectors.circuit_breaker import FAILURES_TO_OPEN, PAUSES, CircuitBreaker


def opened(clock: Clock) -> CircuitBreaker:
    breaker = CircuitBreaker(clock.seconds)
    for _ in range(FAILURES_TO_OPEN):
        assert breaker.admits()
        breaker.failed("down")
    return breaker


def test_single_failures_do_not_open_it() -> None:
    breaker = CircuitBreaker(Clock().seconds)
    for _ in range(3):
        for _ in range(FAILURES_TO_OPEN - 1):
            breaker.failed("down")
        assert breaker.admits()
        breaker.succeeded()


def test_failures_in_a_row_open_it_for_a_pause_and_it_keeps_the_reason() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.advance(PAUSES.first_seconds * 0.9)
    assert not breaker.admits()
    assert breaker.reason == "down"


def test_after_the_pause_one_trial_is_admitted_and_its_success_closes_it() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.advance(PAUSES.first_seconds)
    assert [breaker.admits(), breaker.admits()] == [True, False]
    breaker.succeeded()
    assert [breaker.admits(), breaker.admits()] == [True, True]


def test_each_failed_trial_doubles_the_pause_up_to_the_longest() -> None:
    clock = Clock()
    breaker = opened(clock)
    pauses = []
    for _ in range(8):
        waited = 0.0
        while not breaker.admits():
            clock.advance(0.5)
            waited += 0.5
        pauses.append(waited)
        breaker.failed("still down")
    assert pauses == [1, 2, 4, 8, 15, 15, 15, 15] and PAUSES.cap_seconds == 15


def test_an_abandoned_trial_lets_another_one_try() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.advance(PAUSES.first_seconds)
    assert breaker.admits()
    breaker.abandoned()
    assert breaker.admits()

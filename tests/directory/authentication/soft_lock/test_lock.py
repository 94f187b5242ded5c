"""The soft lock: only failures count, and no more is asked upstream than a guesser may ask."""

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from gateway.directory.authentication.soft_lock import lock as soft_lock
from gateway.directory.authentication.soft_lock.lock import SoftLock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lock(clock: Clock) -> SoftLock:
    return SoftLock(clock.seconds, max_failures=3, window_seconds=60)


def test_the_last_failure_that_is_allowed_locks_and_is_reported_once(lock: SoftLock) -> None:
    assert [lock.failed("anna") for _ in range(4)] == [False, False, True, False]
    assert lock.is_locked("anna")
    assert not lock.is_locked("ben")


def test_a_success_forgets_the_failures_before_it(lock: SoftLock) -> None:
    lock.failed("anna")
    lock.failed("anna")
    lock.succeeded("anna")
    assert not lock.failed("anna")
    assert not lock.is_locked("anna")


def test_a_lock_ends_one_window_after_its_first_failure(lock: SoftLock, clock: Clock) -> None:
    for _ in range(3):
        lock.failed("anna")
    clock.advance(59.9)
    assert lock.is_locked("anna")
    clock.advance(0.1)
    assert not lock.is_locked("anna")
    assert not lock.failed("anna")


def test_the_names_remembered_are_bounded_and_the_longest_unused_go_first(
    lock: SoftLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soft_lock, "MAX_KEYS", 2)
    for name in ("anna", "ben", "anna", "cy"):
        lock.failed(name)
    assert [lock.failed("ben"), lock.failed("ben")] == [False, False], "ben was forgotten"


def test_names_that_are_made_up_do_not_flush_a_lock(lock: SoftLock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soft_lock, "MAX_KEYS", 2)
    for _ in range(3):
        lock.failed("anna")
    for number in range(10):
        lock.failed(f"made up {number}")
    assert lock.is_locked("anna")


def test_the_names_that_are_locked_are_bounded_and_the_first_locked_goes_first(
    lock: SoftLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soft_lock, "MAX_LOCKED", 2)
    names = ("anna", "ben", "cy")
    for name in names * 3:
        lock.failed(name)
    assert [lock.is_locked(name) for name in names] == [False, True, True]


def test_a_long_key_is_short_when_it_is_remembered_and_differs_from_others_of_its_beginning() -> None:
    assert soft_lock.bounded("anna") == "anna"
    long = ["a" * 1_000_000 + end for end in "xy"]
    assert len({soft_lock.bounded(key) for key in long}) == 2
    assert all(len(soft_lock.bounded(key)) <= soft_lock.MAX_KEY_CHARACTERS for key in long)


def entered(lock: SoftLock, key: str = "anna") -> "list[bool]":
    answers: list[bool] = []
    Deferred.fromCoroutine(lock.enter(key)).addCallback(answers.append)
    return answers


def test_no_more_are_let_in_at_once_than_failures_are_left(lock: SoftLock) -> None:
    waiting = [entered(lock) for _ in range(5)]
    assert waiting == [[True], [True], [True], [], []]
    assert entered(lock, "ben") == [True]
    for _ in range(3):
        lock.failed("anna")
        lock.leave("anna")
    assert waiting[3:] == [[False], [False]], "the guesses in front have used up what there was"


def test_binds_that_wait_go_on_when_the_ones_before_were_right(lock: SoftLock) -> None:
    waiting = [entered(lock) for _ in range(5)]
    lock.succeeded("anna")
    lock.leave("anna")
    assert waiting == [[True]] * 4 + [[]]
    lock.leave("anna")
    assert waiting == [[True]] * 5


@ensureDeferred
async def test_one_that_no_longer_waits_does_not_stop_the_others(lock: SoftLock) -> None:
    for _ in range(3):
        entered(lock)
    gone = Deferred.fromCoroutine(lock.enter("anna"))
    other = entered(lock)
    gone.cancel()
    with pytest.raises(CancelledError):
        await gone
    lock.leave("anna")
    assert other == [True]


def test_nothing_is_remembered_of_a_name_without_binds_in_flight(lock: SoftLock) -> None:
    entered(lock)
    lock.leave("anna")
    assert not lock._in_flight
    assert not lock._failures and not lock._locked

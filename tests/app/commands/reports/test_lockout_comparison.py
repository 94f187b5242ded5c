"""How many wrong passwords the soft lock lets through to a source, and which values would fit."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from gateway.app.commands.reports.lockout_comparison import compared, let_through
from gateway.directory.authentication.soft_lock.lock import SoftLock
from gateway.model.connector import CheckItem, CheckStatus, Lockout

HALF_AN_HOUR = 1800.0


def item(*lockouts: tuple[int, float | None]) -> CheckItem:
    return CheckItem(
        "account lockout", CheckStatus.PASSED, "so it is", lockouts=tuple(Lockout("p", *each) for each in lockouts)
    )


@pytest.mark.parametrize(
    ("lockouts", "failures", "seconds", "cure"),
    [
        (((10, HALF_AN_HOUR),), 5, 60.0, "set [limits] bind_failures = 5 and bind_failure_seconds = 1800, or raise"),
        (((10, HALF_AN_HOUR),), 6, HALF_AN_HOUR, "set [limits] bind_failures = 5 and bind_failure_seconds = 1800, or raise"),
        (((10, HALF_AN_HOUR), (3, 7200.0)), 5, HALF_AN_HOUR, "set [limits] bind_failures = 1 and bind_failure_seconds = 7200"),
        (((1, 60.0),), 1, 60.0, "no values fit: "),
        (((5, None),), 1, HALF_AN_HOUR, "no values fit: let the source forget failures"),
    ],
)
def test_a_lock_that_comes_too_late_is_warned_of_with_the_values_that_fit(
    lockouts: tuple[tuple[int, float | None], ...], failures: int, seconds: float, cure: str
) -> None:
    found = compared(item(*lockouts), failures, seconds)
    assert found.status is CheckStatus.WARNED
    assert found.detail.startswith(f"so it is; [limits] bind_failures = {failures} and bind_failure_seconds = {seconds:g} let ")
    assert found.cure.startswith(cure)


@pytest.mark.parametrize(("lockouts", "failures"), [(((10, HALF_AN_HOUR),), 5), (((3, 60.0),), 1), ((), 1000)])
def test_a_lock_that_comes_in_time_is_left_as_it_is(lockouts: tuple[tuple[int, float], ...], failures: int) -> None:
    assert compared(item(*lockouts), failures, HALF_AN_HOUR) == item(*lockouts)


@pytest.mark.parametrize(("failures", "seconds"), [(5, 60.0), (1, 60.0), (3, 400.0), (5, HALF_AN_HOUR), (2, 4000.0)])
def test_law_13_no_guesser_does_better_than_what_is_foretold(failures: int, seconds: float) -> None:
    clock = Clock()
    lock = SoftLock(clock.seconds, failures, seconds)
    tried: list[float] = []
    lock.failed("ann")  # the others come at the very end of this window, so that the next one is open at once
    clock.advance(seconds - 1)
    while clock.seconds() < seconds - 1 + HALF_AN_HOUR:
        while not lock.is_locked("ann"):
            lock.failed("ann")
            tried.append(clock.seconds())
        clock.advance(1)
    assert len(tried) == let_through(Lockout("p", 10, HALF_AN_HOUR), failures, seconds)

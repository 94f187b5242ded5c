"""The queue of accounts that expire soon."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.connectors.ldap.active_directory import windows_values
from gateway.connectors.ldap.active_directory.account_expiry import AHEAD, AccountExpiry
from gateway.connectors.ldap.active_directory.entry_to_delta import ActiveDirectoryEntry
from gateway.model.deltas import Delta, DeltaType
from gateway.model.objects import Kind

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time


def account(name: str, moment: datetime) -> ActiveDirectoryEntry:
    return ActiveDirectoryEntry(name, Delta(DeltaType.UPSERT, Kind.USER, name), expires=windows_values.filetime(moment))


def test_a_user_who_expires_is_due_once_when_the_moment_has_come() -> None:
    clock = Clock()
    expiry = AccountExpiry(clock)
    expiry.restart()
    assert expiry.next_window() is None
    for name, moment in (("soon", NOON + timedelta(minutes=5)), ("past", NOON - timedelta(minutes=5))):
        expiry.add(account(name, moment))
    expiry.add(account("later", NOON + 2 * AHEAD))
    assert not expiry.due()
    clock.time += timedelta(minutes=6)
    assert expiry.is_due
    assert list(expiry.due().changed) == ["soon"]
    assert not expiry.due()


def test_the_next_window_covers_missed_and_later_moments() -> None:
    clock = Clock()
    missed_since = windows_values.filetime(NOON - timedelta(days=1))
    expiry = AccountExpiry(clock, missed_since)
    assert expiry.next_window() == (missed_since, windows_values.filetime(NOON + AHEAD))
    expiry.add(account("missed", NOON - timedelta(hours=1)))
    assert list(expiry.due().changed) == ["missed"]
    clock.time += AHEAD
    assert expiry.next_window() == (windows_values.filetime(NOON + AHEAD), windows_values.filetime(NOON + 2 * AHEAD))

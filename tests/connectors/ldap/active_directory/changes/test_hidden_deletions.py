"""Entries that are missing from a list: which of them, when, and how often the list is read."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from uuid import UUID

from gateway.connectors.ldap.active_directory.changes.hidden_deletions import PAUSES, HiddenDeletions
from gateway.model.deltas import Delta, DeltaType
from gateway.model.objects import Kind

POLL_SECONDS = 30.0
ANN, BOB = str(UUID(int=1)), str(UUID(int=2))


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def delta(guid: str, kind: Kind = Kind.USER, delta_type: DeltaType = DeltaType.UPSERT) -> Delta:
    return Delta(delta_type, kind, guid)


def hidden(*known: Delta, clock: Clock | None = None) -> HiddenDeletions:
    made = HiddenDeletions(POLL_SECONDS, clock or Clock())
    assert list(made.noted(known)) == list(known)
    return made


def test_what_was_there_and_is_not_listed_is_missing_whatever_its_kind() -> None:
    found = hidden(delta(ANN), delta(ANN, Kind.GROUP), delta(BOB))
    assert list(found.missing(1, lambda: [delta(BOB, Kind.GROUP), delta(BOB)]).changed) == [ANN]
    assert list(found.missing(2, lambda: [delta(ANN), delta(BOB)]).changed) == [ANN]  # the group
    gone = [delta(ANN, kind, DeltaType.DELETE) for kind in Kind]
    assert list(found.noted(gone)) == gone
    assert not found.missing(3, lambda: [delta(BOB)])


def test_nothing_is_listed_while_the_controller_does_not_change() -> None:
    found = hidden(delta(ANN))
    listed = []

    def present() -> Iterator[Delta]:
        listed.append(1)
        yield delta(ANN)

    for usn in (7, 7, 8, 8):
        assert not found.missing(usn, present)
    assert len(listed) == 2


def test_a_full_read_begins_with_nothing_known() -> None:
    found = hidden(delta(ANN))
    found.restart()
    assert not found.missing(1, list)


def test_a_tenth_of_the_time_at_most_goes_into_comparing() -> None:
    clock = Clock()
    found = hidden(delta(ANN), clock=clock)

    def slow(seconds: float) -> Iterator[Delta]:
        clock.time += seconds
        yield delta(ANN)

    for number, (took, pause) in enumerate([(1.0, POLL_SECONDS), (60.0, PAUSES * 60.0)]):
        clock.time += 10_000
        found.missing(number, partial(slow, took))
        assert until_due(found, clock) == pause
        found.missing(number, list)  # the number is the same, so nothing is listed
        assert until_due(found, clock) == POLL_SECONDS


def until_due(found: HiddenDeletions, clock: Clock) -> float:
    """Turn the clock until a comparison is due, and return for how long."""
    began = clock.time
    while not found.is_due:
        clock.time += 1
    return clock.time - began

"""Readers of a log that went back in time: the store was restored, or failed over without its last transactions."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from gateway.changelog.consumer import Consumer
from gateway.changelog.tail import Tail
from gateway.model.changes import Change
from gateway.model.errors import HistoryChanged
from tests.changelog.stand_ins import Epoch, Reactor, Store


def outcome(waiting: Any) -> list[Any]:
    """Return the result, or the failure, as a list; empty while it waits."""
    found: list[Any] = []
    Deferred.fromCoroutine(waiting).addBoth(found.append)
    return found


def waiting_at(store: Store, tail: Tail, number: int) -> list[Any]:
    return outcome(tail.after(number, 10, digest=Epoch.digest_at(store, number)))


def lose(store: Store, count: int, *, then: int = 0) -> None:
    del store.log[-count:]
    store.append(then, announced=False, prefix="other")


grown = pytest.mark.parametrize("then", [0, 2, 3, 5], ids=["shorter", "shorter with others", "as long", "longer"])


@grown
def test_a_waiting_reader_is_told_that_the_log_is_another(store: Store, tail: Tail, clock: Reactor, then: int) -> None:
    store.append(10)
    clock.advance(1.0)
    found = waiting_at(store, tail, 10)
    lose(store, 3, then=then)
    clock.advance(1.0)
    assert found[0].check(HistoryChanged)
    assert tail.last == 7 + then


def test_what_was_lost_within_a_poll_is_noticed_too(store: Store, tail: Tail, clock: Reactor) -> None:
    clock.advance(1.0)
    store.append(10)
    found = waiting_at(store, tail, 10)
    lose(store, 3)
    clock.advance(1.0)
    assert found[0].check(HistoryChanged)


@grown
def test_a_reader_that_was_ahead_of_every_poll_is_told_too(store: Store, tail: Tail, clock: Reactor, then: int) -> None:
    store.append(10, announced=False)
    found = waiting_at(store, tail, 10)
    assert tail.last == 0
    lose(store, 3, then=then)
    clock.advance(1.0)
    assert found[0].check(HistoryChanged)


def test_what_is_committed_while_a_reader_looks_whether_it_can_go_on_wakes_it(store: Store, tail: Tail, clock: Reactor) -> None:
    store.append(10)
    clock.advance(1.0)
    lose(store, 3)
    clock.advance(1.0)
    looking: Deferred[list[Change]] = Deferred()
    looks = iter([looking])

    def run(reading: Any) -> Deferred[list[Change]]:
        return next(looks, None) or store.read(reading)

    found = outcome(tail.after(7, 10, digest=Epoch.digest_at(store, 7), run=run))
    store.append()
    looking.callback([])
    assert [change.number for change in found[0]] == [8]


def test_polls_that_end_out_of_turn_forget_nothing(store: Store, tail: Tail, clock: Reactor) -> None:
    polls: list[tuple[Deferred[Any], Any]] = []
    read = store.read

    def hold(work: Any, seconds: float | None = None) -> Deferred[Any]:
        del seconds
        polls.append((Deferred(), work(store)))
        return polls[-1][0]

    store.read = hold  # type: ignore[method-assign]
    clock.advance(1.0)
    store.append(10)
    tail._noticed()
    for poll, answer in reversed(polls):
        poll.callback(answer)
    store.read = read  # type: ignore[method-assign]
    lose(store, 3, then=3)
    clock.advance(1.0)
    found = outcome(tail.after(10, 10, digest="u10"))
    assert found[0].check(HistoryChanged)


def test_a_reader_that_had_not_come_to_what_was_lost_goes_on(store: Store, tail: Tail, clock: Reactor) -> None:
    store.append(10)
    clock.advance(1.0)
    lose(store, 3, then=5)
    clock.advance(1.0)
    found = waiting_at(store, tail, 7)
    assert [change.object_id for change in found[0]] == [f"other{number}" for number in range(8, 13)]


def test_a_reader_that_looks_after_the_tail_has_noticed_is_told_as_well(store: Store, tail: Tail, clock: Reactor) -> None:
    store.append(10)
    clock.advance(1.0)
    digest = Epoch.digest_at(store, 10)
    lose(store, 3)
    clock.advance(1.0)
    assert outcome(tail.after(10, 10, digest=digest))[0].check(HistoryChanged)


def test_a_consumer_goes_back_to_the_position_that_the_store_has(store: Store, tail: Tail, clock: Reactor) -> None:
    handled: list[str] = []

    async def handle(some: list[Change]) -> None:
        handled.extend(change.object_id for change in some)

    store.append(10)
    clock.advance(1.0)
    reader = Consumer("push", tail, store, handle, reactor=clock)  # type: ignore[arg-type]
    reader.start()
    assert handled[-1] == "u10"
    store.positions["push"] = 7
    lose(store, 3, then=2)
    clock.advance(1.0)
    assert handled[10:] == ["other8", "other9"]
    Deferred.fromCoroutine(reader.stop())

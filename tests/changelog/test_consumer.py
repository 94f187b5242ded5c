"""A consumer of the change log: every change, in order, at least once, at its own pace (law 4)."""

from collections.abc import Callable

import pytest
from twisted.internet.defer import CancelledError, Deferred

from gateway.changelog.consumer import AT_ONCE, DELAYS, Consumer, Handler
from gateway.changelog.tail import Tail
from gateway.model.changes import Change
from gateway.model.errors import StoreUnavailable
from tests.changelog.stand_ins import Reactor, Store


class RecordingHandler:
    """A handler that records what it is handed, and fails or waits on demand."""

    def __init__(self) -> None:
        self.handled: list[list[int]] = []
        self.error: BaseException | None = None
        self.pending: Deferred[None] | None = None

    async def handle(self, changes: list[Change]) -> None:
        self.handled.append([change.number for change in changes])
        if self.error is not None:
            raise self.error
        if self.pending is not None:
            await self.pending


@pytest.fixture
def handler() -> RecordingHandler:
    return RecordingHandler()


@pytest.fixture
def consume(store: Store, tail: Tail, clock: Reactor) -> Callable[[Handler], Consumer]:
    def start(handle: Handler) -> Consumer:
        consumer = Consumer("push", tail, store, handle, reactor=clock, jitter=lambda: 1.0)  # type: ignore[arg-type]
        consumer.start()
        return consumer

    return start


def stopped(consumer: Consumer) -> bool:
    found: list[object] = []
    Deferred.fromCoroutine(consumer.stop()).addCallback(found.append)
    return bool(found)


def test_a_reader_begins_at_its_stored_position_and_moves_it(
    store: Store, handler: RecordingHandler, consume: Callable[[Handler], Consumer]
) -> None:
    store.append(5)
    store.positions["push"] = 3
    consumer = consume(handler.handle)
    assert (handler.handled, store.positions) == ([[4, 5]], {"push": 5})
    store.append()
    assert handler.handled == [[4, 5], [6]]
    assert consumer.position == store.positions["push"] == 6
    assert stopped(consumer)


def test_a_reader_that_is_far_behind_is_handed_bounded_portions(
    store: Store, handler: RecordingHandler, consume: Callable[[Handler], Consumer]
) -> None:
    store.append(AT_ONCE + 7)
    consume(handler.handle)
    assert [len(portion) for portion in handler.handled] == [AT_ONCE, 7]


def test_failed_changes_are_handed_over_again_with_growing_delays(
    store: Store, clock: Reactor, handler: RecordingHandler, consume: Callable[[Handler], Consumer]
) -> None:
    handler.error = RuntimeError("no")
    store.append()
    consume(handler.handle)
    assert (len(handler.handled), store.positions) == (1, {})
    clock.advance(1.0)
    assert len(handler.handled) == 2
    clock.advance(1.9)
    assert len(handler.handled) == 2
    clock.advance(0.1)
    assert len(handler.handled) == 3
    handler.error = None
    clock.pump([1.0] * 4)
    assert store.positions == {"push": 1}


def test_the_delay_has_a_cap(
    store: Store, clock: Reactor, handler: RecordingHandler, consume: Callable[[Handler], Consumer]
) -> None:
    handler.error = RuntimeError("no")
    store.append()
    consume(handler.handle)
    for _ in range(50):
        clock.advance(DELAYS.cap_seconds)
    assert len(handler.handled) == 51


def test_a_success_makes_the_next_delay_short_again(
    store: Store, clock: Reactor, handler: RecordingHandler, consume: Callable[[Handler], Consumer]
) -> None:
    handler.error = RuntimeError("no")
    store.append()
    consume(handler.handle)
    clock.pump([1.0, 2.0, 4.0])
    handler.error = None
    clock.advance(8.0)
    handler.error = RuntimeError("again")
    store.append()
    tries = len(handler.handled)
    clock.advance(1.0)
    assert len(handler.handled) == tries + 1


def test_a_position_that_cannot_be_stored_repeats_the_portion(
    store: Store, clock: Reactor, consume: Callable[[Handler], Consumer]
) -> None:
    handled: list[int] = []

    async def break_store(changes: list[Change]) -> None:
        handled.extend(change.number for change in changes)
        store.broken = StoreUnavailable("down") if len(handled) == 1 else None

    store.append()
    consume(break_store)
    store.broken = None
    clock.advance(1.0)
    assert (handled, store.positions) == ([1, 1], {"push": 1})


def test_stopping_lets_the_running_handler_end(
    store: Store, handler: RecordingHandler, consume: Callable[[Handler], Consumer]
) -> None:
    handler.pending = Deferred()
    store.append()
    consumer = consume(handler.handle)
    ended: list[object] = []
    Deferred.fromCoroutine(consumer.stop()).addCallback(ended.append)
    assert (ended, store.positions) == ([], {})
    handler.pending.callback(None)
    assert (ended, store.positions) == ([None], {"push": 1})


def test_stopping_ends_the_waiting_for_the_next_attempt(
    store: Store, clock: Reactor, handler: RecordingHandler, consume: Callable[[Handler], Consumer]
) -> None:
    handler.error = RuntimeError("no")
    store.append()
    assert stopped(consume(handler.handle))
    clock.advance(1000)
    assert len(handler.handled) == 1


def test_a_handler_whose_own_waiting_is_cancelled_has_failed_and_is_tried_again(
    store: Store, clock: Reactor, handler: RecordingHandler, consume: Callable[[Handler], Consumer]
) -> None:
    handler.error = CancelledError("a timeout of its own")
    store.append()
    consume(handler.handle)
    handler.error = None
    clock.advance(1.0)
    assert store.positions == {"push": 1}


def test_law_4_a_reader_that_stands_still_delays_only_itself(
    store: Store, tail: Tail, clock: Reactor, handler: RecordingHandler, consume: Callable[[Handler], Consumer]
) -> None:
    handler.pending = Deferred()
    consume(handler.handle)
    quick = RecordingHandler()
    Consumer("quick", tail, store, quick.handle, reactor=clock).start()  # type: ignore[arg-type]
    for _ in range(3):
        store.append()
    assert quick.handled == [[1], [2], [3]]
    assert handler.handled == [[1]]


def test_a_closed_tail_ends_its_readers(
    store: Store, tail: Tail, handler: RecordingHandler, consume: Callable[[Handler], Consumer]
) -> None:
    consumer = consume(handler.handle)
    tail.close()
    assert stopped(consumer)

"""A named reader of the log: everything, in order, at least once, at its own pace (law 4)."""

from collections.abc import Callable

import pytest
from twisted.internet.defer import CancelledError, Deferred

from gateway.changelog.consumer import AT_ONCE, DELAYS, Consumer, Handler
from gateway.changelog.tail import Tail
from gateway.model.changes import Change
from gateway.model.errors import StoreUnavailable
from tests.changelog.stand_ins import Reactor, Store


class Hands:
    """Takes what it is handed; fails, or takes its time, when told to."""

    def __init__(self) -> None:
        self.taken: list[list[int]] = []
        self.trouble: BaseException | None = None
        self.pending: Deferred[None] | None = None

    async def handle(self, changes: list[Change]) -> None:
        self.taken.append([change.number for change in changes])
        if self.trouble is not None:
            raise self.trouble
        if self.pending is not None:
            await self.pending


@pytest.fixture
def hands() -> Hands:
    return Hands()


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
    store: Store, hands: Hands, consume: Callable[[Handler], Consumer]
) -> None:
    store.append(5)
    store.positions["push"] = 3
    consumer = consume(hands.handle)
    assert (hands.taken, store.positions) == ([[4, 5]], {"push": 5})
    store.append()
    assert hands.taken == [[4, 5], [6]]
    assert consumer.position == store.positions["push"] == 6
    assert stopped(consumer)


def test_a_reader_that_is_far_behind_is_handed_bounded_portions(
    store: Store, hands: Hands, consume: Callable[[Handler], Consumer]
) -> None:
    store.append(AT_ONCE + 7)
    consume(hands.handle)
    assert [len(portion) for portion in hands.taken] == [AT_ONCE, 7]


def test_what_fails_is_handed_over_again_later_and_later(
    store: Store, clock: Reactor, hands: Hands, consume: Callable[[Handler], Consumer]
) -> None:
    hands.trouble = RuntimeError("no")
    store.append()
    consume(hands.handle)
    assert (len(hands.taken), store.positions) == (1, {})
    clock.advance(1.0)
    assert len(hands.taken) == 2
    clock.advance(1.9)
    assert len(hands.taken) == 2
    clock.advance(0.1)
    assert len(hands.taken) == 3
    hands.trouble = None
    clock.pump([1.0] * 4)
    assert store.positions == {"push": 1}


def test_the_delay_has_an_end(store: Store, clock: Reactor, hands: Hands, consume: Callable[[Handler], Consumer]) -> None:
    hands.trouble = RuntimeError("no")
    store.append()
    consume(hands.handle)
    for _ in range(50):
        clock.advance(DELAYS.cap_seconds)
    assert len(hands.taken) == 51


def test_a_success_makes_the_next_delay_short_again(
    store: Store, clock: Reactor, hands: Hands, consume: Callable[[Handler], Consumer]
) -> None:
    hands.trouble = RuntimeError("no")
    store.append()
    consume(hands.handle)
    clock.pump([1.0, 2.0, 4.0])
    hands.trouble = None
    clock.advance(8.0)
    hands.trouble = RuntimeError("again")
    store.append()
    tries = len(hands.taken)
    clock.advance(1.0)
    assert len(hands.taken) == tries + 1


def test_a_position_that_cannot_be_stored_repeats_the_portion(
    store: Store, clock: Reactor, consume: Callable[[Handler], Consumer]
) -> None:
    taken: list[int] = []

    async def break_store(changes: list[Change]) -> None:
        taken.extend(change.number for change in changes)
        store.broken = StoreUnavailable("down") if len(taken) == 1 else None

    store.append()
    consume(break_store)
    store.broken = None
    clock.advance(1.0)
    assert (taken, store.positions) == ([1, 1], {"push": 1})


def test_stopping_lets_what_is_being_handled_end(store: Store, hands: Hands, consume: Callable[[Handler], Consumer]) -> None:
    hands.pending = Deferred()
    store.append()
    consumer = consume(hands.handle)
    ended: list[object] = []
    Deferred.fromCoroutine(consumer.stop()).addCallback(ended.append)
    assert (ended, store.positions) == ([], {})
    hands.pending.callback(None)
    assert (ended, store.positions) == ([None], {"push": 1})


def test_stopping_ends_the_waiting_for_the_next_attempt(
    store: Store, clock: Reactor, hands: Hands, consume: Callable[[Handler], Consumer]
) -> None:
    hands.trouble = RuntimeError("no")
    store.append()
    assert stopped(consume(hands.handle))
    clock.advance(1000)
    assert len(hands.taken) == 1


def test_a_handler_whose_own_waiting_is_cancelled_has_failed_and_is_tried_again(
    store: Store, clock: Reactor, hands: Hands, consume: Callable[[Handler], Consumer]
) -> None:
    hands.trouble = CancelledError("a timeout of its own")
    store.append()
    consume(hands.handle)
    hands.trouble = None
    clock.advance(1.0)
    assert store.positions == {"push": 1}


def test_law_4_a_reader_that_stands_still_delays_only_itself(
    store: Store, tail: Tail, clock: Reactor, hands: Hands, consume: Callable[[Handler], Consumer]
) -> None:
    hands.pending = Deferred()
    consume(hands.handle)
    quick = Hands()
    Consumer("quick", tail, store, quick.handle, reactor=clock).start()  # type: ignore[arg-type]
    for _ in range(3):
        store.append()
    assert quick.taken == [[1], [2], [3]]
    assert hands.taken == [[1]]


def test_a_closed_tail_ends_its_readers(store: Store, tail: Tail, hands: Hands, consume: Callable[[Handler], Consumer]) -> None:
    consumer = consume(hands.handle)
    tail.close()
    assert stopped(consumer)

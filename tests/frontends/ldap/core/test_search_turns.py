"""Threads and the reactor go round the parties that search, whatever the number of their searches."""

from collections.abc import Callable
from contextlib import ExitStack

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from gateway.frontends.ldap.core.limits import SCANS, SCANS_PER_PARTY, SLICE_SECONDS, SUBSCRIPTIONS
from gateway.frontends.ldap.core.search_turns import ScanTurns, SliceTurns
from gateway.frontends.ldap.core.subscription_limit import SubscriptionLimit, TooManySubscriptions


class ReactorTurns(Clock):
    """A clock that ends its turn: what is to be called at once, and was asked for in this turn, is called in the next."""

    def turn(self) -> None:
        due, self.calls = self.calls, []
        for call in due:
            call.func(*call.args, **call.kw)


def note(order: list[str], name: str) -> Callable[[object], None]:
    return lambda _: order.append(name)


def entered(turns: ScanTurns, party: str) -> "Deferred[None]":
    return Deferred.fromCoroutine(turns.enter(party))


def test_a_party_has_one_thread_and_another_has_the_next_at_once() -> None:
    turns = ScanTurns()
    greedy = [entered(turns, "greedy") for _ in range(64)]
    assert [one.called for one in greedy].count(True) == SCANS_PER_PARTY < SCANS
    assert entered(turns, "other").called


def test_a_thread_that_is_free_goes_round_the_parties_that_wait() -> None:
    turns = ScanTurns()
    order: list[str] = []
    waiting = [(name, entered(turns, name)) for name in ("a", "b", *["greedy"] * 5, "c", "d")]
    for name, one in waiting[2:]:
        one.addCallback(note(order, name))
    for name in ("a", "b"):
        turns.leave(name)
    assert order == ["greedy", "c"]
    turns.leave("greedy")
    turns.leave("c")
    assert order == ["greedy", "c", "d", "greedy"]


@ensureDeferred
async def test_a_search_that_is_abandoned_while_it_waits_takes_no_thread() -> None:
    turns = ScanTurns()
    first, gone, behind = (entered(turns, "a") for _ in range(3))
    assert first.called
    gone.cancel()
    with pytest.raises(CancelledError):
        await gone
    turns.leave("a")
    assert behind.called
    turns.leave("a")
    assert (turns.running, turns.of_party) == (0, {})


def test_slices_of_one_turn_take_so_long_and_go_round_the_parties() -> None:
    turns, clock, order = SliceTurns(), ReactorTurns(), list[str]()

    def slice_of(party: str) -> Callable[[object], None]:
        def take(_: object) -> None:
            order.append(party)
            clock.rightNow += SLICE_SECONDS / 2

        return take

    for name in [*["greedy"] * 5, "other"]:
        turns.turn(name, clock).addCallback(slice_of(name))
    assert order == []
    clock.turn()
    assert order == ["greedy", "other"]
    clock.turn()
    assert order == ["greedy", "other", "greedy", "greedy"]


def test_the_next_slice_of_a_search_waits_for_the_reactors_next_turn() -> None:
    turns, clock, order = SliceTurns(), ReactorTurns(), list[int]()

    def again(number: int) -> None:
        order.append(number)
        turns.turn("a", clock).addCallback(lambda _: order.append(number + 10))

    turns.turn("a", clock).addCallback(lambda _: again(1))
    clock.turn()
    assert order == [1]
    clock.turn()
    assert order == [1, 11]


def test_no_party_has_more_subscriptions_than_are_left_for_the_others() -> None:
    limit = SubscriptionLimit()
    with ExitStack() as held:
        for number in range(SUBSCRIPTIONS // 2):
            held.enter_context(limit.counted(f"connection {number}", "greedy"))
        with pytest.raises(TooManySubscriptions, match="for others"), limit.counted("one more", "greedy"):
            pass
        held.enter_context(limit.counted("another", "other"))
    assert limit.total == 0
    with limit.counted("one more", "greedy"):
        assert limit.total == 1

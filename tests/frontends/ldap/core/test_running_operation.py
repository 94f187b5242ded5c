"""Operations that are not finished at once: how they are driven from Deferred to Deferred, and how they end."""

from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred, succeed

from gateway.frontends.ldap.core.running_operation import RunningOperation


class Ends:
    """The outcome of an operation: its ends (never more than one), and its results on the way."""

    def __init__(self) -> None:
        self.ends: list[BaseException | None] = []
        self.said: list[object] = []

    async def asks(self, *awaited: "Deferred[Any]") -> None:
        for one in awaited:
            try:
                self.said.append(await one)
            except LookupError as error:
                self.said.append(repr(error))

    def run(self, *awaited: "Deferred[Any]") -> RunningOperation:
        running = RunningOperation("search", self.asks(*awaited), self.ends.append)
        running.resume()
        return running


@pytest.fixture
def ends() -> Ends:
    return Ends()


def test_what_has_to_wait_for_nothing_is_over_at_once(ends: Ends) -> None:
    ends.run(succeed(1), succeed(2))
    assert (ends.said, ends.ends) == ([1, 2], [None])


def test_results_and_errors_reach_the_operation_in_its_order(ends: Ends) -> None:
    first, second, third = Deferred[int](), Deferred[int](), Deferred[int]()
    ends.run(first, second, third)
    third.callback(3)
    assert not ends.said
    first.callback(1)
    second.errback(LookupError("two"))
    assert (ends.said, ends.ends) == ([1, "LookupError('two')", 3], [None])


def test_an_error_that_the_operation_does_not_know_is_its_end(ends: Ends) -> None:
    waiting = Deferred[int]()
    ends.run(waiting, succeed(2))
    error = ZeroDivisionError()
    waiting.errback(error)
    assert (ends.said, ends.ends) == ([], [error])


def test_a_deferred_that_waits_for_another_is_waited_for(ends: Ends) -> None:
    outer, inner = Deferred[int](), Deferred[int]()
    outer.addCallback(lambda _: inner)
    ends.run(outer)
    outer.callback(1)
    assert not ends.ends
    inner.callback(2)
    assert (ends.said, ends.ends) == ([2], [None])


def test_cancelling_ends_what_is_waited_for_and_then_the_operation(ends: Ends) -> None:
    cancelled: list[Deferred[Any]] = []
    waiting = Deferred[int](cancelled.append)
    running = ends.run(waiting, succeed(2))
    running.cancel()
    assert cancelled == [waiting] and not ends.said
    assert [type(end) for end in ends.ends] == [CancelledError]
    running.cancel()
    assert len(ends.ends) == 1, "it is over"

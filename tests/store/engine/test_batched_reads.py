"""Batched reads: keys that are asked for while a read is under way are looked up together by the next one."""

from collections.abc import Callable
from typing import Any, cast

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.model.errors import StoreUnavailable
from gateway.store.engine.batched_reads import BatchedReads
from gateway.store.engine.database import Connection, Database


class Reads:
    """A database that answers when the test says so, and the keys of each read."""

    def __init__(self, most: int = 10) -> None:
        self.asked: list[set[str]] = []
        self._under_way: list[tuple[Deferred[Any], Callable[[Any], Any]]] = []
        self.batched = BatchedReads(cast(Database, self), self._find, most)

    def read(self, work: Callable[[Any], Any]) -> Deferred[Any]:
        answer: Deferred[Any] = Deferred()
        self._under_way.append((answer, work))
        return answer

    def _find(self, _connection: Connection, keys: set[str]) -> dict[str, str]:
        self.asked.append(keys)
        return {key: key.upper() for key in keys}

    def answer(self) -> None:
        answer, work = self._under_way.pop()
        answer.callback(work(None))

    def fail(self, error: Exception) -> None:
        self._under_way.pop()[0].errback(Failure(error))  # type: ignore[no-untyped-call]


def found(answer: Deferred[str]) -> list[str]:
    values: list[str] = []
    answer.addCallback(values.append)
    return values


def test_keys_that_come_during_a_read_share_the_next_one_up_to_the_most() -> None:
    reads = Reads(most=2)
    values = [found(reads.batched.get(key)) for key in ("a", "b", "c", "d")]
    for _ in range(3):
        reads.answer()
    assert reads.asked == [{"a"}, {"b", "c"}, {"d"}]
    assert values == [["A"], ["B"], ["C"], ["D"]]


def test_a_key_whose_asker_has_gone_costs_the_others_nothing() -> None:
    reads = Reads()
    gone = reads.batched.get("a")
    gone.addErrback(lambda _: None)
    gone.cancel()
    reads.answer()
    other = found(reads.batched.get("b"))
    reads.answer()
    assert other == ["B"]


@pytest.mark.parametrize(("error", "waits_on"), [(StoreUnavailable("away"), False), (ValueError("bad"), True)])
def test_an_outage_fails_all_that_wait_and_another_error_its_own_read_only(error: Exception, waits_on: bool) -> None:
    reads = Reads()
    failures: list[BaseException | None] = []

    def note(failure: Failure) -> None:
        failures.append(failure.value)

    reads.batched.get("a").addErrback(note)
    waiting = reads.batched.get("b")
    waiting.addErrback(note)
    reads.fail(error)
    assert failures == [error] * (1 if waits_on else 2)
    assert waiting.called is not waits_on
    if waits_on:
        reads.answer()

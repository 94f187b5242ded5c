"""Batched reads: keys that are asked for while a read is under way are looked up together by the next one, so that many clients
at once cost few transactions.

Belongs to the reactor's thread."""

from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar

from sqlalchemy import Connection
from twisted.internet.defer import Deferred, ensureDeferred

from gateway.model.errors import StoreUnavailable
from gateway.store.engine.database import Database

V = TypeVar("V")

MAX_KEYS: Final = 500
"""Keys looked up in one transaction; the others wait for the next."""


class BatchedReads(Generic[V]):
    """The lookups of one kind. `find(connection, keys)` is run in a transaction and returns a value for each of the keys,
    `most` at a time."""

    def __init__(
        self, database: Database, find: Callable[[Connection, set[str]], Mapping[str, V]], most: int = MAX_KEYS
    ) -> None:
        self._database = database
        self._find = find
        self._most = most
        self._waiting: list[tuple[str, Deferred[V]]] = []
        self._reading = False

    def get(self, key: str) -> "Deferred[V]":
        """Return the value of a key. Fails with StoreUnavailable, and as `find` does."""
        answer: Deferred[V] = Deferred()
        self._waiting.append((key, answer))
        if not self._reading:
            self._reading = True
            ensureDeferred(self._read_all())
        return answer

    async def _read_all(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._read(asked)
        finally:
            self._reading = False

    async def _read(self, asked: "list[tuple[str, Deferred[V]]]") -> None:
        try:
            found = await self._database.read(lambda connection: self._find(connection, {key for key, _ in asked}))
        except Exception as error:
            if isinstance(error, StoreUnavailable):  # who waits for the next transaction would wait as long for the same
                asked, self._waiting = asked + self._waiting, []
            for _, answer in asked:
                if not answer.called:
                    answer.errback(error)
            return
        for key, answer in asked:
            if not answer.called:  # who asked may have gone
                answer.callback(found[key])

"""A store in memory with a log, and a reactor whose clock is turned by hand: so that no test of the log waits."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from gateway.changelog import consumer, tail
from gateway.model.changes import Change, ChangeType
from gateway.model.objects import Kind

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Reactor(Clock):
    """Calls from threads come at once."""

    def callFromThread(self, function: Callable[..., Any], *arguments: Any) -> None:
        function(*arguments)


class Store:
    """The part of `Database` that readers of the log use; `connection` is the store itself."""

    listening_url: str | None = None

    def __init__(self) -> None:
        self.log: list[Change] = []
        self.positions: dict[str, int] = {}
        self.broken: Exception | None = None
        self.callbacks: list[Callable[[int], None]] = []
        self.reads = 0

    def append(self, count: int = 1, *, announced: bool = True, prefix: str = "u") -> None:
        for _ in range(count):
            number = len(self.log) + 1
            self.log.append(Change(number, NOW, Kind.USER, f"{prefix}{number}", ChangeType.DELETE, "hr", None))
        if announced:
            for callback in self.callbacks:
                callback(len(self.log))

    def read(self, work: Callable[[Any], Any], seconds: float | None = None) -> "Deferred[Any]":
        del seconds
        self.reads += 1
        return fail(self.broken) if self.broken else succeed(work(self))

    write = read

    def on_commit(self, callback: Callable[[int], None]) -> None:
        self.callbacks.append(callback)

    def remove_callback(self, callback: Callable[[int], None]) -> None:
        if callback in self.callbacks:
            self.callbacks.remove(callback)


class Log:
    """Stands in for gateway.store.log.changes."""

    @staticmethod
    def last(store: Store) -> int:
        return store.log[-1].number if store.log else 0

    @staticmethod
    def after(store: Store, number: int, limit: int, *, members: bool = True) -> list[Change]:
        return [change for change in store.log if change.number > number][:limit]


class Epoch:
    """Stands in for gateway.store.log.epoch."""

    @staticmethod
    def digest_at(store: Store, number: int) -> str:
        return store.log[number - 1].object_id if 0 < number <= len(store.log) else "-"

    @staticmethod
    def digest_after(digest: str, change: Change) -> str:
        return change.object_id


class Positions:
    """Stands in for gateway.store.log.positions."""

    @staticmethod
    def get(store: Store, name: str) -> int | None:
        return store.positions.get(name)

    @staticmethod
    def set_position(store: Store, name: str, number: int, now: datetime) -> None:
        store.positions[name] = number


def install(monkeypatch: Any) -> None:
    """Let the log's readers use the stand-ins."""
    monkeypatch.setattr(tail, "changes", Log)
    monkeypatch.setattr(tail, "epoch", Epoch)
    monkeypatch.setattr(consumer, "epoch", Epoch)
    monkeypatch.setattr(consumer, "positions", Positions)

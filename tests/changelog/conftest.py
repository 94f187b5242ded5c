"""One log, one clock, one tail for each test."""

from collections.abc import Iterator

import pytest

from gateway.changelog.tail import Tail
from tests.changelog.stand_ins import Reactor, Store, install


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    install(monkeypatch)
    return Store()


@pytest.fixture
def clock() -> Reactor:
    return Reactor()


@pytest.fixture
def tail(store: Store, clock: Reactor) -> Iterator[Tail]:
    following = Tail(store, clock, poll_seconds=1.0)  # type: ignore[arg-type]
    yield following
    following.close()

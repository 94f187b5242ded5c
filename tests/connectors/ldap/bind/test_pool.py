"""The idle time of pooled connections; the test sets the clock."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock

from gateway.connectors.ldap.bind.pool import BindPool
from gateway.connectors.ldap.bind.settings import PassThroughSettings
from gateway.connectors.ldap.client.settings import Upstream

IDLE_SECONDS = 60.0


class Client:
    """A connection that records its end."""

    usable = True

    def drop(self) -> None:
        self.usable = False


def test_each_idle_connection_is_closed_after_its_idle_time_and_no_call_is_left() -> None:
    clock = Clock()
    pool: Any = BindPool(PassThroughSettings(id="hr", upstream=Upstream(urls=("ldap://x",)), idle_seconds=IDLE_SECONDS), clock)
    clients: list[Any] = [Client(), Client()]
    first, second = clients
    for client in clients:
        pool._park(client)
        clock.advance(IDLE_SECONDS / 2)
    assert (first.usable, second.usable) == (False, True)
    assert pool._idle_client() is second
    pool._park(second)
    clock.advance(IDLE_SECONDS - 1)
    assert second.usable
    clock.advance(1)
    assert not second.usable
    assert clock.getDelayedCalls() == []

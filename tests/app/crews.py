"""Clients of a gateway with two workers, and which worker serves whom."""

from __future__ import annotations

import re
import socket
from contextlib import ExitStack

from tests.app.installation import Serving, until
from tests.app.watching import PEOPLE, metrics
from tests.frontends.ldap.bare import Bare, search_request
from tests.frontends.ldap.serving import Account
from tests.servers.people import person_password

ONE_PERSON = search_request(PEOPLE, "(uid=user000003)")
EVERYBODY = search_request(PEOPLE, "(uid=*)")


def person(number: int, password: str | None = None) -> Account:
    return Account(f"uid=user{number:06d},{PEOPLE}", person_password(number) if password is None else password)


def connect(serving: Serving) -> Bare:
    host, port = serving.addresses["ldap"].split(":")
    return Bare(socket.create_connection((host, int(port)), timeout=20))


def worker_of(serving: Serving, client: Bare) -> int:
    """Who serves this client, which has bound, by the log."""
    peer = f"127.0.0.1:{client.socket.getsockname()[1]}"
    found: re.Match[str] = until(
        lambda: re.search(rf"\] bind .*peer={peer} .*worker=(\d)", serving.log_text()), "the bind's line"
    )
    return int(found[1])


def on_both(serving: Serving, account: Account, stack: ExitStack) -> dict[int, Bare]:
    """A bound client of each worker."""
    clients = [stack.enter_context(connect(serving)) for _ in range(2)]
    assert [client.bind(account) for client in clients] == [0, 0]
    found = {worker_of(serving, client): client for client in clients}
    assert set(found) == {1, 2}
    return found


def refused(client: Bare) -> bool:
    """Whether the gateway has closed the connection without a word."""
    try:
        return client.socket.recv(1) == b""
    except ConnectionError:
        return True


def settled(serving: Serving, connections: int) -> None:
    line = f"gateway_ldap_open_connections {connections}.0"
    until(lambda: line in metrics(serving), line)

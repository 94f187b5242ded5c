"""A gateway with two workers, and clients of each of them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.app.installation import Installation, Serving, beside_slapd, until
from tests.app.observations import PEOPLE, application, metrics, wait_until_all_serve, wait_until_read, workers
from tests.frontends.ldap.serving import Account
from tests.frontends.ldap.wire_client import WireClient, search_request
from tests.servers.people import person_password
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd

ONE_PERSON = search_request(PEOPLE, "(uid=user000003)")
ALL_PEOPLE = search_request(PEOPLE, "(uid=*)")

PROXY = "127.0.0.2"

LIMITS = "connections_per_address = 8\nbind_failures = 3\nbind_failure_seconds = 600"


@dataclass(frozen=True, slots=True)
class TwoWorkers:
    """A running gateway, the slapd that its people come from, and an application that sees everything."""

    installation: Installation
    serving: Serving
    upstream: Slapd
    portal: Account


@contextmanager
def serving_with_two_workers(folder: Path, pki: Pki) -> Iterator[TwoWorkers]:
    """Run such a gateway; when it is yielded, everything can be read from all its workers."""
    environ = os.environ | {"GATEWAY_LDAP__WORKERS": "2", "GATEWAY_LDAP__TRUSTED_PROXIES": PROXY}
    with beside_slapd(folder, pki, environ, limits=LIMITS) as (installation, upstream):
        added = application(installation)
        with installation.serve() as running:
            wait_until_read(running)
            wait_until_all_serve(running)
            yield TwoWorkers(installation, running, upstream, Account(added["bind_dns"][0], added["secret"]))


def person(number: int, password: str | None = None) -> Account:
    return Account(f"uid=user{number:06d},{PEOPLE}", person_password(number) if password is None else password)


def connect(serving: Serving) -> WireClient:
    host, port = serving.addresses["ldap"].split(":")
    return WireClient(socket.create_connection((host, int(port)), timeout=20))


def worker_of(serving: Serving, client: WireClient) -> int:
    """Return the number of the worker that serves this client, by whose process holds the socket (proc(5))."""
    mine = client.socket.getsockname()[1]
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    [inode] = [row[9] for row in rows if int(row[2].rpartition(":")[2], 16) == mine and row[9] != "0"]

    def holder() -> int | None:
        return next((number for number, pid in workers(serving).items() if inode in _sockets(pid)), None)

    return int(until(holder, "a worker has the connection"))


def _sockets(pid: int) -> set[str]:
    """Return the inodes of a process's sockets."""
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            found.add(str(entry.readlink()).removeprefix("socket:[").rstrip("]"))
    return found


def on_both(serving: Serving, account: Account, stack: ExitStack) -> dict[int, WireClient]:
    """Return a bound client of each worker, by the worker's number."""
    clients = [stack.enter_context(connect(serving)) for _ in range(2)]
    assert [client.bind(account) for client in clients] == [0, 0]
    found = {worker_of(serving, client): client for client in clients}
    assert set(found) == {1, 2}
    return found


def refused(client: WireClient) -> bool:
    """Return True when the gateway has closed the connection without an answer."""
    try:
        return client.socket.recv(1) == b""
    except ConnectionError:
        return True


def settled(serving: Serving, connections: int = 0) -> None:
    """Wait until the gateway counts so many connections."""
    line = f"gateway_ldap_open_connections {connections}.0"
    until(lambda: line in metrics(serving), line)

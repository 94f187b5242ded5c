"""Memory that clients which do not read can make a server hold, measured on a process of its own."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.wire import oids
from gateway.wire.codec.encoder import encode_message
from gateway.wire.messages import CompareRequest, ExtendedRequest, LDAPMessage
from tests.frontends.ldap.company import ANN, BASE, CROWD
from tests.frontends.ldap.serving import TIMEOUT_SECONDS, Account, eventually
from tests.frontends.ldap.wire_client import WireClient, search_request
from tests.servers.processes import ServerProcess

MEBIBYTE = 1 << 20
ROOT = Path(__file__).parents[4]


class Lone:
    """The process, and how much memory it has."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.frontends.ldap.server_process", str(folder)]
        self.process = ServerProcess(command, folder / "log", cwd=ROOT)
        self.process.start(lambda: "ready: " in self.process.log_text())
        (line,) = (line for line in self.process.log_text().splitlines() if line.startswith("ready: "))
        _, port, name, secret = line.split(" ")
        self._port, self._portal = int(port), Account(name, secret)

    def client(self, receive_buffer: int | None = None) -> WireClient:
        connection = socket.socket()
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(TIMEOUT_SECONDS)
        connection.connect(("127.0.0.1", self._port))
        bound = WireClient(connection)
        assert bound.bind(self._portal) == 0
        return bound

    @property
    def resident(self) -> int:
        """Octets (VmRSS)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024

    def settled(self) -> int:
        """Its memory, when it does not grow any more."""
        seen = [self.resident]

        def stands_still() -> bool:
            seen.append(self.resident)
            return len(seen) > 100 and max(seen[-50:]) == max(seen[-100:-50])

        eventually(stands_still)
        return seen[-1]


@pytest.fixture
def lone(tmp_path: Path) -> Iterator[Lone]:
    started = Lone(tmp_path)
    yield started
    started.process.kill()  # it keeps nothing that would have to be put away


def test_law_7_clients_that_never_read_cannot_make_the_server_hold_their_answers(lone: Lone) -> None:
    everything = search_request(BASE)
    with lone.client() as reads:
        assert len(reads.search(everything)[0]) == CROWD + 15
        before = lone.settled()
        with ExitStack() as stack:
            for _ in range(20):  # 20 times 60 answers of 8 MB each
                stack.enter_context(lone.client(receive_buffer=4096)).send(*[everything] * 60)
            assert lone.settled() - before < 60 * MEBIBYTE
            assert [entry.object_name for entry in reads.search(search_request(BASE, "(uid=ann)"))[0]] == [ANN]


def test_a_client_that_asks_without_end_and_never_reads_is_not_listened_to(lone: Lone) -> None:
    questions = encode_message(LDAPMessage(7, search_request("cn=Subschema", scope=0, attributes=("+",)))) * 1000
    questions += encode_message(LDAPMessage(7, ExtendedRequest(oids.WHO_AM_I))) * 100_000
    with lone.client() as reads, lone.client(receive_buffer=4096) as asks:
        before = lone.settled()
        asks.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            while True:
                asks.socket.sendall(questions)
        assert lone.settled() - before < 20 * MEBIBYTE
        assert [entry.object_name for entry in reads.search(search_request(BASE, "(uid=ann)"))[0]] == [ANN]


@pytest.mark.parametrize("place", ["filter", "attributes", "compare"])
def test_names_of_a_megabyte_that_somebody_makes_up_are_not_remembered(lone: Lone, place: str) -> None:
    made_up = [f"x{number}" + "x" * 1_000_000 for number in range(80)]
    with lone.client() as client:

        def ask(name: str) -> None:
            if place == "compare":
                client.ask(CompareRequest(ANN, name, b"x"))
            elif place == "filter":
                client.search(search_request(BASE, f"({name}=1)"))
            else:
                client.search(search_request(BASE, "(uid=ann)", attributes=(name,)))

        for name in made_up[:10]:
            ask(name)
        before = lone.settled()
        for name in made_up[10:]:
            ask(name)
        assert lone.settled() - before < 20 * MEBIBYTE

"""The PROXY protocol on real ports: whose header is believed, what counts for the client that it names, and what ends."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import pytest_twisted
from structlog.testing import capture_logs
from twisted.internet.defer import ensureDeferred

from gateway.app.listeners import Listener, Ports
from gateway.app.process.certificates import Certificate
from gateway.app.value_types import Endpoint
from gateway.frontends.ldap.server import proxy_protocol
from gateway.model.trusted_networks import TrustedNetworks
from gateway.twisted_internals.reactor import installed
from gateway.wire.codec.encoder import encode_message
from gateway.wire.messages import BindResponse, LDAPMessage
from gateway.wire.oids import NOTICE_OF_DISCONNECTION
from tests.frontends.ldap.conftest import Serve
from tests.frontends.ldap.serving import Serving, blocking, eventually
from tests.frontends.ldap.wire_client import WireClient, bind_request
from tests.servers.pki import Pki
from tests.twisted_internals.test_proxy_header import BAD, local, v2

PROXY, STRANGER = "127.0.0.2", "127.0.0.1"
V1 = b"PROXY TCP4 192.0.2.7 127.0.0.1 1234 389\r\n"

Connect = Callable[..., socket.socket]


class Listening:
    """A server whose ports know one trusted proxy."""

    def __init__(self, serving: Serving, pki: Pki) -> None:
        trusted, factory = TrustedNetworks.parse([PROXY]), serving.server.factory
        certificate, endpoint = Certificate(pki.certificate, pki.key), [Endpoint("127.0.0.1", 0)]
        self.serving = serving
        self.ports = Ports(installed())
        listeners = [Listener("ldap", endpoint, factory(), trusted_proxies=trusted)]
        listeners.append(Listener("ldaps", endpoint, factory(encrypted=True), certificate, trusted))
        self.ports.open(listeners)

    def connect(self, *data: bytes, source: str = PROXY, key: str = "ldap") -> socket.socket:
        """A connection from an address, which has sent this, each piece by itself."""
        host, _, port = self.ports.addresses()[key][0].rpartition(":")
        connection = socket.create_connection((host, int(port)), timeout=20, source_address=(source, 0))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in data:
            connection.sendall(piece)
        return connection


@pytest.fixture
def listen(pki: Pki) -> Iterator[Callable[[Serving], Listening]]:
    made: list[Listening] = []

    def start(serving: Serving) -> Listening:
        made.append(Listening(serving, pki))
        return made[-1]

    yield start
    for one in made:
        pytest_twisted.blockon(ensureDeferred(one.ports.close()))


Listen = Callable[[Serving], Listening]


def ended(connection: socket.socket) -> bool:
    with connection:
        try:
            return connection.recv(1) == b""
        except ConnectionError:
            return True


def binds(lines: list[Any]) -> list[str]:
    return [line["peer"] for line in lines if line["event"] == "bind"]


@pytest.mark.parametrize(
    ("header", "client"),
    [(V1, "192.0.2.7:1234"), (v2("192.0.2.7"), "192.0.2.7:1234"), (v2("2001:db8::7"), "2001:db8::7:1234"), (local(), PROXY)],
)
@blocking
def test_a_trusted_proxys_header_names_the_client(
    serving: Serving, listen: Listen, pki: Pki, header: bytes, client: str
) -> None:
    listening = listen(serving)
    pieces = [header[:5], header[5:17], header[17:]]
    encrypted = ssl.create_default_context(cafile=str(pki.ca))
    with capture_logs() as lines:
        with WireClient(listening.connect(*pieces)) as plain:
            assert plain.bind(serving.portal) == 0
        raw = listening.connect(header, key="ldaps")
        with WireClient(encrypted.wrap_socket(raw, server_hostname="127.0.0.1")) as hidden:
            assert hidden.bind(serving.portal) == 0
    assert [peer if client != PROXY else peer.rpartition(":")[0] for peer in binds(lines)] == [client] * 2


@blocking
def test_what_follows_the_header_in_the_same_piece_is_the_clients(serving: Serving, listen: Listen) -> None:
    request = encode_message(LDAPMessage(1, bind_request(serving.portal)))
    with WireClient(listen(serving).connect(V1 + request)) as client:
        answer = client.receive().operation
        assert isinstance(answer, BindResponse) and answer.result.code == 0


@blocking
def test_strangers_are_not_believed_and_need_no_header(serving: Serving, listen: Listen) -> None:
    listening = listen(serving)
    with capture_logs() as lines:
        with WireClient(listening.connect(source=STRANGER)) as client:
            assert client.bind(serving.portal) == 0
        with listening.connect(V1, source=STRANGER) as forger:
            assert NOTICE_OF_DISCONNECTION.encode() in forger.recv(1000)
    assert binds(lines)[0].startswith(STRANGER)
    assert "192.0.2.7" not in repr(lines)


@pytest.mark.parametrize("data", BAD)
@blocking
def test_a_trusted_proxys_connection_without_a_header_ends(serving: Serving, listen: Listen, data: bytes) -> None:
    with capture_logs() as lines:
        assert ended(listen(serving).connect(data))
        eventually(lambda: bool(lines), "the log line")
    assert (lines[0]["event"], lines[0]["cure"]) == ("client disconnected", proxy_protocol.CURE)
    assert serving.connections == 0


@blocking
def test_connections_are_counted_by_the_clients_address(serve: Serve, listen: Listen) -> None:
    serving = serve(limits={"connections_per_address": 2})
    listening = listen(serving)
    crowd = [listening.connect(v2("192.0.2.7", number)) for number in (1, 2)]
    eventually(lambda: serving.connections == 2)
    assert ended(listening.connect(v2("192.0.2.7", 3)))
    other = WireClient(listening.connect(v2("192.0.2.8")))
    assert other.bind(serving.portal) == 0
    other.close()
    for connection in crowd:
        connection.close()


@blocking
def test_a_header_must_come_in_time(serving: Serving, listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy_protocol, "HEADER_SECONDS", 0.05)
    with capture_logs() as lines:
        assert ended(listen(serving).connect(V1[:20]))
        eventually(lambda: bool(lines), "the log line")
    assert lines[0]["reason"] == "its PROXY header did not come in time"


@blocking
def test_so_many_connections_wait_for_their_header(serving: Serving, listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy_protocol, "MAX_AWAITED", 1)
    listening = listen(serving)
    with listening.connect(V1[:20]) as slow:
        assert ended(listening.connect(V1))
        slow.sendall(V1[20:])
        client = WireClient(slow)
        assert client.bind(serving.portal) == 0
    with WireClient(listening.connect(V1)) as again:
        assert again.bind(serving.portal) == 0

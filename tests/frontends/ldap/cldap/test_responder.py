"""Pings over UDP: what is answered, what is not, and how often."""

from __future__ import annotations

import socket
import struct
from types import SimpleNamespace
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import pytest
import pytest_twisted
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread

from gateway.app.listeners import Listener, Ports
from gateway.app.value_types import Endpoint
from gateway.directory.projection.view_kinds import active_directory, openldap
from gateway.frontends.ldap.cldap import rate_limit
from gateway.frontends.ldap.cldap.ping import MAX_AMPLIFICATION, MAX_PING_BYTES
from gateway.frontends.ldap.cldap.responder import PingResponder
from gateway.model.ldap.dn import DN
from gateway.twisted_internals.reactor import installed
from gateway.wire import ber
from gateway.wire.codec.encoder import encode_message
from gateway.wire.entries import values
from gateway.wire.messages import LDAPMessage
from tests.frontends.ldap.wire_client import search_request

CORP, OTHER = active_directory("ad", DN.parse("dc=corp,dc=test")), openldap("o", DN.parse("dc=example,dc=test"))
PING = "(&(DnsDomain=corp.test)(NtVer=\\06\\00\\00\\00)(AAC=\\00\\00\\00\\00))"


def responder(*views: Any, ready: bool = True, clock: Any = None) -> PingResponder:
    followers = {view.name: SimpleNamespace(reader=object() if ready else None) for view in views}
    directory = SimpleNamespace(views=views, followers=followers)
    services: Any = SimpleNamespace(directory=directory, host_name="gw1", reactor=clock or Clock())
    return PingResponder(services)


def ping(text: str = PING, attributes: tuple[str, ...] = ("NetLogon",), base: str = "", scope: int = 0) -> bytes:
    return encode_message(LDAPMessage(7, search_request(base, text, scope, attributes)))


def names(message: bytes) -> list[str]:
    """Read the answer's names as RFC 1035 has them, with pointers."""
    found, position = [], 24
    for _ in range(8):
        labels, at, behind = [], position, 0
        while message[at]:
            if message[at] >= 0xC0:
                behind = behind or at + 2
                at = struct.unpack(">H", message[at : at + 2])[0] & 0x3FFF
                continue
            labels.append(message[at + 1 : at + 1 + message[at]].decode())
            at += 1 + message[at]
        position = behind or at + 1
        found.append(".".join(labels))
    assert message[position:] == struct.pack("<I", 5) + b"\xff\xff\xff\xff"
    return found


def netlogon(answer: bytes) -> bytes:
    """The value in an answer, which is an entry and the end of the search."""
    pos, end = ber.expect(answer, 0, len(answer), ber.SEQUENCE)
    _, pos = ber.expect(answer, pos, end, ber.INTEGER)
    [value] = values(answer[pos:end], b"netlogon")
    assert answer[end:] == b"\x30\x0c\x02\x01\x07\x65\x07\x0a\x01\x00\x04\x00\x04\x00"
    return value


@pytest.mark.parametrize(
    "text",
    [
        PING,
        "(NtVer=\\06\\00\\00\\00)",
        "(&(NtVer=\\16\\00\\00\\20)(DnsDomain=CORP.test.)(Host=client)(AAC=\\00\\00\\00\\00)(DnsHostName=c.corp.test))",
    ],
)
def test_the_answer_has_the_names_of_the_domain_and_of_this_machine(text: str) -> None:
    answer = responder(OTHER, CORP).answer(ping(text), "192.0.2.1")
    assert answer is not None
    value = netlogon(answer)
    opcode, reserved, flags = struct.unpack("<HHI", value[:8])
    assert (opcode, reserved, flags & 0x8, flags & 0x20) == (23, 0, 0x8, 0)
    assert value[8:24] == uuid5(NAMESPACE_OID, CORP.base.key).bytes_le
    site = "Default-First-Site-Name"
    assert names(value) == ["corp.test", "corp.test", "gw1.corp.test", "CORP", "GW1", "", site, site]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x00" * 100,
        ping()[:-1],
        ping() + b"\x00",
        ping("(DnsDomain=corp.test)"),
        ping("(NtVer=\\01\\00\\00\\00)"),
        ping("(NtVer=6)"),
        ping("(&(NtVer=\\06\\00\\00\\00)(DnsDomain=elsewhere.test))"),
        ping("(&(NtVer=\\06\\00\\00\\00)(User=anna))"),
        ping("(&(NtVer=\\06\\00\\00\\00)(NtVer=\\06\\00\\00\\00))"),
        ping("(&(NtVer=\\06\\00\\00\\00)(objectClass=*))"),
        ping("(|(NtVer=\\06\\00\\00\\00)(AAC=x))"),
        ping("(objectClass=*)"),
        ping(attributes=()),
        ping(attributes=("*",)),
        ping(attributes=("netlogon", "currentTime")),
        ping(base="dc=corp,dc=test"),
        ping(scope=2),
        ping("(&(NtVer=\\06\\00\\00\\00)(Host=" + "x" * MAX_PING_BYTES + "))"),
    ],
)
def test_what_is_no_ping_of_a_domain_here_is_answered_by_silence(data: bytes) -> None:
    assert responder(CORP).answer(data, "192.0.2.1") is None


def test_a_machine_that_is_no_domain_controller_yet_is_silent() -> None:
    assert responder(CORP, ready=False).answer(ping(), "192.0.2.1") is None
    assert responder(OTHER).answer(ping(), "192.0.2.1") is None


def test_an_answer_is_little_longer_than_its_question() -> None:
    long = active_directory("ad", DN.parse(",".join(f"dc={'x' * 60}" for _ in range(4))))
    for view in (CORP, long):
        question = ping("(NtVer=\\06\\00\\00\\00)")
        answer = responder(view).answer(question, "192.0.2.1")
        assert answer is None or len(answer) <= MAX_AMPLIFICATION * len(question)
    answer = responder(CORP).answer(ping(), "192.0.2.1")
    assert answer is not None and len(answer) < 2 * len(ping()) < 2 * MAX_PING_BYTES


def test_so_many_answers_to_an_address_and_so_many_in_all() -> None:
    clock = Clock()
    asked = responder(CORP, clock=clock)

    def answered(address: str, times: int) -> int:
        return sum(asked.answer(ping(), address) is not None for _ in range(times))

    assert answered("192.0.2.1", 100) == rate_limit.ANSWERS_PER_ADDRESS
    assert answered("192.0.2.2", 100) == rate_limit.ANSWERS_PER_ADDRESS
    clock.advance(rate_limit.ADDRESS_SECONDS)
    assert answered("192.0.2.1", 100) == rate_limit.ANSWERS_PER_ADDRESS
    clock.advance(1)
    assert sum(answered(f"198.51.100.{number}", 1) for number in range(256)) == rate_limit.ANSWERS_PER_SECOND
    clock.advance(1 / rate_limit.ANSWERS_PER_SECOND + 0.0001)
    assert answered("203.0.113.1", 2) == 1


def test_the_addresses_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MAX_ADDRESSES", 3)
    clock = Clock()
    limit = rate_limit.RateLimit(clock.seconds)
    for number in range(10):
        assert limit.admits(f"192.0.2.{number}")
    assert len(limit._addresses) == 3


@pytest_twisted.ensureDeferred
async def test_a_port_answers_datagrams_and_lives_through_any() -> None:
    ports = Ports(installed())
    ports.open([Listener("cldap", [Endpoint("127.0.0.1", 0)], responder(CORP, clock=installed()))])
    [place] = ports.addresses()["cldap"]
    host, port = place.split(":")

    def ask() -> bytes:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(10)
            client.connect((host, int(port)))
            for data in (b"", b"\x30\x84", b"x" * 2000, ping("(User=x)"), ping()):
                client.send(data)
            return client.recv(2000)

    answer = await deferToThread(ask)
    assert names(netlogon(answer))[2] == "gw1.corp.test"
    await ports.close()

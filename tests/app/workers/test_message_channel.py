"""The socket between the primary and a worker: order, patience, ends, and what fits through it."""

from __future__ import annotations

import socket
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from gateway.app.process.certificates import Pem
from gateway.app.workers.message_channel import MAX_MESSAGE_BYTES, Channel, pair
from gateway.app.workers.protocol import (
    CertificateAssembly,
    CertificatePiece,
    ConnectionClosed,
    SoftLockEntered,
    Stop,
    ToWorker,
    certificate_pieces,
)
from tests.app.fake_reactor import FakeReactor


def channels(reactor: FakeReactor) -> tuple[Channel[Any], socket.socket]:
    ours, theirs = pair()
    return Channel(reactor.typed, ours, ToWorker, lambda: None), theirs


def test_a_channel_keeps_what_the_other_side_does_not_take_yet_and_sends_it_in_order() -> None:
    channel, theirs = channels(FakeReactor())
    for number in range(2_000):
        channel.send(SoftLockEntered(number, True))
    decoder = msgspec.msgpack.Decoder(ToWorker)
    found: list[ToWorker] = []
    while len(found) < 2_000:
        try:
            found.append(decoder.decode(theirs.recv(MAX_MESSAGE_BYTES)))
        except BlockingIOError:
            channel.doWrite()
    assert found == [SoftLockEntered(number, True) for number in range(2_000)]
    channel.close()
    theirs.close()


def test_what_the_other_side_said_before_its_end_is_heard_though_it_left_messages_unread() -> None:
    reactor = FakeReactor()
    channel, theirs = channels(reactor)
    heard: list[object] = []
    channel.start(lambda message, _: heard.append(message))
    theirs.send(msgspec.msgpack.encode(SoftLockEntered(1, True)))
    channel.send(Stop())
    theirs.close()
    reactor.turn()
    assert heard == [SoftLockEntered(1, True)]
    assert not channel.is_open


@pytest.mark.parametrize("octets", [0, 5, 200_000])
def test_a_certificate_with_any_number_of_authorities_goes_through_the_channel(octets: int) -> None:
    pem, put_together = Pem(b"certificate", b"key", b"a" * octets), CertificateAssembly()
    pieces = [msgspec.msgpack.encode(one) for one in certificate_pieces(pem)]
    assert all(len(piece) <= MAX_MESSAGE_BYTES for piece in pieces)
    decoder = msgspec.msgpack.Decoder(CertificatePiece)
    for _ in range(2):
        found = [put_together.whole(decoder.decode(piece)) for piece in pieces]
        assert found == [None] * (len(pieces) - 1) + [pem]


def test_a_message_that_fails_costs_itself_only() -> None:
    reactor = FakeReactor()
    channel, theirs = channels(reactor)
    heard: list[object] = []

    def received(message: object, _: object) -> None:
        heard.append(message)
        if message == SoftLockEntered(1, True):
            raise RuntimeError("no luck")

    channel.start(received)
    with capture_logs() as lines:
        for data in (
            b"\xc1",
            msgspec.msgpack.encode(SoftLockEntered(1, True)),
            msgspec.msgpack.encode(SoftLockEntered(2, True)),
        ):
            theirs.send(data)
        reactor.turn()
    assert heard == [SoftLockEntered(1, True), SoftLockEntered(2, True)]
    assert [line["event"] for line in lines] == ["a message between processes failed"] * 2
    with pytest.raises(ValueError, match="too long for the channel"):
        channel.send(ConnectionClosed("x" * MAX_MESSAGE_BYTES))
    theirs.close()
    reactor.turn()
    assert not channel.is_open
    channel.send(Stop())

"""The socket between the primary and a worker: order, patience, ends, and what fits through it."""

from __future__ import annotations

import socket
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from gateway.app.process.certificates import Pem
from gateway.app.workers.message_channel import MAX_MESSAGE_BYTES, Channel, pair
from gateway.app.workers.protocol import Closed, Entered, Renewed, RenewedPem, Stop, ToWorker, renewed
from tests.app.machine import Machine


def channels(machine: Machine) -> tuple[Channel[Any], socket.socket]:
    ours, theirs = pair()
    return Channel(machine, ours, ToWorker, lambda: None), theirs


def test_a_channel_keeps_what_the_other_side_does_not_take_yet_and_sends_it_in_order() -> None:
    channel, theirs = channels(Machine())
    for number in range(2_000):
        channel.send(Entered(number, True))
    decoder = msgspec.msgpack.Decoder(ToWorker)
    found: list[ToWorker] = []
    while len(found) < 2_000:
        try:
            found.append(decoder.decode(theirs.recv(MAX_MESSAGE_BYTES)))
        except BlockingIOError:
            channel.doWrite()
    assert found == [Entered(number, True) for number in range(2_000)]
    channel.close()
    theirs.close()


def test_what_the_other_side_said_before_its_end_is_heard_though_it_left_messages_unread() -> None:
    machine = Machine()
    channel, theirs = channels(machine)
    heard: list[object] = []
    channel.start(lambda message, _: heard.append(message))
    theirs.send(msgspec.msgpack.encode(Entered(1, True)))
    channel.send(Stop())
    theirs.close()
    machine.turn()
    assert heard == [Entered(1, True)]
    assert not channel.is_open


@pytest.mark.parametrize("octets", [0, 5, 200_000])
def test_a_certificate_with_any_number_of_authorities_goes_through_the_channel(octets: int) -> None:
    pem, put_together = Pem(b"certificate", b"key", b"a" * octets), RenewedPem()
    pieces = [msgspec.msgpack.encode(one) for one in renewed(pem)]
    assert all(len(piece) <= MAX_MESSAGE_BYTES for piece in pieces)
    decoder = msgspec.msgpack.Decoder(Renewed)
    for _ in range(2):
        found = [put_together.whole(decoder.decode(piece)) for piece in pieces]
        assert found == [None] * (len(pieces) - 1) + [pem]


def test_a_message_that_fails_costs_itself_only() -> None:
    machine = Machine()
    channel, theirs = channels(machine)
    heard: list[object] = []

    def received(message: object, _: object) -> None:
        heard.append(message)
        if message == Entered(1, True):
            raise RuntimeError("no luck")

    channel.start(received)
    with capture_logs() as lines:
        for data in (b"\xc1", msgspec.msgpack.encode(Entered(1, True)), msgspec.msgpack.encode(Entered(2, True))):
            theirs.send(data)
        machine.turn()
    assert heard == [Entered(1, True), Entered(2, True)]
    assert [line["event"] for line in lines] == ["a message between processes failed"] * 2
    with pytest.raises(ValueError, match="too long for the channel"):
        channel.send(Closed("x" * MAX_MESSAGE_BYTES))
    theirs.close()
    machine.turn()
    assert not channel.is_open
    channel.send(Stop())

"""The HTTP channel that reports what its parser gives up on, and can discard its input."""

from typing import Any

from twisted.internet.testing import StringTransport
from twisted.web.resource import Resource
from twisted.web.server import Site

from gateway.twisted_internals.http_channel import ExtensibleChannel


class Recording(ExtensibleChannel):
    """Counts what the parser gave up on."""

    complaints = 0

    def malformed(self) -> None:
        self.complaints += 1
        self.discards_input = True


UNTYPED: tuple[Any, ...] = (Resource, StringTransport, Site, Recording)
"""Classes of Twisted's, whose methods carry no types."""


def channel() -> tuple[Any, Any]:
    """A channel, and the transport that records what it writes."""
    resource, string_transport, site_class, recording = UNTYPED
    site, transport, made = site_class(resource()), string_transport(), recording()
    made.site = made.factory = site
    made.makeConnection(transport)
    return made, transport


def test_what_the_parser_gives_up_on_is_reported_once_and_not_answered() -> None:
    recording, transport = channel()
    recording.dataReceived(b"no HTTP at all\r\n\r\n")
    recording.dataReceived(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (recording.complaints, transport.value()) == (1, b"")


def test_a_line_that_is_too_long_is_reported() -> None:
    recording, transport = channel()
    recording.dataReceived(b"GET /" + b"x" * 100_000)
    assert (recording.complaints, transport.value()) == (1, b"")


def test_no_client_is_told_to_continue_once_the_channel_is_deaf() -> None:
    recording, transport = channel()
    recording.discards_input = True
    recording.dataReceived(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    assert transport.value() == b""

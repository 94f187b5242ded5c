"""Twisted's HTTP/1.1 channel with its private turning points as methods, for a subclass that refuses requests in its own words.

It buys refusals that a client can read: an answer in the shape of our errors, in JSON and with a request id, where Twisted
writes a bare status line and closes. Private parts: `_handlingRequest`, `_send100Continue`, and
`_respondToBadRequestAndDisconnect`.
"""

from __future__ import annotations

from twisted.web.http import HTTPChannel


class ExtensibleChannel(HTTPChannel):
    """An HTTP channel that can discard its input, and reports what its parser gives up on."""

    discards_input = False
    """True: whatever still arrives is thrown away."""

    @property
    def is_handling_request(self) -> bool:
        """True from the end of a request's headers and body until its answer is complete."""
        return bool(self._handlingRequest)

    def malformed(self) -> None:
        """Answer a request that the parser gave up on; a subclass must."""
        raise NotImplementedError

    def dataReceived(self, data: bytes) -> None:
        if not self.discards_input:
            super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        if not self.discards_input:
            super().lineReceived(line)

    def rawDataReceived(self, data: bytes) -> None:
        if not self.discards_input:
            super().rawDataReceived(data)

    def allContentReceived(self) -> None:
        if not self.discards_input:
            super().allContentReceived()

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: ARG002
        """A line is longer than all headers may be together."""
        self.malformed()

    def _send100Continue(self) -> None:
        if not self.discards_input:
            super()._send100Continue()

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.malformed()

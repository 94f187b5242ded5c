"""The answers that a server may give to the octets that it was sent. No sockets here; the reading of what was sent is a few
lines of our own, so that the gateway's framing and decoding are not what they are judged by."""

from __future__ import annotations

from collections import Counter

from sansldap._messages import PackingOptions, unpack_ldap_message
from sansldap.asn1 import ASN1Reader

from gateway.wire import oids
from gateway.wire.codec.decoder import decode_message
from gateway.wire.errors import WireError
from gateway.wire.limits import Limits
from gateway.wire.messages import ExtendedResponse

UNBIND, ABANDON = 0x42, 0x50
NEVER_ANSWERED = frozenset({UNBIND, ABANDON})
MAY_FOLLOW = {
    0x61: 0x60,
    0x64: 0x63,
    0x65: 0x63,
    0x73: 0x63,
    0x79: 0x63,
    0x67: 0x66,
    0x69: 0x68,
    0x6B: 0x4A,
    0x6D: 0x6C,
    0x6F: 0x6E,
    0x78: 0x77,
}
"""Tag of an answer → tag of the request that it belongs to (RFC 4511 section 4, RFC 4533 for 0x79)."""
NOT_FINAL = frozenset({0x64, 0x73, 0x79})
KNOWN_TO_SANSLDAP = frozenset({0x61, 0x64, 0x65, 0x78})
SANSLDAP_READS_EVERY = 10  # the first answer and some others: it takes longer than the gateway does
NO_LIMITS = Limits(max_message_bytes=2**31)
_OPTIONS = PackingOptions()


class SurpriseError(AssertionError):
    """The server said something that it must not say."""


class Judge:
    """The judge of one connection: everything that goes out and comes in passes here in order."""

    def __init__(self) -> None:
        self.answers = 0
        self.over = False  # a notice of disconnection has come
        self._asked: Counter[tuple[int, int]] = Counter()  # (message id, tag of the request): not answered yet
        self._unread = bytearray()  # sent, and not a whole message yet
        self._unjudged = bytearray()
        self._handshaking = False  # StartTLS was granted: what comes now is TLS
        self._deaf = False  # behind an unbind, or behind octets that are no message, nothing is a request

    @property
    def waiting(self) -> set[int]:
        """The ids of the requests that have no final answer yet."""
        return {message_id for (message_id, _), count in self._asked.items() if count > 0}

    def sent(self, data: bytes) -> None:
        """Note the requests that these octets complete."""
        self._unread += data
        while not self._deaf and (found := _element(self._unread, 0)) is not None:
            tag, start, stop = found
            if tag != 0x30:
                self._deaf = True
            elif stop > len(self._unread):
                break
            else:
                self._note(bytes(self._unread[start:stop]))
                del self._unread[:stop]

    def secured(self) -> None:
        """TLS begins: what was asked before it in the clear must not be answered under it."""
        self._asked.clear()
        self._unread.clear()
        self._handshaking = False

    def received(self, data: bytes) -> None:
        """Judge the answers that these octets complete. Raises SurpriseError."""
        self._unjudged += data
        at = 0
        while not self._handshaking and (found := _element(self._unjudged, at)) and found[2] <= len(self._unjudged):
            self._judge(bytes(self._unjudged[at : found[2]]))
            at = found[2]
        del self._unjudged[:at]

    def closed(self) -> None:
        """The server has ended the connection. Raises SurpriseError when that cut an answer in two."""
        if self._unjudged and not self._handshaking:
            raise SurpriseError(f"the connection ended within an answer: {self._unjudged[:200].hex()}")

    def _note(self, content: bytes) -> None:
        envelope = _element(content, 0)
        if envelope is None or envelope[0] != 0x02 or envelope[2] >= len(content):
            return  # no request that could be answered: what follows may still be one
        operation = content[envelope[2]]
        if operation == UNBIND:
            self._deaf = True
        if operation not in NEVER_ANSWERED:
            self._asked[int.from_bytes(content[envelope[1] : envelope[2]], signed=True), operation] += 1

    def _judge(self, octets: bytes) -> None:
        try:
            message = decode_message(octets, NO_LIMITS)
        except WireError as error:
            raise SurpriseError(f"an answer that is none: {error}: {octets[:400].hex()}") from None
        if self.over:
            raise SurpriseError(f"something after the notice of disconnection: {octets[:400].hex()}")
        self.answers += 1
        if message.message_id == 0:
            if not isinstance(message.operation, ExtendedResponse) or message.operation.name != oids.NOTICE_OF_DISCONNECTION:
                raise SurpriseError(f"an answer with the message id 0: {message}")
            self.over = True
            return
        tag = _operation_tag(octets)
        key = (message.message_id, MAY_FOLLOW.get(tag, -1))
        if self._asked[key] <= 0:
            raise SurpriseError(f"an answer to nothing that was asked: {message}")
        if tag not in NOT_FINAL:
            self._asked[key] -= 1
        if isinstance(message.operation, ExtendedResponse) and message.operation.name == oids.START_TLS:
            self._handshaking = message.operation.result.code == 0
        if tag in KNOWN_TO_SANSLDAP and self.answers % SANSLDAP_READS_EVERY == 1:
            self._agree(octets)

    def _agree(self, octets: bytes) -> None:
        """Check that another project's reader can read it, too."""
        try:
            unpack_ldap_message(ASN1Reader(octets), _OPTIONS)
        except Exception as error:
            raise SurpriseError(f"sansldap cannot read an answer: {error!r}: {octets[:400].hex()}") from error


def _element(data: bytes | bytearray, at: int) -> tuple[int, int, int] | None:
    """Tag, and where the value starts and stops, of the BER element at `at`; None while its header is incomplete."""
    if len(data) < at + 2:
        return None
    first = data[at + 1]
    if first < 0x80:
        return data[at], at + 2, at + 2 + first
    start = at + 2 + (first & 0x7F)
    if len(data) < start:
        return None
    return data[at], start, start + int.from_bytes(data[at + 2 : start])


def _operation_tag(octets: bytes) -> int:
    envelope = _element(octets, 0)
    assert envelope is not None
    message_id = _element(octets, envelope[1])
    assert message_id is not None
    return octets[message_id[2]]

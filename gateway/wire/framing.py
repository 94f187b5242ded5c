"""The framing of a stream of octets into whole messages. The only part of the codec with memory: an unfinished message.

At most one message's announced length is kept, and that is limited; no octet is looked at or moved more than a few
times, however small the pieces are in which a large message arrives.
"""

from gateway.wire import ber
from gateway.wire.errors import MessageTooLarge, WireError
from gateway.wire.limits import DEFAULT_LIMITS, Limits

_LONGEST_HEADER = 10  # tag, first length octet, and the eight that ber accepts


class Framer:
    """Cuts the octets of a connection into LDAPMessages, each a whole SEQUENCE as decode_message takes it.

    After an error the stream has no meaning any more: the connection must be closed, and messages that came before the
    bad one in the same piece are lost with it (RFC 4511 §5.3 has the server end it at once in any case).
    """

    __slots__ = ("_buffer", "_max_message_bytes", "_needed")

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._max_message_bytes = limits.max_message_bytes
        self._buffer = bytearray()
        self._needed = 0

    def set_limits(self, limits: Limits) -> None:
        """Let these limits hold for the messages that come next; one whose length was announced goes on."""
        self._max_message_bytes = limits.max_message_bytes

    @property
    def pending(self) -> int:
        """Octets of an unfinished message that are held."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that `data` completes, in order.

        Raises MessageTooLarge as soon as a length over the limit is announced, and WireError when a message does not
        begin with a SEQUENCE of definite length.
        """
        if self._buffer:
            self._buffer += data
            if len(self._buffer) < self._needed:
                return []
            data = bytes(self._buffer)
            self._buffer.clear()
        return self._split(data)

    def _split(self, data: bytes) -> list[bytes]:
        messages = []
        pos = 0
        available = len(data)
        while pos < available:
            stop = pos + self._size(data, pos, available)
            if stop > available:
                self._needed = stop - pos
                self._buffer += data[pos:]
                break
            messages.append(data[pos:stop])  # when this is all of `data`, Python makes no copy
            pos = stop
        return messages

    def _size(self, data: bytes, pos: int, available: int) -> int:
        """The length of the message at `pos`, header included; of the header alone while that is incomplete."""
        if data[pos] != ber.SEQUENCE:
            raise WireError("an LDAP message begins with 0x30", pos)
        if pos + 1 == available:
            return 2
        first = data[pos + 1]
        size = 2 + first
        if first > 0x7F:
            header = 2 + (first & 0x7F)
            if pos + header > available and header <= _LONGEST_HEADER:
                return header
            start, length = ber.read_long_length(data, pos + 2, first)
            size = start - pos + length
        if size > self._max_message_bytes:
            raise MessageTooLarge("the announced message is too large", pos)
        return size

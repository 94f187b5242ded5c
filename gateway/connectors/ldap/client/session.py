"""A blocking LDAP session over one socket, for one thread: send requests, receive messages. Entries are handed on as whole
messages in bytes; no object is built for them on the way.

Only `Interruption.stop` may be called from another thread."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Final

from gateway.connectors.ldap.client.errors import Place, UpstreamUnavailable, described
from gateway.wire import ber
from gateway.wire.codec.decoder import decode_message
from gateway.wire.codec.encoder import encode_message
from gateway.wire.entries import decode_search_entry
from gateway.wire.errors import WireError
from gateway.wire.framing import Framer
from gateway.wire.limits import Limits
from gateway.wire.messages import Control, ExtendedResponse, LDAPMessage, Operation, UnbindRequest

SEARCH_RESULT_ENTRY: Final = 0x64
SEARCH_RESULT_DONE: Final = 0x65
SEARCH_RESULT_REFERENCE: Final = 0x73
INTERMEDIATE_RESPONSE: Final = 0x79

UPSTREAM_LIMITS: Final = Limits(max_message_bytes=512 * 1024 * 1024)
"""A configured upstream is trusted more than an LDAP client: one group of five million members is one message of 350 MB."""

_RECEIVE_BYTES = 262144  # some 500 entries: what slapd's socket buffer holds at most


class Interruption:
    """A handle by which another thread ends a blocked read: it shuts down the socket."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._event = threading.Event()

    @property
    def stopped(self) -> bool:
        return self._event.is_set()

    def watch(self, connection: socket.socket | None) -> None:
        """Make `connection` the socket that `stop` shuts down; None for no socket."""
        with self._lock:
            self._socket = connection
        if self.stopped:
            self.stop()

    def stop(self) -> None:
        """Shut the socket down, now and when a later one is watched. Callable from any thread, any number of times."""
        self._event.set()
        with self._lock:
            if self._socket is not None:
                shut_down(self._socket)


def shut_down(connection: socket.socket) -> None:
    """End both directions, so that a blocked `recv` returns. The descriptor stays with the reading thread."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)  # SSLSocket's own method would pull TLS from under the reader


class Session:
    """An LDAP session. `answer_seconds`: the longest silence while an answer is due; after it the server counts as
    unavailable."""

    def __init__(self, connection: socket.socket, place: Place, interruption: Interruption, answer_seconds: float) -> None:
        self.place = place
        self.answer_seconds = answer_seconds
        self._connection = connection
        self._interruption = interruption
        self._framer = Framer(UPSTREAM_LIMITS)
        self._last_id = 0
        self._has_heard = False
        self.open_searches: set[int] = set()
        """The message IDs of searches that stay open while other requests are made."""
        self.deferred: list[bytes] = []
        """The messages that answered the open searches during other requests."""

    def start_tls(self, context: ssl.SSLContext, host: str, seconds: float) -> ssl.SSLSocket:
        """Put TLS under the session; `seconds` bounds the handshake. Raises OSError (ssl.SSLError, TimeoutError)."""
        if self._framer.pending:
            raise UpstreamUnavailable(self.place, "data came before TLS had begun", "something between us tampers with it")
        secured = context.wrap_socket(self._connection, server_hostname=host, do_handshake_on_connect=False)
        self._connection = secured
        self._interruption.watch(secured)
        secured.settimeout(seconds)
        secured.do_handshake()
        return secured

    def send(self, operation: Operation, controls: tuple[Control, ...] = ()) -> int:
        """Send a request and return its message ID. Raises UpstreamUnavailable."""
        self._last_id += 1
        try:
            self._connection.settimeout(self.answer_seconds)
            self._connection.sendall(encode_message(LDAPMessage(self._last_id, operation, controls)))
        except OSError as error:
            raise self._broken(error) from None
        return self._last_id

    def receive(self, seconds: float) -> list[bytes]:
        """Return the whole messages that have arrived, in order; wait up to `seconds` for the first, then return none.

        Raises UpstreamUnavailable when the connection ends or the server announces its end.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                self._connection.settimeout(max(deadline - time.monotonic(), 0))
                data = self._connection.recv(_RECEIVE_BYTES)
                messages = self._framer.feed(data) if data else []
            except (TimeoutError, BlockingIOError, ssl.SSLWantReadError):
                return []
            except WireError as error:
                raise self._malformed(error) from None
            except OSError as error:
                raise self._broken(error) from None
            if not data:
                raise self._broken(None)
            self._has_heard = True
            if messages:
                return messages

    def messages(self) -> Iterator[bytes]:
        """Yield all messages as they arrive, without end. A silence of `answer_seconds` raises UpstreamUnavailable."""
        while True:
            yield from self.receive_due()

    def receive_due(self) -> list[bytes]:
        """Receive while an answer is due: a silence of `answer_seconds` raises UpstreamUnavailable."""
        messages = self.receive(self.answer_seconds)
        if not messages:
            what = f"no answer for {self.answer_seconds:g} s"
            raise UpstreamUnavailable(self.place, what, "see whether the server hangs, or raise answer_timeout_seconds")
        return messages

    def defer(self, message_id: int, data: bytes) -> None:
        """Keep a message that answers one of the open searches; drop one that answers no known request."""
        if message_id in self.open_searches:
            self.deferred.append(data)

    def answer(self, message_id: int) -> LDAPMessage:
        """Return the response to a request that has exactly one. No search may be open."""
        for data in self.messages():
            if self.envelope(data)[0] == message_id:
                return self.decode(data)
        raise AssertionError("messages() does not end")

    def envelope(self, data: bytes) -> tuple[int, int]:
        """Return the message ID and the tag of the operation. A notice of disconnection (RFC 4511 §4.4.1) raises
        UpstreamUnavailable."""
        try:
            pos, end = ber.whole(data, ber.SEQUENCE)
            message_id, pos = ber.take_integer(data, pos, end)
            tag = data[pos]
        except (WireError, IndexError):
            raise self._malformed(None) from None
        if message_id == 0:
            self._raise_disconnection(data)
        return message_id, tag

    def decode(self, data: bytes) -> LDAPMessage:
        """Decode a whole message; for entries `entry` is several times faster. Raises UpstreamUnavailable."""
        try:
            return decode_message(data, UPSTREAM_LIMITS)
        except WireError as error:
            raise self._malformed(error) from None

    def entry(self, data: bytes) -> tuple[bytes, list[tuple[str, list[bytes]]]]:
        """Decode a search result entry: its DN and its attributes. Raises UpstreamUnavailable."""
        try:
            object_name, attributes, _ = decode_search_entry(data)
        except WireError as error:
            raise self._malformed(error) from None
        return object_name, attributes

    def close(self) -> None:
        """Send an unbind and close; never raises."""
        self._interruption.watch(None)
        with contextlib.suppress(OSError, UpstreamUnavailable):
            self._connection.settimeout(0)
            self._connection.sendall(encode_message(LDAPMessage(self._last_id + 1, UnbindRequest())))
        shut_down(self._connection)
        self._connection.close()

    def _raise_disconnection(self, data: bytes) -> None:
        operation = self.decode(data).operation
        words = described(operation.result) if isinstance(operation, ExtendedResponse) else "an unknown notice"
        raise UpstreamUnavailable(self.place, f"the server ends the connection ({words})", "it is tried again later")

    def _broken(self, error: OSError | None) -> UpstreamUnavailable:
        if self._interruption.stopped:
            return UpstreamUnavailable(self.place, "reading was stopped", "nothing needs to be done")
        if isinstance(error, TimeoutError):
            return UpstreamUnavailable(self.place, "the server takes no more data", "see whether it hangs")
        words = f" ({error.strerror or type(error).__name__})" if error else ""
        what = f"the connection was cut{words}"
        if not (self._has_heard or isinstance(self._connection, ssl.SSLSocket)):  # what an LDAPS port does with plain LDAP
            return UpstreamUnavailable(
                self.place, f"{what} before the first answer", "see whether the port takes ldaps:// only"
            )
        return UpstreamUnavailable(self.place, what, "it is tried again later")

    def _malformed(self, error: WireError | None) -> UpstreamUnavailable:
        words = f" ({error})" if error else ""
        return UpstreamUnavailable(self.place, f"what came is not LDAP{words}", "see whether the URL names an LDAP server")

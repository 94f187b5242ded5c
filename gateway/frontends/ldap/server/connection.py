"""One client's connection: octets → requests → answers, in order where the protocol wants it, at the client's pace.

What an operation means is in its own file, which is given an Exchange and a Responder; here is only what they share: framing,
the bound party, what is in flight, TLS, back-pressure, limits and the end."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol as TypingProtocol
from typing import cast

import structlog
from cryptography import x509
from OpenSSL import SSL, crypto
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from gateway.directory.authentication.line_sums import LineSums
from gateway.directory.directory import Party
from gateway.frontends.ldap.core.exchange import Client, Exchange
from gateway.frontends.ldap.core.limits import OUTPUT_CHUNK_BYTES, PAGED_SEARCH_SECONDS, SLICES_PER_CONNECTION
from gateway.frontends.ldap.core.responder import Work
from gateway.frontends.ldap.core.services import Services
from gateway.frontends.ldap.search.paged_results import PagedSearches
from gateway.frontends.ldap.server.dispatch import HANDLERS, perform
from gateway.frontends.ldap.server.fast_path import FastPath, FastPaths
from gateway.frontends.ldap.server.output_buffer import BufferedTransport, Output
from gateway.frontends.ldap.server.outstanding_operations import OutstandingOperations
from gateway.frontends.ldap.server.priority_requests import has_priority
from gateway.frontends.ldap.server.receive_budget import ReceiveBudget
from gateway.wire import oids
from gateway.wire.codec.decoder import decode_message
from gateway.wire.codec.encoder import encode_operation, wrap
from gateway.wire.errors import WireError
from gateway.wire.framing import Framer
from gateway.wire.limits import Limits
from gateway.wire.messages import (
    AbandonRequest,
    Control,
    ExtendedResponse,
    Result,
    SearchResultDone,
    UnbindRequest,
)
from gateway.wire.result_codes import ResultCode

_log = structlog.get_logger("gateway.ldap")


class ClientTransport(BufferedTransport, TypingProtocol):
    """The transport of a connection, in the clear or under TLS."""

    def pauseProducing(self) -> None: ...
    def resumeProducing(self) -> None: ...
    def abortConnection(self) -> None: ...
    def getPeerCertificate(self) -> crypto.X509 | None: ...


class Shared(TypingProtocol):
    """The parts of the server that all its connections share. `unbound_limits`: those before a bind."""

    wire_limits: Limits
    unbound_limits: Limits
    fast_paths: FastPaths
    receive_budget: ReceiveBudget
    line_sums: LineSums


class LDAPConnection(Protocol):
    """`closed` is called once, when the connection has gone."""

    def __init__(
        self,
        services: Services,
        shared: Shared,
        peer: str,
        *,
        encrypted: bool,
        closed: "Callable[[LDAPConnection], None]",
    ) -> None:
        self.services = services
        self.party: Party = services.authentication.anonymous
        self._client = Client(peer, encrypted, self._certificate) if encrypted else Client(peer, encrypted)
        self.paged = PagedSearches()
        self.slices = DeferredSemaphore(SLICES_PER_CONNECTION)
        self.output: Output
        self._transport: ClientTransport
        self._shared = shared
        self._wire_limits = shared.unbound_limits
        self._framer = Framer(self._wire_limits)
        self._queue: deque[bytes] = deque()
        self._operations = OutstandingOperations(peer, self._operation_ended)
        self._closed = closed
        self._working = False
        self._reading = True
        self._tls_next = False
        self._ended = False
        self._fast: FastPath | None = None
        self.last_activity = services.reactor.seconds()
        self.incomplete_since: float | None = self.last_activity
        """The time at which a TLS handshake or a request began that is not complete yet; None between two requests."""

    # The transport ----------------------------------------------------------------------------------------------------

    def connectionMade(self) -> None:
        self._transport = cast(ClientTransport, self.transport)  # ITransport, says Twisted, which is a part of it
        self.output = Output(self.services.reactor, self._transport, self._resumed)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if isinstance(reason.value, SSL.Error) and self._shared.line_sums.is_written(self._client.host):
            _log.warning("TLS failed", peer=self.peer, reason=_openssl_reason(reason.value), cure=_TLS_CURE)
        self._ended = True
        self._shared.receive_budget.release(self)
        self._queue.clear()
        self.abandon_all()
        self.paged.close()
        self._closed(self)
        self._operations.release()
        self.output.release()

    def dataReceived(self, data: bytes) -> None:
        if self._ended:  # TLS hands on what arrives until the client has closed its side too
            return
        self.last_activity = now = self.services.reactor.seconds()
        if self._fast is not None and self._is_quiet:
            data = self._fast.serve(data, self.output.ready)
            self.output.flush_soon()
            if not data:
                return
        try:
            messages = self._framer.feed(data)
        except WireError as error:
            self._protocol_error(error)
            return
        self._queue.extend(messages)
        if not self._framer.pending:
            if self.incomplete_since is not None:
                self.incomplete_since = None
                self._shared.receive_budget.release(self)
        else:
            if messages or self.incomplete_since is None:
                self.incomplete_since = now
            if self.party.is_anonymous:
                self._shared.receive_budget.hold(self, self._client.host, self._framer.pending)
        self._work()

    def _operation_ended(self) -> None:
        if self._queue:
            self._work()

    def _resumed(self) -> None:
        self.last_activity = self.services.reactor.seconds()
        self._work()

    # Requests ---------------------------------------------------------------------------------------------------------

    @property
    def _is_quiet(self) -> bool:
        """True if nothing is outstanding, half received or waiting: what arrives may be answered at once."""
        return not (self._operations or self._queue or self._framer.pending or self.output.is_full)

    @property
    def _held(self) -> bool:
        """True if the first request of the queue must wait."""
        if self._operations.is_exclusive or self._ended or self._tls_next:
            return True
        crowded = self.output.is_full or len(self._operations) >= self.services.limits.operations_in_flight
        return crowded and not has_priority(self._queue[0])

    def _work(self) -> None:
        """Answer what has arrived; the answers to pipelined requests leave together."""
        if self._working:  # called by an operation that was over at once: the loop that began it goes on
            return
        self._working = True
        try:
            self._answer_all()
        finally:
            self._working = False
        if self._tls_next and not self._ended:
            self._start_tls()
        self._steer()

    def _answer_all(self) -> None:
        queue, output, size = self._queue, self.output, 0
        while queue and not self._held:
            message = queue.popleft()
            answer = self._fast.answer(message, self._operations) if self._fast is not None else None
            if answer is None:
                answer = self._answer(message)
            if answer:
                output.ready.append(answer)
                size += len(answer)
                if size > OUTPUT_CHUNK_BYTES:
                    output.flush()
                    size = 0
        output.flush_soon()

    def _steer(self) -> None:
        """Read on only when no request waits: a client that asks faster than it takes its answers feels it."""
        reading = not self._queue
        if reading is self._reading:
            return
        self._reading = reading
        if reading:
            self.last_activity = now = self.services.reactor.seconds()
            self.incomplete_since = None if self.incomplete_since is None else now
            self._transport.resumeProducing()
        else:
            self._transport.pauseProducing()

    def _answer(self, data: bytes) -> bytes | None:
        """Return the answer to one request, or None when it comes later or never."""
        try:
            message = decode_message(data, self._wire_limits)
        except WireError as error:
            self._protocol_error(error)
            return None
        operation = message.operation
        if isinstance(operation, UnbindRequest):
            self.end()
            return None
        if isinstance(operation, AbandonRequest):
            self._operations.abandon(operation.message_id)
            return None
        if type(operation) not in HANDLERS or message.message_id == 0 or message.message_id in self._operations:
            self._protocol_error(WireError(_NOT_A_REQUEST, 0))
            return None
        return perform(self, message)

    # What operations do -----------------------------------------------------------------------------------------------

    def exchange(self, message_id: int, controls: Mapping[str, Control]) -> Exchange:
        """Return the exchange of a request, as the bound party's."""
        return Exchange(message_id, controls, self.party, self._client, self.services)

    def carry_out_as(self, message_id: int, party: Party) -> None:
        """Note as whom an operation is carried out, if not as the bound party."""
        self._operations.carry_out_as(message_id, party)

    @property
    def on_behalf(self) -> Mapping[int, Party]:
        """The parties as which operations that are outstanding are carried out, by message id."""
        return self._operations.on_behalf

    def set_party(self, party: Party) -> None:
        """Make the connection this party's."""
        self.party = party
        self._fast = self._shared.fast_paths.of(party)
        self._wire_limits = self._shared.unbound_limits if party.is_anonymous else self._shared.wire_limits
        self._framer.set_limits(self._wire_limits)
        if not party.is_anonymous:
            self._shared.receive_budget.release(self)
        self.paged.close()

    def make_anonymous(self) -> None:
        """Make the connection the anonymous party's."""
        self.set_party(self.services.authentication.anonymous)

    def begin(self, message_id: int, work: Work, name: str, *, exclusive: bool = False) -> None:
        """Run an operation that is not finished at once. `exclusive`: nothing else is begun until it is."""
        self._operations.begin(message_id, work, name, exclusive=exclusive)

    def finish(self, message_id: int, name: str, result: Result, answer: bytes) -> None:
        """Send the last message of an operation that was begun."""
        self.count(name, result)
        self._operations.pop(message_id, None)
        self.send(answer)

    def count(self, name: str, result: Result) -> None:
        """Count an operation and, if the configuration says so, log it."""
        self.services.counters.operations[name, int(result.code)] += 1
        if self.services.log_operations:
            _log.debug("operation", operation=name, peer=self.peer, bound=self.party.dn, result=int(result.code))

    def send(self, data: bytes) -> None:
        """Send whole messages."""
        if not self._ended:
            self.output.send(data)

    def writable(self) -> "Deferred[None]":
        """Return a Deferred that fires when the client takes more."""
        return self.output.writable()

    def turn(self) -> "Deferred[None]":
        """Return a Deferred that fires after the reactor has served the other connections."""
        waiting: Deferred[None] = Deferred(lambda _: call.cancel())
        call = self.services.reactor.callLater(0, waiting.callback, None)
        return waiting

    @property
    def peer(self) -> str:
        """The client's address and port, as log lines have them."""
        return self._client.peer

    @property
    def is_busy(self) -> bool:
        """True while operations are outstanding."""
        return bool(self._operations)

    # TLS --------------------------------------------------------------------------------------------------------------

    def _certificate(self) -> x509.Certificate | None:
        """Return the certificate that the client has shown, verified; None when it has not. Under TLS only."""
        shown = self._transport.getPeerCertificate()
        return None if shown is None else shown.to_cryptography()

    def start_tls_after_answer(self) -> None:
        """Begin TLS right behind the answer that is being made."""
        self._tls_next = True

    def _start_tls(self) -> None:
        self._tls_next = False
        if self._queue or self._framer.pending:
            # What came in the clear behind StartTLS may have been put there by an attacker in between (RFC 4511 §4.14.1).
            self._protocol_error(WireError("requests follow StartTLS in the clear", 0))
            return
        assert self.services.tls_context is not None  # noqa: S101
        self._client = Client(self.peer, True, self._certificate)
        self.incomplete_since = self.services.reactor.seconds()
        self.output.start_tls(self.services.tls_context())

    # The end ----------------------------------------------------------------------------------------------------------

    def cancel(self, message_id: int, code: ResultCode = ResultCode.CANCELED, reason: str = "") -> None:
        """End a search, with an answer (RFC 3909). Raises Refused for what is not outstanding, or not a search."""
        name = self._operations.cancel(message_id)
        result = Result(code, "", reason)
        self.finish(message_id, name, result, wrap(message_id, encode_operation(SearchResultDone(result))))

    def abandon_all(self) -> None:
        """End what is outstanding, without answers."""
        self._operations.abandon_all()

    def _protocol_error(self, error: WireError) -> None:
        """End the connection with a notice (RFC 4511 §4.4.1): after this the stream has no meaning any more."""
        if self._shared.line_sums.is_written(self._client.host):
            _log.warning("client disconnected", peer=self.peer, reason=error.reason, cure="look at the program at that address")
        self.disconnect(ResultCode.PROTOCOL_ERROR, error.reason)

    def disconnect(self, code: ResultCode, reason: str) -> None:
        """Send a notice of disconnection with the reason, and end the connection."""
        notice = ExtendedResponse(Result(code, "", reason), oids.NOTICE_OF_DISCONNECTION)
        self.send(wrap(0, encode_operation(notice)))
        self.end()

    def end(self) -> None:
        """End the connection when what was written has gone out."""
        self._ended = True
        self._queue.clear()
        self._steer()
        self.abandon_all()
        self.output.close()

    def drop(self, reason: str, cure: str | None = None) -> None:
        """End the connection at once, whatever the client has not taken. `cure`: what to do when that was wrong."""
        log = _log.info if cure is None else _log.warning
        if not self.party.is_anonymous or self._shared.line_sums.is_written(self._client.host):
            log("client dropped", peer=self.peer, bound=self.party.dn, reason=reason, **({"cure": cure} if cure else {}))
        self._ended = True
        self._transport.abortConnection()

    def sweep(self, now: float) -> None:
        """Check the time limits."""
        limits = self.services.limits
        self.paged.close(before=now - PAGED_SEARCH_SECONDS)
        if self.output.stalled(before=now - limits.write_stall_seconds):
            self.drop("it takes nothing of its answers", _SLOW.format("write_stall_seconds"))
        elif self._reading and self.incomplete_since is not None and now - self.incomplete_since > limits.bind_seconds:
            self.drop("its request is not complete in time", _SLOW.format("bind_seconds"))
        elif not self._operations and now - self.last_activity > self._patience:
            self.drop("idle")

    @property
    def _patience(self) -> float:
        limits = self.services.limits
        return limits.bind_seconds if self.party.is_anonymous or self._ended else limits.idle_seconds


_NOT_A_REQUEST = "this message is not a request that can be answered here, or its message id is in use"
_SLOW = "look at the program at that address and the way to it; the time is [limits] {}"
_TLS_CURE = "a client must speak TLS 1.2 or later and trust the certificate; a port for TLS answers nothing else"


def _openssl_reason(error: BaseException) -> str:
    """Return OpenSSL's words: its errors are a list of (library, function, reason)."""
    return "; ".join(str(one[-1]) for one in (error.args[0] if error.args else ())) or "the connection was cut"

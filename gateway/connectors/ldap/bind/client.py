"""One asynchronous connection that does nothing but binds and password changes, one after the other.

Nobody here waits without an end, and no late answer is taken for the next question's: a connection that did not answer in
time is dropped. No password goes anywhere but onto the wire."""

import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import Certificate, platformTrust, trustRootFromCertificates
from twisted.internet.tcp import Client
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.connectors.ldap.bind.certificate_pinning import PinnedCertificates, client_options
from gateway.connectors.ldap.client.errors import Place, UpstreamRefused, UpstreamUnavailable
from gateway.connectors.ldap.client.settings import Address
from gateway.model.connector import PolicyNotice
from gateway.wire import controls, oids
from gateway.wire.codec.decoder import decode_message
from gateway.wire.codec.encoder import encode_controls, encode_message, encode_operation, simple_bind, wrap
from gateway.wire.controls.bind_and_update import PasswordPolicyRequest, PasswordPolicyResponse
from gateway.wire.errors import WireError
from gateway.wire.extended_values import PasswordModifyRequest, PasswordModifyResponse
from gateway.wire.framing import Framer
from gateway.wire.limits import Limits
from gateway.wire.messages import (
    BindResponse,
    Control,
    ExtendedRequest,
    ExtendedResponse,
    LDAPMessage,
    Result,
)

ANSWER_LIMITS: Final = Limits(max_message_bytes=1024 * 1024)  # a bind response has a few hundred octets

_LAST_MESSAGE_ID = 0x7F
"""One question at a time needs few numbers, and these have one octet."""

ANSWER_BYTES = 4096
"""Taken from a socket at a time: Python makes room for all of it before it knows how much comes."""

_YES: Final = BindResponse(Result(0))
_PLAIN_YES: Final = {
    encode_message(message): message for message in (LDAPMessage(number, _YES) for number in range(1, _LAST_MESSAGE_ID + 1))
}
"""What nearly every good bind is answered with, by its octets: nothing in it needs to be read."""

_START_TLS: Final = encode_operation(ExtendedRequest(oids.START_TLS))

_WITH_POLICY: Final = encode_controls((controls.control(PasswordPolicyRequest()),))
_PEM_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answer:
    """`words`: the server's own, printable. `generated`: the password that the server chose."""

    code: int
    words: str = ""
    notice: PolicyNotice | None = None
    generated: bytes | None = field(default=None, repr=False)


_ACCEPTED: Final = Answer(0)


def trust_root(ca_file: Path | None, pinned: tuple[bytes, ...] = ()) -> Any:
    """What certificates are checked against: those that are pinned, the authorities in the PEM file, or the system's."""
    if pinned:
        return PinnedCertificates(pinned)
    if ca_file is None:
        return platformTrust()  # type: ignore[no-untyped-call]
    found = _PEM_CERTIFICATE.findall(ca_file.read_bytes())
    return trustRootFromCertificates([Certificate.loadPEM(pem) for pem in found])  # type: ignore[no-untyped-call]


@implementer(IHandshakeListener)
class BindClient(Protocol):
    """Use `connect`; then ask as often as wanted while `usable`, one question at a time."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.lost: Deferred[None] = Deferred()
        """Fires when the connection has ended."""
        self.usable = False
        self._framer = Framer(ANSWER_LIMITS)
        self._message_id = 0
        self._waiting: Deferred[LDAPMessage] | None = None
        self._answer_by = 0.0
        self._alarm: Any = None
        """Goes off when an answer may be late; it stays set from one question to the next."""
        self._transport: Any = None
        self._secured: Deferred[str] = Deferred()
        """Fires with "" when TLS is up, else with what went wrong."""

    async def simple_bind(self, reactor: Any, dn: str, password: bytes, seconds: float) -> Answer:
        """Raises UpstreamUnavailable when there is no answer; then the connection is dropped."""
        if not password:
            raise ValueError("an empty password makes a bind anonymous (RFC 4513 §5.1.2)")
        message = await self._ask(reactor, simple_bind(dn, password), _WITH_POLICY, seconds, "bind")
        if message.operation is _YES:
            return _ACCEPTED
        if not isinstance(message.operation, BindResponse):
            raise self._nonsense("a bind was not answered by a bind response")
        return _answer(message.operation.result, message.controls)

    async def modify_password(self, reactor: Any, request: PasswordModifyRequest, seconds: float) -> Answer:
        """RFC 3062, as who is bound. Raises UpstreamUnavailable as `simple_bind`: nobody knows then whether it was done."""
        operation = encode_operation(ExtendedRequest(oids.PASSWORD_MODIFY, request.encode()))
        message = await self._ask(reactor, operation, _WITH_POLICY, seconds, "a change of password")
        if not isinstance(message.operation, ExtendedResponse):
            raise self._nonsense("a change of password was not answered by an extended response")
        try:
            generated = PasswordModifyResponse.decode(message.operation.value).generated_password
        except WireError:
            raise self._nonsense("the answer to a change of password cannot be read") from None
        return _answer(message.operation.result, message.controls, generated)

    async def start_tls(self, reactor: Any, host: str, root: Any, until: float) -> None:
        message = await self._ask(reactor, _START_TLS, b"", max(0.0, until - reactor.seconds()), "StartTLS")
        answer = message.operation
        if not isinstance(answer, ExtendedResponse) or answer.result.code != 0 or self._framer.pending:
            self.drop()
            raise UpstreamRefused(self.place, "StartTLS was refused", "give the server a certificate, or use an ldaps:// URL")
        self._transport.startTLS(client_options(host, root))
        await self.wait_for_tls(reactor, max(0.0, until - reactor.seconds()))

    async def wait_for_tls(self, reactor: Any, seconds: float) -> None:
        """Until the handshake is done and the certificate accepted."""
        try:
            problem = await self._secured.addTimeout(seconds, reactor)
        except DeferredTimeout:
            problem = "no answer in the TLS handshake"
        if problem:
            self.drop()
            raise UpstreamUnavailable(self.place, problem, "run `gateway check` for the details")

    def drop(self) -> None:
        """End the connection at once."""
        self.usable = False
        self._transport.abortConnection()

    def connectionMade(self) -> None:
        self._transport = self.transport
        if type(self.transport) is Client:
            self.transport.bufferSize = ANSWER_BYTES  # type: ignore[unreachable]
        self.usable = True

    def dataReceived(self, data: bytes) -> None:
        plain = _PLAIN_YES.get(data)
        if plain is not None and not self._framer.pending:
            self._received(plain)
            return
        try:
            for octets in self._framer.feed(data):
                self._received(decode_message(octets, ANSWER_LIMITS))
        except WireError:
            self.drop()

    def _received(self, message: LDAPMessage) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is None or message.message_id != self._message_id:
            self._waiting = waiting
            self.drop()  # a notice of disconnection (RFC 4511 §4.4.1), or an answer that nobody waits for
        else:
            waiting.callback(message)

    def handshakeCompleted(self) -> None:
        self._secured.callback("")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.usable = False
        alarm, self._alarm = self._alarm, None
        if alarm is not None:
            alarm.cancel()
        if not self._secured.called:
            self._secured.callback(_ending(reason.value))
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.errback(reason)
        self.lost.callback(None)

    async def _ask(self, reactor: Any, operation: bytes, with_controls: bytes, seconds: float, what: str) -> LDAPMessage:
        self._message_id = self._message_id % _LAST_MESSAGE_ID + 1
        question = wrap(self._message_id, operation, with_controls)
        answer: Deferred[LDAPMessage] = Deferred()
        self._waiting = answer
        self._set_alarm(reactor, seconds)
        self._send(question)
        try:
            return await answer
        except DeferredTimeout:
            self._give_up()
            cure = "see whether the server hangs, or raise bind_timeout_seconds"
            raise UpstreamUnavailable(self.place, f"{what} was not answered within {round(seconds, 1):g} s", cure) from None
        except CancelledError:
            self._give_up()
            raise
        except Exception as error:  # whatever the transport ended with
            self._give_up()
            raise UpstreamUnavailable(self.place, _ending(error), "it is tried again with the next bind") from None

    def _send(self, data: bytes) -> None:
        """At once where nothing is in the way, so that the server works while this turn of the reactor goes on."""
        transport = self._transport
        if type(transport) is Client and not transport.TLS and transport.connected and not transport.disconnecting:
            if not transport.dataBuffer and not transport._tempDataBuffer:
                with suppress(OSError):  # full, or broken: the transport finds out by itself, and tells
                    data = data[transport.socket.send(data) :]
            if not data:
                return
        transport.write(data)

    def _set_alarm(self, reactor: Any, seconds: float) -> None:
        self._answer_by = reactor.seconds() + seconds
        if self._alarm is None:
            self._alarm = reactor.callLater(seconds, self._look_at_the_time, reactor)
        elif self._alarm.getTime() > self._answer_by:
            self._alarm.reset(seconds)

    def _look_at_the_time(self, reactor: Any) -> None:
        self._alarm = None
        if self._waiting is None:
            return
        left = self._answer_by - reactor.seconds()
        if left > 0:
            self._alarm = reactor.callLater(left, self._look_at_the_time, reactor)
        else:
            waiting, self._waiting = self._waiting, None
            waiting.errback(DeferredTimeout())

    def _give_up(self) -> None:
        self._waiting = None
        self.drop()

    def _nonsense(self, what: str) -> UpstreamUnavailable:
        self.drop()
        return UpstreamUnavailable(self.place, what, "see what the server is")


async def connect(reactor: Any, place: Place, address: Address, root: Any, start_tls: bool, seconds: float) -> BindClient:
    """A connection that is ready for binds, with TLS where that is configured, within so many seconds. Raises
    UpstreamUnavailable."""
    until = reactor.seconds() + seconds
    endpoint: Any = HostnameEndpoint(reactor, address.host, address.port, timeout=seconds)
    if address.tls:
        endpoint = wrapClientTLS(client_options(address.host, root), endpoint)
    attempt: Deferred[BindClient] = endpoint.connect(Factory.forProtocol(lambda: BindClient(place)))
    try:
        client = await _cancellable(attempt)
    except CancelledError:
        raise
    except Exception as error:  # name resolution, refusal, timeout: Twisted has an error class for each
        cure = "see whether the server runs; `gateway check` tells more"
        raise UpstreamUnavailable(place, f"no connection ({type(error).__name__})", cure) from None
    if address.tls:
        await client.wait_for_tls(reactor, max(0.0, until - reactor.seconds()))
    elif start_tls:
        await client.start_tls(reactor, address.host, root, until)
    return client


def _cancellable(attempt: "Deferred[BindClient]") -> "Deferred[BindClient]":
    """The same attempt, whose cancellation is a CancelledError: HostnameEndpoint calls it a failure of name resolution."""

    def cancel(given_up: "Deferred[BindClient]") -> None:
        given_up.errback(CancelledError())
        attempt.cancel()

    wanted: Deferred[BindClient] = Deferred(cancel)
    attempt.addCallbacks(
        lambda client: client.drop() if wanted.called else wanted.callback(client),
        lambda failure: None if wanted.called else wanted.errback(failure),
    )
    return wanted


def _ending(error: BaseException | None) -> str:
    """Why a connection ended; OpenSSL's own words say what it has against a certificate."""
    is_tls = isinstance(error, SSL.Error | VerificationError)
    return f"the connection was cut ({error if is_tls else type(error).__name__})"


def _answer(result: Result, with_controls: tuple[Control, ...], generated: bytes | None = None) -> Answer:
    try:
        said = controls.find(with_controls, PasswordPolicyResponse) if with_controls else None
    except WireError:
        said = None
    notice = None
    if said is not None and said != PasswordPolicyResponse():
        notice = PolicyNotice(said.time_before_expiration_seconds, said.grace_authentications_remaining, said.error)
    return Answer(result.code, _words(result.diagnostic_message), notice, generated)


def _words(message: str) -> str:
    return "".join(character if character.isprintable() else " " for character in message)[:200]

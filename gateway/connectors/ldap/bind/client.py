"""One asynchronous LDAP connection for binds and password changes, one request at a time.

Every wait has an end. A connection that did not answer in time is dropped, so that a late answer is never taken for that of the
next request. A password goes nowhere but onto the wire."""

from dataclasses import dataclass, field
from typing import Final, cast
from typing import Protocol as TypingProtocol

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IDelayedCall, IHandshakeListener, IOpenSSLClientConnectionCreator, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.connectors.ldap.bind.certificate_trust import CertificateTrust
from gateway.connectors.ldap.client.errors import Place, UpstreamRefused, UpstreamUnavailable
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
"""One request at a time needs few message IDs, and these have one octet."""

_SUCCESS: Final = BindResponse(Result(0))
_PLAIN_SUCCESS: Final = {
    encode_message(message): message for message in (LDAPMessage(number, _SUCCESS) for number in range(1, _LAST_MESSAGE_ID + 1))
}
"""The answers to nearly every accepted bind, by their octets: they need no decoding."""

_START_TLS: Final = encode_operation(ExtendedRequest(oids.START_TLS))

_WITH_POLICY: Final = encode_controls((controls.control(PasswordPolicyRequest()),))


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request. `diagnostic`: the server's message, printable. `generated`: the password that the server
    chose."""

    code: int
    diagnostic: str = ""
    notice: PolicyNotice | None = None
    generated: bytes | None = field(default=None, repr=False)


_ACCEPTED: Final = Answer(0)


class _Transport(TypingProtocol):
    """The transport as far as a bind connection uses it."""

    def write(self, data: bytes, /) -> None: ...

    def startTLS(self, context: IOpenSSLClientConnectionCreator, /) -> None: ...

    def abortConnection(self) -> None: ...


@implementer(IHandshakeListener)
class BindClient(Protocol):
    """A connection made by `connect.connect`; while `usable`, requests may be sent, one at a time."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.lost: Deferred[None] = Deferred()
        """Fires when the connection has ended."""
        self.usable = False
        self._framer = Framer(ANSWER_LIMITS)
        self._message_id = 0
        self._waiting: Deferred[LDAPMessage] | None = None
        self._answer_by = 0.0
        self._timeout_call: IDelayedCall | None = None
        """Fires when an answer may be late; it stays set from one request to the next."""
        self._transport: _Transport
        self._secured: Deferred[str] = Deferred()
        """Fires with "" when TLS is up, else with the reason why it is not."""

    async def simple_bind(self, reactor: IReactorTime, dn: str, password: bytes, seconds: float) -> Answer:
        """Bind with a password. Raises UpstreamUnavailable when there is no answer; then the connection is dropped."""
        if not password:
            raise ValueError("an empty password makes a bind anonymous (RFC 4513 §5.1.2)")
        message = await self._ask(reactor, simple_bind(dn, password), _WITH_POLICY, seconds, "bind")
        if message.operation is _SUCCESS:
            return _ACCEPTED
        if not isinstance(message.operation, BindResponse):
            raise self._protocol_error("a bind was not answered by a bind response")
        return _answer(message.operation.result, message.controls)

    async def modify_password(self, reactor: IReactorTime, request: PasswordModifyRequest, seconds: float) -> Answer:
        """Change a password (RFC 3062) as the bound account. Raises UpstreamUnavailable as `simple_bind`; then the password may
        have been changed or not."""
        operation = encode_operation(ExtendedRequest(oids.PASSWORD_MODIFY, request.encode()))
        message = await self._ask(reactor, operation, _WITH_POLICY, seconds, "a change of password")
        if not isinstance(message.operation, ExtendedResponse):
            raise self._protocol_error("a change of password was not answered by an extended response")
        try:
            generated = PasswordModifyResponse.decode(message.operation.value).generated_password
        except WireError:
            raise self._protocol_error("the answer to a change of password cannot be read") from None
        return _answer(message.operation.result, message.controls, generated)

    async def start_tls(self, reactor: IReactorTime, host: str, trust: CertificateTrust, until: float) -> None:
        """Begin TLS by the StartTLS operation; `until` by the reactor's clock. Raises UpstreamRefused, UpstreamUnavailable."""
        message = await self._ask(reactor, _START_TLS, b"", max(0.0, until - reactor.seconds()), "StartTLS")
        answer = message.operation
        if not isinstance(answer, ExtendedResponse) or answer.result.code != 0 or self._framer.pending:
            self.drop()
            raise UpstreamRefused(self.place, "StartTLS was refused", "give the server a certificate, or use an ldaps:// URL")
        self._transport.startTLS(trust.connection_creator(host))
        await self.wait_for_tls(reactor, max(0.0, until - reactor.seconds()))

    async def wait_for_tls(self, reactor: IReactorTime, seconds: float) -> None:
        """Wait until the handshake is done and the certificate accepted. Raises UpstreamUnavailable."""
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
        self._transport = cast(_Transport, self.transport)
        self.usable = True

    def dataReceived(self, data: bytes) -> None:
        plain = _PLAIN_SUCCESS.get(data)
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
            self.drop()  # a notice of disconnection (RFC 4511 §4.4.1), or an answer to no request
        else:
            waiting.callback(message)

    def handshakeCompleted(self) -> None:
        self._secured.callback("")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.usable = False
        timeout_call, self._timeout_call = self._timeout_call, None
        if timeout_call is not None:
            timeout_call.cancel()
        if not self._secured.called:
            self._secured.callback(_ending(reason.value))
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.errback(reason)
        self.lost.callback(None)

    async def _ask(
        self, reactor: IReactorTime, operation: bytes, with_controls: bytes, seconds: float, what: str
    ) -> LDAPMessage:
        self._message_id = self._message_id % _LAST_MESSAGE_ID + 1
        request = wrap(self._message_id, operation, with_controls)
        answer: Deferred[LDAPMessage] = Deferred()
        self._waiting = answer
        self._set_timeout(reactor, seconds)
        self._transport.write(request)
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

    def _set_timeout(self, reactor: IReactorTime, seconds: float) -> None:
        self._answer_by = reactor.seconds() + seconds
        if self._timeout_call is None:
            self._timeout_call = reactor.callLater(seconds, self._check_timeout, reactor)
        elif self._timeout_call.getTime() > self._answer_by:
            self._timeout_call.reset(seconds)

    def _check_timeout(self, reactor: IReactorTime) -> None:
        self._timeout_call = None
        if self._waiting is None:
            return
        left = self._answer_by - reactor.seconds()
        if left > 0:
            self._timeout_call = reactor.callLater(left, self._check_timeout, reactor)
        else:
            waiting, self._waiting = self._waiting, None
            waiting.errback(DeferredTimeout())

    def _give_up(self) -> None:
        self._waiting = None
        self.drop()

    def _protocol_error(self, what: str) -> UpstreamUnavailable:
        self.drop()
        return UpstreamUnavailable(self.place, what, "see what the server is")


def _ending(error: BaseException | None) -> str:
    """Describe the end of a connection; OpenSSL's own words name the fault of a certificate."""
    is_tls = isinstance(error, SSL.Error | VerificationError)
    return f"the connection was cut ({error if is_tls else type(error).__name__})"


def _answer(result: Result, with_controls: tuple[Control, ...], generated: bytes | None = None) -> Answer:
    try:
        policy = controls.find(with_controls, PasswordPolicyResponse) if with_controls else None
    except WireError:
        policy = None
    notice = None
    if policy is not None and policy != PasswordPolicyResponse():
        notice = PolicyNotice(policy.time_before_expiration_seconds, policy.grace_authentications_remaining, policy.error)
    return Answer(result.code, _printable(result.diagnostic_message), notice, generated)


def _printable(message: str) -> str:
    return "".join(character if character.isprintable() else " " for character in message)[:200]

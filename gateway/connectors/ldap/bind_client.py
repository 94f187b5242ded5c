"""One asynchronous connection that does nothing but simple binds, one after the other, with ldaptor's LDAPClient.

ldaptor's client re-encodes each message that it receives, buffers without a limit and knows no timeouts; what is overridden
here makes up for that. No password goes anywhere but onto the wire."""

import re
from pathlib import Path
from typing import Any, Final

from ldaptor.protocols import pureber, pureldap
from ldaptor.protocols.ldap.ldapclient import LDAPClient
from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.ssl import Certificate, optionsForClientTLS, platformTrust, trustRootFromCertificates
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.connectors.ldap.failures import Place, UpstreamRefused, UpstreamUnavailable
from gateway.connectors.ldap.settings import Address
from gateway.wire.errors import WireError
from gateway.wire.framing import Framer
from gateway.wire.limits import Limits

ANSWER_LIMITS: Final = Limits(max_message_bytes=1024 * 1024)  # a bind response has a few hundred octets

_PEM_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def trust_root(ca_file: Path | None) -> Any:
    """What certificates are checked against: the authorities in the PEM file, or the system's trust store."""
    if ca_file is None:
        return platformTrust()  # type: ignore[no-untyped-call]
    found = _PEM_CERTIFICATE.findall(ca_file.read_bytes())
    return trustRootFromCertificates([Certificate.loadPEM(pem) for pem in found])  # type: ignore[no-untyped-call]


@implementer(IHandshakeListener)
class BindClient(LDAPClient):  # type: ignore[misc]  # ldaptor has no types
    """Use `connect`; then `simple_bind` as often as wanted while `usable`."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.lost: Deferred[None] = Deferred()
        """Fires when the connection has ended."""
        self._framer = Framer(ANSWER_LIMITS)
        self._secured: Deferred[str] = Deferred()
        """Fires with "" when TLS is up, else with what went wrong."""

    @property
    def usable(self) -> bool:
        return bool(self.connected)

    async def simple_bind(self, reactor: Any, dn: str, password: bytes, seconds: float) -> tuple[int, str]:
        """The result code and the server's words. Raises UpstreamUnavailable when there is no answer; then the connection is
        dropped, so that a late answer cannot be taken for the next bind's."""
        if not password:
            raise ValueError("an empty password makes a bind anonymous (RFC 4513 §5.1.2)")
        answer = await self._answer(reactor, pureldap.LDAPBindRequest(dn=dn, auth=password), seconds, "bind")
        if not isinstance(answer, pureldap.LDAPBindResponse):
            self.drop()
            raise UpstreamUnavailable(self.place, "a bind was not answered by a bind response", "see what the server is")
        return int(answer.resultCode), _words(answer.errorMessage)

    async def start_tls(self, reactor: Any, host: str, root: Any, seconds: float) -> None:
        answer = await self._answer(reactor, pureldap.LDAPStartTLSRequest(), seconds, "StartTLS")
        if getattr(answer, "resultCode", None) != 0 or self._framer.pending:
            self.drop()
            raise UpstreamRefused(self.place, "StartTLS was refused", "give the server a certificate, or use an ldaps:// URL")
        self.transport.startTLS(optionsForClientTLS(host, trustRoot=root))
        await self.wait_for_tls(reactor, seconds)

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
        self.connected = 0
        self.transport.abortConnection()

    def dataReceived(self, data: bytes) -> None:
        try:
            for message in self._framer.feed(data):
                decoded, _ = pureber.berDecodeObject(self.berdecoder, message)
                self.handle(decoded)
        except (WireError, pureber.BERException, AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError):
            self.drop()  # not LDAP, or an answer that nobody waits for

    def unsolicitedNotification(self, _msg: object) -> None:
        self.drop()  # RFC 4511 §4.4.1: a notice of disconnection is the only one there is

    def handshakeCompleted(self) -> None:
        self._secured.callback("")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self._secured.called:
            self._secured.callback(_ending(reason.value))
        super().connectionLost(reason)
        self.lost.callback(None)

    async def _answer(self, reactor: Any, request: Any, seconds: float, what: str) -> Any:
        try:
            return await self.send(request).addTimeout(seconds, reactor)
        except DeferredTimeout:
            self.drop()
            cure = "see whether the server hangs, or raise bind_timeout_seconds"
            raise UpstreamUnavailable(self.place, f"{what} was not answered within {seconds:g} s", cure) from None
        except CancelledError:
            self.drop()
            raise
        except Exception as error:  # whatever the transport ended with
            self.drop()
            raise UpstreamUnavailable(self.place, _ending(error), "it is tried again with the next bind") from None


async def connect(reactor: Any, place: Place, address: Address, root: Any, start_tls: bool, seconds: float) -> BindClient:
    """A connection that is ready for binds, with TLS where that is configured. Raises UpstreamUnavailable."""
    endpoint: Any = HostnameEndpoint(reactor, address.host, address.port, timeout=seconds)
    if address.tls:
        endpoint = wrapClientTLS(optionsForClientTLS(address.host, trustRoot=root), endpoint)
    attempt: Deferred[BindClient] = endpoint.connect(Factory.forProtocol(lambda: BindClient(place)))
    try:
        client = await _cancellable(attempt)
    except CancelledError:
        raise
    except Exception as error:  # name resolution, refusal, timeout: Twisted has an error class for each
        cure = "see whether the server runs; `gateway check` tells more"
        raise UpstreamUnavailable(place, f"no connection ({type(error).__name__})", cure) from None
    if address.tls:
        await client.wait_for_tls(reactor, seconds)
    elif start_tls:
        await client.start_tls(reactor, address.host, root, seconds)
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


def _words(message: object) -> str:
    text = message.decode(errors="replace") if isinstance(message, bytes) else str(message or "")
    return "".join(character if character.isprintable() else " " for character in text)[:200]

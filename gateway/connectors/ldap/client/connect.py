"""Connecting to an LDAP server: from a URL to a bound session in four steps (name, TCP, TLS, bind), each with its own error and
cure.

Written on the socket and not with ldap3, so that each step can be tried alone, close() ends every one of them, and OpenSSL
itself checks the host name."""

import hashlib
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from gateway.connectors.ldap.client.errors import BIND_CURES, Place, UpstreamRefused, UpstreamUnavailable, refusal, tls_failure
from gateway.connectors.ldap.client.session import Interruption, Session
from gateway.connectors.ldap.client.settings import Address, Upstream
from gateway.wire import oids
from gateway.wire.messages import BindRequest, BindResponse, ExtendedRequest, ExtendedResponse, SimpleAuthentication
from gateway.wire.result_codes import ResultCode

_SocketAddress: TypeAlias = tuple[object, ...]
"""A socket address as getaddrinfo returns it: (host, port) for IPv4, (host, port, flow, scope) for IPv6."""

# The kernel's probes when a peer has vanished without closing: the first after a minute, given up two minutes later.
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 20), (socket.TCP_KEEPCNT, 6))


class Attempt:
    """One attempt to connect to one address. The steps are called once each, in the order of STEPS; each returns a sentence for
    `gateway check` and raises UpstreamUnavailable or UpstreamRefused."""

    def __init__(self, source_id: str, upstream: Upstream, address: Address, interruption: Interruption) -> None:
        self.place = Place(source_id, address.url)
        self._upstream = upstream
        self._address = address
        self._interruption = interruption
        self._resolved: Sequence[tuple[socket.AddressFamily, socket.SocketKind, int, str, _SocketAddress]] = ()
        self._socket: socket.socket | None = None
        self._session: Session | None = None

    @property
    def session(self) -> Session:
        """The session; there is one after `open_tcp`."""
        if self._session is None:
            raise AssertionError("TCP comes first")
        return self._session

    def resolve(self) -> str:
        """Resolve the host name."""
        if self._interruption.stopped:
            raise UpstreamUnavailable(self.place, "reading was stopped", "nothing needs to be done")
        try:
            self._resolved = socket.getaddrinfo(self._address.host, self._address.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            what = f"the name {self._address.host} cannot be resolved"
            raise UpstreamUnavailable(self.place, what, "check the URL and the name service of this machine") from None
        return ", ".join(dict.fromkeys(str(found[4][0]) for found in self._resolved))

    def open_tcp(self) -> str:
        """Connect to the first resolved address that accepts."""
        reasons = []
        for family, kind, protocol, _, where in self._resolved:
            connection = socket.socket(family, kind, protocol)
            try:
                self._connect(connection, where)
            except OSError as error:
                connection.close()
                reasons.append(f"{where[0]}: {error.strerror or 'timed out'}")
                continue
            self._session = Session(connection, self.place, self._interruption, self._upstream.answer_seconds)
            return f"connected to {where[0]} port {where[1]}"
        what = "reading was stopped" if self._interruption.stopped else f"no connection ({'; '.join(reasons)})"
        raise UpstreamUnavailable(self.place, what, "see whether the server runs, and whether a firewall lets us through")

    def start_tls(self) -> str:
        """Begin TLS and check the certificate; return "" when no TLS is configured."""
        if not self._address.tls and not self._upstream.start_tls:
            return ""
        context = self._tls_context()
        if not self._address.tls:
            self._request_start_tls()
        try:
            secured = self.session.start_tls(context, self._address.host, self._upstream.connect_seconds)
        except OSError as error:
            raise tls_failure(self.place, error) from None
        pinned = self._upstream.certificate_sha256
        return self._require_pinned(secured, pinned) if pinned else _certificate_in_words(secured)

    def bind(self) -> str:
        """Bind as `bind_dn`, or stay anonymous without one."""
        upstream = self._upstream
        if not upstream.bind_dn:
            return "anonymous"
        password = SimpleAuthentication(upstream.current_password.encode())
        answer = self.session.answer(self.session.send(BindRequest(3, upstream.bind_dn, password))).operation
        if not isinstance(answer, BindResponse):
            raise UpstreamUnavailable(self.place, "bind was not answered by a bind response", "see what the server is")
        if answer.result.code != ResultCode.SUCCESS:
            raise refusal(self.place, f"bind as {upstream.bind_dn} refused", answer.result, BIND_CURES)
        return f"bound as {upstream.bind_dn}"

    def close(self) -> None:
        """Close the session if there is one; may be called after any step."""
        if self._session is not None:
            self._session.close()

    def _connect(self, connection: socket.socket, where: _SocketAddress) -> None:
        self._interruption.watch(connection)
        connection.settimeout(self._upstream.connect_seconds)
        connection.connect(where)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)

    def _require_pinned(self, secured: ssl.SSLSocket, pinned: tuple[bytes, ...]) -> str:
        found = hashlib.sha256(secured.getpeercert(binary_form=True) or b"").digest()
        if found not in pinned:
            cure = f'if the server has a new one, write certificate_sha256 = "{found.hex()}"'
            raise UpstreamRefused(self.place, "the server's certificate is not the one that is pinned", cure)
        return f"{secured.version()}, the certificate is the one that is pinned"

    def _tls_context(self) -> ssl.SSLContext:
        if self._upstream.certificate_sha256:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # its own digest is compared instead
            return context
        ca_file = self._upstream.ca_file
        try:
            return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        except OSError as error:
            words = error.reason if isinstance(error, ssl.SSLError) else error.strerror
            what = f"ca_file {ca_file} cannot be used ({words})"
            raise UpstreamRefused(self.place, what, "give a readable PEM file with the authority's certificate") from None

    def _request_start_tls(self) -> None:
        answer = self.session.answer(self.session.send(ExtendedRequest(oids.START_TLS))).operation
        if not isinstance(answer, ExtendedResponse) or answer.result.code != ResultCode.SUCCESS:
            what = refusal(self.place, "", answer.result, {}).what if isinstance(answer, ExtendedResponse) else ""
            cure = "give the server a certificate, or use an ldaps:// URL"
            raise UpstreamRefused(self.place, f"StartTLS was refused{what}", cure)


STEPS: Final[tuple[tuple[str, Callable[[Attempt], str]], ...]] = (
    ("name resolves", Attempt.resolve),
    ("TCP", Attempt.open_tcp),
    ("TLS", Attempt.start_tls),
    ("bind", Attempt.bind),
)


def connect(source_id: str, upstream: Upstream, interruption: Interruption) -> Session:
    """Return a bound session with the first of the upstream's addresses that can be reached. Blocks.

    A refusal ends the attempts at once: the replicas would refuse too, and count one more failed bind.
    Raises UpstreamRefused, or UpstreamUnavailable with the reasons of all addresses.
    """
    failures = []
    for address in upstream.addresses:
        attempt = Attempt(source_id, upstream, address, interruption)
        try:
            for _, step in STEPS:
                step(attempt)
        except UpstreamUnavailable as error:
            attempt.close()
            failures.append(error)
        except UpstreamRefused:
            attempt.close()
            raise
        else:
            return attempt.session
    if len(failures) == 1:
        raise failures[0]
    place = Place(source_id, ", ".join(upstream.urls))
    raise UpstreamUnavailable(place, "; ".join(error.what for error in failures), failures[-1].cure)


def _certificate_in_words(secured: ssl.SSLSocket) -> str:
    certificate = secured.getpeercert() or {}
    return f"{secured.version()}, the certificate is valid until {certificate.get('notAfter', 'an unknown time')}"

"""TLS to a server whose own certificate is known: its digest is compared and nothing else (no authority, name or time). For
Twisted; the blocking side does the same in connectors/ldap/client/connect.py."""

import hashlib
from ipaddress import ip_address
from typing import Any

from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import CertificateOptions, optionsForClientTLS
from zope.interface import implementer


class PinnedCertificates:
    """What stands for a trust root where certificates are pinned: the SHA-256 digests of their DER forms."""

    def __init__(self, digests: tuple[bytes, ...]) -> None:
        self._digests = digests
        self._context: Any = CertificateOptions().getContext()
        self._context.set_verify(SSL.VERIFY_PEER, self._accepts)

    def options(self, host: str) -> "_PinnedConnections":
        """What Twisted makes connections to this host with."""
        return _PinnedConnections(self._context, host)

    def _accepts(self, _: Any, certificate: crypto.X509, __: int, depth: int, ___: int) -> bool:
        """OpenSSL asks about each certificate of the chain; the server's own one is the last, at depth 0."""
        if depth > 0:
            return True
        return hashlib.sha256(crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)).digest() in self._digests


@implementer(IOpenSSLClientConnectionCreator)
class _PinnedConnections:
    def __init__(self, context: Any, host: str) -> None:
        self._context = context
        self._host = host

    def clientConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        """See IOpenSSLClientConnectionCreator."""
        connection = SSL.Connection(self._context, None)
        connection.set_app_data(protocol)
        if not _is_address(self._host):
            connection.set_tlsext_host_name(self._host.encode("idna"))
        return connection


def client_options(host: str, root: Any) -> Any:
    """What Twisted makes connections to this host with; `root`: PinnedCertificates, or a trust root of Twisted's."""
    return root.options(host) if isinstance(root, PinnedCertificates) else optionsForClientTLS(host, trustRoot=root)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True

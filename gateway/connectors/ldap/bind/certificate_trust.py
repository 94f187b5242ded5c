"""The check of an upstream's certificate in the reactor: by authorities, or by pinned digests and nothing else (no authority,
name or time). The blocking client does the same in connectors/ldap/client/connect.py."""

import hashlib
import re
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import Certificate, CertificateOptions, optionsForClientTLS, platformTrust, trustRootFromCertificates
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

_PEM_CERTIFICATE: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


FileStamp: TypeAlias = tuple[int, int, int]
"""The inode of a file, its size and the time of its last change: another one means that it was replaced or written."""


def file_stamp(path: Path) -> FileStamp:
    """Return the stamp of a file. Raises OSError."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


class CertificateTrust(Protocol):
    """The rule by which a server's certificate is accepted."""

    def connection_creator(self, host: str) -> IOpenSSLClientConnectionCreator:
        """Return the object with which Twisted begins TLS to this host. May be called any number of times."""


def certificate_trust(ca_file: Path | None, pinned: tuple[bytes, ...]) -> CertificateTrust:
    """Return the trust in pinned certificates, in the authorities of a PEM file, or in those of the system.

    `pinned`: SHA-256 digests of certificates in their DER form. Raises OSError, and OpenSSL's errors for a file that holds no
    certificates.
    """
    return PinnedCertificates(pinned) if pinned else CertificateAuthorities(ca_file)


class CertificateAuthorities:
    """Trust in the authorities of `ca_file` (PEM), or in those of the system when it is None; the name must match."""

    def __init__(self, ca_file: Path | None) -> None:
        if ca_file is None:
            self._root = platformTrust()  # type: ignore[no-untyped-call]
        else:
            found = _PEM_CERTIFICATE.findall(ca_file.read_bytes())
            self._root = trustRootFromCertificates([Certificate.loadPEM(pem) for pem in found])  # type: ignore[no-untyped-call]

    def connection_creator(self, host: str) -> IOpenSSLClientConnectionCreator:
        """See CertificateTrust.connection_creator."""
        return optionsForClientTLS(host, trustRoot=self._root)


class PinnedCertificates:
    """Trust in the certificates with these SHA-256 digests of their DER forms."""

    def __init__(self, digests: tuple[bytes, ...]) -> None:
        self._digests = digests
        self._context: SSL.Context = CertificateOptions().getContext()
        self._context.set_verify(SSL.VERIFY_PEER, self._accepts)

    def connection_creator(self, host: str) -> IOpenSSLClientConnectionCreator:
        """See CertificateTrust.connection_creator."""
        return _PinnedConnectionCreator(self._context, host)

    def _accepts(self, _: SSL.Connection, certificate: crypto.X509, __: int, depth: int, ___: int) -> bool:
        """Judge one certificate of the chain; OpenSSL calls this for each, the server's own one last, at depth 0."""
        if depth > 0:
            return True
        return hashlib.sha256(crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)).digest() in self._digests


@implementer(IOpenSSLClientConnectionCreator)
class _PinnedConnectionCreator:
    def __init__(self, context: SSL.Context, host: str) -> None:
        self._context = context
        self._host = host

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """See IOpenSSLClientConnectionCreator."""
        connection = SSL.Connection(self._context, None)
        connection.set_app_data(tlsProtocol)
        if not _is_address(self._host):
            connection.set_tlsext_host_name(self._host.encode("idna"))
        return connection


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True

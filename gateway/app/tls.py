"""A listener's certificate: read from PEM files, and read again on request, without touching the connections that are open."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLContextFactory
from twisted.internet.ssl import CertificateOptions, TLSVersion
from zope.interface import implementer

from gateway.model.errors import ConfigurationError


@implementer(IOpenSSLContextFactory)
class Certificate:
    """A context factory for servers, TLS 1.2 or later. Raises ConfigurationError when the files are not a pair.

    `certificate`: PEM, with its chain behind it.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate, self._key = certificate, key
        self._context = self._read()

    def getContext(self) -> SSL.Context:
        """For each new connection: the context of the certificate as last read."""
        return self._context

    def reload(self) -> None:
        """Read the files again. Raises ConfigurationError and goes on with the old ones when they are not right."""
        self._context = self._read()

    def _read(self) -> SSL.Context:
        context: SSL.Context = CertificateOptions(raiseMinimumTo=TLSVersion.TLSv1_2).getContext()
        try:
            self._certificate.read_bytes()  # OpenSSL's own words for a missing file do not name it
            context.use_certificate_chain_file(str(self._certificate))
            # Nobody is there to type a passphrase: a key that has one is refused, with a TypeError.
            context.use_privatekey(load_pem_private_key(self._key.read_bytes(), None))  # type: ignore[arg-type]
            context.check_privatekey()
        except (OSError, SSL.Error, ValueError, TypeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not a PEM certificate and its unencrypted key"
            raise ConfigurationError(f"certificate {self._certificate} and key {self._key} cannot be used: {reason}") from None
        return context

"""A listener's certificate: read from PEM files, and read again on request, without touching the connections that are open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from OpenSSL import SSL
from OpenSSL.crypto import X509
from twisted.internet.interfaces import IOpenSSLContextFactory
from twisted.internet.ssl import CertificateOptions, TLSVersion
from zope.interface import implementer

from gateway.model.errors import ConfigurationError

WRONG: Final = "not a PEM certificate and its unencrypted key"


@dataclass(frozen=True, slots=True)
class Pem:
    """The content of the files: the certificate with its chain behind it, its key, and the authorities of client certificates
    (b"": none is asked for)."""

    certificate: bytes
    key: bytes = field(repr=False)
    authorities: bytes = b""


@implementer(IOpenSSLContextFactory)
class Certificate:
    """A context factory for servers, TLS 1.2 or later. Raises ConfigurationError when the files are not a pair.

    `pem`: what another process of ours has read of them already; without it they are read.
    """

    def __init__(self, certificate: Path, key: Path, pem: Pem | None = None, *, client_ca: Path | None = None) -> None:
        self._certificate, self._key, self._client_ca = certificate, key, client_ca
        self.on_change: list[Callable[[Pem], None]] = []
        """Called with the certificate when it has been read again."""
        self.pem = pem or self._read()
        self._context = self._made(self.pem)

    def getContext(self) -> SSL.Context:
        """Return the context of a new connection: that of the certificate as last read."""
        return self._context

    def reload(self) -> None:
        """Read the files again. Raises ConfigurationError and goes on with the old ones when they are not right."""
        self.use(self._read())

    def use(self, pem: Pem) -> None:
        """Use this certificate from now on. Raises as `reload` does."""
        self._context, self.pem = self._made(pem), pem
        for notify in self.on_change:
            notify(pem)

    def _read(self) -> Pem:
        try:
            authorities = b"" if self._client_ca is None else self._client_ca.read_bytes()
            return Pem(self._certificate.read_bytes(), self._key.read_bytes(), authorities)
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from None

    def _made(self, pem: Pem) -> SSL.Context:
        context: SSL.Context = CertificateOptions(raiseMinimumTo=TLSVersion.TLSv1_2).getContext()
        try:
            own, *chain = load_pem_x509_certificates(pem.certificate)
            context.use_certificate(own)
            for certificate in chain:
                context.add_extra_chain_cert(certificate)
            # There is no terminal for a passphrase: a key that has one is refused, with a TypeError.
            context.use_privatekey(load_pem_private_key(pem.key, None))  # type: ignore[arg-type]
            context.check_privatekey()
        except (SSL.Error, ValueError, TypeError, UnsupportedAlgorithm):
            raise self._unusable(WRONG) from None
        if pem.authorities:
            self._ask_for_certificates(context, pem.authorities)
        return context

    def _ask_for_certificates(self, context: SSL.Context, authorities: bytes) -> None:
        """Ask clients for a certificate: they need not have one, but one that is not of these authorities ends the
        handshake."""
        try:
            found = load_pem_x509_certificates(authorities)
        except ValueError:
            raise ConfigurationError(f"client_ca {self._client_ca} cannot be used: not PEM certificates") from None
        store = context.get_cert_store()
        assert store is not None  # noqa: S101 (a new context has one)
        for authority in found:
            store.add_cert(X509.from_cryptography(authority))
            context.add_client_ca(authority)
        context.set_verify(SSL.VERIFY_PEER)

    def _unusable(self, reason: str) -> ConfigurationError:
        return ConfigurationError(f"certificate {self._certificate} and key {self._key} cannot be used: {reason}")

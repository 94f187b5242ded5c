"""A listener's certificate: read from PEM files, and read again on request, without touching the connections that are open."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates, load_pem_x509_crl
from OpenSSL import SSL
from OpenSSL.crypto import X509, X509Store, X509StoreFlags
from twisted.internet.interfaces import IOpenSSLContextFactory
from twisted.internet.ssl import CertificateOptions, TLSVersion
from zope.interface import implementer

from gateway.model.errors import ConfigurationError

MODERN_CIPHERS: Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)
"""Those of TLS 1.2 with forward secrecy and authenticated encryption (Mozilla's "intermediate"); TLS 1.3 has no others."""

MinVersion: TypeAlias = Literal["1.2", "1.3"]
_VERSIONS: Final[Mapping[MinVersion, TLSVersion]] = {"1.2": TLSVersion.TLSv1_2, "1.3": TLSVersion.TLSv1_3}

WRONG: Final = "not a PEM certificate and its unencrypted key"
NO_PAIR: Final = "the key is another certificate's; name the two that were issued together, the server's own certificate first"
_CRL: Final = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pem:
    """The content of the files: the certificate with its chain behind it, its key, the authorities of client certificates
    (b"": none is asked for), and their lists of those that are revoked (b"": none is looked at)."""

    certificate: bytes
    key: bytes = field(repr=False)
    authorities: bytes = b""
    revoked: bytes = b""


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """Demands on a client. `ciphers`: of TLS 1.2, in OpenSSL's words. `client_ca`: the authorities of client certificates;
    `client_crl`: their lists of those that are revoked."""

    min_version: MinVersion = "1.2"
    ciphers: str = MODERN_CIPHERS
    client_ca: Path | None = None
    client_crl: Path | None = None


@implementer(IOpenSSLContextFactory)
class Certificate:
    """A context factory for servers. Raises ConfigurationError when the files are not a pair.

    `pem`: what another process of ours has read of them already; without it they are read.
    """

    def __init__(self, certificate: Path, key: Path, pem: Pem | None = None, *, policy: TlsPolicy | None = None) -> None:
        self._certificate, self._key, self._policy = certificate, key, policy or TlsPolicy()
        self.on_change: list[Callable[[Pem], None]] = []
        """Called with the certificate when it has been read again."""
        self.pem = pem or self._read()
        self._context = self._made(self.pem)

    def getContext(self) -> SSL.Context:
        """Return the context of a new connection: that of the certificate as last read."""
        return self._context

    def not_after(self) -> datetime:
        """Return when the certificate in use ends, or the first one of its chain."""
        return min(one.not_valid_after_utc for one in load_pem_x509_certificates(self.pem.certificate))

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
            others = (self._policy.client_ca, self._policy.client_crl)
            return Pem(
                self._certificate.read_bytes(),
                self._key.read_bytes(),
                *(b"" if file is None else file.read_bytes() for file in others),
            )
        except OSError as error:
            raise self._unusable(f"{error.filename}: {error.strerror or error}") from None

    def _made(self, pem: Pem) -> SSL.Context:
        lowest = _VERSIONS[self._policy.min_version]
        context: SSL.Context = CertificateOptions(insecurelyLowerMinimumTo=lowest).getContext()
        context.set_cipher_list(self._policy.ciphers.encode())
        try:
            own, *chain = load_pem_x509_certificates(pem.certificate)
            context.use_certificate(own)
            for certificate in chain:
                context.add_extra_chain_cert(certificate)
            # There is no terminal for a passphrase: a key that has one is refused, with a TypeError.
            key = load_pem_private_key(pem.key, None)
            if key.public_key() != own.public_key():
                raise self._unusable(NO_PAIR)
            context.use_privatekey(key)  # type: ignore[arg-type]
            context.check_privatekey()
        except (SSL.Error, ValueError, TypeError, UnsupportedAlgorithm):
            raise self._unusable(WRONG) from None
        if pem.authorities:
            self._ask_for_certificates(context, pem.authorities, pem.revoked)
        return context

    def _ask_for_certificates(self, context: SSL.Context, authorities: bytes, revoked: bytes) -> None:
        """Ask clients for a certificate: they need not have one, but one that is not of these authorities ends the
        handshake."""
        try:
            found = load_pem_x509_certificates(authorities)
        except ValueError:
            raise ConfigurationError(f"client_ca {self._policy.client_ca} cannot be used: not PEM certificates") from None
        store = context.get_cert_store()
        assert store is not None  # noqa: S101 (a new context has one)
        for authority in found:
            store.add_cert(X509.from_cryptography(authority))
            context.add_client_ca(authority)
        context.set_verify(SSL.VERIFY_PEER)
        if revoked:
            self._refuse_revoked(store, revoked)

    def _refuse_revoked(self, store: X509Store, revoked: bytes) -> None:
        """Refuse certificates that are revoked, and all those of an authority whose list is missing or out of date."""
        try:
            lists = [load_pem_x509_crl(pem) for pem in _CRL.findall(revoked)]
        except ValueError:
            lists = []
        if not lists:
            raise ConfigurationError(
                f"client_crl {self._policy.client_crl} cannot be used: no lists of revoked certificates in PEM"
            )
        for one in lists:
            store.add_crl(one)
        store.set_flags(X509StoreFlags.CRL_CHECK)

    def _unusable(self, reason: str) -> ConfigurationError:
        return ConfigurationError(f"certificate {self._certificate} and key {self._key} cannot be used: {reason}")

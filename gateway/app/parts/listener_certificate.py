"""The certificate of a listener, made alike in the primary process and in each worker."""

from __future__ import annotations

from gateway.app.config.listener_tables import CertifiedTable, LdapTable
from gateway.app.process.certificates import MODERN_CIPHERS, Certificate, Pem, TlsPolicy


def certificate(table: CertifiedTable, pem: Pem | None = None) -> Certificate | None:
    """Return the certificate of a listener, if it has one. `pem`: what another process of ours has read of its files. Raises
    ConfigurationError."""
    if table.certificate is None or table.key is None:
        return None
    clients = (table.client_ca, table.client_crl) if isinstance(table, LdapTable) else (None, None)
    policy = TlsPolicy(table.min_tls_version, table.tls_ciphers or MODERN_CIPHERS, *clients)
    return Certificate(table.certificate, table.key, pem, policy=policy)

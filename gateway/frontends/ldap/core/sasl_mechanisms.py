"""The SASL mechanisms (RFC 4513 §5.2) by name, and which of them a client may use. Bind carries them out
(operations/sasl.py); the root DSE lists them."""

from typing import Final

from gateway.frontends.ldap.core.exchange import Exchange

PLAIN: Final = "PLAIN"
EXTERNAL: Final = "EXTERNAL"


def available(exchange: Exchange) -> tuple[str, ...]:
    """Return what the client may use now, as the root DSE lists it (supportedSASLMechanisms, RFC 4512 §5.1.7)."""
    if exchange.must_start_tls:
        return ()
    return (PLAIN, EXTERNAL) if exchange.client.certificate() is not None else (PLAIN,)

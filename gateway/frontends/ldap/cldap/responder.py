"""The responder: datagrams in, answers out."""

from functools import partial

import structlog
from twisted.internet.protocol import DatagramProtocol

from gateway.frontends.ldap.cldap.domains import domain_of
from gateway.frontends.ldap.cldap.ping import MAX_PING_BYTES, answer
from gateway.frontends.ldap.cldap.rate_limit import RateLimit
from gateway.frontends.ldap.core.services import Services

_log = structlog.get_logger("gateway.ldap")


class PingResponder:
    """The answers of one process, for all its ports."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._limit = RateLimit(services.reactor.seconds)

    def protocol(self) -> DatagramProtocol:
        """Return the protocol of one port."""
        return _Datagrams(self)

    def answer(self, data: bytes, address: str) -> bytes | None:
        """Return the answer to a datagram; None for none."""
        if len(data) > MAX_PING_BYTES:
            return None
        made = answer(data, partial(domain_of, self._services))
        return made if made is not None and self._limit.admits(address) else None


class _Datagrams(DatagramProtocol):
    """One UDP port."""

    def __init__(self, responder: PingResponder) -> None:
        self._responder = responder

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        """Answer a datagram, or be silent: nothing that a stranger sends is an error."""
        try:
            made = self._responder.answer(datagram, addr[0])
            if made is not None and self.transport is not None:
                self.transport.write(made, addr)
        except Exception as error:
            _log.error("ping failed", error=repr(error), exc_info=error)

"""One request as its operation is given it: plain values, and nothing by which the connection could be changed.

What an operation may do with its connection is in responder.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cryptography import x509

from gateway.directory.directory import Party
from gateway.frontends.ldap.core.services import Services
from gateway.wire.messages import Control


def no_certificate() -> x509.Certificate | None:
    """Return the certificate of a client that is connected in the clear: None."""
    return None


@dataclass(frozen=True, slots=True)
class Client:
    """The program at the other end of a connection; another value once TLS has begun.

    `peer`: its address and port, as log lines have them. `certificate`: gives the certificate that it has shown, verified;
    None when it has not.
    """

    peer: str
    is_encrypted: bool
    certificate: Callable[[], x509.Certificate | None] = no_certificate

    @property
    def host(self) -> str:
        """The address without the port: whose share of what is scarce it is."""
        return self.peer.rpartition(":")[0]


class Exchange(NamedTuple):
    """A request that is being answered. A tuple, because one is made for each request: a frozen dataclass costs five times
    as much to make (1.2 µs; a small search costs 20 µs).

    `controls`: those that take effect, by OID. `party`: as whom the operation is carried out, which is the bound party, or the
    one that a proxied authorization control names.
    """

    message_id: int
    controls: Mapping[str, Control]
    party: Party
    client: Client
    services: Services

    @property
    def share(self) -> str:
        """The name of whose share of what is scarce it is: the party's, and of an anonymous one the address."""
        return self.party.dn or self.client.host

    @property
    def can_start_tls(self) -> bool:
        """True if StartTLS may be asked for."""
        return self.services.tls_context is not None and not self.client.is_encrypted

    @property
    def must_start_tls(self) -> bool:
        """True if nothing else may be done before TLS."""
        return self.services.require_tls and not self.client.is_encrypted

    def on_behalf_of(self, party: Party) -> "Exchange":
        """Return the same exchange, carried out as another party (RFC 4370)."""
        return self._replace(party=party)

"""Networks of proxies whose word about a client's address is taken. Plain values."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def address_of(text: str) -> Address | None:
    """Return an IP address, one of IPv4 that is written as IPv6 (::ffff:192.0.2.1) as that of IPv4; None for anything else."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return None
        return address.ipv4_mapped or address
    return address


@dataclass(frozen=True, slots=True)
class TrustedNetworks:
    """Networks; none by default, so that nobody is trusted."""

    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "TrustedNetworks":
        """Read addresses ("192.0.2.1") and networks ("10.0.0.0/8"). Raises ValueError."""
        return cls(tuple(ipaddress.ip_network(text) for text in texts))

    def __bool__(self) -> bool:
        return bool(self.networks)

    def include(self, host: str) -> bool:
        """Return whether an address is in one of them."""
        address = address_of(host) if self.networks else None
        return address is not None and any(address in network for network in self.networks)


NOBODY: Final = TrustedNetworks()

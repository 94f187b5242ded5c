"""The client's address as trusted proxies tell it: `Forwarded` (RFC 7239), or `X-Forwarded-For`.

Each proxy appends the address that it was asked from, so the last one that is no trusted proxy's is the client's; what stands
before it may have been made up by the client, and is not looked at."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.model.errors import InvalidInput
from gateway.model.trusted_networks import Address, TrustedNetworks, address_of

MAX_HOPS = 32
"""Proxies in a row; there are two or three."""

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR = re.compile(rf'[ \t]*({_WORD})=({_WORD}|"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[\t -~])*")[ \t]*([;,]|$)')
_NODE = re.compile(
    r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<four>[0-9.]+)|unknown|_[A-Za-z0-9._-]+)(?::(?:\d{1,5}|_[A-Za-z0-9._-]+))?"
)


@dataclass(frozen=True, slots=True)
class ForwardedHeaders:
    """The values of both headers, in the order in which they came."""

    forwarded: Sequence[str] = ()
    x_forwarded_for: Sequence[str] = ()

    def client(self, peer: str, trusted: TrustedNetworks) -> str:
        """Return the client's address; `peer`: that of the connection. Raises InvalidInput for headers of a trusted proxy that
        cannot be read."""
        if not trusted.include(peer):
            return peer
        if self.forwarded and self.x_forwarded_for:  # which of them is the proxy's?
            raise InvalidInput("Forwarded and X-Forwarded-For: the proxy must send one of them and remove the other.")
        hops = list(_nodes(self.forwarded)) if self.forwarded else list(_listed(self.x_forwarded_for))
        if len(hops) > MAX_HOPS:
            raise InvalidInput(f"There are more than {MAX_HOPS} proxies in the forwarding header.")
        client = peer
        for address in reversed(hops):
            if address is None:  # a proxy that does not tell: it is all that is known
                break
            client = str(address)
            if not trusted.include(client):
                break
        return client


def _nodes(values: Sequence[str]) -> Iterator[Address | None]:
    """Yield the address of each `for`; None where it has none, or an obfuscated one (RFC 7239 §6)."""
    for value in values:
        position, pairs = 0, dict[str, str]()
        while position < len(value) or pairs:
            found = _PAIR.match(value, position)
            if found is None or found[1].lower() in pairs:
                raise InvalidInput("The header Forwarded cannot be read (RFC 7239).")
            pairs[found[1].lower()] = found[2]
            position = found.end()
            if found[3] != ";":
                yield _address(_unquoted(pairs["for"])) if "for" in pairs else None
                pairs = {}
                if found[3] == "," and position == len(value):
                    raise InvalidInput("The header Forwarded cannot be read (RFC 7239).")


def _listed(values: Sequence[str]) -> Iterator[Address | None]:
    for value in values:
        for node in value.split(","):
            bare = address_of(node.strip())  # of IPv6 without brackets, too: proxies write it so
            yield bare if bare is not None else _address(node.strip())


def _address(node: str) -> Address | None:
    found = _NODE.fullmatch(node)
    text = found and (found["six"] or found["four"])
    address = address_of(text) if text else None
    if found is None or (text and address is None):
        raise InvalidInput("A proxy's forwarding header has what is no address.")
    return address


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value

"""The header of the PROXY protocol, versions 1 and 2, by which a proxy tells the address of its client.

It buys Twisted's parsers of both. Twisted's own wrapper around them cannot be used: it has no limit of time, believes
everybody, takes a header that comes in pieces for a broken one, and lets ValueError through. Private parts: `V1Parser` and
`V2Parser`, of which only the pure functions are used.

https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt
"""

from __future__ import annotations

import ipaddress
from typing import Final, cast

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.protocols.haproxy._exceptions import InvalidProxyHeader
from twisted.protocols.haproxy._v1parser import V1Parser
from twisted.protocols.haproxy._v2parser import V2Parser

MAX_V1_BYTES: Final = 107  # says the specification
MAX_V2_BYTES: Final = 4_096
"""The addresses are at most 232; proxies add a client's certificate, its server name and ids of their own behind them."""

_UNKNOWN_V1: Final = b"PROXY UNKNOWN\r\n"
_SHORTEST_V1: Final = len(_UNKNOWN_V1)
_FIXED_V2: Final = 16  # signature, version and command, family, length of the rest
_V1: Final = b"PROXY "
_V2: Final = V2Parser.PREFIX


class MalformedHeader(Exception):
    """This is no header of the PROXY protocol, and no beginning of one."""


def missing_bytes(data: bytes) -> int:
    """Return the number of octets that belong to a header, beginning with `data`, without doubt, and have not come; 0: it is
    complete. So nothing behind the header is ever read. Raises MalformedHeader."""
    if data.startswith(_V2[: len(data)]) and len(data) < len(_V2):
        return _SHORTEST_V1 - len(data)  # of either version, as far as one can say yet
    if data.startswith(_V2):
        return _missing_of_v2(data)
    if not data.startswith(_V1[: len(data)]):
        raise MalformedHeader
    return _missing_of_v1(data)


def _missing_of_v1(data: bytes) -> int:
    if data.endswith(b"\r\n"):
        return 0
    missing = max(1 if data.endswith(b"\r") else 2, _SHORTEST_V1 - len(data))
    if len(data) + missing > MAX_V1_BYTES or b"\n" in data:
        raise MalformedHeader
    return missing


def _missing_of_v2(data: bytes) -> int:
    if len(data) < _FIXED_V2:
        return _FIXED_V2 - len(data)
    size = _FIXED_V2 + int.from_bytes(data[14:16], "big")
    if size > MAX_V2_BYTES:
        raise MalformedHeader
    return size - len(data)


def client_address(header: bytes) -> IPv4Address | IPv6Address | None:
    """Return the client's address that a complete header tells; None where it tells none: the proxy speaks for itself, or does
    not know. Raises MalformedHeader."""
    if header == _UNKNOWN_V1:  # Twisted's parser wants something behind it, which proxies may leave out
        return None
    try:
        info = V2Parser.parse(header) if header.startswith(_V2) else V1Parser.parse(header.removesuffix(b"\r\n"))
        source = cast(object, info.source)  # an IAddress, which mypy does not know IPv4Address to be
        if not isinstance(source, (IPv4Address, IPv6Address)):
            return None
        host = ipaddress.ip_address(source.host)
        version = 4 if isinstance(source, IPv4Address) else 6
        if host.version != version or "%" in source.host or not 0 <= source.port <= 0xFFFF:
            raise MalformedHeader
    except (InvalidProxyHeader, ValueError):
        raise MalformedHeader from None
    if isinstance(host, ipaddress.IPv6Address):
        host = host.ipv4_mapped or host
    return (IPv4Address if host.version == 4 else IPv6Address)("TCP", str(host), source.port)

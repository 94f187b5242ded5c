"""A ping: a search of the root DSE for `netlogon` ([MS-ADTS] §6.3.3.1), and its answer in one datagram. Pure."""

from collections.abc import Callable
from typing import Final, TypeAlias

from gateway.frontends.ldap.cldap import netlogon
from gateway.frontends.ldap.cldap.netlogon import DomainNames
from gateway.frontends.ldap.core.results import SEARCH_DONE
from gateway.wire import filters
from gateway.wire.codec.decoder import decode_message
from gateway.wire.codec.encoder import wrap
from gateway.wire.entries import encode_entry
from gateway.wire.errors import WireError
from gateway.wire.filters import Filter
from gateway.wire.limits import Limits
from gateway.wire.messages import BASE_OBJECT, SearchRequest

ATTRIBUTE: Final = "netlogon"

MAX_PING_BYTES: Final = 512
"""Octets of a question that is read; Windows' with every element has some 200."""

_LIMITS: Final = Limits(max_message_bytes=MAX_PING_BYTES, max_filter_depth=2, max_filter_terms=12, max_attributes=4)
_ELEMENTS: Final = frozenset({"dnsdomain", "host", "dnshostname", "aac", "domainsid", "domainguid", "ntver", "user"})
_NUMBER_OCTETS: Final = 4

MAX_AMPLIFICATION: Final = 3
"""An answer is at most so many times as long as its question: a made-up sender gets little more than it costs to ask."""


DomainOf: TypeAlias = Callable[[str], DomainNames | None]
"""DNS name of a domain in lower case, "" for any → its names; None for a domain that is not here."""


def answer(data: bytes, domain_of: DomainOf) -> bytes | None:
    """Return the datagram that answers a ping; None for anything that is none, or is answered by nobody here."""
    try:
        message = decode_message(data, _LIMITS)
    except (WireError, ValueError):
        return None
    request = message.operation
    found = None if not isinstance(request, SearchRequest) or message.controls else entry(request, domain_of)
    if found is None:
        return None
    made = wrap(message.message_id, found) + wrap(message.message_id, SEARCH_DONE)
    return made if len(made) <= MAX_AMPLIFICATION * len(data) else None


def entry(request: SearchRequest, domain_of: DomainOf) -> bytes | None:
    """Return the encoded entry that answers a ping; None for a search that is none. Clients whose LDAP library has no UDP ask
    over TCP (adcli in Debian)."""
    if request.base_object or request.scope != BASE_OBJECT or len(request.attributes) != 1:
        return None
    attribute = request.attributes[0]
    elements = _elements(request.filter) if attribute.lower() == ATTRIBUTE else None
    if elements is None or not _is_answered(elements):
        return None
    names = domain_of(elements.get("dnsdomain", b"").decode("utf-8", "replace").strip(".").lower())
    return None if names is None else encode_entry(b"", [(attribute.encode(), [netlogon.encode(names)])])


def _elements(item: Filter) -> dict[str, bytes] | None:
    """Return the elements of a ping: one assertion, or an And of some; None for any other filter."""
    parts = item.filters if isinstance(item, filters.And) else (item,)
    found: dict[str, bytes] = {}
    for part in parts:
        if not isinstance(part, filters.Equality) or part.attribute.lower() not in _ELEMENTS or part.attribute.lower() in found:
            return None
        found[part.attribute.lower()] = part.value
    return found


def _is_answered(elements: dict[str, bytes]) -> bool:
    """Return whether the client takes the one form of answer that there is; and it asks for no account: who has one here is
    told to nobody without a bind."""
    version = elements.get("ntver", b"")
    wanted = netlogon.NT_VERSION_5 | netlogon.NT_VERSION_5EX | netlogon.NT_VERSION_5EX_WITH_IP
    is_known = len(version) == _NUMBER_OCTETS and int.from_bytes(version, "little") & wanted
    return bool(is_known) and not elements.get("user")

"""The audit lines of searches, where `[log] searches` asks for them: who searched where for what. A value that is compared with
a password never gets into a line."""

from dataclasses import replace
from typing import Final

import structlog

from gateway.frontends.ldap.core.exchange import Exchange
from gateway.wire.filters import text
from gateway.wire.filters.values import And, Equality, Filter, Not, Or, Present
from gateway.wire.messages import SearchRequest

MAX_CHARACTERS: Final = 1_000
"""Characters of a base or a filter in a line; programs send some hundred."""

SECRET: Final = frozenset(
    {
        "userpassword",
        "2.5.4.35",
        "unicodepwd",
        "dbcspwd",
        "authpassword",
        "sambantpassword",
        "sambalmpassword",
        "krbprincipalkey",
    }
)
"""Attributes that hold passwords somewhere, by name or OID; of a view none can be read, but clients ask."""

_MASK: Final = b"masked"
_SCOPES: Final = ("base", "one level", "subtree")

_log = structlog.get_logger("gateway.search")


def log_search(exchange: Exchange, request: SearchRequest) -> None:
    """Write the line of a search that begins."""
    scope = _SCOPES[request.scope] if request.scope < len(_SCOPES) else str(request.scope)
    filter_text = _cut(text.to_text(without_secrets(request.filter)))
    _log.info(
        "search",
        peer=exchange.client.peer,
        dn=exchange.party.dn or "anonymous",
        base=_cut(request.base_object),
        scope=scope,
        filter=filter_text,
    )


def without_secrets(filter: Filter) -> Filter:
    """Return the filter with what is compared with passwords masked."""
    match filter:
        case And(filters) | Or(filters):
            return replace(filter, filters=tuple(map(without_secrets, filters)))
        case Not(inner):
            return Not(without_secrets(inner))
        case Present():
            return filter
        case _:
            attribute = (filter.attribute or "").partition(";")[0].lower()
            return Equality(filter.attribute or "", _MASK) if attribute in SECRET else filter


def _cut(words: str) -> str:
    return words if len(words) <= MAX_CHARACTERS else f"{words[:MAX_CHARACTERS]}… ({len(words):,} characters)"

"""Dispatch of searches that report changes, by their control; they report in one way, and are not paged or sorted."""

from collections.abc import Callable, Mapping
from typing import Final

from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.responder import PacedResponder
from gateway.frontends.ldap.core.results import Refused
from gateway.frontends.ldap.core.supported_controls import BESIDE_SUBSCRIPTION
from gateway.frontends.ldap.subscriptions import content_sync, persistent_search
from gateway.wire import oids
from gateway.wire.messages import SearchRequest
from gateway.wire.result_codes import ResultCode

_Handler = Callable[[Exchange, SearchRequest, PacedResponder], None]

HANDLERS: Final[Mapping[str, _Handler]] = {
    oids.SYNC_REQUEST: content_sync.handle,
    oids.PERSISTENT_SEARCH: persistent_search.handle,
    oids.CHANGE_NOTIFICATION: persistent_search.notify,
}

_TOO_MUCH: Final = "a search that tells of changes is told in one way, and not paged, sorted or cut to matched values"


def handle(exchange: Exchange, request: SearchRequest, responder: PacedResponder) -> None:
    """Begin the search. Raises Refused, NoSuchObject, ViewNotReady."""
    kinds = exchange.controls.keys() - BESIDE_SUBSCRIPTION
    if len(kinds) != 1:
        raise Refused(ResultCode.PROTOCOL_ERROR, _TOO_MUCH)
    HANDLERS[next(iter(kinds))](exchange, request, responder)

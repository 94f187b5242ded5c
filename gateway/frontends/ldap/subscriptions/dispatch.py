"""Which file answers which search that tells of changes, by its control; it is told in one way, and not paged or sorted."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from gateway.frontends.ldap.core.results import Refused
from gateway.frontends.ldap.subscriptions import content_sync, persistent_search
from gateway.wire import oids
from gateway.wire.messages import Control, SearchRequest
from gateway.wire.result_codes import ResultCode

if TYPE_CHECKING:
    from gateway.frontends.ldap.server.connection import LDAPConnection

_Handler = Callable[["LDAPConnection", int, SearchRequest, dict[str, Control]], None]

_HANDLERS: Final[Mapping[str, _Handler]] = {
    oids.SYNC_REQUEST: content_sync.handle,
    oids.PERSISTENT_SEARCH: persistent_search.handle,
    oids.CHANGE_NOTIFICATION: persistent_search.notify,
}

_BESIDE: Final = frozenset({oids.MANAGE_DSA_IT, oids.DOMAIN_SCOPE, oids.PROXIED_AUTHORIZATION, oids.ASSERTION})
_TOO_MUCH: Final = "a search that tells of changes is told in one way, and not paged, sorted or cut to matched values"


def handle(connection: "LDAPConnection", message_id: int, request: SearchRequest, controls: dict[str, Control]) -> None:
    """Begins the search. Raises Refused, NoSuchObject, ViewNotReady."""
    kinds = controls.keys() - _BESIDE
    if len(kinds) != 1:
        raise Refused(ResultCode.PROTOCOL_ERROR, _TOO_MUCH)
    _HANDLERS[next(iter(kinds))](connection, message_id, request, controls)

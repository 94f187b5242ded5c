"""The assertion control (RFC 4528): an operation is done only if its target matches a filter, for whoever asks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.frontends.ldap.core.results import Refused
from gateway.frontends.ldap.search import root_dse
from gateway.frontends.ldap.search.request import named, prepare
from gateway.frontends.ldap.search.request_controls import decoded
from gateway.wire.controls.search import Assertion
from gateway.wire.filters import Filter
from gateway.wire.messages import BASE_OBJECT, Control, SearchRequest
from gateway.wire.result_codes import ResultCode

if TYPE_CHECKING:
    from gateway.frontends.ldap.server.connection import LDAPConnection


def check(connection: "LDAPConnection", target: str, controls: Mapping[str, Control]) -> None:
    """Does nothing without the control. `target`: the DN of the operation's target. Raises Refused (assertionFailed;
    protocolError for a control that cannot be read), and NoSuchObject and what else a search of the target raises."""
    assertion = decoded(controls, Assertion)
    if assertion is not None and not matches(connection, target, assertion.filter):
        raise Refused(ResultCode.ASSERTION_FAILED, "the entry does not match the filter of the assertion control")


def matches(connection: "LDAPConnection", name: str, item: Filter) -> bool:
    """Whether the entry with this name matches, as the bound party sees it. Raises NoSuchObject and what `prepare` raises."""
    base, base_key = named(name)
    request = SearchRequest(name, BASE_OBJECT, 0, 0, 0, False, item, ("1.1",))
    if not base_key or base_key == root_dse.SUBSCHEMA_KEY:
        return connection.virtual_entry(base).answer(request) is not None
    return bool(prepare(connection, base, base_key, request).at_once())

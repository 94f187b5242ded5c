"""The assertion control (RFC 4528): an operation is done only if its target matches a filter, as its party sees the target."""

from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.results import Refused
from gateway.frontends.ldap.search import root_dse
from gateway.frontends.ldap.search.request import located, prepare
from gateway.frontends.ldap.search.request_controls import decoded
from gateway.wire.controls.search import Assertion
from gateway.wire.filters import Filter
from gateway.wire.messages import BASE_OBJECT, SearchRequest
from gateway.wire.result_codes import ResultCode


def check(exchange: Exchange, target: str) -> None:
    """Refuse an operation whose assertion does not hold; nothing is done without the control. `target`: the DN of the
    operation's target. Raises Refused (assertionFailed; protocolError for a control that cannot be read), and NoSuchObject and
    what else a search of the target raises."""
    assertion = decoded(exchange.controls, Assertion)
    if assertion is not None and not matches(exchange, target, assertion.filter):
        raise Refused(ResultCode.ASSERTION_FAILED, "the entry does not match the filter of the assertion control")


def matches(exchange: Exchange, name: str, item: Filter) -> bool:
    """Return whether the entry with this name matches, as the party sees it. Raises NoSuchObject and what `prepare` raises."""
    base, base_key = located(exchange, name)
    request = SearchRequest(name, BASE_OBJECT, 0, 0, 0, False, item, ("1.1",))
    if not base_key or base_key == root_dse.SUBSCHEMA_KEY:
        return root_dse.virtual_entry(exchange, base).answer(request) is not None
    return bool(prepare(exchange, base, base_key, request).at_once())

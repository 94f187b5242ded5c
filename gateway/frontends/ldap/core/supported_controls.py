"""Which controls are understood where (RFC 4511 §4.1.11): a critical one that is not ends the operation, others are ignored."""

from collections.abc import Iterable, Mapping
from typing import Final

from gateway.frontends.ldap.core.results import Refused
from gateway.wire import oids
from gateway.wire.messages import (
    AbandonRequest,
    AddRequest,
    BindRequest,
    CompareRequest,
    Control,
    DelRequest,
    ExtendedRequest,
    ModifyDNRequest,
    ModifyRequest,
    SearchRequest,
    UnbindRequest,
)
from gateway.wire.result_codes import ResultCode

_EVERYWHERE: Final = frozenset({oids.MANAGE_DSA_IT, oids.DOMAIN_SCOPE})
"""There are no referrals, so that neither of these changes anything."""

FOLLOWING: Final = frozenset({oids.SYNC_REQUEST, oids.PERSISTENT_SEARCH, oids.CHANGE_NOTIFICATION})
"""What makes of a search one that tells of changes (frontends/ldap/subscriptions/dispatch.py)."""

_ANYBODYS: Final = _EVERYWHERE | {oids.PROXIED_AUTHORIZATION}
"""What may be done on behalf of somebody else (frontends/ldap/server/proxied_authorization.py)."""

UNDERSTOOD: Final[Mapping[type, frozenset[str]]] = {
    BindRequest: _EVERYWHERE | {oids.PASSWORD_POLICY},
    SearchRequest: _ANYBODYS
    | FOLLOWING
    | {oids.PAGED_RESULTS, oids.SORT_REQUEST, oids.LIST_REQUEST, oids.ASSERTION, oids.MATCHED_VALUES},
    CompareRequest: _ANYBODYS | {oids.ASSERTION},
    AddRequest: _ANYBODYS,
    DelRequest: _ANYBODYS | {oids.ASSERTION},
    ModifyRequest: _ANYBODYS | {oids.ASSERTION},
    ModifyDNRequest: _ANYBODYS | {oids.ASSERTION},
    ExtendedRequest: _ANYBODYS | {oids.PASSWORD_POLICY},
}

_WITHOUT_ANSWER: Final = (AbandonRequest, UnbindRequest)
"""Criticality means nothing where there is no answer."""


def understood(operation: object, controls: Iterable[Control]) -> dict[str, Control]:
    """The controls that take effect, by OID. Raises Refused for a critical one that is not understood, or one given twice."""
    if isinstance(operation, _WITHOUT_ANSWER):
        return {}
    known = UNDERSTOOD.get(type(operation), frozenset())
    found: dict[str, Control] = {}
    for control in controls:
        if control.control_type not in known:
            if control.criticality:
                raise Refused(
                    ResultCode.UNAVAILABLE_CRITICAL_EXTENSION, f"the control {control.control_type} is not supported here"
                )
            continue
        if control.control_type in found:
            raise Refused(ResultCode.PROTOCOL_ERROR, f"the control {control.control_type} is given twice")
        found[control.control_type] = control
    return found

"""The registry of LDAP controls (RFC 4511 §4.1.11): the operations on which each is understood, which are also those that the
root DSE advertises. A critical control that is not understood ends the operation, others are ignored.

A new control is a row here, its OID in wire/oids.py, its value in wire/controls; for a search a field in
search/request_controls.py."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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

_EVERYTHING: Final = frozenset(
    (BindRequest, SearchRequest, CompareRequest, AddRequest, DelRequest, ModifyRequest, ModifyDNRequest, ExtendedRequest)
)
_SEARCH: Final = frozenset((SearchRequest,))


@dataclass(frozen=True, slots=True)
class SupportedControl:
    """One row of the registry. `operations`: the requests on which the control is understood. `subscribes`: it makes of a
    search one that reports changes (subscriptions/dispatch.py); `beside_subscription`: it may stand beside such a one.

    Every control may stand beside proxied authorization, whose own operations are those that can be another party's.
    """

    oid: str
    name: str
    operations: frozenset[type]
    subscribes: bool = False
    beside_subscription: bool = False


SUPPORTED: Final = (
    # There are no referrals, so that neither of these two changes anything.
    SupportedControl(oids.MANAGE_DSA_IT, "ManageDsaIT", _EVERYTHING, beside_subscription=True),
    SupportedControl(oids.DOMAIN_SCOPE, "domain scope", _EVERYTHING, beside_subscription=True),
    SupportedControl(
        oids.ASSERTION, "assertion", _EVERYTHING - {BindRequest, AddRequest, ExtendedRequest}, beside_subscription=True
    ),
    SupportedControl(
        oids.PROXIED_AUTHORIZATION, "proxied authorization", _EVERYTHING - {BindRequest}, beside_subscription=True
    ),
    SupportedControl(oids.PASSWORD_POLICY, "password policy", frozenset((BindRequest, ModifyRequest, ExtendedRequest))),
    SupportedControl(oids.PAGED_RESULTS, "paged results", _SEARCH),
    SupportedControl(oids.SORT_REQUEST, "sort", _SEARCH),
    SupportedControl(oids.LIST_REQUEST, "virtual list view", _SEARCH),
    SupportedControl(oids.MATCHED_VALUES, "matched values", _SEARCH),
    # A search that reports changes reports removals by itself.
    SupportedControl(oids.SHOW_DELETED, "show deleted objects", _SEARCH, beside_subscription=True),
    SupportedControl(oids.SHOW_RECYCLED, "show recycled objects", _SEARCH, beside_subscription=True),
    SupportedControl(oids.EXTENDED_DN, "extended names", _SEARCH),
    SupportedControl(oids.SYNC_REQUEST, "content synchronization", _SEARCH, subscribes=True),
    SupportedControl(oids.PERSISTENT_SEARCH, "persistent search", _SEARCH, subscribes=True),
    SupportedControl(oids.CHANGE_NOTIFICATION, "change notification", _SEARCH, subscribes=True),
)
"""In the order of the root DSE's supportedControl."""

NAMES: Final[Mapping[str, str]] = {row.oid: row.name for row in SUPPORTED}

SUBSCRIPTIONS: Final = frozenset(row.oid for row in SUPPORTED if row.subscribes)

BESIDE_SUBSCRIPTION: Final = frozenset(row.oid for row in SUPPORTED if row.beside_subscription)

UNDERSTOOD: Final[Mapping[type, frozenset[str]]] = {
    operation: frozenset(row.oid for row in SUPPORTED if operation in row.operations) for operation in _EVERYTHING
}

_WITHOUT_ANSWER: Final = (AbandonRequest, UnbindRequest)
"""Criticality means nothing where there is no answer."""


def understood(operation: object, controls: Iterable[Control]) -> dict[str, Control]:
    """Return the controls that take effect, by OID. Raises Refused for a critical one that is not understood, or one given
    twice."""
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

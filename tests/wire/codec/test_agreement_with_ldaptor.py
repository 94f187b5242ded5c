"""ldaptor's codec is an independent witness: both sides write the same octets for random messages, and read the other's.

Left out, because ldaptor 21.2 cannot say it: referrals, empty SASL credentials (it treats them as none), server SASL
credentials together with a referral, IntermediateResponse. Its LDAPControl is given criticality None for FALSE, since it
would otherwise write the default value.
"""

import warnings
from collections.abc import Callable
from typing import Any

from hypothesis import assume, given, settings
from ldaptor.protocols import pureber, pureldap

from gateway.wire import messages as m
from gateway.wire.codec.decoder import decode_message
from gateway.wire.codec.encoder import encode_message
from gateway.wire.filters import (
    And,
    Approx,
    Equality,
    Extensible,
    Filter,
    GreaterOrEqual,
    LessOrEqual,
    Not,
    Or,
    Present,
    Substrings,
)
from tests.wire import strategies

_OPERATIONS = pureldap.LDAPBERDecoderContext(fallback=pureber.BERDecoderContext())
_TOP_LEVEL = pureldap.LDAPBERDecoderContext_TopLevel(
    inherit=pureldap.LDAPBERDecoderContext_LDAPMessage(fallback=_OPERATIONS, inherit=_OPERATIONS)
)


def octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def assertion(kind: Any) -> Callable[[Any], Any]:
    return lambda f: kind(pureldap.LDAPAttributeDescription(octets(f.attribute)), pureldap.LDAPAssertionValue(f.value))


def substrings(f: Substrings) -> Any:
    pieces = [pureldap.LDAPFilter_substrings_any(piece) for piece in f.any]
    if f.initial is not None:
        pieces.insert(0, pureldap.LDAPFilter_substrings_initial(f.initial))
    if f.final is not None:
        pieces.append(pureldap.LDAPFilter_substrings_final(f.final))
    return pureldap.LDAPFilter_substrings(octets(f.attribute), pieces)


def extensible(f: Extensible) -> Any:
    rule = None if f.matching_rule is None else octets(f.matching_rule)
    attribute = None if f.attribute is None else octets(f.attribute)
    return pureldap.LDAPFilter_extensibleMatch(rule, attribute, f.value, True if f.dn_attributes else None)


FILTERS: dict[type, Callable[[Any], Any]] = {
    And: lambda f: pureldap.LDAPFilter_and([theirs(inner) for inner in f.filters]),
    Or: lambda f: pureldap.LDAPFilter_or([theirs(inner) for inner in f.filters]),
    Not: lambda f: pureldap.LDAPFilter_not(theirs(f.filter)),
    Equality: assertion(pureldap.LDAPFilter_equalityMatch),
    GreaterOrEqual: assertion(pureldap.LDAPFilter_greaterOrEqual),
    LessOrEqual: assertion(pureldap.LDAPFilter_lessOrEqual),
    Approx: assertion(pureldap.LDAPFilter_approxMatch),
    Present: lambda f: pureldap.LDAPFilter_present(octets(f.attribute)),
    Substrings: substrings,
    Extensible: extensible,
}


def theirs(filter: Filter) -> Any:
    return FILTERS[type(filter)](filter)


def result(kind: Any) -> Callable[[Any], Any]:
    return lambda o: kind(o.result.code, octets(o.result.matched_dn), octets(o.result.diagnostic_message))


def bind(o: m.BindRequest) -> Any:
    choice = o.authentication
    if isinstance(choice, m.SimpleAuthentication):
        return pureldap.LDAPBindRequest(o.version, octets(o.name), choice.password)
    return pureldap.LDAPBindRequest(o.version, octets(o.name), (octets(choice.mechanism), choice.credentials), sasl=True)


def bind_response(o: m.BindResponse) -> Any:
    r = o.result
    return pureldap.LDAPBindResponse(
        r.code, octets(r.matched_dn), octets(r.diagnostic_message), serverSaslCreds=o.server_sasl_credentials
    )


def search(o: m.SearchRequest) -> Any:
    return pureldap.LDAPSearchRequest(
        octets(o.base_object),
        o.scope,
        o.deref_aliases,
        o.size_limit,
        o.time_limit,
        o.types_only,
        theirs(o.filter),
        [octets(attribute) for attribute in o.attributes],
    )


def attribute(a: m.PartialAttribute) -> list[Any]:
    return [pureldap.LDAPAttributeDescription(octets(a.type)), pureber.BERSet([pureber.BEROctetString(v) for v in a.values])]


def modify(o: m.ModifyRequest) -> Any:
    changes = [
        pureber.BERSequence([pureber.BEREnumerated(c.operation), pureber.BERSequence(attribute(c.attribute))])
        for c in o.changes
    ]
    return pureldap.LDAPModifyRequest(octets(o.object_name), changes)


def compare(o: m.CompareRequest) -> Any:
    ava = pureldap.LDAPAttributeValueAssertion(pureber.BEROctetString(octets(o.attribute)), pureber.BEROctetString(o.value))
    return pureldap.LDAPCompareRequest(octets(o.object_name), ava)


def modify_dn(o: m.ModifyDNRequest) -> Any:
    superior = None if o.new_superior is None else octets(o.new_superior)
    return pureldap.LDAPModifyDNRequest(octets(o.object_name), octets(o.new_rdn), o.delete_old_rdn, superior)


def extended_response(o: m.ExtendedResponse) -> Any:
    r = o.result
    name = None if o.name is None else octets(o.name)
    return pureldap.LDAPExtendedResponse(
        r.code, octets(r.matched_dn), octets(r.diagnostic_message), responseName=name, response=o.value
    )


OPERATIONS: dict[type, Callable[[Any], Any]] = {
    m.BindRequest: bind,
    m.BindResponse: bind_response,
    m.UnbindRequest: lambda o: pureldap.LDAPUnbindRequest(),
    m.SearchRequest: search,
    m.SearchResultEntry: lambda o: pureldap.LDAPSearchResultEntry(
        octets(o.object_name), [(octets(a.type), list(a.values)) for a in o.attributes]
    ),
    m.SearchResultReference: lambda o: pureldap.LDAPSearchResultReference([pureldap.LDAPString(octets(u)) for u in o.uris]),
    m.SearchResultDone: result(pureldap.LDAPSearchResultDone),
    m.ModifyRequest: modify,
    m.ModifyResponse: result(pureldap.LDAPModifyResponse),
    m.AddRequest: lambda o: pureldap.LDAPAddRequest(octets(o.object_name), [attribute(a) for a in o.attributes]),
    m.AddResponse: result(pureldap.LDAPAddResponse),
    m.DelRequest: lambda o: pureldap.LDAPDelRequest(octets(o.object_name)),
    m.DelResponse: result(pureldap.LDAPDelResponse),
    m.ModifyDNRequest: modify_dn,
    m.ModifyDNResponse: result(pureldap.LDAPModifyDNResponse),
    m.CompareRequest: compare,
    m.CompareResponse: result(pureldap.LDAPCompareResponse),
    m.AbandonRequest: lambda o: pureldap.LDAPAbandonRequest(o.message_id),
    m.ExtendedRequest: lambda o: pureldap.LDAPExtendedRequest(octets(o.name), o.value),
    m.ExtendedResponse: extended_response,
}


def cannot_be_said(operation: m.Operation) -> bool:
    """Return True when ldaptor cannot write this operation (see the head of this file)."""
    if isinstance(operation, m.IntermediateResponse):
        return True
    if isinstance(operation, m.BindRequest) and isinstance(operation.authentication, m.SaslAuthentication):
        return operation.authentication.credentials == b""
    if isinstance(operation, m.BindResponse) and operation.server_sasl_credentials == b"":
        return True
    found = getattr(operation, "result", None)
    return found is not None and bool(found.referrals)


def as_ldaptor(message: m.LDAPMessage) -> Any:
    controls = [(octets(c.control_type), True if c.criticality else None, c.value) for c in message.controls]
    operation = OPERATIONS[type(message.operation)](message.operation)
    return pureldap.LDAPMessage(operation, controls or None, message.message_id)


def read_and_written_by_ldaptor(data: bytes) -> bytes:
    found, used = pureber.berDecodeObject(_TOP_LEVEL, data)
    assert used == len(data)
    return bytes(found.toWire())


@settings(deadline=None, max_examples=500)
@given(strategies.messages)
def test_ldaptor_writes_the_same_octets_and_reads_ours(message: m.LDAPMessage) -> None:
    assume(not cannot_be_said(message.operation))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its own, about its own names
        written = bytes(as_ldaptor(message).toWire())
        assert encode_message(message) == written
        assert decode_message(written) == message
        assert read_and_written_by_ldaptor(encode_message(message)) == written

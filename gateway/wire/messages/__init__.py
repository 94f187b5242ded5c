"""Every LDAPMessage of RFC 4511 as a frozen value, its ASN.1 above it. Plain values: no bytes are read or written here.

To read in this order: `parts`, `requests`, `responses`, `envelope`. Nothing is defined here; the names are imported from here.

Encoding. Text in requests must be UTF-8, else WireError. Text in responses (DNs, attribute descriptions, URIs, diagnostic
messages) is decoded with "surrogateescape": old servers put Latin-1 into diagnostics and DNs, which must not make the entry
unreadable, and encoding such text again gives the same octets.

Printing. Passwords, credentials, attribute values and the octets of extended operations and controls never appear in
a repr: any of them may be a secret. Result codes are ints, because foreign servers have their own (see ResultCode).
"""

from gateway.wire.messages.envelope import (
    Control,
    LDAPMessage,
    Operation,
    Request,
    Response,
)
from gateway.wire.messages.parts import (
    PartialAttribute,
    Result,
)
from gateway.wire.messages.requests import (
    ADD,
    BASE_OBJECT,
    DELETE,
    DEREF_ALWAYS,
    DEREF_FINDING_BASE_OBJ,
    DEREF_IN_SEARCHING,
    INCREMENT,
    NEVER_DEREF_ALIASES,
    REPLACE,
    SINGLE_LEVEL,
    WHOLE_SUBTREE,
    AbandonRequest,
    AddRequest,
    BindRequest,
    CompareRequest,
    DelRequest,
    ExtendedRequest,
    Modification,
    ModifyDNRequest,
    ModifyRequest,
    SaslAuthentication,
    SearchRequest,
    SimpleAuthentication,
    UnbindRequest,
)
from gateway.wire.messages.responses import (
    AddResponse,
    BindResponse,
    CompareResponse,
    DelResponse,
    ExtendedResponse,
    IntermediateResponse,
    ModifyDNResponse,
    ModifyResponse,
    SearchResultDone,
    SearchResultEntry,
    SearchResultReference,
)

__all__ = [
    "ADD",
    "BASE_OBJECT",
    "DELETE",
    "DEREF_ALWAYS",
    "DEREF_FINDING_BASE_OBJ",
    "DEREF_IN_SEARCHING",
    "INCREMENT",
    "NEVER_DEREF_ALIASES",
    "REPLACE",
    "SINGLE_LEVEL",
    "WHOLE_SUBTREE",
    "AbandonRequest",
    "AddRequest",
    "AddResponse",
    "BindRequest",
    "BindResponse",
    "CompareRequest",
    "CompareResponse",
    "Control",
    "DelRequest",
    "DelResponse",
    "ExtendedRequest",
    "ExtendedResponse",
    "IntermediateResponse",
    "LDAPMessage",
    "Modification",
    "ModifyDNRequest",
    "ModifyDNResponse",
    "ModifyRequest",
    "ModifyResponse",
    "Operation",
    "PartialAttribute",
    "Request",
    "Response",
    "Result",
    "SaslAuthentication",
    "SearchRequest",
    "SearchResultDone",
    "SearchResultEntry",
    "SearchResultReference",
    "SimpleAuthentication",
    "UnbindRequest",
]

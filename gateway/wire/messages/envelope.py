"""The LDAPMessage of RFC 4511 as a frozen value: an operation with its message ID and its controls."""

from dataclasses import dataclass, field

from gateway.wire.messages.requests import (
    AbandonRequest,
    AddRequest,
    BindRequest,
    CompareRequest,
    DelRequest,
    ExtendedRequest,
    ModifyDNRequest,
    ModifyRequest,
    SearchRequest,
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

# LDAPMessage ::= SEQUENCE {
#      messageID       MessageID,                    -- INTEGER (0 .. 2147483647)
#      protocolOp      CHOICE { … },
#      controls       [0] Controls OPTIONAL }        -- SEQUENCE OF control Control
#
# Control ::= SEQUENCE {
#      controlType             LDAPOID,
#      criticality             BOOLEAN DEFAULT FALSE,
#      controlValue            OCTET STRING OPTIONAL }


@dataclass(frozen=True, slots=True)
class Control:
    """RFC 4511 §4.1.11. `control_type` is an OID as text; gateway.wire.controls has the values of `value`."""

    control_type: str
    criticality: bool = False
    value: bytes | None = field(default=None, repr=False)


Request = (
    BindRequest
    | UnbindRequest
    | SearchRequest
    | ModifyRequest
    | AddRequest
    | DelRequest
    | ModifyDNRequest
    | CompareRequest
    | AbandonRequest
    | ExtendedRequest
)
Response = (
    BindResponse
    | SearchResultEntry
    | SearchResultReference
    | SearchResultDone
    | ModifyResponse
    | AddResponse
    | DelResponse
    | ModifyDNResponse
    | CompareResponse
    | ExtendedResponse
    | IntermediateResponse
)
Operation = Request | Response


@dataclass(frozen=True, slots=True)
class LDAPMessage:
    """RFC 4511 §4.1.1. `message_id` is 0 to 2147483647; 0 belongs to the server's unsolicited notifications."""

    message_id: int
    operation: Operation
    controls: tuple[Control, ...] = ()

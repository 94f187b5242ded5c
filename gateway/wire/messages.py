"""Every LDAPMessage of RFC 4511 as a frozen value, its ASN.1 above it. Plain values: no bytes are read or written here.

Text and its encoding. What a stranger sends us (requests) must be UTF-8, else WireError. What a foreign server sends us
(DNs, attribute descriptions, URIs and messages in responses) is decoded with "surrogateescape": old servers put Latin-1
into diagnostics and DNs, which must not cost us the entry, and encoding such text again gives the same octets.

What prints. Passwords, credentials, attribute values and the octets of extended operations and controls never appear in
a repr: any of them may be a secret. Result codes are ints, because foreign servers have their own (see ResultCode).
"""

from dataclasses import dataclass, field
from typing import Final

from gateway.wire.filters.values import Filter

BASE_OBJECT: Final = 0  # SearchRequest.scope
SINGLE_LEVEL: Final = 1
WHOLE_SUBTREE: Final = 2

NEVER_DEREF_ALIASES: Final = 0  # SearchRequest.deref_aliases
DEREF_IN_SEARCHING: Final = 1
DEREF_FINDING_BASE_OBJ: Final = 2
DEREF_ALWAYS: Final = 3

ADD: Final = 0  # Modification.operation
DELETE: Final = 1
REPLACE: Final = 2
INCREMENT: Final = 3  # RFC 4525

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
    """RFC 4511 §4.1.11. `control_type` is an OID as text; what `value` holds is for gateway.wire.controls to say."""

    control_type: str
    criticality: bool = False
    value: bytes | None = field(default=None, repr=False)


# LDAPResult ::= SEQUENCE {
#      resultCode         ENUMERATED { success (0), … },
#      matchedDN          LDAPDN,
#      diagnosticMessage  LDAPString,
#      referral           [3] Referral OPTIONAL }    -- SEQUENCE SIZE (1..MAX) OF uri URI


@dataclass(frozen=True, slots=True)
class Result:
    """RFC 4511 §4.1.9; the part that all final responses share."""

    code: int
    matched_dn: str = ""
    diagnostic_message: str = ""
    referrals: tuple[str, ...] = ()


# PartialAttribute ::= SEQUENCE {
#      type       AttributeDescription,
#      vals       SET OF value AttributeValue }


@dataclass(frozen=True, slots=True)
class PartialAttribute:
    """RFC 4511 §4.1.7. The description as spelled, options included; values in the order of the wire, possibly none."""

    type: str
    values: tuple[bytes, ...] = field(default=(), repr=False)


# BindRequest ::= [APPLICATION 0] SEQUENCE {
#      version                 INTEGER (1 ..  127),
#      name                    LDAPDN,
#      authentication          CHOICE {
#           simple                  [0] OCTET STRING,
#           sasl                    [3] SaslCredentials } }
# SaslCredentials ::= SEQUENCE {
#      mechanism               LDAPString,
#      credentials             OCTET STRING OPTIONAL }


@dataclass(frozen=True, slots=True)
class SimpleAuthentication:
    """A DN's password; empty for anonymous and for unauthenticated binds (RFC 4513 §5.1)."""

    password: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SaslAuthentication:
    """One step of a SASL exchange; no credentials are not the same as empty ones."""

    mechanism: str
    credentials: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class BindRequest:
    """RFC 4511 §4.2."""

    version: int
    name: str
    authentication: SimpleAuthentication | SaslAuthentication


# BindResponse ::= [APPLICATION 1] SEQUENCE {
#      COMPONENTS OF LDAPResult,
#      serverSaslCreds    [7] OCTET STRING OPTIONAL }


@dataclass(frozen=True, slots=True)
class BindResponse:
    """RFC 4511 §4.2.2."""

    result: Result
    server_sasl_credentials: bytes | None = field(default=None, repr=False)


# UnbindRequest ::= [APPLICATION 2] NULL


@dataclass(frozen=True, slots=True)
class UnbindRequest:
    """RFC 4511 §4.3; never answered."""


# SearchRequest ::= [APPLICATION 3] SEQUENCE {
#      baseObject      LDAPDN,
#      scope           ENUMERATED { baseObject (0), singleLevel (1), wholeSubtree (2), … },
#      derefAliases    ENUMERATED { neverDerefAliases (0), derefInSearching (1), derefFindingBaseObj (2), derefAlways (3) },
#      sizeLimit       INTEGER (0 ..  maxInt),
#      timeLimit       INTEGER (0 ..  maxInt),
#      typesOnly       BOOLEAN,
#      filter          Filter,
#      attributes      AttributeSelection }          -- SEQUENCE OF selector LDAPString


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """RFC 4511 §4.5.1. Time limit in seconds; a limit of 0 is none. `attributes` as spelled, duplicates included."""

    base_object: str
    scope: int
    deref_aliases: int
    size_limit: int
    time_limit: int
    types_only: bool
    filter: Filter
    attributes: tuple[str, ...] = ()


# SearchResultEntry ::= [APPLICATION 4] SEQUENCE {
#      objectName      LDAPDN,
#      attributes      PartialAttributeList }        -- SEQUENCE OF partialAttribute PartialAttribute


@dataclass(frozen=True, slots=True)
class SearchResultEntry:
    """RFC 4511 §4.5.2. Paths where speed counts use gateway.wire.entries instead."""

    object_name: str
    attributes: tuple[PartialAttribute, ...] = ()


# SearchResultReference ::= [APPLICATION 19] SEQUENCE SIZE (1..MAX) OF uri URI


@dataclass(frozen=True, slots=True)
class SearchResultReference:
    """RFC 4511 §4.5.3."""

    uris: tuple[str, ...]


# SearchResultDone ::= [APPLICATION 5] LDAPResult


@dataclass(frozen=True, slots=True)
class SearchResultDone:
    """RFC 4511 §4.5.2."""

    result: Result


# ModifyRequest ::= [APPLICATION 6] SEQUENCE {
#      object          LDAPDN,
#      changes         SEQUENCE OF change SEQUENCE {
#           operation       ENUMERATED { add (0), delete (1), replace (2), … },
#           modification    PartialAttribute } }


@dataclass(frozen=True, slots=True)
class Modification:
    """One change of a ModifyRequest."""

    operation: int
    attribute: PartialAttribute


@dataclass(frozen=True, slots=True)
class ModifyRequest:
    """RFC 4511 §4.6."""

    object_name: str
    changes: tuple[Modification, ...]


# ModifyResponse ::= [APPLICATION 7] LDAPResult


@dataclass(frozen=True, slots=True)
class ModifyResponse:
    """RFC 4511 §4.6."""

    result: Result


# AddRequest ::= [APPLICATION 8] SEQUENCE {
#      entry           LDAPDN,
#      attributes      AttributeList }               -- SEQUENCE OF attribute Attribute


@dataclass(frozen=True, slots=True)
class AddRequest:
    """RFC 4511 §4.7."""

    object_name: str
    attributes: tuple[PartialAttribute, ...]


# AddResponse ::= [APPLICATION 9] LDAPResult


@dataclass(frozen=True, slots=True)
class AddResponse:
    """RFC 4511 §4.7."""

    result: Result


# DelRequest ::= [APPLICATION 10] LDAPDN


@dataclass(frozen=True, slots=True)
class DelRequest:
    """RFC 4511 §4.8."""

    object_name: str


# DelResponse ::= [APPLICATION 11] LDAPResult


@dataclass(frozen=True, slots=True)
class DelResponse:
    """RFC 4511 §4.8."""

    result: Result


# ModifyDNRequest ::= [APPLICATION 12] SEQUENCE {
#      entry           LDAPDN,
#      newrdn          RelativeLDAPDN,
#      deleteoldrdn    BOOLEAN,
#      newSuperior     [0] LDAPDN OPTIONAL }


@dataclass(frozen=True, slots=True)
class ModifyDNRequest:
    """RFC 4511 §4.9."""

    object_name: str
    new_rdn: str
    delete_old_rdn: bool
    new_superior: str | None = None


# ModifyDNResponse ::= [APPLICATION 13] LDAPResult


@dataclass(frozen=True, slots=True)
class ModifyDNResponse:
    """RFC 4511 §4.9."""

    result: Result


# CompareRequest ::= [APPLICATION 14] SEQUENCE {
#      entry           LDAPDN,
#      ava             AttributeValueAssertion }     -- SEQUENCE { attributeDesc, assertionValue }


@dataclass(frozen=True, slots=True)
class CompareRequest:
    """RFC 4511 §4.10. The value does not print: old programs check passwords this way."""

    object_name: str
    attribute: str
    value: bytes = field(repr=False)


# CompareResponse ::= [APPLICATION 15] LDAPResult


@dataclass(frozen=True, slots=True)
class CompareResponse:
    """RFC 4511 §4.10."""

    result: Result


# AbandonRequest ::= [APPLICATION 16] MessageID


@dataclass(frozen=True, slots=True)
class AbandonRequest:
    """RFC 4511 §4.11; never answered. `message_id` is that of the operation to abandon."""

    message_id: int


# ExtendedRequest ::= [APPLICATION 23] SEQUENCE {
#      requestName      [0] LDAPOID,
#      requestValue     [1] OCTET STRING OPTIONAL }


@dataclass(frozen=True, slots=True)
class ExtendedRequest:
    """RFC 4511 §4.12. `name` is an OID as text; what `value` holds is for gateway.wire.extended_values to say."""

    name: str
    value: bytes | None = field(default=None, repr=False)


# ExtendedResponse ::= [APPLICATION 24] SEQUENCE {
#      COMPONENTS OF LDAPResult,
#      responseName     [10] LDAPOID OPTIONAL,
#      responseValue    [11] OCTET STRING OPTIONAL }


@dataclass(frozen=True, slots=True)
class ExtendedResponse:
    """RFC 4511 §4.12; with message ID 0 an unsolicited notification (§4.4)."""

    result: Result
    name: str | None = None
    value: bytes | None = field(default=None, repr=False)


# IntermediateResponse ::= [APPLICATION 25] SEQUENCE {
#      responseName     [0] LDAPOID OPTIONAL,
#      responseValue    [1] OCTET STRING OPTIONAL }


@dataclass(frozen=True, slots=True)
class IntermediateResponse:
    """RFC 4511 §4.13."""

    name: str | None = None
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

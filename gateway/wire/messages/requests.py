"""The requests of RFC 4511 as frozen values, the ASN.1 above each; in the order of their tags."""

from dataclasses import dataclass, field
from typing import Final

from gateway.wire.filters.values import Filter
from gateway.wire.messages.parts import PartialAttribute

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


# AddRequest ::= [APPLICATION 8] SEQUENCE {
#      entry           LDAPDN,
#      attributes      AttributeList }               -- SEQUENCE OF attribute Attribute


@dataclass(frozen=True, slots=True)
class AddRequest:
    """RFC 4511 §4.7."""

    object_name: str
    attributes: tuple[PartialAttribute, ...]


# DelRequest ::= [APPLICATION 10] LDAPDN


@dataclass(frozen=True, slots=True)
class DelRequest:
    """RFC 4511 §4.8."""

    object_name: str


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


# CompareRequest ::= [APPLICATION 14] SEQUENCE {
#      entry           LDAPDN,
#      ava             AttributeValueAssertion }     -- SEQUENCE { attributeDesc, assertionValue }


@dataclass(frozen=True, slots=True)
class CompareRequest:
    """RFC 4511 §4.10. The value does not print: old programs check passwords this way."""

    object_name: str
    attribute: str
    value: bytes = field(repr=False)


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
    """RFC 4511 §4.12. `name` is an OID as text; gateway.wire.extended_values has the values of `value`."""

    name: str
    value: bytes | None = field(default=None, repr=False)

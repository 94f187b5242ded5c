"""The responses of RFC 4511 as frozen values, the ASN.1 above each; those of a search first, the others in the order of their
tags."""

from dataclasses import dataclass, field

from gateway.wire.messages.parts import PartialAttribute, Result

# BindResponse ::= [APPLICATION 1] SEQUENCE {
#      COMPONENTS OF LDAPResult,
#      serverSaslCreds    [7] OCTET STRING OPTIONAL }


@dataclass(frozen=True, slots=True)
class BindResponse:
    """RFC 4511 §4.2.2."""

    result: Result
    server_sasl_credentials: bytes | None = field(default=None, repr=False)


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


# ModifyResponse ::= [APPLICATION 7] LDAPResult


@dataclass(frozen=True, slots=True)
class ModifyResponse:
    """RFC 4511 §4.6."""

    result: Result


# AddResponse ::= [APPLICATION 9] LDAPResult


@dataclass(frozen=True, slots=True)
class AddResponse:
    """RFC 4511 §4.7."""

    result: Result


# DelResponse ::= [APPLICATION 11] LDAPResult


@dataclass(frozen=True, slots=True)
class DelResponse:
    """RFC 4511 §4.8."""

    result: Result


# ModifyDNResponse ::= [APPLICATION 13] LDAPResult


@dataclass(frozen=True, slots=True)
class ModifyDNResponse:
    """RFC 4511 §4.9."""

    result: Result


# CompareResponse ::= [APPLICATION 15] LDAPResult


@dataclass(frozen=True, slots=True)
class CompareResponse:
    """RFC 4511 §4.10."""

    result: Result


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

"""Controls on binds and writes: ManageDsaIT (RFC 3296), password policy (draft-behera-ldap-password-policy-10),
read entry (RFC 4527), proxied authorization (RFC 4370).
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Self

from gateway.wire import ber, entries, oids
from gateway.wire.controls.search import required
from gateway.wire.errors import LimitExceeded, WireError
from gateway.wire.limits import DEFAULT_LIMITS

_WARNING, _ERROR = 0xA0, 0x81
_TIME_BEFORE_EXPIRATION, _GRACE_REMAINING = 0x80, 0x81
_SEARCH_RESULT_ENTRY = 0x64


@dataclass(frozen=True, slots=True)
class ManageDsaIT:
    """Treat referrals as entries. It has no value; a given one is ignored."""

    oid: ClassVar[str] = oids.MANAGE_DSA_IT

    def encode(self) -> None:
        return None

    @classmethod
    def decode(cls, _value: bytes | None) -> Self:
        return cls()


@dataclass(frozen=True, slots=True)
class PasswordPolicyRequest:
    """The request for a password policy response. It has no value; a given one is ignored."""

    oid: ClassVar[str] = oids.PASSWORD_POLICY

    def encode(self) -> None:
        return None

    @classmethod
    def decode(cls, _value: bytes | None) -> Self:
        return cls()


class PasswordPolicyError(IntEnum):
    """The reason why a bind or a password change failed, beyond its result code."""

    PASSWORD_EXPIRED = 0
    ACCOUNT_LOCKED = 1
    CHANGE_AFTER_RESET = 2
    PASSWORD_MOD_NOT_ALLOWED = 3
    MUST_SUPPLY_OLD_PASSWORD = 4
    INSUFFICIENT_PASSWORD_QUALITY = 5
    PASSWORD_TOO_SHORT = 6
    PASSWORD_TOO_YOUNG = 7
    PASSWORD_IN_HISTORY = 8


@dataclass(frozen=True, slots=True)
class PasswordPolicyResponse:
    """At most one warning (seconds, or a number of binds), and an error: a PasswordPolicyError, or a newer server's number.

    PasswordPolicyResponseValue ::= SEQUENCE {
         warning [0] CHOICE { timeBeforeExpiration [0] INTEGER, graceAuthNsRemaining [1] INTEGER } OPTIONAL,
         error   [1] ENUMERATED { passwordExpired (0), … } OPTIONAL }
    """

    oid: ClassVar[str] = oids.PASSWORD_POLICY
    time_before_expiration_seconds: int | None = None
    grace_authentications_remaining: int | None = None
    error: int | None = None

    def __post_init__(self) -> None:
        if self.time_before_expiration_seconds is not None and self.grace_authentications_remaining is not None:
            raise ValueError("a password policy response holds one warning at most")

    def encode(self) -> bytes:
        warning = error = b""
        if self.time_before_expiration_seconds is not None:
            warning = ber.tlv(_WARNING, ber.integer(self.time_before_expiration_seconds, _TIME_BEFORE_EXPIRATION))
        if self.grace_authentications_remaining is not None:
            warning = ber.tlv(_WARNING, ber.integer(self.grace_authentications_remaining, _GRACE_REMAINING))
        if self.error is not None:
            error = ber.integer(self.error, _ERROR)
        return ber.tlv(ber.SEQUENCE, warning, error)

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        data = required(value)
        pos, end = ber.whole(data, ber.SEQUENCE)
        seconds: int | None = None
        grace: int | None = None
        error: int | None = None
        if pos < end and data[pos] == _WARNING:
            start, pos = ber.expect(data, pos, end, _WARNING)
            tag, _, stop = ber.read_header(data, start, pos)
            if stop != pos or tag not in (_TIME_BEFORE_EXPIRATION, _GRACE_REMAINING):
                raise WireError("the warning must be a time or a number of grace binds", start)
            number, _ = ber.take_integer(data, start, pos, tag)
            seconds, grace = (number, None) if tag == _TIME_BEFORE_EXPIRATION else (None, number)
        if pos < end and data[pos] == _ERROR:
            error, pos = ber.take_integer(data, pos, end, _ERROR)
        ber.skip_unknown(data, pos, end)
        return cls(seconds, grace, error)


@dataclass(frozen=True, slots=True)
class PreReadRequest:
    """The request for these attributes as they were before the update; AttributeSelection ::= SEQUENCE OF selector
    LDAPString"""

    oid: ClassVar[str] = oids.PRE_READ
    attributes: tuple[str, ...] = ()

    def encode(self) -> bytes:
        return ber.tlv(ber.SEQUENCE, *(ber.octets(attribute.encode()) for attribute in self.attributes))

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        data = required(value)
        pos, end = ber.whole(data, ber.SEQUENCE)
        attributes: list[str] = []
        while pos < end:
            if len(attributes) == DEFAULT_LIMITS.max_attributes:
                raise LimitExceeded("the read entry control names too many attributes", pos)
            attribute, pos = ber.take_text(data, pos, end)
            attributes.append(attribute)
        return cls(tuple(attributes))


@dataclass(frozen=True, slots=True)
class PostReadRequest(PreReadRequest):
    """The request for these attributes as they are after the update."""

    oid: ClassVar[str] = oids.POST_READ


@dataclass(frozen=True, slots=True)
class PreReadResponse:
    """The entry before the update, encoded: see gateway.wire.entries for reading and making one.

    RFC 4527 says SearchResultEntry; OpenLDAP sends its content under a plain SEQUENCE tag, which is read, too.
    """

    oid: ClassVar[str] = oids.PRE_READ
    entry: bytes

    def encode(self) -> bytes:
        return self.entry

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        data = required(value)
        if data[:1] == bytes((ber.SEQUENCE,)):
            data = bytes((_SEARCH_RESULT_ENTRY,)) + data[1:]
        entries.decode_entry(data)
        return cls(data)


@dataclass(frozen=True, slots=True)
class PostReadResponse(PreReadResponse):
    """The entry after the update, encoded."""

    oid: ClassVar[str] = oids.POST_READ


@dataclass(frozen=True, slots=True)
class ProxiedAuthorization:
    """Act as this identity: an authzId of RFC 4513 §5.2.1.8 (`dn:…`, `u:…`), empty for anonymous. The value is bare text."""

    oid: ClassVar[str] = oids.PROXIED_AUTHORIZATION
    authorization_id: str

    def encode(self) -> bytes:
        return self.authorization_id.encode()

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        data = required(value)
        return cls(ber.read_text(data, 0, len(data)))

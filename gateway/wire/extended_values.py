"""The values of the implemented extended operations: password modify (RFC 3062) and cancel (RFC 3909).

StartTLS, Who Am I and the notice of disconnection have no encoded value; their OIDs are in gateway.wire.oids.
"""

from dataclasses import dataclass, field
from typing import Self

from gateway.wire import ber
from gateway.wire.errors import WireError

_USER_IDENTITY, _OLD_PASSWORD, _NEW_PASSWORD = 0x80, 0x81, 0x82
_GENERATED_PASSWORD = 0x80


@dataclass(frozen=True, slots=True)
class PasswordModifyRequest:
    """A request for a new password. None is not sent and means: the bound identity; no old password; a generated new one.

    PasswdModifyRequestValue ::= SEQUENCE {
         userIdentity    [0]  OCTET STRING OPTIONAL,
         oldPasswd       [1]  OCTET STRING OPTIONAL,
         newPasswd       [2]  OCTET STRING OPTIONAL }
    """

    user_identity: bytes | None = None
    old_password: bytes | None = field(default=None, repr=False)
    new_password: bytes | None = field(default=None, repr=False)

    def encode(self) -> bytes:
        return ber.tlv(
            ber.SEQUENCE,
            _optional(self.user_identity, _USER_IDENTITY),
            _optional(self.old_password, _OLD_PASSWORD),
            _optional(self.new_password, _NEW_PASSWORD),
        )

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        """The request that a requestValue holds; no value at all means all defaults. Raises WireError."""
        if value is None:
            return cls()
        pos, end = ber.whole(value, ber.SEQUENCE)
        user_identity, pos = _take_optional(value, pos, end, _USER_IDENTITY)
        old_password, pos = _take_optional(value, pos, end, _OLD_PASSWORD)
        new_password, pos = _take_optional(value, pos, end, _NEW_PASSWORD)
        ber.skip_unknown(value, pos, end)
        return cls(user_identity, old_password, new_password)


@dataclass(frozen=True, slots=True)
class PasswordModifyResponse:
    """PasswdModifyResponseValue ::= SEQUENCE { genPasswd [0] OCTET STRING OPTIONAL }"""

    generated_password: bytes | None = field(default=None, repr=False)

    def encode(self) -> bytes:
        return ber.tlv(ber.SEQUENCE, _optional(self.generated_password, _GENERATED_PASSWORD))

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        """The response that a responseValue holds; a server that generates no password sends no value. Raises WireError."""
        if value is None:
            return cls()
        pos, end = ber.whole(value, ber.SEQUENCE)
        generated_password, pos = _take_optional(value, pos, end, _GENERATED_PASSWORD)
        ber.skip_unknown(value, pos, end)
        return cls(generated_password)


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """cancelRequestValue ::= SEQUENCE { cancelID MessageID }"""

    cancel_id: int

    def encode(self) -> bytes:
        return ber.tlv(ber.SEQUENCE, ber.integer(self.cancel_id))

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        """The request that a requestValue holds. Raises WireError."""
        if value is None:
            raise WireError("a cancel request needs a value")
        pos, end = ber.whole(value, ber.SEQUENCE)
        cancel_id, pos = ber.take_integer(value, pos, end)
        ber.skip_unknown(value, pos, end)
        return cls(cancel_id)


def _optional(value: bytes | None, tag: int) -> bytes:
    return b"" if value is None else ber.octets(value, tag)


def _take_optional(data: bytes, pos: int, end: int, tag: int) -> tuple[bytes | None, int]:
    if pos < end and data[pos] == tag:
        return ber.take_octets(data, pos, end, tag)
    return None, pos

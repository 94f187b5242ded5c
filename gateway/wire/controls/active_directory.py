"""The controls of Active Directory: DirSync ([MS-ADTS] §3.1.1.3.4.1.3), tombstones, and extended DNs."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar, Self

from gateway.wire import ber, oids
from gateway.wire.controls.search import required
from gateway.wire.errors import WireError

_LOWEST = -(2**31)  # the flags are 32 bits, which an INTEGER shows as a signed number


class DirSyncFlags(IntEnum):  # an IntFlag has no negative members
    """Flags of a DirSync request; in a response, a value other than 0 announces more."""

    OBJECT_SECURITY = 0x1
    ANCESTORS_FIRST = 0x800
    INCREMENTAL_VALUES = -0x80000000


@dataclass(frozen=True, slots=True)
class DirSync:
    """Request: the changes since the cookie, about `max_bytes` octets of them. Response: `flags` is not 0 when there are more,
    and the cookie to continue from.

    DirSyncRequestValue ::= SEQUENCE { Flags INTEGER, MaxBytes INTEGER, Cookie OCTET STRING }
    DirSyncResponseValue ::= SEQUENCE { MoreResults INTEGER, unused INTEGER, CookieServer OCTET STRING }
    """

    oid: ClassVar[str] = oids.DIRSYNC
    flags: int
    max_bytes: int
    cookie: bytes = field(default=b"", repr=False)

    def encode(self) -> bytes:
        return ber.tlv(ber.SEQUENCE, ber.integer(self.flags), ber.integer(self.max_bytes), ber.octets(self.cookie))

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        data = required(value)
        pos, end = ber.whole(data, ber.SEQUENCE)
        flags, pos = ber.take_integer(data, pos, end, lowest=_LOWEST)
        max_bytes, pos = ber.take_integer(data, pos, end, lowest=_LOWEST)
        cookie, pos = ber.take_octets(data, pos, end)
        ber.skip_unknown(data, pos, end)
        return cls(flags, max_bytes, cookie)


@dataclass(frozen=True, slots=True)
class ShowDeleted:
    """Show tombstones too. It has no value; a given one is ignored."""

    oid: ClassVar[str] = oids.SHOW_DELETED

    def encode(self) -> None:
        return None

    @classmethod
    def decode(cls, _value: bytes | None) -> Self:
        return cls()


@dataclass(frozen=True, slots=True)
class ExtendedDN:
    """Write DNs as `<GUID=…>;<SID=…>;CN=…` (no SID where there is none), the GUID as hexadecimal octets or `as_text`: with
    hyphens, its first three fields in big-endian order.

    ExtendedDNRequestValue ::= SEQUENCE { Flag INTEGER }          -- no value at all is 0
    """

    oid: ClassVar[str] = oids.EXTENDED_DN
    as_text: bool = True

    def encode(self) -> bytes:
        return ber.tlv(ber.SEQUENCE, ber.integer(int(self.as_text)))

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        if value is None:
            return cls(False)
        pos, end = ber.whole(value, ber.SEQUENCE)
        flag, pos = ber.take_integer(value, pos, end)
        if flag > 1:
            raise WireError("a DN is extended in form 0 or 1", pos)
        ber.skip_unknown(value, pos, end)
        return cls(flag == 1)

"""The virtual list view control (draft-ietf-ldapext-ldapv3-vlv-09): a window on a sorted list, by position or by value."""

from dataclasses import dataclass, field
from typing import ClassVar, Self

from gateway.wire import ber, oids
from gateway.wire.controls.search import required
from gateway.wire.errors import WireError

_BY_OFFSET, _GREATER_OR_EQUAL = 0xA0, 0x81


@dataclass(frozen=True, slots=True)
class ListPosition:
    """The entry at `offset` (from 1) of a list of `content_count` entries by the client's estimate; 0: unknown."""

    offset: int
    content_count: int = 0

    def encode(self) -> bytes:
        return ber.tlv(_BY_OFFSET, ber.integer(self.offset), ber.integer(self.content_count))


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A window of entries before and after the target: the entry at a position, or the first that is not less than a value.

    VirtualListViewRequest ::= SEQUENCE {
         beforeCount INTEGER (0..maxInt),
         afterCount  INTEGER (0..maxInt),
         target      CHOICE {
              byOffset           [0] SEQUENCE { offset INTEGER (1..maxInt), contentCount INTEGER (0..maxInt) },
              greaterThanOrEqual [1] AssertionValue },
         contextID   OCTET STRING OPTIONAL }
    """

    oid: ClassVar[str] = oids.LIST_REQUEST
    before_count: int
    after_count: int
    target: ListPosition | bytes
    context_id: bytes | None = field(default=None, repr=False)

    def encode(self) -> bytes:
        return ber.tlv(
            ber.SEQUENCE,
            ber.integer(self.before_count),
            ber.integer(self.after_count),
            ber.octets(self.target, _GREATER_OR_EQUAL) if isinstance(self.target, bytes) else self.target.encode(),
            b"" if self.context_id is None else ber.octets(self.context_id),
        )

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        """See ControlValue.decode. An offset of 0 is accepted, although it is not allowed: its answer has a result code of its
        own (offsetRangeError)."""
        data = required(value)
        pos, end = ber.whole(data, ber.SEQUENCE)
        before, pos = ber.take_integer(data, pos, end)
        after, pos = ber.take_integer(data, pos, end)
        target, pos = _read_target(data, pos, end)
        context_id: bytes | None = None
        if pos < end and data[pos] == ber.OCTET_STRING:
            context_id, pos = ber.take_octets(data, pos, end)
        ber.skip_unknown(data, pos, end)
        return cls(before, after, target, context_id)


def _read_target(data: bytes, pos: int, end: int) -> tuple[ListPosition | bytes, int]:
    tag, start, stop = ber.read_header(data, pos, end)
    if tag == _GREATER_OR_EQUAL:
        return data[start:stop], stop
    if tag != _BY_OFFSET:
        raise WireError("the target must be an offset or a value", pos)
    offset, start = ber.take_integer(data, start, stop)
    count, start = ber.take_integer(data, start, stop)
    ber.skip_unknown(data, start, stop)
    return ListPosition(offset, count), stop


@dataclass(frozen=True, slots=True)
class ListResponse:
    """The position of the target, the length of the list, a result code, and the context ID for the next request.

    VirtualListViewResponse ::= SEQUENCE {
         targetPosition        INTEGER (0..maxInt),
         contentCount          INTEGER (0..maxInt),
         virtualListViewResult ENUMERATED { success (0), …, sortControlMissing (60), offsetRangeError (61), … },
         contextID             OCTET STRING OPTIONAL }
    """

    oid: ClassVar[str] = oids.LIST_RESPONSE
    target_position: int
    content_count: int
    code: int
    context_id: bytes | None = field(default=None, repr=False)

    def encode(self) -> bytes:
        return ber.tlv(
            ber.SEQUENCE,
            ber.integer(self.target_position),
            ber.integer(self.content_count),
            ber.enumerated(self.code),
            b"" if self.context_id is None else ber.octets(self.context_id),
        )

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        data = required(value)
        pos, end = ber.whole(data, ber.SEQUENCE)
        position, pos = ber.take_integer(data, pos, end)
        count, pos = ber.take_integer(data, pos, end)
        code, pos = ber.take_integer(data, pos, end, ber.ENUMERATED)
        context_id: bytes | None = None
        if pos < end and data[pos] == ber.OCTET_STRING:
            context_id, pos = ber.take_octets(data, pos, end)
        ber.skip_unknown(data, pos, end)
        return cls(position, count, code, context_id)

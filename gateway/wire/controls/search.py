"""Controls on searches: paged results (RFC 2696), sorting (RFC 2891), assertion (RFC 4528), matched values (RFC 3876)."""

from dataclasses import dataclass, field
from typing import ClassVar, Self

from gateway.wire import ber, oids
from gateway.wire.errors import LimitExceeded, WireError
from gateway.wire.filters.ber import decode_filter, encode_filter
from gateway.wire.filters.values import And, Filter, Not, Or
from gateway.wire.limits import DEFAULT_LIMITS

_ORDERING_RULE, _REVERSE_ORDER = 0x80, 0x81
_ATTRIBUTE_TYPE = 0x80
_MAX_SORT_KEYS = 16  # clients sort by one or two; each key costs a comparison for every entry


def required(value: bytes | None) -> bytes:
    """Return the controlValue of a control that must have one. Raises WireError for none."""
    if value is None:
        raise WireError("the control needs a value")
    return value


@dataclass(frozen=True, slots=True)
class PagedResults:
    """Request: the page's size and the cookie of the page before. Response: an estimate of the total, or 0, and the cookie.

    realSearchControlValue ::= SEQUENCE { size INTEGER (0..maxInt), cookie OCTET STRING }
    """

    oid: ClassVar[str] = oids.PAGED_RESULTS
    size: int
    cookie: bytes = field(default=b"", repr=False)

    def encode(self) -> bytes:
        return ber.tlv(ber.SEQUENCE, ber.integer(self.size), ber.octets(self.cookie))

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        data = required(value)
        pos, end = ber.whole(data, ber.SEQUENCE)
        size, pos = ber.take_integer(data, pos, end)
        cookie, pos = ber.take_octets(data, pos, end)
        ber.skip_unknown(data, pos, end)
        return cls(size, cookie)


@dataclass(frozen=True, slots=True)
class SortKey:
    """One attribute to sort by; without a rule, by the attribute's own ordering rule."""

    attribute: str
    ordering_rule: str | None = None
    reverse: bool = False

    def encode(self) -> bytes:
        return ber.tlv(
            ber.SEQUENCE,
            ber.octets(self.attribute.encode()),
            b"" if self.ordering_rule is None else ber.octets(self.ordering_rule.encode(), _ORDERING_RULE),
            ber.boolean(True, _REVERSE_ORDER) if self.reverse else b"",
        )


@dataclass(frozen=True, slots=True)
class SortRequest:
    """Server-side sorting, most significant key first.

    SortKeyList ::= SEQUENCE OF SEQUENCE {
         attributeType   AttributeDescription,
         orderingRule    [0] MatchingRuleId OPTIONAL,
         reverseOrder    [1] BOOLEAN DEFAULT FALSE }
    """

    oid: ClassVar[str] = oids.SORT_REQUEST
    keys: tuple[SortKey, ...]

    def encode(self) -> bytes:
        return ber.tlv(ber.SEQUENCE, *(key.encode() for key in self.keys))

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        data = required(value)
        pos, end = ber.whole(data, ber.SEQUENCE)
        keys: list[SortKey] = []
        while pos < end:
            if len(keys) == _MAX_SORT_KEYS:
                raise LimitExceeded("the sort control has too many keys", pos)
            start, pos = ber.expect(data, pos, end, ber.SEQUENCE)
            keys.append(_read_sort_key(data, start, pos))
        if not keys:
            raise WireError("the sort control needs at least one key", pos)
        return cls(tuple(keys))


def _read_sort_key(data: bytes, pos: int, end: int) -> SortKey:
    attribute, pos = ber.take_text(data, pos, end)
    ordering_rule: str | None = None
    reverse = False
    if pos < end and data[pos] == _ORDERING_RULE:
        ordering_rule, pos = ber.take_text(data, pos, end, _ORDERING_RULE)
    if pos < end and data[pos] == _REVERSE_ORDER:
        reverse, pos = ber.take_boolean(data, pos, end, _REVERSE_ORDER)
    ber.skip_unknown(data, pos, end)
    return SortKey(attribute, ordering_rule, reverse)


@dataclass(frozen=True, slots=True)
class SortResponse:
    """The result of sorting: a result code, and the attribute at which it failed.

    SortResult ::= SEQUENCE { sortResult ENUMERATED { success (0), … }, attributeType [0] AttributeDescription OPTIONAL }
    """

    oid: ClassVar[str] = oids.SORT_RESPONSE
    code: int
    attribute: str | None = None

    def encode(self) -> bytes:
        attribute = b"" if self.attribute is None else ber.octets(self.attribute.encode(), _ATTRIBUTE_TYPE)
        return ber.tlv(ber.SEQUENCE, ber.enumerated(self.code), attribute)

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        data = required(value)
        pos, end = ber.whole(data, ber.SEQUENCE)
        code, pos = ber.take_integer(data, pos, end, ber.ENUMERATED)
        attribute: str | None = None
        if pos < end and data[pos] == _ATTRIBUTE_TYPE:
            attribute, pos = ber.take_text(data, pos, end, _ATTRIBUTE_TYPE)
        ber.skip_unknown(data, pos, end)
        return cls(code, attribute)


@dataclass(frozen=True, slots=True)
class Assertion:
    """A condition: the operation is done only if `filter` matches its target; the controlValue is the Filter itself."""

    oid: ClassVar[str] = oids.ASSERTION
    filter: Filter

    def encode(self) -> bytes:
        return encode_filter(self.filter)

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        data = required(value)
        filter, pos = decode_filter(data, 0, len(data))
        if pos != len(data):
            raise WireError("octets follow the end of the value", pos)
        return cls(filter)


@dataclass(frozen=True, slots=True)
class MatchedValues:
    """Only values that match one of `filters` are to be returned. Items only: no and, or, not.

    ValuesReturnFilter ::= SEQUENCE OF SimpleFilterItem
    """

    oid: ClassVar[str] = oids.MATCHED_VALUES
    filters: tuple[Filter, ...]

    def encode(self) -> bytes:
        return ber.tlv(ber.SEQUENCE, *map(encode_filter, self.filters))

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        data = required(value)
        pos, end = ber.whole(data, ber.SEQUENCE)
        filters: list[Filter] = []
        while pos < end:
            if len(filters) == DEFAULT_LIMITS.max_filter_terms:
                raise LimitExceeded("the matched values control has too many terms", pos)
            item, pos = decode_filter(data, pos, end)
            if isinstance(item, And | Or | Not):
                raise WireError("the matched values control holds simple filter items only", pos)
            filters.append(item)
        return cls(tuple(filters))

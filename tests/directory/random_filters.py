"""Random search filters about given entries: every kind, nested, with good, bad and unknown assertions. Half of the assertions
are made from values that an entry has, so that most searches find something."""

from collections.abc import Mapping, Sequence
from random import Random

from gateway.wire import filters
from gateway.wire.filters import Filter
from tests.directory.small_views import CONTAINERS, NUMBERS, WORDS

ATTRIBUTES = (
    *("cn", "CN", "commonName", "2.5.4.3", "sn", "uid", "mail", "name", "displayName", "description", "ou", "telephoneNumber"),
    *("uidNumber", "gidNumber", "homeDirectory", "jpegPhoto", "userCertificate;binary", "objectClass", "structuralObjectClass"),
    *("entryUUID", "entryDN", "createTimestamp", "member", "memberOf", "memberUid", "hasSubordinates", "subschemaSubentry"),
    *("distinguishedName", "labeledURI", "namingContexts", "unknown", "cn;lang-en", "cn;binary", "manager", "uniqueMember"),
    *("objectCategory", "sAMAccountName", "userAccountControl", "objectGUID", "objectSid", "whenCreated", "unixHomeDirectory"),
)
RULES = (
    *("caseIgnoreMatch", "2.5.13.2", "caseExactMatch", "integerMatch", "distinguishedNameMatch", "octetStringMatch"),
    *("telephoneNumberMatch", "generalizedTimeOrderingMatch", "integerOrderingMatch", "caseIgnoreSubstringsMatch", "1.2.3"),
    *("objectIdentifierMatch", "inChainMatch", "1.2.840.113556.1.4.1941", "1.2.840.113556.1.4.803", "integerBitOrMatch"),
    *("uniqueMemberMatch", "integerFirstComponentMatch"),
)
MASKS = (b"0", b"1", b"2", b"6", b"-7", b"70", b"18446744073709551615", b"18446744073709551616", b"two")
VALUES = (
    *(word.encode() for word in (*WORDS, *NUMBERS)),
    *(name.encode() for name in CONTAINERS),
    *(b"person", b"inetOrgPerson", b"2.16.840.1.113730.3.2.2", b"posixGroup", b"organizationalUnit", b"cn=Subschema"),
    *(b"20260101120300Z", b"202601011203Z", b"20260101130300+0100", b"TRUE", b"FALSE", b"/home/a", b"150", b"1 5"),
    *(b"user", b"group", b"CN=Person,CN=Schema,CN=Configuration,dc=x", b"S-1-5-21-1", b"512", b"20260101120300.0Z"),
    *(b"", b" ", b"\xff", b"\xff" * 2000, b"not a dn", b"00000001-0000-4000-8000-000000000000"),
)
PIECES = (
    *(
        b"an",
        b"ann",
        b"anna",
        b"nna b",
        b" b",
        b"A",
        b"ss",
        b"1",
        b"5",
        b"0",
        b"@",
        b",b",
        b'"',
        b"*",
        b"\xff",
        b"",
        b" ",
        b"b  ",
    ),
    *(b"\xe9", b"a\nb", "ß".encode(), "佐藤 花".encode(), "子".encode(), "É".encode()),
)

Pairs = Sequence[tuple[str, bytes]]


class FilterMaker:
    """`entries`: attribute key → values, for each entry."""

    def __init__(self, random: Random, entries: Sequence[Mapping[str, Sequence[bytes]]]) -> None:
        self._random = random
        pairs = {(key, value) for entry in entries for key, values in entry.items() for value in values}
        by_key: dict[str, list[bytes]] = {}
        for key, value in sorted(pairs):
            by_key.setdefault(key, []).append(value)
        self._by_key = by_key

    def filter(self, depth: int = 3) -> Filter:
        """One filter, at most `depth` deep."""
        if not depth or self._random.random() < 0.5:
            return self._assertion()
        kind = self._random.choice((filters.And, filters.Or, filters.Not, filters.Not))
        if kind is filters.Not:
            return filters.Not(self.filter(depth - 1))
        several = filters.And if kind is filters.And else filters.Or
        return several(tuple(self.filter(depth - 1) for _ in range(self._random.choice((0, 1, 2, 2, 3)))))

    def _assertion(self) -> Filter:
        random = self._random
        attribute, value = self._pair()
        kind = random.choice((filters.Equality,) * 4 + (filters.Approx, filters.GreaterOrEqual, filters.LessOrEqual))
        return random.choice(
            (
                lambda: kind(attribute, value),
                lambda: kind(attribute, value),
                lambda: filters.Present(attribute),
                lambda: self._substrings(attribute, value),
                lambda: self._extensible(attribute, value),
                lambda: self._linked(value),
                lambda: self._bits(value),
            )
        )()

    def _pair(self) -> tuple[str, bytes]:
        random = self._random
        if random.random() < 0.4:
            return random.choice(ATTRIBUTES), random.choice(VALUES)
        key = random.choice(list(self._by_key))
        value = random.choice(self._by_key[key])
        attribute = random.choice((key, key, key.upper(), "name" if key in ("cn", "sn", "ou") else key))
        if key in ("member", "manager"):
            attribute = random.choice((key, key, "distinguishedName", "memberOf"))
        return attribute, random.choice((value, value, value.upper(), value + b" ", value[:3]))

    def _piece(self, value: bytes) -> bytes:
        if self._random.random() < 0.3:
            return self._random.choice(PIECES)
        start = self._random.randrange(len(value) + 1)
        return value[start : start + self._random.choice((1, 3, 5))]

    def _substrings(self, attribute: str, value: bytes) -> Filter:
        random = self._random
        initial = random.choice((None, None, value[:2], value[:4], self._piece(value)))
        final = random.choice((None, None, value[-2:], value[-4:], self._piece(value)))
        middle = tuple(self._piece(value) for _ in range(random.choice((0, 1, 1, 2))))
        return filters.Substrings(attribute, initial, middle or (() if initial or final else (self._piece(value),)), final)

    def _linked(self, value: bytes) -> Filter:
        """Direct or through groups."""
        random = self._random
        value = random.choice((value, *self._by_key.get("member", ()), *self._by_key.get("memberof", ())))
        attribute = random.choice(("member", "memberOf", "uniqueMember"))
        if random.random() < 0.3:
            return filters.Equality(attribute, value)
        return filters.Extensible("1.2.840.113556.1.4.1941", attribute, value, random.random() < 0.1)

    def _bits(self, value: bytes) -> Filter:
        random = self._random
        rule = random.choice(("1.2.840.113556.1.4.803", "1.2.840.113556.1.4.804"))
        attribute = random.choice(("uidNumber", "gidNumber", "gidNumber", "cn", None))
        return filters.Extensible(rule, attribute, random.choice((*MASKS, value)), random.random() < 0.2)

    def _extensible(self, attribute: str, value: bytes) -> Filter:
        random = self._random
        rule = random.choice((None, *RULES))
        named = attribute if rule is None or random.random() < 0.6 else None
        return filters.Extensible(rule, named, value, random.random() < 0.5)

"""Damaged octets, and the law for every reader of gateway.wire: it returns a value that is stable, or raises WireError.

Shared by the test suite (a few seconds) and scripts/fuzz_wire (as long as one likes). Everything follows from the Random
that is handed in.
"""

from collections.abc import Callable, Sequence
from random import Random

from gateway.wire import ber
from gateway.wire import controls as c
from gateway.wire import messages as m
from gateway.wire.codec.decoder import decode_message
from gateway.wire.codec.encoder import encode_message, encode_operation
from gateway.wire.entries import Selection, decode_entry, decode_search_entry, encode_entry, iterate, object_name, values
from gateway.wire.errors import WireError
from gateway.wire.extended_values import CancelRequest, PasswordModifyRequest, PasswordModifyResponse
from gateway.wire.filters import FilterSyntaxError, decode_filter, encode_filter, parse, to_text
from gateway.wire.framing import Framer
from tests.wire import captured_messages
from tests.wire.long_lengths import widen

_FILTERS = ("(&(uid=ada)(!(mail=*@example.com))(|(cn=a*b*c)(age>=18)(age<=65)(sn~=x)))", r"(ou:dn:2.5.13.2:=\ff\00)", "(|)")
_RESULT = m.Result(10, "dc=example", "elsewhere", ("ldap://other/dc=example",))
_ATTRIBUTE = m.PartialAttribute("cn;lang-en", (b"Ada", b"", bytes(200)))
_OPERATIONS: tuple[m.Operation, ...] = (
    m.BindRequest(3, "", m.SaslAuthentication("PLAIN", b"\0ada\0secret")),
    m.BindResponse(_RESULT, b"challenge"),
    m.SearchRequest("dc=example", 2, 3, 70_000, 300, True, parse(_FILTERS[0]), ("*", "+", "1.1")),
    m.SearchResultEntry("cn=ada", (_ATTRIBUTE, m.PartialAttribute("sn"))),
    m.SearchResultReference(("ldap://other/", "ldap://another/")),
    m.ModifyRequest("cn=ada", (m.Modification(m.REPLACE, _ATTRIBUTE), m.Modification(m.DELETE, m.PartialAttribute("sn")))),
    m.ModifyResponse(_RESULT),
    m.AddRequest("cn=ada", (_ATTRIBUTE,)),
    m.AddResponse(_RESULT),
    m.DelRequest("cn=ada"),
    m.DelResponse(_RESULT),
    m.ModifyDNRequest("cn=ada", "cn=bob", True, "dc=example"),
    m.ModifyDNResponse(_RESULT),
    m.ExtendedResponse(_RESULT, "1.3.6.1.4.1.1466.20036", b"value"),
    m.IntermediateResponse("1.3.6.1.4.1.4203.1.9.1.4", b"value"),
)
_CONTROLS: tuple[c.ControlValue, ...] = (
    c.PagedResults(500, b"cookie"),
    c.SortRequest((c.SortKey("cn", "2.5.13.3", True), c.SortKey("sn"))),
    c.SortResponse(16, "cn"),
    c.ListRequest(9, 10, c.ListPosition(100, 1000), b"id"),
    c.ListRequest(9, 10, b"B"),
    c.ListResponse(100, 1000, 0, b"id"),
    c.Assertion(parse(_FILTERS[0])),
    c.MatchedValues((parse("(cn=a*)"), parse("(sn=*)"))),
    c.SyncRequest(c.SyncMode.REFRESH_AND_PERSIST, b"cookie", True),
    c.SyncState(c.EntryState.MODIFY, bytes(range(16)), b"cookie"),
    c.SyncDone(b"cookie", True),
    c.ManageDsaIT(),
    c.PasswordPolicyRequest(),
    c.PasswordPolicyResponse(None, 3, 0),
    c.PreReadRequest(("cn", "sn")),
    c.PostReadResponse(encode_entry(b"cn=ada", [(b"cn", [b"ada"])])),
    c.ProxiedAuthorization("u:ada"),
)
_SYNC_INFOS: tuple[c.SyncInfo, ...] = (
    c.NewCookie(b"cookie"),
    c.RefreshDelete(b"cookie", False),
    c.RefreshPresent(None),
    c.SyncIdSet(b"cookie", True, (bytes(16), bytes(range(16)))),
)


def _corpus() -> tuple[bytes, ...]:
    controls = tuple(map(c.control, _CONTROLS))
    messages = [encode_message(m.LDAPMessage(300, operation, controls[:2])) for operation in _OPERATIONS]
    messages.append(encode_message(m.LDAPMessage(1, m.UnbindRequest(), controls)))
    messages.extend(captured_messages.ALL.values())
    values = [control.value for control in controls if control.value is not None]
    values.extend(info.encode() for info in _SYNC_INFOS)
    values.extend((PasswordModifyRequest(b"u", b"o", b"n").encode(), PasswordModifyResponse(b"g").encode()))
    values.append(CancelRequest(70_000).encode())
    filters = [encode_filter(parse(text)) for text in _FILTERS]
    entry = encode_entry(b"cn=ada", [(b"cn", [b"Ada", b"A"]), (b"cn;x-y", [b"a"]), (b"jpegPhoto", [bytes(300)]), (b"sn", [])])
    long_type = encode_operation(m.SearchResultEntry("cn=ada", (m.PartialAttribute("x" * 200, (b"v",)),)))
    wide = [widen(data) for data in (*messages, entry)]
    return (*messages, *values, *filters, entry, long_type, *wide, *(text.encode() for text in _FILTERS))


CORPUS = _corpus()

_TELLING = (0x00, 0x01, 0x7F, 0x80, 0x81, 0x82, 0x84, 0x88, 0xFF, 0x02, 0x04, 0x0A, 0x30, 0x31, 0x63, 0x64, 0xA0, 0xA2, 0xA3)


def mutate(random: Random, corpus: Sequence[bytes] = CORPUS) -> bytes:
    """One of the corpus with one to four wounds; half of them get an outer length that fits again, so that readers go on."""
    data = bytearray(random.choice(corpus))
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        random.choice(_WOUNDS)(random, data)
    return _refit(data) if random.random() < 0.5 else bytes(data)


def _refit(data: bytearray) -> bytes:
    if len(data) < 2:
        return bytes(data)
    start = 2 + (data[1] & 0x7F if data[1] > 0x80 else 0)
    return ber.tlv(data[0], bytes(data[start:]))


def _place(random: Random, data: bytearray) -> int:
    return random.randrange(len(data) + 1)


def _flip_a_bit(random: Random, data: bytearray) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _say_something_telling(random: Random, data: bytearray) -> None:
    if data:
        data[random.randrange(len(data))] = random.choice(_TELLING)


def _nudge(random: Random, data: bytearray) -> None:
    if data:
        place = random.randrange(len(data))
        data[place] = (data[place] + random.choice((-2, -1, 1, 2))) & 0xFF


def _insert(random: Random, data: bytearray) -> None:
    place = _place(random, data)
    data[place:place] = random.choice((random.randbytes(random.randrange(1, 5)), bytes((random.choice(_TELLING),))))


def _delete(random: Random, data: bytearray) -> None:
    place = _place(random, data)
    del data[place : place + random.randrange(1, 8)]


def _repeat(random: Random, data: bytearray) -> None:
    start = _place(random, data)
    piece = data[start : start + random.randrange(1, 40)]
    data[start:start] = piece * random.choice((1, 2, 20))


def _cut_off(random: Random, data: bytearray) -> None:
    del data[_place(random, data) :]


def _graft(random: Random, data: bytearray) -> None:
    donor = random.choice(CORPUS)
    start = random.randrange(len(donor) + 1)
    place = _place(random, data)
    data[place : place + random.randrange(20)] = donor[start : start + random.randrange(1, 60)]


_WOUNDS: Sequence[Callable[[Random, bytearray], None]] = (
    _flip_a_bit,
    _say_something_telling,
    _nudge,
    _insert,
    _delete,
    _repeat,
    _cut_off,
    _graft,
)


def _read_message(data: bytes) -> None:
    message = decode_message(data)
    assert decode_message(encode_message(message)) == message
    if isinstance(message.operation, m.SearchRequest):
        assert to_text(message.operation.filter).isprintable()
    for control in message.controls:
        for value in _CONTROLS:
            if value.oid == control.control_type:
                c.find((control,), type(value))


def _read_stream(data: bytes) -> None:
    framer = Framer()
    half = len(data) // 2
    found = framer.feed(data[:half]) + framer.feed(data[half:])
    assert b"".join(found) == data[: len(data) - framer.pending]


def _read_filter(data: bytes) -> None:
    filter, _ = decode_filter(data, 0, len(data))
    encoded = encode_filter(filter)
    assert decode_filter(encoded, 0, len(encoded)) == (filter, len(encoded))
    assert to_text(filter).isprintable()


def _read_text(data: bytes) -> None:
    try:
        filter = parse(data.decode("utf-8", "surrogateescape"))
    except FilterSyntaxError:
        return
    assert parse(to_text(filter)) == filter


def _control_reader(kind: type[c.ControlValue]) -> Callable[[bytes], None]:
    def read(data: bytes) -> None:
        value = kind.decode(data)
        assert kind.decode(value.encode()) == value

    return read


def _read_sync_info(data: bytes) -> None:
    info = c.decode_sync_info(data)
    assert c.decode_sync_info(info.encode()) == info


_SELECTION = Selection(frozenset({b"cn", b"sn"}))

READERS: Sequence[Callable[[bytes], object]] = (
    _read_message,
    _read_stream,
    _read_filter,
    _read_text,
    _read_sync_info,
    *(_control_reader(kind) for kind in dict.fromkeys(map(type, _CONTROLS))),
    PasswordModifyRequest.decode,
    PasswordModifyResponse.decode,
    CancelRequest.decode,
    decode_search_entry,
    decode_entry,
    object_name,
    _SELECTION,
    Selection(lambda _: True, types_only=True),
    lambda data: values(data, b"sn"),
    lambda data: list(iterate(data)),
)


def read_in_every_way(data: bytes) -> int:
    """Return the number of READERS that found a value in `data`. Raises any error of a reader but WireError."""
    understood = 0
    for reader in READERS:
        try:
            reader(data)
            understood += 1
        except WireError:
            pass
    return understood

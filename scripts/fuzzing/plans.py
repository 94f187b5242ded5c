"""The plan of one client: the octets that it sends and how it behaves meanwhile. The same Random makes the same plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from random import Random

from gateway.wire import messages as m
from gateway.wire import oids
from gateway.wire.codec.encoder import encode_message
from gateway.wire.filters import parse
from scripts.fuzzing import requests
from scripts.fuzzing.requests import Made
from scripts.fuzzing.world import BASES, Access
from tests.wire import mutations
from tests.wire.captured_messages import ALL as CAPTURED

START_TLS = encode_message(m.LDAPMessage(1, m.ExtendedRequest(oids.START_TLS)))
DRIPPED_BYTES = 400  # sent one by one


class Step(Enum):
    """A step that sends no octets."""

    SECURE = "wait for the answer to StartTLS and shake hands"
    HALF_CLOSE = "say that nothing more will come"


@dataclass(frozen=True, slots=True)
class Plan:
    """`complete`: every request must be answered once. `encrypted`: to the LDAPS port. `reads`: False leaves the answers
    lying. `reset`: end with RST instead of a farewell."""

    name: str
    steps: tuple[bytes | float | Step, ...]
    complete: bool = False
    encrypted: bool = False
    reads: bool = True
    reset: bool = False


def make(random: Random, access: Access) -> Plan:
    """Return a plan of any kind."""
    return random.choices(tuple(KINDS), tuple(KINDS.values()))[0](random, access)


def sensible(random: Random, access: Access, first_id: int = 2) -> list[bytes]:
    """A bind, mostly, and requests that must all be answered."""
    messages: list[bytes] = []
    if random.random() < 0.8:
        messages.append(_encode(first_id, (_right_bind(access), ())))
    for number in range(random.randrange(1, 25)):
        messages.append(_encode(first_id + 1 + number, _answered(random)))
    return messages


def _answered(random: Random) -> Made:
    kinds = (requests.search, requests.search, requests.search, requests.compare, requests.write, requests.extended)
    return random.choice(kinds)(random)


def _right_bind(access: Access) -> m.BindRequest:
    return m.BindRequest(3, access.dn, m.SimpleAuthentication(access.secret.encode()))


def _encode(message_id: int, made: Made) -> bytes:
    return encode_message(m.LDAPMessage(message_id, *made))


def _pieces(random: Random, data: bytes) -> Iterator[bytes | float]:
    """Return the same octets cut anywhere, now and then with a pause."""
    at = 0
    while at < len(data):
        size = random.choice((1, 3, 17, 200, 1500, 65536))
        yield data[at : at + size]
        at += size
        if random.random() < 0.1:
            yield random.choice((0.0, 0.001, 0.01))


def busy(random: Random, access: Access) -> Plan:
    """Nothing wrong with it: requests behind each other, without waiting for answers."""
    data = b"".join(sensible(random, access))
    pieces = tuple(_pieces(random, data)) if random.random() < 0.5 else (data,)
    return Plan("busy", pieces, complete=True, encrypted=random.random() < 0.1)


def dripping(random: Random, access: Access) -> Plan:
    data = b"".join(sensible(random, access))
    drops = tuple(data[at : at + 1] for at in range(min(len(data), DRIPPED_BYTES)))
    return Plan("dripping", (*drops, data[DRIPPED_BYTES:]), complete=True)


def binding(random: Random, access: Access) -> Plan:
    """Binds in the midst of everything else: what is under way then may be dropped."""
    made = (random.choice((lambda r: requests.bind(r, access), _answered, requests.endless_search))(random) for _ in range(12))
    return Plan("binding", tuple(_encode(n, one) for n, one in enumerate(made, 2)))


def stopping(random: Random, access: Access) -> Plan:
    """Searches that are abandoned or cancelled at once, some that never end, ids used again."""
    messages = [_encode(2, (_right_bind(access), ()))]
    for message_id in range(3, random.randrange(5, 30)):
        made = random.choice((requests.search, requests.endless_search))(random)
        messages.append(_encode(message_id, made))
        if random.random() < 0.7:
            messages.append(_encode(1000 + message_id, requests.stop(random, random.choice((message_id, message_id - 1, 999)))))
    return Plan(
        "stopping", tuple(messages) if random.random() < 0.5 else (b"".join(messages), 0.02), reset=random.random() < 0.3
    )


def wounded(random: Random, access: Access) -> Plan:
    """Sensible messages among which some are damaged."""
    messages = sensible(random, access)
    for _ in range(random.randrange(1, 5)):
        place = random.randrange(len(messages))
        messages[place] = mutations.mutate(random, random.choice((messages, mutations.CORPUS)))
    return Plan("wounded", tuple(_pieces(random, b"".join(messages))), encrypted=random.random() < 0.05)


def damaged_only(random: Random, access: Access) -> Plan:
    """Messages that keep their frame and are otherwise anything, so that the connection lives on for more of them."""
    messages = [_encode(2, (_right_bind(access), ()))]
    messages += [mutations.mutate(random, messages + list(CAPTURED.values())) for _ in range(random.randrange(1, 6))]
    return Plan("damaged", tuple(messages))


def cut_off(random: Random, access: Access) -> Plan:
    data = b"".join(sensible(random, access))
    end: tuple[Step, ...] = (Step.HALF_CLOSE,) if random.random() < 0.5 else ()
    return Plan("cut off", (data[: random.randrange(len(data))], *end), reset=random.random() < 0.3)


def half_closed(random: Random, access: Access) -> Plan:
    return Plan("half-closed", (b"".join(sensible(random, access)), Step.HALF_CLOSE))


def announcing(random: Random, _access: Access) -> Plan:
    """Lengths beyond everything, at once or inside a message."""
    length = random.choice(
        (b"\x84\x7f\xff\xff\xff", b"\x84\xff\xff\xff\xff", b"\x88" + b"\xff" * 8, b"\x83\x10\x00\x01", b"\x80", b"\xff")
    )
    inside = b"\x02\x01\x02" + random.choice((b"\x63", b"\x60", b"\x77", b"\xa0")) + length + random.randbytes(20)
    outer = b"\x30" + random.choice((length, bytes([len(inside)])))
    return Plan("announcing", (outer + inside, random.randbytes(random.choice((0, 100, 100_000))), 0.01))


def large(random: Random, access: Access) -> Plan:
    """Return a message as large as it may be, or a little larger."""
    name = f"cn={random.random()}" + "x" * random.choice((100_000, 1_000_000, 1_048_500, 1_048_576, 2_000_000))
    made = random.choice(
        (m.DelRequest(name), m.CompareRequest(name, "cn", b"x"), m.BindRequest(3, name, m.SimpleAuthentication(b"x")))
    )
    return Plan("large", tuple(_pieces_of(_encode(2, (_right_bind(access), ())) + _encode(3, (made, ())), 65536)))


def _pieces_of(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def securing(random: Random, access: Access) -> Plan:
    return Plan("securing", (START_TLS, Step.SECURE, *sensible(random, access)), complete=True)


def injecting(random: Random, access: Access) -> Plan:
    """Requests smuggled in behind StartTLS, which must not be answered as if they had come under TLS."""
    smuggled = b"".join(sensible(random, access, first_id=500))
    return Plan("injecting", (START_TLS + smuggled, Step.SECURE, *sensible(random, access)))


def mumbling(random: Random, _access: Access) -> Plan:
    """StartTLS, or the LDAPS port, and then no handshake."""
    noise = random.choice(
        (
            random.randbytes(300),
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + random.randbytes(200),
            b"\x15\x03\x03\x00\x02\x02\x28",
        )
    )
    twice = (START_TLS,) if random.random() < 0.3 else ()
    return Plan("mumbling", (START_TLS, *twice, 0.005, noise), reset=random.random() < 0.3)


def strange(random: Random, _access: Access) -> Plan:
    """No LDAP at all."""
    what = (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", random.randbytes(random.randrange(1, 2000)), b"\x00" * 50, b"0" * 5000, b"")
    return Plan("strange", (random.choice(what),))


def not_reading(random: Random, access: Access) -> Plan:
    """Return a client that asks for everything, several times, and takes none of it."""
    base = random.choice(tuple(BASES.values()))
    walk = m.SearchRequest(base, 2, 0, 0, 0, False, parse("(objectClass=*)"), ())
    messages = [_encode(2, (_right_bind(access), ())), *(_encode(n, (walk, ())) for n in range(3, random.randrange(4, 40)))]
    return Plan("not reading", (b"".join(messages), random.choice((0.02, 0.1, 0.5))), reads=False, reset=random.random() < 0.5)


KINDS: dict[Callable[[Random, Access], Plan], int] = {
    busy: 20,
    dripping: 3,
    binding: 10,
    stopping: 12,
    wounded: 20,
    damaged_only: 12,
    cut_off: 6,
    half_closed: 4,
    announcing: 4,
    large: 2,
    securing: 5,
    injecting: 3,
    mumbling: 4,
    strange: 3,
    not_reading: 3,
}
"""The weight of each kind of client."""

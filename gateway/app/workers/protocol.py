"""What the primary and a worker tell each other. Only values; no password is ever among them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any, Final

import msgspec

from gateway.app.config.settings import Settings
from gateway.app.process.certificates import Pem
from gateway.frontends.ldap.core.counters import Statistics


@dataclass(frozen=True, slots=True)
class Boot:
    """What a worker begins with: it reads no file of the administrator's, so that all processes go by the same words."""

    number: int
    settings: Settings = field(repr=False)
    pem: Pem | None = field(repr=False)


class Message(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """One message of either side."""


# The primary to a worker ---------------------------------------------------------------------------------------------------


class Handed(Message, frozen=True):
    """A client's connection, which comes with the message. `encrypted`: TLS from the first byte."""

    family: int
    host: str
    encrypted: bool


class ViewState(Message, frozen=True):
    """How far the file of a view is, and which build of it; build "" is no file that may be read."""

    name: str
    build: str
    position: int


class Entered(Message, frozen=True):
    """The answer to Enter."""

    number: int
    admitted: bool


class Renewed(Message, frozen=True):
    """A piece of the certificate as it was read again, in order: with many authorities it is longer than a message may be."""

    piece: bytes
    is_last: bool

    def __repr__(self) -> str:
        return "Renewed()"


class Stop(Message, frozen=True):
    """Say farewell to the clients, and end."""


# A worker to the primary ---------------------------------------------------------------------------------------------------


class Ready(Message, frozen=True):
    """It can be handed connections."""


class Taken(Message, frozen=True):
    """The oldest connection that was handed and not taken is this worker's now."""


class Closed(Message, frozen=True):
    """A connection from this address has ended."""

    host: str


class Enter(Message, frozen=True):
    """May a bind of this key go on? Answered by Entered with the same number."""

    number: int
    key: str


class Left(Message, frozen=True):
    """The bind has been answered; see SoftLock for this and the next two."""

    key: str


class Failed(Message, frozen=True):
    key: str


class Succeeded(Message, frozen=True):
    key: str


class UpstreamAsked(Message, frozen=True):
    """For the metrics: see measured.TellUpstream."""

    source: str
    outcome: str
    seconds: float


class Committed(Message, frozen=True):
    """This worker has appended changes to the log, `number` being the last one."""

    number: int


class Counted(Message, frozen=True):
    """Its statistics since its start, plain numbers and counters apart. Sent every COUNT_SECONDS: who is silent, hangs."""

    numbers: dict[str, int]
    counters: dict[str, list[tuple[Any, int]]]


COUNT_SECONDS: Final = 1.0

CHANNEL_DESCRIPTOR: Final = 3
BOOT_DESCRIPTOR: Final = 4
"""Where a worker finds its end of the channel, and its Boot (pickled)."""

ToWorker = Handed | ViewState | Entered | Renewed | Stop
ToPrimary = Ready | Taken | Closed | Enter | Left | Failed | Succeeded | UpstreamAsked | Committed | Counted


PIECE_BYTES: Final = 32 * 1024


def renewed(pem: Pem) -> list[Renewed]:
    """A certificate as messages."""
    data = msgspec.msgpack.encode(pem)
    starts = range(0, len(data), PIECE_BYTES)
    return [Renewed(data[start : start + PIECE_BYTES], start == starts[-1]) for start in starts]


class RenewedPem:
    """Puts together again what `renewed` made."""

    def __init__(self) -> None:
        self._data = b""

    def whole(self, message: Renewed) -> Pem | None:
        """The certificate, with its last piece; None before that."""
        self._data += message.piece
        if not message.is_last:
            return None
        data, self._data = self._data, b""
        return msgspec.msgpack.decode(data, type=Pem)


def counted(statistics: Statistics) -> Counted:
    """Statistics as a message."""
    values = {one.name: getattr(statistics, one.name) for one in fields(statistics)}
    return Counted(
        {name: value for name, value in values.items() if not isinstance(value, Counter)},
        {name: list(value.items()) for name, value in values.items() if isinstance(value, Counter)},
    )


def add(total: Statistics, message: Counted, before: Counted) -> None:
    """Adds to `total` what a worker has counted since the message `before`."""
    for name, number in message.numbers.items():
        setattr(total, name, getattr(total, name) + number - before.numbers.get(name, 0))
    for name, items in message.counters.items():
        counter: Counter[Any] = getattr(total, name)
        known = {_key(key): number for key, number in before.counters.get(name, ())}
        for key, number in items:
            counter[_key(key)] += number - known.get(_key(key), 0)


def _key(key: Any) -> Any:
    return tuple(key) if isinstance(key, list) else key

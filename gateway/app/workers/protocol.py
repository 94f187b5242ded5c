"""The messages between the primary and a worker. Only values; no password is ever among them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Final

import msgspec

from gateway.app.config.settings import Settings
from gateway.app.process.certificates import Pem
from gateway.frontends.ldap.core.counters import ServerCounters


@dataclass(frozen=True, slots=True)
class Boot:
    """The state in which a worker begins: it reads no file of the administrator's, so that all processes have the same
    settings."""

    number: int
    settings: Settings = field(repr=False)
    pem: Pem | None = field(repr=False)


class Message(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A message of either side."""


# The primary to a worker ---------------------------------------------------------------------------------------------------


class NewConnection(Message, frozen=True):
    """A client's connection, whose socket comes with the message. `host`, `port`: the client's, which a proxy may have told.
    `encrypted`: TLS from the first byte."""

    family: int
    host: str
    port: int
    encrypted: bool


class ViewState(Message, frozen=True):
    """The position up to which the file of a view is written, and its build; build "" is no file that may be read."""

    name: str
    build: str
    position: int


class SoftLockEntered(Message, frozen=True):
    """The answer to EnterSoftLock. `unavailable`: why the store could not be asked, "" when it was not needed or could."""

    number: int
    admitted: bool
    unavailable: str = ""


class CertificatePiece(Message, frozen=True):
    """A piece of the certificate as it was read again, in order: with many authorities it is longer than a message may be."""

    piece: bytes
    is_last: bool

    def __repr__(self) -> str:
        return "CertificatePiece()"


class Stop(Message, frozen=True):
    """The order to notify the clients, and end."""


# A worker to the primary ---------------------------------------------------------------------------------------------------


class Ready(Message, frozen=True):
    """The worker can be handed connections."""


class ConnectionTaken(Message, frozen=True):
    """The oldest connection that was handed over and not taken is this worker's now."""


class ConnectionClosed(Message, frozen=True):
    """A connection from this address has ended."""

    host: str


class EnterSoftLock(Message, frozen=True):
    """The question whether a bind of this key may go on. Answered by SoftLockEntered with the same number."""

    number: int
    key: str


class SoftLockLeft(Message, frozen=True):
    """The bind has been answered; see SoftLock for this and the next two."""

    key: str


class BindFailed(Message, frozen=True):
    key: str


class BindSucceeded(Message, frozen=True):
    key: str


class UpstreamAsked(Message, frozen=True):
    """A question to a source, for the metrics: see measured_authenticator."""

    source: str
    outcome: str
    seconds: float


class Committed(Message, frozen=True):
    """This worker has appended changes to the log, `number` being the last one."""

    number: int


CounterKey = str | tuple[str, int]
"""The keys of the Counters in ServerCounters."""


class CountersReport(Message, frozen=True):
    """The worker's ServerCounters since its start, plain numbers and counters apart. It is the worker's heartbeat: a worker
    that sends none hangs."""

    numbers: dict[str, int]
    counters: dict[str, list[tuple[CounterKey, int]]]


HEARTBEAT_SECONDS: Final = 1.0
"""Between two CountersReports: metrics are read every few seconds."""

CHANNEL_DESCRIPTOR: Final = 3
BOOT_DESCRIPTOR: Final = 4
"""The open files in which a worker finds its end of the channel, and its Boot (pickled)."""

ToWorker = NewConnection | ViewState | SoftLockEntered | CertificatePiece | Stop
ToPrimary = (
    Ready
    | ConnectionTaken
    | ConnectionClosed
    | EnterSoftLock
    | SoftLockLeft
    | BindFailed
    | BindSucceeded
    | UpstreamAsked
    | Committed
    | CountersReport
)


PIECE_BYTES: Final = 32 * 1024
"""Half of the longest message (message_channel.py)."""


def certificate_pieces(pem: Pem) -> list[CertificatePiece]:
    """Return a certificate as messages."""
    data = msgspec.msgpack.encode(pem)
    starts = range(0, len(data), PIECE_BYTES)
    return [CertificatePiece(data[start : start + PIECE_BYTES], start == starts[-1]) for start in starts]


class CertificateAssembly:
    """The pieces of a certificate, until the last of them has come."""

    def __init__(self) -> None:
        self._data = b""

    def whole(self, message: CertificatePiece) -> Pem | None:
        """Return the certificate, with its last piece; None before that."""
        self._data += message.piece
        if not message.is_last:
            return None
        data, self._data = self._data, b""
        return msgspec.msgpack.decode(data, type=Pem)


def counters_report(counters: ServerCounters) -> CountersReport:
    """Return counters as a message."""
    values = {one.name: getattr(counters, one.name) for one in fields(counters)}
    return CountersReport(
        {name: value for name, value in values.items() if not isinstance(value, Counter)},
        {name: list(value.items()) for name, value in values.items() if isinstance(value, Counter)},
    )


def add_report(total: ServerCounters, report: CountersReport, before: CountersReport) -> None:
    """Add to `total` what a worker has counted since the report `before`."""
    for name, number in report.numbers.items():
        setattr(total, name, getattr(total, name) + number - before.numbers.get(name, 0))
    for name, items in report.counters.items():
        counter: Counter[CounterKey] = getattr(total, name)
        known = dict(before.counters.get(name, ()))
        for key, number in items:
            counter[key] += number - known.get(key, 0)

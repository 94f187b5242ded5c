"""The responders: what operations may do with their connection, as a narrow interface for all of them, and one for each thing
that only a few may do. An operation names the narrowest one that it needs in its signature; the connection has them all."""

from collections.abc import Coroutine
from typing import Any, Protocol, TypeAlias

from twisted.internet.defer import Deferred, DeferredSemaphore

from gateway.directory.directory import Party
from gateway.wire.messages import Result

Work: TypeAlias = Coroutine["Deferred[Any]", object, None]
"""A coroutine that awaits Deferreds, of whatever results, and nothing else."""


class Responder(Protocol):
    """Every operation's. All calls are for the reactor's thread."""

    def count(self, name: str, result: Result) -> None:
        """Count an operation that ends with this result; once for each, before its answer is returned. `finish` does it too."""

    def begin(self, message_id: int, work: Work, name: str, *, exclusive: bool = False) -> None:
        """Run an operation that is not finished at once, until it waits for the first time or ends. `exclusive`: no other
        request of the connection is begun until it has ended. It is cancelled when the client abandons it, or goes."""

    def finish(self, message_id: int, name: str, result: Result, answer: bytes) -> None:
        """Send the last message of an operation that was begun, and count it."""

    def send(self, data: bytes) -> None:
        """Send whole messages. Nothing is sent any more once the connection has ended."""

    def turn(self) -> "Deferred[None]":
        """Return a Deferred that fires after the reactor has served the other connections; it may be cancelled."""


class PacedResponder(Responder, Protocol):
    """For answers of any length, which are made no faster than the client takes them."""

    @property
    def slices(self) -> DeferredSemaphore:
        """To be held while a slice of an answer is in memory."""

    def writable(self) -> "Deferred[None]":
        """Return a Deferred that fires when the client takes more."""


class BindResponder(Responder, Protocol):
    """Bind's: it changes whose connection it is."""

    def abandon_all(self) -> None:
        """End the operations that are outstanding, without answers."""

    def set_party(self, party: Party) -> None:
        """Make the connection this party's; what was kept for the former one is dropped."""

    def make_anonymous(self) -> None:
        """Make the connection the anonymous party's."""


class TLSResponder(Responder, Protocol):
    """StartTLS's."""

    @property
    def is_busy(self) -> bool:
        """True while operations are outstanding."""

    def start_tls_after_answer(self) -> None:
        """Begin TLS right behind the answer that is being made."""


class CancelResponder(Responder, Protocol):
    """Cancel's."""

    def cancel(self, message_id: int) -> None:
        """End a search, with an answer to it (RFC 3909). Raises Refused for what is not outstanding, or not a search."""

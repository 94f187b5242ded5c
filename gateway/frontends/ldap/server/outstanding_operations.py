"""The outstanding operations of one connection: those that were begun and are not finished, by message id."""

from collections.abc import Callable

import structlog
from twisted.internet.defer import CancelledError

from gateway.directory.directory import Party
from gateway.frontends.ldap.core.responder import Work
from gateway.frontends.ldap.core.results import Refused
from gateway.frontends.ldap.core.running_operation import RunningOperation
from gateway.wire.result_codes import ResultCode

_log = structlog.get_logger("gateway.ldap")


class OutstandingOperations(dict[int, RunningOperation]):
    """A dict, because its size and its keys are looked at for each request. `on_end` is called when one has ended."""

    __slots__ = ("_on_behalf", "_on_end", "_peer", "is_exclusive")

    def __init__(self, peer: str, on_end: Callable[[], None]) -> None:
        super().__init__()
        self._peer = peer
        self._on_end = on_end
        self._on_behalf: dict[int, Party] = {}
        self.is_exclusive = False
        """True while an operation is running beside which no other is begun."""

    def release(self) -> None:
        """Forget the connection, which has gone."""
        self._on_end = _nothing

    def begin(self, message_id: int, work: Work, name: str, *, exclusive: bool) -> None:
        """Run an operation until it waits for the first time, or ends."""
        self.is_exclusive = self.is_exclusive or exclusive

        def ended(error: BaseException | None) -> None:
            if self.get(message_id) is running:
                del self[message_id]
            if exclusive:
                self.is_exclusive = False
            if error is not None and not isinstance(error, CancelledError):
                _log.error("operation failed", operation=name, peer=self._peer, error=repr(error), exc_info=error)
            self._on_end()

        running = self[message_id] = RunningOperation(name, work, ended)
        running.resume()

    def carry_out_as(self, message_id: int, party: Party) -> None:
        """Note as whom an operation is carried out, if not as the bound party."""
        self._on_behalf = {**self.on_behalf, message_id: party}

    @property
    def on_behalf(self) -> dict[int, Party]:
        """The parties as which operations that are outstanding are carried out, by message id."""
        return {message_id: party for message_id, party in self._on_behalf.items() if message_id in self}

    def abandon(self, message_id: int) -> None:
        """End an operation, without an answer; nothing happens if there is none of this id (RFC 4511 §4.11)."""
        running = self.pop(message_id, None)
        if running is not None:
            running.cancel()

    def abandon_all(self) -> None:
        """End what is outstanding, without answers."""
        for message_id in list(self):
            self.abandon(message_id)

    def cancel(self, message_id: int) -> str:
        """End a search, whose answer is the caller's to send, and return its name. Raises Refused for what is not outstanding,
        or not a search (RFC 3909)."""
        running = self.get(message_id)
        if running is None:
            raise Refused(ResultCode.NO_SUCH_OPERATION)
        if running.name != "search":
            raise Refused(ResultCode.CANNOT_CANCEL, f"a {running.name} is carried out to its end")
        self.abandon(message_id)
        return running.name


def _nothing() -> None:
    """Do nothing, in place of what has gone."""

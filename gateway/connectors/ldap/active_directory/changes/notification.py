"""Change notification ([MS-ADTS] §3.1.1.3.4.1.9): one search for each naming context that stays open and answers with every
change. An answer only wakes the reader; the changes are read afterwards, so a missed notification loses nothing."""

import time
from typing import Final

from gateway.connectors.ldap.active_directory.controller import SHOW_DELETED, DomainController
from gateway.connectors.ldap.client import search
from gateway.connectors.ldap.client.session import SEARCH_RESULT_DONE, Session
from gateway.wire import controls, oids
from gateway.wire.messages import NEVER_DEREF_ALIASES, WHOLE_SUBTREE, SearchRequest

GATHER_SECONDS: Final = 0.02  # a program that changes a hundred entries causes a few reads, not a hundred
RETRY_SECONDS: Final = 30.0  # the shortest time between two attempts to begin a search that the controller has ended

_NOTIFY = controls.control(controls.ChangeNotification(), criticality=True)


class NotificationSearches:
    """The open searches for changes on one session."""

    def __init__(self, session: Session, controller: DomainController) -> None:
        self._session = session
        self._contexts = controller.contexts
        self._offered = oids.CHANGE_NOTIFICATION in controller.supported
        self._open: dict[int, str] = {}
        """The naming contexts by the message IDs of their searches."""
        self._begun = 0.0

    @property
    def is_complete(self) -> bool:
        """True when the changes of every naming context are notified."""
        return len(self._open) == len(self._contexts)

    def begin(self) -> bool:
        """Begin the searches that are missing, unless that was tried RETRY_SECONDS ago.

        Return True when any was begun: then changes from before have not been notified and must be read.
        """
        now = time.monotonic()
        if not self._offered or self.is_complete or (self._begun and now < self._begun + RETRY_SECONDS):
            return False
        self._begun = now
        for context in self._contexts:
            if context not in self._open.values():
                request = SearchRequest(
                    context, WHOLE_SUBTREE, NEVER_DEREF_ALIASES, 0, 0, False, search.EVERYTHING, search.NO_ATTRIBUTES
                )
                self._open[self._session.send(request, (_NOTIFY, SHOW_DELETED))] = context
        self._session.open_searches = set(self._open)
        return True

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds` for a change; return True when there was one. The end of a search counts as one, because it may
        have hidden one."""
        woken = self._consume(self._take_deferred())
        if not woken:
            woken = self._consume(self._session.receive(seconds))
        if woken:
            self._consume(self._session.receive(GATHER_SECONDS))
        return woken

    def _take_deferred(self) -> list[bytes]:
        deferred, self._session.deferred = self._session.deferred, []
        return deferred

    def _consume(self, messages: list[bytes]) -> bool:
        woken = False
        for data in messages:
            message_id, tag = self._session.envelope(data)
            if message_id in self._open:
                woken = True
                if tag == SEARCH_RESULT_DONE:
                    del self._open[message_id]
                    self._session.open_searches.discard(message_id)
        return woken

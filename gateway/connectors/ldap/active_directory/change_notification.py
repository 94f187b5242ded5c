"""Being told that something has changed ([MS-ADTS] §3.1.1.3.4.1.9): a search of each naming context that never ends. What it
says only wakes; what has changed is asked afterwards, so nothing is lost when nobody tells."""

import time
from typing import Final

from gateway.connectors.ldap.active_directory.controller import SHOW_DELETED, DomainController
from gateway.connectors.ldap.client import search
from gateway.connectors.ldap.client.session import SEARCH_RESULT_DONE, Session
from gateway.wire import controls, oids
from gateway.wire.messages import NEVER_DEREF_ALIASES, WHOLE_SUBTREE, SearchRequest

GATHER_SECONDS: Final = 0.02  # a program that changes a hundred entries is answered a few times, not a hundred
RETRY_SECONDS: Final = 30.0  # a search that the controller has ended is begun anew at most so often

_NOTIFY = controls.control(controls.ChangeNotification(), criticality=True)


class Notification:
    """The searches on one session that wait for changes."""

    def __init__(self, session: Session, controller: DomainController) -> None:
        self._session = session
        self._contexts = controller.contexts
        self._offered = oids.CHANGE_NOTIFICATION in controller.supported
        self._waiting: dict[int, str] = {}
        self._begun = 0.0

    @property
    def listens(self) -> bool:
        """Whether the controller tells of all changes."""
        return len(self._waiting) == len(self._contexts)

    def begin(self) -> bool:
        """Ask for what is not being told, unless that was just tried. Whether it was asked for: then nobody has told of what
        changed before."""
        now = time.monotonic()
        if not self._offered or self.listens or (self._begun and now < self._begun + RETRY_SECONDS):
            return False
        self._begun = now
        for context in self._contexts:
            if context not in self._waiting.values():
                request = SearchRequest(
                    context, WHOLE_SUBTREE, NEVER_DEREF_ALIASES, 0, 0, False, search.EVERYTHING, search.NO_ATTRIBUTES
                )
                self._waiting[self._session.send(request, (_NOTIFY, SHOW_DELETED))] = context
        self._session.followed = set(self._waiting)
        return True

    def wait(self, seconds: float) -> bool:
        """Up to `seconds` for a change; whether there was one. A search that has ended counts as one: nobody knows what it
        would have told."""
        woken = self._hear(self._taken_aside())
        if not woken:
            woken = self._hear(self._session.receive(seconds))
        if woken:
            self._hear(self._session.receive(GATHER_SECONDS))
        return woken

    def _taken_aside(self) -> list[bytes]:
        heard, self._session.aside = self._session.aside, []
        return heard

    def _hear(self, messages: list[bytes]) -> bool:
        woken = False
        for data in messages:
            message_id, tag = self._session.envelope(data)
            if message_id in self._waiting:
                woken = True
                if tag == SEARCH_RESULT_DONE:
                    del self._waiting[message_id]
                    self._session.followed.discard(message_id)
        return woken

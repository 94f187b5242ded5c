"""Accounts that expire: at the moment that accountExpires names, an account is not enabled any more, and nobody tells. Who
expires soon is known ahead, and read again when the moment has passed. Pure but for the clock handed in."""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from gateway.connectors.ldap.active_directory import windows_values
from gateway.connectors.ldap.active_directory.change_tracker import Change, Changes
from gateway.connectors.ldap.active_directory.entry_to_delta import ActiveDirectoryEntry

AHEAD: Final = timedelta(hours=1)  # accountExpires has no index: the controller looks through all users for it


class Expiring:
    """`checked`: up to which moment (in ticks) everybody who has expired was reported; None: nothing was read yet."""

    def __init__(self, now: Callable[[], datetime], checked: int | None = None) -> None:
        self._now = now
        self.checked = self._ticks() if checked is None else checked
        self._known_until = self.checked
        self._soon: list[tuple[int, str]] = []

    def all_are_told(self) -> None:
        """Every user is going to be read now: `note` hears of all who expire soon, and the controller need not be asked."""
        self.checked = self._ticks()
        self._known_until = windows_values.filetime(self._now() + AHEAD)
        self._soon = []

    def window(self) -> tuple[int, int] | None:
        """Between which moments to ask the controller who expires; None while enough is known. Tell `note` of all of them."""
        now = self._ticks()
        if now < self._known_until:
            return None
        after, self._known_until = self._known_until, windows_values.filetime(self._now() + AHEAD)
        return after, self._known_until

    def note(self, entry: ActiveDirectoryEntry) -> None:
        """A user was read, with this moment."""
        if entry.delta is not None and entry.expires is not None and self.checked <= entry.expires <= self._known_until:
            heapq.heappush(self._soon, (entry.expires, entry.guid))

    def due(self) -> Changes:
        """Those whose moment has come since the last time."""
        now, changes = self._ticks(), Changes()
        while self._soon and self._soon[0][0] <= now:
            _, guid = heapq.heappop(self._soon)
            changes.note(Change(guid, "", moved=False, whole=False, primary=False))
        self.checked = max(self.checked, now)
        return changes

    @property
    def is_due(self) -> bool:
        """Whether `due` or `window` has something."""
        now = self._ticks()
        return now >= self._known_until or bool(self._soon and self._soon[0][0] <= now)

    def _ticks(self) -> int:
        return windows_values.filetime(self._now())

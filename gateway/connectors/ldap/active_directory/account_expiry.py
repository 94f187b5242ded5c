"""Account expiry: at the moment in accountExpires an account is no longer enabled, and the controller reports no change. Users
who expire soon are known ahead and read again when the moment has passed. Pure but for the clock handed in.

All moments are FILETIME ticks (windows_values.py)."""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from gateway.connectors.ldap.active_directory import windows_values
from gateway.connectors.ldap.active_directory.changes.tracker import ChangeSet, EntryChange
from gateway.connectors.ldap.active_directory.entry_to_delta import ActiveDirectoryEntry

AHEAD: Final = timedelta(hours=1)  # accountExpires has no index: the controller scans all users for it


class AccountExpiry:
    """The queue of users who expire soon. `checked`: the moment up to which every expired user was reported; None when nothing
    was read yet."""

    def __init__(self, now: Callable[[], datetime], checked: int | None = None) -> None:
        self._now = now
        self.checked = self._ticks() if checked is None else checked
        self._known_until = self.checked
        self._soon: list[tuple[int, str]] = []

    def restart(self) -> None:
        """Begin anew before a full read: every user is going to be passed to `add`, so the controller need not be asked."""
        self.checked = self._ticks()
        self._known_until = windows_values.filetime(self._now() + AHEAD)
        self._soon = []

    def next_window(self) -> tuple[int, int] | None:
        """Return the moments between which the controller must be asked who expires; None while enough is known.

        The caller passes every user found to `add`.
        """
        now = self._ticks()
        if now < self._known_until:
            return None
        after, self._known_until = self._known_until, windows_values.filetime(self._now() + AHEAD)
        return after, self._known_until

    def add(self, entry: ActiveDirectoryEntry) -> None:
        """Queue a user who was read, when the account expires within the known time."""
        if entry.delta is not None and entry.expires is not None and self.checked <= entry.expires <= self._known_until:
            heapq.heappush(self._soon, (entry.expires, entry.guid))

    def due(self) -> ChangeSet:
        """Return the users whose moment has come since the last call, each once."""
        now, changes = self._ticks(), ChangeSet()
        while self._soon and self._soon[0][0] <= now:
            _, guid = heapq.heappop(self._soon)
            changes.add(EntryChange(guid, "", moved=False, whole=False, primary_group_changed=False))
        self.checked = max(self.checked, now)
        return changes

    @property
    def is_due(self) -> bool:
        """True when `due` or `next_window` has something to return."""
        now = self._ticks()
        return now >= self._known_until or bool(self._soon and self._soon[0][0] <= now)

    def _ticks(self) -> int:
        return windows_values.filetime(self._now())

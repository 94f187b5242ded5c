"""Deletions that the controller does not report to this account: they are found by comparing what was there with what is there.

The entries that one read has seen are kept by their objectGUIDs. When the controller has changed at all, the entries in scope
are listed, and those that are missing are looked for one by one: an entry that was moved while the list was read is found."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from gateway.connectors.ldap.active_directory import windows_values
from gateway.connectors.ldap.active_directory.changes.tracker import ChangeSet, EntryChange
from gateway.model.deltas import Delta, DeltaType
from gateway.model.objects import Kind

PAUSES: Final = 9  # a comparison is followed by so many times its own length: a tenth of the time goes into comparing


class HiddenDeletions:
    """The entries of one read and the time of the next comparison. `seconds`: the shortest time between two comparisons; `now`:
    a monotonic clock."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._now = now
        self._known: defaultdict[Kind, set[bytes]] = defaultdict(set)
        self._compared_usn = -1
        self._next = now() + seconds

    def restart(self) -> None:
        """Forget all entries, before a full read."""
        self._known.clear()

    def noted(self, deltas: Iterable[Delta]) -> Iterator[Delta]:
        """Yield the deltas, and keep which entries are there after them."""
        for delta in deltas:
            octets = windows_values.guid_octets(delta.external_id)
            if delta.type is DeltaType.DELETE:
                self._known[delta.kind].discard(octets)
            else:
                self._known[delta.kind].add(octets)
            yield delta

    @property
    def is_due(self) -> bool:
        """True when enough time has passed for another comparison."""
        return self._now() >= self._next

    def missing(self, usn: int, present: Callable[[], Iterable[Delta]]) -> ChangeSet:
        """Return the entries that `present` no longer lists. `usn`: the controller's last number, read before; when it is that
        of the last comparison nothing can have been deleted, and nothing is listed."""
        changes, began = ChangeSet(), self._now()
        if usn != self._compared_usn:
            left = {kind: set(known) for kind, known in self._known.items()}
            for delta in present():
                left.get(delta.kind, set()).discard(windows_values.guid_octets(delta.external_id))
            for guid in sorted(windows_values.guid_text(octets) for octets in set().union(*left.values())):
                changes.add(EntryChange(guid, "", moved=False))
            self._compared_usn = usn
        self._next = self._now() + max(self._seconds, PAUSES * (self._now() - began))
        return changes

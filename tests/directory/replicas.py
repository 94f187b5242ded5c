"""A replica as strict as a real one: it knows its entries by entryUUID, has each name once, and moves what is below a renamed
entry along with it."""

from collections.abc import Iterable

from gateway.directory.journal.journal_reader import Event, EventKind, JournalReader
from gateway.model.ldap import dn
from gateway.wire import entries


class Replica:
    """`entries`: object id → the entry as it was told last; `keys`: object id → the key of its present name."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}
        self.keys: dict[str, str] = {}

    def read(self, reading: JournalReader, rows: int, slices: int = 1_000_000) -> int:
        """Takes what a reading tells, some rows at a time, to its end or so many times; the position that the reading is at."""
        reading.open()
        while slices and (told := reading.next_slice(rows)) is not None:
            self.take(told)
            slices -= 1
        reading.close()
        return reading.position

    def take(self, told: Iterable[Event]) -> None:
        for event in told:
            if event.kind is EventKind.REMOVED:
                self.entries.pop(event.object_id, None)
                self.keys.pop(event.object_id, None)
            else:
                self._put(event.object_id, event.entry)

    def _put(self, object_id: str, entry: bytes) -> None:
        key = dn.key(entries.object_name(entry).decode())
        before = self.keys.get(object_id)
        if before is not None and before != key:
            self.keys = {one: key + name[len(before) :] if name.startswith(before) else name for one, name in self.keys.items()}
        self.keys[object_id] = key
        holders = [one for one, name in self.keys.items() if name == key]
        assert holders == [object_id], f"{key} is the name of {holders}"
        self.entries[object_id] = entry

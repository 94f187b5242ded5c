"""Tombstones: entries that are gone, as Active Directory shows them to clients that ask ([MS-ADTS] §3.1.1.5.5.1), out of the
history of a view of kind `ad`.

Gone is what the party could see until a change and cannot see now: deleted, or moved out of its scope, alone or with its unit.
An entry that it never could see has no tombstone, whatever its name was: the scope at the time of the change decides."""

import heapq
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeAlias

from gateway.directory.access import Access, Visibility
from gateway.directory.projection import active_directory
from gateway.directory.projection.entry_kinds import CONTAINER
from gateway.directory.projection.view_definition import View
from gateway.model.ldap import dn, matching_rules, schema, windows_identifiers
from gateway.model.ldap.dn import AVA, DN, RDN
from gateway.model.objects import ROOT_ORGANIZATION_ID, Kind
from gateway.wire import entries, filters
from gateway.wire.entries import ExactSelection
from gateway.wire.filters import Filter

Values = list[tuple[str, Sequence[bytes]]]

_State: TypeAlias = tuple[int, int, int, str, str, str, str, bytes, int | None]
"""The columns of _FORMER: a state of an entry until a change, and what a tombstone shows of it."""

_EPOCH = datetime.fromtimestamp(0, UTC)

_FORMER = (
    "SELECT f.position, f.created, f.entry, f.kind, f.object_id, f.organizations, f.dn, f.kept,"
    " (SELECT m.time FROM moment m WHERE m.number = f.position) FROM former f WHERE f.position >= ? ORDER BY f.id DESC"
)
_IN_UNITS = (
    "EXISTS (SELECT 1 FROM json_each('[' || {0}.organizations || ']') WHERE value IN (SELECT value FROM json_each(?2)))"
    " AND NOT EXISTS (SELECT 1 FROM former g WHERE g.entry = {1} AND g.position >= ?1 {2})"
)
_TAKEN_ALONG = (
    "SELECT f.created, f.entry, f.kind, f.object_id, f.organizations, f.dn, f.kept FROM former f"
    f" WHERE f.kind = ?3 AND f.position >= ?1 AND f.created < ?1 AND {_IN_UNITS.format('f', 'f.entry', 'AND g.id < f.id')}"
    " UNION ALL SELECT e.created, e.id, e.kind, e.object_id, e.organizations, e.dn, e.encoded FROM entry e"
    f" WHERE e.kind = ?3 AND e.created < ?1 AND {_IN_UNITS.format('e', 'e.id', '')}"
)
"""The people who were in some units right before a change that moved these: their own entries did not change with it."""

_TIME = "SELECT time FROM moment WHERE number = ?"
_PRESENT = "SELECT id, kind, object_id, organizations FROM entry WHERE object_id = ?"
_KEPT = ExactSelection(active_directory.KEPT_IN_TOMBSTONES)
_UNITS = "SELECT position, entry, object_id, dn_key FROM former WHERE kind = ? ORDER BY id"


class Tombstone(NamedTuple):
    """One tombstone: its name, and its attributes."""

    name: DN
    attributes: Values

    @property
    def text(self) -> str:
        """The name as Active Directory writes it."""
        return _text(self.name)


def lowest_number(item: Filter) -> int:
    """Return a number below which no uSNChanged matches the filter: programs ask for what came after the last one they know."""
    if isinstance(item, filters.And):
        return max(map(lowest_number, item.filters), default=0)
    if isinstance(item, filters.GreaterOrEqual) and schema.canonical(item.attribute) == "usnchanged":
        key = matching_rules.equality_key("usnchanged", item.value)
        return 0 if key is None else max(0, min(matching_rules.integer_of(key), (1 << 63) - 1))
    return 0


def tombstones(
    connection: sqlite3.Connection, view: View, access: Access, now: Visibility | None, lowest: int
) -> Iterator[Tombstone | None]:
    """Yield the container of tombstones and those of the changes from number `lowest` on, the newest first; None for each state
    that was looked at in vain. `now`: the access resolved against the present; None: everything."""
    yield _container(view)
    past = _PastScope(connection, access, now)
    seen: set[str] = set()
    former: Iterable[_State] = connection.execute(_FORMER, (lowest,))
    states = heapq.merge(former, _taken_along(connection, past, lowest), key=lambda state: -state[0])
    for position, created, entry, kind, object_id, organizations, name, kept, time in states:
        if object_id in seen or kind == CONTAINER or not past.shows(position, entry, kind, object_id, organizations):
            yield None
            continue
        seen.add(object_id)
        present = connection.execute(_PRESENT, (object_id,)).fetchone()
        if present is not None and (now is None or now.shows(*present)):
            yield None
            continue
        yield _tombstone(view, object_id, DN.parse(name), kept, created, position, time)


def _taken_along(connection: sqlite3.Connection, past: "_PastScope", lowest: int) -> Iterator[_State]:
    """Yield the states of the people whom a unit took along when it was moved out of the scope, the latest change first."""
    for position, units in past.departed_units(lowest):
        found = connection.execute(_TIME, (position,)).fetchone()
        for row in connection.execute(_TAKEN_ALONG, (position, json.dumps(units), Kind.USER)):
            yield (position, *row[:6], _KEPT(row[6]), found and found[0])


def _tombstone(view: View, object_id: str, name: DN, kept: bytes, created: int, position: int, time: int | None) -> Tombstone:
    """Return the tombstone of an entry as it was until the change `position` ("delete-mangled RDN": §3.1.1.5.5)."""
    _, attributes = entries.decode_entry(kept)
    guid = (attributes.get(b"objectGUID") or [windows_identifiers.guid(object_id) or b""])[0]
    first = name.rdns[0].avas[0]
    mangled = AVA(first.type, f"{first.value}\nDEL:{windows_identifiers.guid_text(guid)}")
    found = DN((RDN((mangled,)), *view.deleted_objects.rdns))
    values: Values = [
        ("objectClass", attributes.pop(b"objectClass", [b"top"])),
        (schema.canonical(mangled.type), [mangled.value.encode()]),
        ("name", [mangled.value.encode()]),
        ("distinguishedName", [_text(found).encode()]),
        ("isDeleted", [b"TRUE"]),
        ("isRecycled", [b"TRUE"]),
        ("lastKnownParent", [str(name.parent).encode()]),
        ("uSNCreated", [b"%d" % created]),
        ("uSNChanged", [b"%d" % position]),
    ]
    if time is not None:
        values.append(("whenChanged", [active_directory.time(_EPOCH + timedelta(milliseconds=time)).encode()]))
    attributes.setdefault(b"objectGUID", [guid])
    return Tombstone(found, [*values, *((kind.decode(), found_values) for kind, found_values in attributes.items())])


def _text(name: DN) -> str:
    """Return a name with its line feed as Active Directory escapes it: programs look for "\\0ADEL:"."""
    return str(name).replace("\\0aDEL:", "\\0ADEL:")


def _container(view: View) -> Tombstone:
    name = view.deleted_objects
    value = name.rdns[0].avas[0].value.encode()
    return Tombstone(
        name,
        [
            ("objectClass", [b"top", b"container"]),
            ("cn", [value]),
            ("name", [value]),
            ("distinguishedName", [str(name).encode()]),
            ("objectCategory", [active_directory.category(active_directory.CONTAINER, view.base).encode()]),
            ("isDeleted", [b"TRUE"]),
        ],
    )


class _PastScope:
    """The scope of an access at any time that the history knows: where each organization stood decides."""

    def __init__(self, connection: sqlite3.Connection, access: Access, now: Visibility | None) -> None:
        self._connection = connection
        self._access = access
        self._now = now
        self._states: dict[int, list[tuple[int, str]]] = {}
        self._entries: dict[str, set[int]] = {}
        if now is None or now.organizations is None:
            return
        for position, entry, object_id, key in connection.execute(_UNITS, (Kind.ORGANIZATION,)):
            self._states.setdefault(entry, []).append((position, key))
            self._entries.setdefault(object_id, set()).add(entry)

    def shows(self, position: int, entry: int, kind: str, object_id: str, organizations: str) -> bool:
        """Return whether the party could see an entry right before the change `position`."""
        now = self._now
        if now is None:
            return True
        if now.only is not None or now.organizations is None or kind == Kind.GROUP:
            # A person's own entry is there as long as the person is bound, and which groups are shown is told by their ids.
            return now.only is None and now.shows(entry, kind, object_id, organizations)
        roots = tuple(self._roots(position))
        if not roots:
            return False
        placed = [entry] if kind == Kind.ORGANIZATION else [int(number) for number in organizations.split(",") if number]
        return any((key := self._key(one, position)) is not None and key.startswith(roots) for one in placed)

    def departed_units(self, lowest: int) -> list[tuple[int, list[int]]]:
        """Return the changes from number `lowest` on that moved units out of the scope, with these (entry ids), the latest
        first."""
        if self._now is None or self._now.organizations is None:
            return []
        departed: dict[int, list[int]] = {}
        for object_id, entries_of_it in self._entries.items():
            for entry in entries_of_it:
                for position, _ in self._states[entry]:
                    before, after = (self.shows(at, entry, Kind.ORGANIZATION, object_id, "") for at in (position, position + 1))
                    if position >= lowest and before and not after:
                        departed.setdefault(position, []).append(entry)
        return sorted(departed.items(), reverse=True)

    def _roots(self, position: int) -> Iterator[str]:
        """Yield the keys that the organizations of the scope had right before a change."""
        scope = self._access.scope
        for object_id in scope.organization_ids if scope is not None else ():
            if object_id == ROOT_ORGANIZATION_ID:
                continue
            present = self._connection.execute("SELECT id FROM entry WHERE object_id = ?", (object_id,)).fetchone()
            for entry in {*self._entries.get(object_id, ()), *(present or ())}:
                key = self._key(entry, position)
                if key is not None:
                    yield key

    def _key(self, entry: int, position: int) -> str | None:
        """Return the DN key that an organization had right before a change; None when there was none."""
        for until, key in self._states.get(entry, ()):
            if until >= position:
                return key
        found = self._connection.execute("SELECT dn, created FROM entry WHERE id = ?", (entry,)).fetchone()
        return dn.key(found[0]) if found is not None and found[1] < position else None

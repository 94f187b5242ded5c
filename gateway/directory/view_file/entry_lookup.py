"""Lookups in a view file by the process that writes it: which entries there are, what they are called, which groups list
them."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from gateway.model.ldap import windows_identifiers
from gateway.wire.entries import values

Place: TypeAlias = tuple[int, str, str]
"""Entry id, DN, DN key."""

_CHUNK = 500
"""Keys asked for in one statement."""


_LONGEST_RELATIVE_ID = 10
"""Digits of 32 bits."""


def primary_group(encoded: bytes) -> bytes | None:
    """Return the security identifier of the primary group that a person's entry names; None for none. primaryGroupID is the
    last part of it ([MS-ADA3]); the others are the person's own."""
    numbers = values(encoded, b"primarygroupid")
    for sid in values(encoded, b"objectsid") if numbers else ():
        if numbers[0].isdigit() and len(numbers[0]) <= _LONGEST_RELATIVE_ID:
            return windows_identifiers.sibling(sid, int(numbers[0]))
    return None


class EntryLookup:
    """The entries of one view file, read on its writing connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def entry_ids(self, object_ids: Iterable[str]) -> dict[str, int]:
        """Return object id → entry id of those that have an entry."""
        return dict(self._select("object_id, id", "object_id", object_ids))

    def places(self, object_ids: Iterable[str]) -> dict[str, Place]:
        """Return object id → place of those that have an entry."""
        rows = self._select("object_id, id, dn, dn_key", "object_id", object_ids)
        return {object_id: (entry_id, dn, dn_key) for object_id, entry_id, dn, dn_key in rows}

    def logins(self, object_ids: Iterable[str]) -> list[bytes]:
        """Return the first uid of each of those that have one."""
        return [uid for (encoded,) in self._select("encoded", "object_id", object_ids) for uid in values(encoded, b"uid")[:1]]

    def with_primary_group(self, object_ids: Iterable[str], sid: bytes) -> set[str]:
        """Return those whose entries name the group with this security identifier as their primary one."""
        rows = self._select("object_id, encoded", "object_id", object_ids)
        return {object_id for object_id, encoded in rows if primary_group(encoded) == sid}

    def taken(self, dn_keys: Sequence[str]) -> set[str]:
        """Return those of these DNs that an entry has."""
        return {dn_key for (dn_key,) in self._select("dn_key", "dn_key", dn_keys)}

    def _select(self, columns: str, key: str, wanted: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        keys = list(wanted)
        for start in range(0, len(keys), _CHUNK):
            chunk = keys[start : start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            yield from self._connection.execute(f"SELECT {columns} FROM entry WHERE {key} IN ({marks})", chunk).fetchall()

    def holder(self, dn_key: str) -> tuple[str, str] | None:
        """Return (kind, object id) of the entry that has this DN."""
        row: tuple[str, str] | None = self._connection.execute(
            "SELECT kind, object_id FROM entry WHERE dn_key = ?", (dn_key,)
        ).fetchone()
        return row

    def place_named(self, dn_key: str) -> tuple[str, Place] | None:
        """Return the kind and the place of the entry that has this DN."""
        query = "SELECT kind, id, dn, dn_key FROM entry WHERE dn_key = ?"
        row = self._connection.execute(query, (dn_key,)).fetchone()
        return None if row is None else (row[0], row[1:])

    def claimants(self, plain_key: str) -> list[tuple[str, str]]:
        """Return (kind, object id) of those that would have this DN if no other had it."""
        return self._connection.execute("SELECT kind, object_id FROM entry WHERE plain_key = ?", (plain_key,)).fetchall()

    def children(self, entry_id: int) -> list[tuple[str, str]]:
        """Return (kind, object id) of the entries right below."""
        return self._connection.execute("SELECT kind, object_id FROM entry WHERE parent = ?", (entry_id,)).fetchall()

    def referring_to(self, object_ids: Iterable[str]) -> set[tuple[str, str]]:
        """Return (kind, object id) of the entries that name any of these objects, or would if it had an entry."""
        query = "SELECT e.kind, e.object_id FROM link l JOIN entry e ON e.id = l.owner WHERE l.target = ?"
        return {row for object_id in object_ids for row in self._connection.execute(query, (object_id,))}

    def groups_of(self, entry_ids: Iterable[int]) -> set[str]:
        """Return the ids of the groups that list any of these entries."""
        query = "SELECT e.object_id FROM member m JOIN entry e ON e.id = m.group_entry WHERE m.member_entry = ?"
        return {row[0] for entry_id in entry_ids for row in self._connection.execute(query, (entry_id,))}

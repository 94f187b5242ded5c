"""The indexes of a view file: the matching keys of every value, and the trigram index of some attributes.

Rows are collected, so that they are written in the order of the index, but no more than fit well into memory."""

import sqlite3
from collections.abc import Mapping
from typing import TypeAlias

from gateway.directory.projection.index_keys import fragment_table, fragments
from gateway.directory.projection.view_definition import View

IndexKeys: TypeAlias = set[tuple[str, bytes]]
"""(attribute key, matching key) of an entry's values."""

_MAX_COLLECTED = 50_000
"""Index rows held before they are written."""


class IndexWriter:
    """The writer of one view file's indexes, in the transaction of its entries."""

    def __init__(self, connection: sqlite3.Connection, view: View) -> None:
        self._connection = connection
        self._tables = {attribute: fragment_table(attribute) for attribute in view.indexed_substrings}
        self._attribute_ids: dict[str, int] = {}
        self._added: set[tuple[int, bytes, int]] = set()
        self._removed: set[tuple[int, bytes, int]] = set()
        self._fragments: dict[str, list[tuple[int, str]]] = {}
        self.discard()

    def discard(self) -> None:
        """Drop what was collected; to be called when a transaction is rolled back."""
        self._added, self._removed, self._fragments = set(), set(), {}
        self._attribute_ids = dict(self._connection.execute("SELECT key, id FROM attribute"))

    def replace(self, entry_id: int, new: IndexKeys, old: IndexKeys | None) -> None:
        """Replace the keys of an entry; `old`: those that are in the index, None for a new entry."""
        if len(self._added) > _MAX_COLLECTED:
            self.flush()
        ids = self._attribute_ids
        for attribute, _ in new:
            if attribute not in ids:
                self._add_attribute(attribute)
        added = {(ids[attribute], key, entry_id) for attribute, key in (new - old if old else new)}
        self._removed -= added
        self._added |= added
        texts = fragments(self._tables, new)
        if old:
            removed = {(ids[attribute], key, entry_id) for attribute, key in old - new}
            self._added -= removed
            self._removed |= removed
            texts = self._replace_fragments(entry_id, fragments(self._tables, old), texts)
        for attribute, text in texts.items():
            self._fragments.setdefault(attribute, []).append((entry_id, text))

    def _add_attribute(self, attribute: str) -> None:
        cursor = self._connection.execute("INSERT INTO attribute (key) VALUES (?)", (attribute,))
        self._attribute_ids[attribute] = int(cursor.lastrowid or 0)

    def _replace_fragments(self, entry_id: int, old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
        """Remove the texts that have changed; return those that are to be added."""
        gone = [(attribute, text) for attribute, text in old.items() if new.get(attribute) != text]
        if gone:
            self._flush_fragments()
        for attribute, text in gone:
            table = self._tables[attribute]
            self._connection.execute(f"INSERT INTO {table} ({table}, rowid, keys) VALUES ('delete', ?, ?)", (entry_id, text))
        return {attribute: text for attribute, text in new.items() if old.get(attribute) != text}

    def flush(self) -> None:
        """Write what was collected."""
        self._connection.executemany("DELETE FROM value WHERE attribute = ? AND value = ? AND entry = ?", self._removed)
        self._connection.executemany("INSERT OR IGNORE INTO value VALUES (?, ?, ?)", sorted(self._added))
        self._added, self._removed = set(), set()
        self._flush_fragments()

    def _flush_fragments(self) -> None:
        for attribute, texts in self._fragments.items():
            self._connection.executemany(f"INSERT INTO {self._tables[attribute]} (rowid, keys) VALUES (?, ?)", texts)
        self._fragments = {}

    def analyze(self) -> None:
        """Refresh the statistics by which the planner knows how selective each attribute is."""
        self._connection.execute(
            "UPDATE attribute SET (rows, distinct_values) ="
            " (SELECT count(*), count(DISTINCT v.value) FROM value v WHERE v.attribute = attribute.id)"
        )

    def optimize_fragments(self) -> None:
        """Merge each trigram index into one piece: a search looks into every piece that it has been written in."""
        for table in self._tables.values():
            self._connection.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")

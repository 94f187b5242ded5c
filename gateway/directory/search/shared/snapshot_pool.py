"""The pool of snapshots: connections in a read transaction, each of which sees one state of the view from the first slice of a
large search to its last. Bounded, and shared out so that no client takes what the others need (law 13). Paged searches
keep theirs from one request to the next (frontends/ldap/search/paged_results.py)."""

import sqlite3
from collections import Counter
from threading import Lock

from gateway.directory.view_file.view_file import ViewFile
from gateway.model.errors import Busy

MAX_SNAPSHOTS = 256
"""Large searches that run at the same time; further ones must try again. Each costs a descriptor and some 100 KiB."""

SNAPSHOTS_LEFT_SHARE = 4
"""A holder may have at most so many times what is left: of 256 one alone gets 205, the next 41 of the 51 that are left, and so
on. A client with many connections is not hindered, and keeps no other client from searching."""

MAX_HELD_IDS = 8_000_000
"""Ids of sorted searches and virtual lists in memory, 8 octets each: of all connections together."""

_IDLE_SNAPSHOTS = 8
"""Kept open for the next large searches."""


class TooManySearches(Busy):
    """All snapshots, or all memory for sorted ones, are in use: try again when one is given back."""

    def __init__(self) -> None:
        super().__init__("too many large searches are running; try again shortly")


class SnapshotPool:
    """The snapshots of one view file. Used from one thread, but for `count_ids` and the connections that it hands out.

    `in_use`: snapshots that are taken; `held_ids`: ids that sorted searches keep in memory."""

    def __init__(self, file: ViewFile) -> None:
        self._file = file
        self._idle: list[sqlite3.Connection] = []
        self.in_use = 0
        self._holders: dict[sqlite3.Connection, str] = {}
        self._held: Counter[str] = Counter()
        self.held_ids = 0
        self._lock = Lock()
        self._closed = False

    def take(self, holder: str = "") -> sqlite3.Connection:
        """Return a connection in a read transaction, to be given back by `release`. `holder`: the party that it is for, such as
        a client's address. Raises TooManySearches."""
        left = MAX_SNAPSHOTS - self.in_use
        if left <= 0 or self._held[holder] >= left * SNAPSHOTS_LEFT_SHARE:
            raise TooManySearches
        connection = self._idle.pop() if self._idle else self._file.open_reader()
        self.in_use += 1
        self._held[holder] += 1
        self._holders[connection] = holder
        connection.execute("BEGIN")
        connection.execute("SELECT value FROM meta").fetchone()  # the transaction starts with the first read
        return connection

    def release(self, connection: sqlite3.Connection) -> None:
        """End the transaction and take the connection back."""
        self.in_use -= 1
        holder = self._holders.pop(connection)
        self._held[holder] -= 1
        if not self._held[holder]:
            del self._held[holder]
        try:
            connection.rollback()
        except sqlite3.OperationalError:  # an interrupt is still in effect: the caller is not to suffer for it
            connection.close()
            return
        if self._closed or len(self._idle) >= _IDLE_SNAPSHOTS:
            connection.close()
        else:
            self._idle.append(connection)

    def count_ids(self, ids: int) -> None:
        """Count ids that a sorted search keeps in memory (negative: releases). From any thread. Raises TooManySearches."""
        with self._lock:
            if ids > 0 and self.held_ids + ids > MAX_HELD_IDS:
                raise TooManySearches
            self.held_ids += ids

    def close(self) -> None:
        """Close the idle connections. A search that is still open keeps its snapshot until it releases it."""
        self._closed = True
        for connection in self._idle:
            connection.close()
        self._idle.clear()

"""The reader of a view file in this process: the shared connection that answers small searches, lookups by name, and what
searches share (prepared plans, snapshots, visibilities)."""

import sqlite3
from collections.abc import Callable
from uuid import NAMESPACE_OID, UUID, uuid5

from gateway.directory.access import Access
from gateway.directory.planning import kind_constants
from gateway.directory.planning.filter_shape import Shaper
from gateway.directory.projection.index_keys import stored_key
from gateway.directory.search.group_names import GroupNames
from gateway.directory.search.shared.prepared_plans import PreparedPlans
from gateway.directory.search.shared.snapshot_pool import SnapshotPool
from gateway.directory.search.shared.visibility_cache import VisibilityCache
from gateway.directory.search.visible_rows import ROW, Row
from gateway.directory.view_file import view_file
from gateway.directory.view_file.view_file import ViewFile
from gateway.model.ldap import dn, matching_rules

_MAX_SHAPERS = 2_000
"""Different sets of readable attributes whose shaper is kept."""

_NAMED = "SELECT kind, object_id, dn FROM entry WHERE dn_key = ?"
_HOLDING = (
    "SELECT e.kind, e.object_id, e.dn FROM value v JOIN entry e ON e.id = v.entry"
    " WHERE v.attribute = (SELECT id FROM attribute WHERE key = ?) AND v.value = ? LIMIT 2"
)


class ViewReader:
    """All reading of one view file in this process. Used from one thread, but for what `snapshots` hands out.

    `plans`, `snapshots`, `visibilities`: what its searches share. `names`: the groups' DNs that the shared connection knows.
    `generation`: changes when anything that was prepared is to be prepared again."""

    def __init__(self, file: ViewFile) -> None:
        self.view = file.view
        self.connection = file.open_reader(shared=True)
        self.execute: Callable[..., sqlite3.Cursor] = self.connection.execute
        self.point: Callable[..., sqlite3.Cursor] = self.connection.cursor().execute
        """For searches whose rows are all fetched at once: one cursor, used again and again."""
        self.root_key = file.view.base.key
        self.plans = PreparedPlans(self.connection, self.root_key)
        self.snapshots = SnapshotPool(file)
        self.visibilities = VisibilityCache()
        self.names = GroupNames(self.connection)
        self.generation = 0
        self.reference_types = frozenset(name.encode() for name in file.view.reference_attributes)
        self._kind_marks = kind_constants.marks(file.view)
        self._containers = {name.key for name in file.view.containers}
        self._shapers: dict[tuple[frozenset[str] | None, bool], Shaper] = {}
        self._closed = False

    def close(self) -> None:
        """Close the shared connection and the idle ones. A search that is still open keeps its snapshot; the generation moves
        on, so that nothing that was prepared is used again."""
        self._closed = True
        self.generation += 1
        self.connection.close()
        self.snapshots.close()

    @property
    def is_closed(self) -> bool:
        """True when another file, or none, serves by now."""
        return self._closed

    # The state of the file --------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Take notice of a change of the file: prepared searches stay good unless the catalogue changed."""
        if self.plans.refresh(self.connection):
            self.generation += 1

    @property
    def history_id(self) -> UUID:
        """The identity of the file's history: another one whenever the file was made anew, so that numbers which a client has
        kept mean nothing any more. Processes that share the file share it."""
        made = (view_file.read_meta(self.connection, key) for key in ("instance", "build"))
        return uuid5(NAMESPACE_OID, ":".join(map(str, (self.view.name, *made))))

    @property
    def position(self) -> int:
        """The last change of the log that the file has."""
        return view_file.position(self.connection)

    def hold(self) -> bool:
        """Begin a read transaction on the shared connection, so that several searches right after each other need not each;
        return whether it did: `let_go` must then follow before the reactor's turn is over, or SQLite's write-ahead log could
        not be emptied."""
        if self.connection.in_transaction:
            return False
        self.point("BEGIN")
        return True

    def let_go(self) -> None:
        """End the transaction that `hold` began."""
        if not self._closed and self.connection.in_transaction:
            self.connection.rollback()

    # Names ------------------------------------------------------------------------------------------------------------

    def row(self, dn_key: str) -> Row | None:
        """Return the entry with this DN."""
        found: Row | None = self.execute(f"SELECT {ROW} FROM entry e WHERE e.dn_key = ?", (dn_key,)).fetchone()
        return found

    def named(self, dn_key: str) -> tuple[str, str, str] | None:
        """Return kind, object id and DN of the entry with this DN."""
        found: list[tuple[str, str, str]] = self.point(_NAMED, (dn_key,)).fetchall()
        return found[0] if found else None

    def row_of(self, object_id: str) -> Row | None:
        """Return the entry of this object."""
        found: Row | None = self.execute(f"SELECT {ROW} FROM entry e WHERE e.object_id = ?", (object_id,)).fetchone()
        return found

    def holders(self, attribute: str, value: bytes) -> list[tuple[str, str, str]]:
        """Return kind, object id and DN of the entries that have the value in this attribute (a key), two at the most."""
        key = matching_rules.equality_key(attribute, value)
        found: list[tuple[str, str, str]] = []
        if key is not None:
            found = self.point(_HOLDING, (attribute, stored_key(attribute, key))).fetchall()
        return found

    def is_container(self, dn_key: str) -> bool:
        """Return whether the DN is that of an entry which the view itself brings, and which is always there."""
        return dn_key in self._containers

    def nearest(self, dn_key: str, visible: Callable[[Row], bool]) -> Row | None:
        """Return the entry with this DN, or the lowest one above it, that is visible; None outside the view."""
        while dn_key.startswith(self.root_key):
            row = self.row(dn_key)
            if row is not None and visible(row):
                return row
            dn_key = dn.parent_key(dn_key)
        return None

    # Filters ----------------------------------------------------------------------------------------------------------

    def readable(self, access: Access) -> frozenset[str] | None:
        """Return the attributes (keys) of this view that the access may read; None: all."""
        return None if access.attributes is None else access.attributes | self._kind_marks

    def shaper(self, access: Access) -> Shaper:
        """Return the shaper of filters for what the access may read and see."""
        key = (self.readable(access), not access.is_everything)
        shaper = self._shapers.get(key)
        if shaper is None:
            if len(self._shapers) >= _MAX_SHAPERS:
                self._shapers.clear()
            shaper = self._shapers[key] = Shaper(self.view, key[0], narrowed=key[1])
        return shaper

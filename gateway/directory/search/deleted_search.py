"""A search that shows tombstones, too ([MS-ADTS] §3.1.1.3.4.1.14): first what is there, then what is gone, of one state of the
view. Always in slices, in a thread: the history is read in its own order."""

from collections.abc import Iterator
from itertools import islice

from gateway.directory.access import Visibility
from gateway.directory.domain.tombstones import Tombstone, lowest_number, tombstones
from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.search.query import NoSuchObject, Query
from gateway.directory.search.search import SLICE_ROWS, Search
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.wire import entries
from gateway.wire.messages import BASE_OBJECT


class DeletedSearch(Search):
    """A Search of a view with tombstones, whose base may be below their container. In no order."""

    def __init__(self, searcher: ViewSearcher, query: Query) -> None:
        below = query.base_key.startswith(searcher.reader.view.deleted_objects.key)
        super().__init__(searcher, query, base_may_be_missing=below)
        self._is_below = below
        self._tombstones: Iterator[Tombstone | None] | None = None
        self._now: Visibility | None = None
        self._base_found = not below

    @property
    def is_small(self) -> bool:
        return False

    @property
    def blocking(self) -> bool:
        return True

    def open(self, holder: str = "") -> None:
        super().open(holder)
        assert self._connection is not None  # noqa: S101 (just taken)
        # Here, not with the first slice: what searches share belongs to the reactor's thread.
        self._now = self._searcher.reader.visibilities.get(self._searcher.access, self._connection)

    def next_slice(self, rows: int = SLICE_ROWS) -> list[bytes] | None:
        """Return the next entries. Raises NoSuchObject at the end, when no tombstone has the name of the base."""
        if self._tombstones is None:
            found = None if self._is_below else super().next_slice(rows)
            if found is not None:
                return found
            self._tombstones = self._begin()
        looked_at = list(islice(self._tombstones, rows))
        if not looked_at and not self._base_found:
            raise NoSuchObject("")
        return [self._encoded(one) for one in looked_at if one is not None and self._matches(one)] if looked_at else None

    def _begin(self) -> Iterator[Tombstone | None]:
        assert self._connection is not None, "open comes first"  # noqa: S101
        access, view = self._searcher.access, self._searcher.reader.view
        # A base that is a tombstone is found by its name, so every one is looked at.
        lowest = 0 if self._query.scope == BASE_OBJECT else lowest_number(self._query.filter)
        return tombstones(self._connection, view, access, self._now, lowest)

    def _matches(self, one: Tombstone) -> bool:
        key = one.name.key
        self._base_found = self._base_found or key == self._query.base_key
        if not self._query.covers(key):
            return False
        values = {attribute_key(name): values for name, values in one.attributes}
        return self._searcher.matches(self._query.filter, values, one.name)

    def _encoded(self, one: Tombstone) -> bytes:
        """Return the tombstone as it is sent: all that it has is stored, so that nothing is computed."""
        selected = self._renderer.selected
        taken = [(name.encode(), values) for name, values in one.attributes if selected.takes(name)]
        sent = [(name, ()) for name, _ in taken] if selected.types_only else taken
        return entries.encode_entry(one.text.encode(), sent)

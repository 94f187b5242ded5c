"""One view as one bound party sees it. Searches are made through it, and only through it: access is narrowed before anything is
read."""

import sqlite3
from collections.abc import Mapping, Sequence

from gateway.directory.access import Access
from gateway.directory.planning.filter_shape import TRUE, UNKNOWN, Key, Shape
from gateway.directory.search import domain_values
from gateway.directory.search.attribute_selection import MatchedValues, RangedRenderer, Renderer, select
from gateway.directory.search.filter_evaluator import Evaluator
from gateway.directory.search.query import NoSuchObject, Query
from gateway.directory.search.view_reader import ViewReader
from gateway.directory.search.visible_rows import Row, VisibleRows
from gateway.model.bounded_cache import MAX_LENGTH
from gateway.model.ldap import dn
from gateway.model.ldap.dn import DN
from gateway.wire.filters import Filter
from gateway.wire.messages import BASE_OBJECT

_MAX_RENDERERS = 1_000
"""Different attribute selections of one party whose renderer is kept."""


class ViewSearcher:
    """A view seen through an access."""

    def __init__(self, reader: ViewReader, access: Access) -> None:
        self.reader = reader
        self.access = access
        self._shaper = reader.shaper(access)
        self._readable = reader.readable(access)
        self._evaluator = Evaluator(self._readable)
        self._renderers: dict[tuple[tuple[str, ...], bool, bool], Renderer] = {}

    def visible_rows(self, connection: sqlite3.Connection) -> VisibleRows:
        """Return what this party sees of the state that the connection reads."""
        visibility = self.reader.visibilities.get(self.access, connection)
        names = self.reader.names if connection is self.reader.connection else None
        view = self.reader.view
        on_request = domain_values.CONSTRUCTED if view.has_constructed else {}
        return VisibleRows(
            connection,
            visibility,
            self._evaluator,
            transitive=view.transitive_member_of,
            names=names,
            on_request=on_request,
            reference_types=self.reader.reference_types,
        )

    def find(self, key: str) -> Row:
        """Return the visible entry with this DN key. Raises NoSuchObject."""
        row = self.reader.nearest(key, self.visible_rows(self.reader.connection).shows)
        if row is None:
            raise NoSuchObject("")
        if dn.key(row[6]) != key:
            raise NoSuchObject(row[6])
        return row

    def check_base(self, query: Query) -> None:
        """Raise NoSuchObject when the base of a search is not there, or not visible."""
        if query.scope == BASE_OBJECT or not self.reader.is_container(query.base_key):
            self.find(query.base_key)

    def shape(self, item: Filter, keys: list[Key]) -> Shape:
        """Return the shape of a filter; its keys are added to `keys`."""
        return self._shaper.shape(item, keys)

    def key(self, attribute: str, value: bytes) -> bytes | None:
        """Return the stored matching key of an assertion value."""
        return self._shaper.key(attribute, value)

    def piece(self, attribute: str, value: bytes) -> bytes | None:
        """Return the key of a piece that the trigram index can be asked for; None for any other."""
        return self._shaper.piece(attribute, value)

    def renderer(self, attributes: tuple[str, ...], types_only: bool, *, stored_only: bool = False) -> Renderer:
        """Return the renderer for a selection; requests repeat a few. `stored_only`: without what the view shows unasked and
        computes elsewhere, whose changes are no changes of the entry."""
        key = (attributes, types_only, stored_only)
        renderer = self._renderers.get(key)
        if renderer is None:
            view = self.reader.view
            unasked, ranged = (frozenset[str](), False) if stored_only else (view.shown_unasked, view.shows_ranges)
            selected = select(attributes, types_only, self._readable, unasked, ranged=ranged, constructed=view.has_constructed)
            renderer = (RangedRenderer if ranged and not types_only else Renderer)(selected, view.stored_attributes)
            if sum(map(len, attributes)) <= MAX_LENGTH:
                if len(self._renderers) >= _MAX_RENDERERS:
                    self._renderers.clear()
                self._renderers[key] = renderer
        return renderer

    def matches(self, item: Filter, values: Mapping[str, Sequence[bytes]], name: DN) -> bool:
        """Return whether an entry that is in no file matches a filter, by what the party may read."""
        return self._evaluator.matches(item, values, name)

    def renderer_of(self, query: Query) -> Renderer:
        """Return the renderer for what a query selects."""
        return self.renderer(_of_scope(query), query.types_only)

    def parts(self, query: Query, *, base_may_be_missing: bool = False) -> tuple[Shape, list[Key], Renderer]:
        """Return the parts of a search: its filter's shape and keys, and the renderer. Raises NoSuchObject."""
        if not base_may_be_missing:
            self.check_base(query)
        keys: list[Key] = []
        shape = self._shaper.shape(query.filter, keys)
        if query.scope == BASE_OBJECT and shape != TRUE:
            # There is one row, and evaluating it costs less than any look into the index.
            keys, shape = [], UNKNOWN
        renderer = self.renderer_of(query)
        if query.matched_values:
            stored = self.reader.view.stored_attributes
            renderer = MatchedValues(renderer.selected, stored, query.matched_values, self._evaluator)
        return shape, keys, renderer


def _of_scope(query: Query) -> tuple[str, ...]:
    """Return the attributes of a query without those that only a search of the one entry gives."""
    if query.scope == BASE_OBJECT or domain_values.BASE_ONLY.isdisjoint(map(str.lower, query.attributes)):
        return query.attributes
    return tuple("1.1" if name.lower() in domain_values.BASE_ONLY else name for name in query.attributes)

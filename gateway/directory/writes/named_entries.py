"""The entries that written values of the syntax DN mean (manager, owner): names ↔ objects, as far as the writer sees them.

Read before the write begins, on the view's own connection; the editor (entry_to_edit.py) is handed the result."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.directory.search.visible_rows import ROW, Row
from gateway.model.ldap import matching_rules
from gateway.model.objects import Kind
from gateway.wire.messages import PartialAttribute

_LINKED = f"SELECT {ROW} FROM link l JOIN entry e ON e.object_id = l.target WHERE l.owner = ?"
_KINDS = frozenset(kind.value for kind in Kind)


@dataclass(frozen=True, slots=True)
class NamedEntries:
    """`ids`: DN key → object id; `names`: object id → DN."""

    ids: Mapping[bytes, str] = field(default_factory=dict)
    names: Mapping[str, bytes] = field(default_factory=dict)

    def object_id(self, value: bytes) -> str | None:
        """Return the object that a value names; None when the party sees no such entry."""
        return self.ids.get(matching_rules.equality_key("entrydn", value) or b"")


def find(searcher: ViewSearcher, row: Row | None, given: Iterable[PartialAttribute]) -> NamedEntries:
    """Return the entries that these attributes name, and those that the entry `row` names now."""
    reader, visible = searcher.reader, searcher.visible_rows(searcher.reader.connection)
    reference_types = set(map(attribute_key, reader.view.reference_attributes))
    values = [value for one in given if attribute_key(one.type) in reference_types for value in one.values]
    keys = {key for value in values if (key := matching_rules.equality_key("entrydn", value)) is not None}
    named = [found for key in keys if (found := reader.row(key.decode())) is not None]
    present = [] if row is None else reader.execute(_LINKED, row[:1]).fetchall()
    seen = [one for one in (*named, *present) if one[1] in _KINDS and visible.shows(one)]
    ids = {matching_rules.equality_key("entrydn", one[6].encode()) or b"": one[2] for one in seen}
    return NamedEntries(ids, {one[2]: one[6].encode() for one in seen})

"""Attribute selection: the attributes of an entry that are sent (RFC 4511 §4.5.1.8, RFC 3673, RFC 4529), and their bytes.

A selection is resolved once per request shape; for each entry only bytes are sliced and joined."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import filterfalse

from gateway.directory.access import may_read
from gateway.directory.domain.attribute_options import ValueRange, is_binary, value_range, with_ranges
from gateway.directory.projection.active_directory import CONSTRUCTED
from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.search.filter_evaluator import Evaluator
from gateway.directory.search.visible_rows import DYNAMIC
from gateway.model.ldap import schema
from gateway.model.ldap.dn import DN
from gateway.wire import entries
from gateway.wire.filters import Filter

_STORED = ("structuralobjectclass", "entryuuid", "createtimestamp", "modifytimestamp", "entrydn", "subschemasubentry")


@dataclass(frozen=True, slots=True)
class SelectedAttributes:
    """The attributes that a request selects, as keys. `all_user`: every user attribute besides. `binary`: those that are
    selected with the option `;binary` alone; `ranges`: (key, range) of those of which a range of values is."""

    keys: frozenset[str]
    all_user: bool
    types_only: bool
    binary: frozenset[str] = frozenset()
    ranges: tuple[tuple[str, ValueRange], ...] = ()

    def takes(self, description: str) -> bool:
        """Return whether a stored attribute is sent."""
        key = attribute_key(description)
        return self.all_user or key in self.keys or (key in self.binary and is_binary(description))

    @property
    def is_whole_entry(self) -> bool:
        """The stored entry is sent as it is."""
        return self.all_user and not self.types_only and not self.operational

    @property
    def operational(self) -> frozenset[str]:
        """The operational attributes that are selected."""
        return self.keys.intersection((*_STORED, *DYNAMIC, *CONSTRUCTED))


def select(
    attributes: Sequence[str],
    types_only: bool,
    readable: frozenset[str] | None = None,
    unasked: frozenset[str] = frozenset(),
    *,
    ranged: bool = False,
    constructed: bool = False,
) -> SelectedAttributes:
    """Resolve an attribute selection list: names, OIDs, `*`, `+`, `1.1`, `@class`; unknown words are ignored (§4.5.1.8), and so
    are names with unknown options (RFC 4512 §2.5.2).

    `readable` narrows it to what may be read (keys; objectClass always may). `unasked`: operational attributes that come with
    all user attributes. `ranged`: the option `;range=` is known; `constructed`: so are the attributes that Active Directory
    constructs.
    """
    keys: set[str] = set()
    binary: set[str] = set()
    ranges: dict[str, ValueRange] = {}
    all_user = not attributes
    for description in attributes:
        if description == "*":
            all_user = True
        elif description == "+":
            keys.update(_STORED, DYNAMIC)
        elif description.startswith("@"):
            keys.update(_class_attributes(description[1:]))
        elif ";" in description:
            key, options = attribute_key(description), description.partition(";")[2]
            asked = value_range(options) if ranged else None
            if asked is not None:
                keys.add(key)
                ranges.setdefault(key, asked)
            elif options.lower() == "binary":
                binary.add(key)
        elif description != "1.1":
            keys.update(schema.subtypes(attribute_key(description)))
    if not constructed:
        keys -= CONSTRUCTED
    if all_user:
        keys |= unasked
    if readable is not None:
        if all_user:
            keys |= {"objectclass", *filterfalse(schema.is_operational, readable)}
        keys = {key for key in keys if may_read(key, readable)}
        binary = {key for key in binary if may_read(key, readable)}
        all_user = False
    return SelectedAttributes(frozenset(keys), all_user, types_only, frozenset(binary), tuple(ranges.items()))


def _class_attributes(name: str) -> set[str]:
    """Return all attributes that an object class requires or allows (RFC 4529)."""
    known = schema.OBJECT_CLASSES.get(name.lower())
    classes = [known, *(schema.OBJECT_CLASSES[superior.lower()] for superior in known.superiors)] if known else []
    return {schema.canonical(attribute) for one in classes for attribute in (*one.must, *one.may)}


class Renderer:
    """The renderer of stored entries as the SearchResultEntry to send, for one selection. `stored`: the descriptions that
    entries may have."""

    def __init__(self, selected: SelectedAttributes, stored: frozenset[str]) -> None:
        self.selected = selected
        self.changes_nothing = selected.is_whole_entry
        self.needs_operational = bool(selected.operational)
        self._needs_stored = not selected.keys.isdisjoint(_STORED)
        self.dynamic = tuple(key for key in (*DYNAMIC, *sorted(CONSTRUCTED)) if key in selected.keys)
        self.adds_member_of_alone = self.dynamic == ("memberof",) and not (self._needs_stored or selected.types_only)
        """`with_more` makes the whole answer, given memberOf."""
        self._user: Callable[[bytes], bytes] | None = None
        if selected.types_only:
            self._user = entries.Selection(self._takes, types_only=True)
        elif not selected.all_user:
            self._user = entries.ExactSelection(frozenset(name.encode() for name in stored if selected.takes(name)))
        self._operational = entries.Selection(lambda name: attribute_key(name.decode()) in selected.keys, selected.types_only)

    def _takes(self, description: bytes) -> bool:
        return self.selected.takes(description.decode("utf-8", "replace"))

    def __call__(
        self, encoded: bytes, operational: bytes = b"", dynamic: Sequence[tuple[bytes, Sequence[bytes]]] = ()
    ) -> bytes:
        """Return the entry to send. `operational`: the stored PartialAttributes; `dynamic`: those computed for this entry."""
        entry = self._user(encoded) if self._user else encoded
        if not self.needs_operational:
            return entry
        found = [
            entries.encode_attribute(name, () if self.selected.types_only else values) for name, values in dynamic if values
        ]
        if self._needs_stored:
            found.insert(0, entries.attributes(self._operational(entries.extend(_NAMELESS, operational))))
        return entries.extend(entry, b"".join(found)) if found else entry

    def with_more(self, encoded: bytes, more: bytes) -> bytes:
        """Return the entry with PartialAttributes that are encoded already."""
        entry = self._user(encoded) if self._user else encoded
        return entries.extend(entry, more) if more else entry


class RangedRenderer(Renderer):
    """A renderer for views of kind `ad`, which sends long lists of values in ranges."""

    def __init__(self, selected: SelectedAttributes, stored: frozenset[str]) -> None:
        super().__init__(selected, stored)
        self.changes_nothing = False
        self._ranges = dict(selected.ranges)

    def __call__(
        self, encoded: bytes, operational: bytes = b"", dynamic: Sequence[tuple[bytes, Sequence[bytes]]] = ()
    ) -> bytes:
        return with_ranges(super().__call__(encoded, operational, dynamic), self._ranges)

    def with_more(self, encoded: bytes, more: bytes) -> bytes:
        return with_ranges(super().with_more(encoded, more), self._ranges)


class MatchedValues(Renderer):
    """A renderer that leaves out the values which match none of the items (RFC 3876 §3); an attribute without values left is
    sent without them. It has no effect on types alone."""

    def __init__(
        self, selected: SelectedAttributes, stored: frozenset[str], items: Sequence[Filter], evaluator: Evaluator
    ) -> None:
        super().__init__(selected, stored)
        self.changes_nothing = False
        self._items = items
        self._evaluator = evaluator

    def __call__(
        self, encoded: bytes, operational: bytes = b"", dynamic: Sequence[tuple[bytes, Sequence[bytes]]] = ()
    ) -> bytes:
        entry = super().__call__(encoded, operational, dynamic)
        return entry if self.selected.types_only else with_matched_values(entry, self._items, self._evaluator)


def with_matched_values(entry: bytes, items: Sequence[Filter], evaluator: Evaluator | None = None) -> bytes:
    """Return an encoded entry with those values alone that match one of the items."""
    filter_evaluator = evaluator or Evaluator()

    def matching(description: bytes, values: Sequence[bytes]) -> list[bytes]:
        key = attribute_key(description.decode())
        return [value for value in values if any(filter_evaluator.matches(item, {key: [value]}, _ROOT) for item in items)]

    name, attributes = entries.decode_entry(entry)
    return entries.encode_entry(name, [(kind, matching(kind, values)) for kind, values in attributes.items()])


_ROOT = DN(())
_NAMELESS = entries.encode_entry(b"", ())

"""The objects that attributes of objects refer to (manager, secretary, owner), as their records say. Reads only."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from gateway.model.attributes import reference_to, referring
from gateway.model.objects import Attributes, Kind, Value
from gateway.store.records import record_lookup, record_rows, references
from gateway.store.records.record_rows import RecordRow
from gateway.sync.references.reference_names import ALLOWED
from gateway.sync.rules import authority, contributing_records
from gateway.sync.rules.authority import Contribution
from gateway.sync.source_transaction import SourceTransaction


def find(
    transaction: SourceTransaction, kind: Kind, stored: Collection[str], created: Mapping[str, RecordRow] | None = None
) -> dict[str, Attributes]:
    """Return what each object refers to, as attributes (`reference_to`), decided by authority like any other: the records of
    `stored` objects are looked up, those of `created` ones given. Records and references must be stored."""
    rows: dict[str, list[RecordRow]] = {object_id: [row] for object_id, row in (created or {}).items()}
    for row in record_rows.linked_to(transaction.connection, list(stored)) if stored else ():
        rows.setdefault(row.object_id or "", []).append(row)
    said = _said(transaction, [row.id for linked in rows.values() for row in linked])
    found: dict[str, Attributes] = {}
    for object_id, linked in rows.items():
        parts = [Contribution(one.source_id, said.get(one.id, {})) for one in contributing_records.select(linked)[0]]
        resolved = authority.resolve(kind, parts, transaction.authority)
        found[object_id] = {reference_to(name): values for name, values in resolved.items()}
    return found


def replaced(attributes: Attributes, referenced: Attributes) -> dict[str, tuple[Value, ...]]:
    """Return the attributes with these in place of all that referred to others before."""
    return {**{name: values for name, values in attributes.items() if referring(name) is None}, **referenced}


def kept(attributes: Attributes) -> dict[str, tuple[Value, ...]]:
    """Return the part of the attributes that refers to objects."""
    return {name: values for name, values in attributes.items() if referring(name) is not None}


def _said(transaction: SourceTransaction, record_ids: Collection[int]) -> Mapping[int, Attributes]:
    owned = references.owned(transaction.connection, record_ids)[0] if record_ids else []
    pointers = sorted((one for one in owned if one.name not in ALLOWED), key=lambda one: (one.owner, one.name, one.position))
    targets = record_lookup.targets(transaction.connection, {pointer.target for pointer in pointers})
    said: defaultdict[int, dict[str, tuple[Value, ...]]] = defaultdict(dict)
    for pointer in pointers:
        object_id = targets[pointer.target].object_id
        if object_id is not None:
            known = said[pointer.owner].get(pointer.name, ())
            said[pointer.owner][pointer.name] = (*known, object_id)
    return said

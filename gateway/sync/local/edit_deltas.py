"""An edit as deltas of the source `local`: about the object itself, and about the objects that it refers to."""

from collections.abc import Collection, Iterator

from gateway.model.attributes import referring
from gateway.model.connector import LOCAL
from gateway.model.deltas import MEMBERS, Delta, DeltaType
from gateway.model.edits import Edit
from gateway.model.errors import NotFound
from gateway.model.objects import Kind
from gateway.model.records import Reference, ReferenceForm
from gateway.store.engine.database import Connection
from gateway.store.objects.by_kind import OBJECT_STORES
from gateway.store.records import record_rows
from gateway.sync.references.reference_names import PLACE_REFERENCES


def of_edit(kind: Kind, object_id: str, edit: Edit) -> Delta:
    """Return the delta about the object that is made or changed."""
    places = {} if edit.organizations is None else {PLACE_REFERENCES[kind]: _to(edit.organizations)}
    return Delta(
        DeltaType.UPSERT,
        kind,
        object_id,
        attributes={name: values for name, values in edit.attributes.items() if referring(name) is None},
        references={**places, **{name: _to(ids) for name, ids in edit.referenced.items()}},
        added={MEMBERS: _to(member.id for member in edit.added_members)} if edit.added_members else {},
        removed={MEMBERS: _to(member.id for member in edit.removed_members)} if edit.removed_members else {},
    )


def _to(object_ids: Collection[str] | Iterator[str]) -> tuple[Reference, ...]:
    return tuple(Reference(ReferenceForm.ID, object_id) for object_id in object_ids)


def of_mentioned(connection: Connection, edit: Edit) -> Iterator[Delta]:
    """Yield deltas that make local records for the objects that are referred to and have none yet. Raises NotFound for those
    that do not exist."""
    wanted: dict[Kind, set[str]] = {kind: {one.id for one in edit.added_members if one.kind is kind} for kind in Kind}
    wanted[Kind.ORGANIZATION] |= set(edit.organizations or ())
    for referenced in edit.referenced.values():
        for kind, store in OBJECT_STORES.items():
            wanted[kind] |= store.get_many(connection, referenced).keys()
    for kind, ids in wanted.items():
        unknown = ids - record_rows.heads(connection, LOCAL, kind, ids).keys() if ids else ids
        existing = OBJECT_STORES[kind].get_many(connection, unknown) if unknown else {}
        if missing := sorted(unknown - existing.keys()):
            raise NotFound(f"there is no {kind} {missing[0]}")
        yield from (Delta(DeltaType.UPSERT, kind, object_id) for object_id in sorted(unknown))

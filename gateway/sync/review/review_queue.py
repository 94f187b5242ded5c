"""The review queue: records with the objects that they belong or may belong to, by name, and earlier decisions about them.
Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model.objects import Kind
from gateway.model.records import Record
from gateway.store.correlation import link_decisions
from gateway.store.correlation.link_decisions import LinkDecision
from gateway.store.engine.database import Connection
from gateway.sync.correlation.object_descriptions import describe


@dataclass(frozen=True, slots=True)
class NamedObject:
    """An object by id and in words ("user anna"); of one that is gone the words are its id."""

    id: str
    words: str


@dataclass(frozen=True, slots=True)
class ReviewedRecord:
    """A record as an administrator sees it. `linked_to` None: to no object."""

    record: Record
    linked_to: NamedObject | None
    candidates: tuple[NamedObject, ...]
    decisions: tuple[LinkDecision, ...]


def words(connection: Connection, kind: Kind, object_id: str) -> str:
    """Return an object in words ("user anna"); its id when it is gone."""
    return describe(connection, kind, (object_id,)).get(object_id, object_id)


def show(connection: Connection, records: Sequence[Record]) -> list[ReviewedRecord]:
    """Return the records for review, in their order; names and decisions are looked up together."""
    names: dict[str, str] = {}
    decisions: dict[tuple[str, Kind, str], list[LinkDecision]] = {}
    for kind in Kind:
        of_kind = [record for record in records if record.kind is kind]
        ids = {identifier for record in of_kind for identifier in (record.object_id, *record.candidates) if identifier}
        names |= describe(connection, kind, ids)
        for source_id in {record.source_id for record in of_kind}:
            external_ids = [record.external_id for record in of_kind if record.source_id == source_id]
            found = link_decisions.of_records(connection, source_id, kind, external_ids)
            decisions |= {(source_id, kind, external_id): about for external_id, about in found.items()}
    return [
        ReviewedRecord(
            record,
            None if record.object_id is None else NamedObject(record.object_id, names.get(record.object_id, record.object_id)),
            tuple(NamedObject(identifier, names.get(identifier, identifier)) for identifier in record.candidates),
            tuple(decisions.get((record.source_id, record.kind, record.external_id), ())),
        )
        for record in records
    ]

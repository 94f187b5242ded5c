"""Link decisions: those of persons about records and objects, by the record's name at its source; they outlive the record. Only
gateway/sync writes them."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, Select, bindparam, delete, insert, literal_column, select, update

from gateway.model.objects import Kind
from gateway.store.engine.any_of import any_of
from gateway.store.engine.column_codecs import milliseconds, time_of
from gateway.store.engine.sql_types import TableRow
from gateway.store.tables.correlation import link_decisions


class Verdict(StrEnum):
    """The content of a decision about a record and an object."""

    LINK = "link"
    """The record belongs to this object."""
    OWN = "own"
    """The record has an object of its own, at present this one."""
    NEVER = "never"
    """The record does not belong to this object."""


@dataclass(frozen=True, slots=True)
class LinkDecision:
    """A person's decision; of LINK and OWN a record has at most one. `decided_by`: "person:<name>"."""

    source_id: str
    kind: Kind
    external_id: str
    object_id: str
    verdict: Verdict
    decided_by: str
    decided_at: datetime


_OF = (link_decisions.c.source_id == bindparam("source"), link_decisions.c.kind == bindparam("of_kind"))
_ANY: Select[tuple[str]] = select(literal_column("1")).where(*_OF).limit(1)
_OF_RECORDS = select(link_decisions).where(*_OF, any_of(link_decisions.c.external_id, "names"))
_OF_RECORDS = _OF_RECORDS.order_by(link_decisions.c.decided_at, link_decisions.c.object_id)
_OF_OBJECT = select(link_decisions).where(link_decisions.c.object_id == bindparam("object"))
_OF_OBJECT = _OF_OBJECT.order_by(link_decisions.c.source_id, link_decisions.c.kind, link_decisions.c.external_id)
_OF_ONE = (*_OF, link_decisions.c.external_id == bindparam("name"))


def of_records(
    connection: Connection, source_id: str, kind: Kind, external_ids: Collection[str]
) -> dict[str, list[LinkDecision]]:
    """Return the decisions about these records, by external id; records without any are left out."""
    parameters = {"source": source_id, "of_kind": kind.value}
    if connection.execute(_ANY, parameters).first() is None:
        return {}
    found: dict[str, list[LinkDecision]] = {}
    for row in connection.execute(_OF_RECORDS, {**parameters, "names": external_ids}):
        found.setdefault(row.external_id, []).append(_decision(row))
    return found


def of_object(connection: Connection, object_id: str) -> list[LinkDecision]:
    """Return the decisions about an object."""
    return [_decision(row) for row in connection.execute(_OF_OBJECT, {"object": object_id})]


def record(connection: Connection, decision: LinkDecision) -> None:
    """Store a decision. It replaces the one about the same record and object; LINK and OWN replace each other."""
    names = {"source": decision.source_id, "of_kind": decision.kind.value, "name": decision.external_id}
    same = link_decisions.c.object_id == bindparam("object")
    if decision.verdict is not Verdict.NEVER:
        same |= link_decisions.c.verdict != Verdict.NEVER.value
    connection.execute(delete(link_decisions).where(*_OF_ONE, same), {**names, "object": decision.object_id})
    row = {
        "source_id": decision.source_id,
        "kind": decision.kind.value,
        "external_id": decision.external_id,
        "object_id": decision.object_id,
        "verdict": decision.verdict.value,
        "decided_by": decision.decided_by,
        "decided_at": milliseconds(decision.decided_at),
    }
    connection.execute(insert(link_decisions), row)


def forget(connection: Connection, source_id: str, kind: Kind, external_id: str, *verdicts: Verdict) -> None:
    """Delete the decisions about a record that have one of these verdicts."""
    listed = any_of(link_decisions.c.verdict, "verdicts")
    parameters = {"source": source_id, "of_kind": kind.value, "name": external_id, "verdicts": verdicts}
    connection.execute(delete(link_decisions).where(*_OF_ONE, listed), parameters)


def move_own(connection: Connection, old_object_id: str, new_object_id: str) -> None:
    """Move the OWN decisions of an object that exists no more to the object that replaces it."""
    statement = update(link_decisions).where(
        link_decisions.c.object_id == bindparam("old"), link_decisions.c.verdict == Verdict.OWN.value
    )
    connection.execute(statement.values(object_id=bindparam("new")), {"old": old_object_id, "new": new_object_id})


def hand_over(connection: Connection, old_object_id: str, new_object_id: str) -> None:
    """Move the decisions about one object to another; those that contradict a decision about that one are deleted."""
    placed = {_name(one) for one in of_object(connection, new_object_id)}
    for decision in of_object(connection, old_object_id):
        same = (*_OF_ONE, link_decisions.c.object_id == bindparam("object"))
        names = {"source": decision.source_id, "of_kind": decision.kind.value, "name": decision.external_id}
        connection.execute(delete(link_decisions).where(*same), {**names, "object": old_object_id})
        if _name(decision) not in placed:
            record(connection, replace(decision, object_id=new_object_id))


def _name(decision: LinkDecision) -> tuple[str, Kind, str]:
    return decision.source_id, decision.kind, decision.external_id


def _decision(row: TableRow) -> LinkDecision:
    return LinkDecision(
        row.source_id,
        Kind(row.kind),
        row.external_id,
        row.object_id,
        Verdict(row.verdict),
        row.decided_by,
        time_of(row.decided_at),
    )

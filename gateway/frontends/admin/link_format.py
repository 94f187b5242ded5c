"""The JSON of records, of the objects that they belong to, and of decisions: the same over HTTP (links.py) and on the command
line (`gateway links … --json`). Keys are snake_case; times are aware datetimes, which both print as RFC 3339."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from gateway.model.attributes import shown as readable
from gateway.model.objects import Kind
from gateway.store.engine.database import Connection
from gateway.sync.review import review_queue
from gateway.sync.review.link_decisions import Decided, RecordName
from gateway.sync.review.review_queue import NamedObject, ReviewedRecord


class ObjectJson(TypedDict):
    """An object by its id, and in words ("user anna")."""

    id: str
    name: str


class DecisionJson(TypedDict):
    """A decision of a person about a record."""

    verdict: str
    object_id: str
    by: str
    at: datetime


class RecordJson(TypedDict):
    """A record with the object that it belongs to (None: to nothing) and those that it may belong to."""

    source: str
    kind: str
    external_id: str
    dn: str
    situation: str
    reason: str
    object: ObjectJson | None
    decided_by: str
    candidates: list[ObjectJson]
    decisions: list[DecisionJson]


class RecordWithAttributesJson(RecordJson):
    """A record with its attributes as people may read them: no secrets, binary values as their size."""

    attributes: dict[str, list[str]]


class RecordNameJson(TypedDict):
    """The record that was decided about."""

    source: str
    kind: str
    external_id: str


class MergedJson(TypedDict):
    """The objects that became one, as the caller named them."""

    kind: str
    kept: str
    lost: str


class OutcomeJson(TypedDict):
    """A decision that was carried out; its subject, a RecordNameJson or a MergedJson, stands beside these keys.

    `object`: the one that the subject belongs to now. `change_number`: a reader of the log sees the outcome from there on.
    `problems`: for an administrator.
    """

    action: str
    object: ObjectJson | None
    change_number: int
    problems: list[str]


def record_json(shown: ReviewedRecord) -> RecordJson:
    """Return a record as lists show it."""
    record = shown.record
    return {
        "source": record.source_id,
        "kind": record.kind.value,
        "external_id": record.external_id,
        "dn": record.dn,
        "situation": record.situation.value,
        "reason": record.reason,
        "object": None if shown.linked_to is None else object_json(shown.linked_to),
        "decided_by": record.decided_by,
        "candidates": [object_json(candidate) for candidate in shown.candidates],
        "decisions": [
            {
                "verdict": decision.verdict.value,
                "object_id": decision.object_id,
                "by": decision.decided_by,
                "at": decision.decided_at,
            }
            for decision in shown.decisions
        ],
    }


def record_with_attributes_json(shown: ReviewedRecord) -> RecordWithAttributesJson:
    """Return a record as it is shown alone."""
    attributes = {name: readable(name, values) for name, values in shown.record.attributes.items()}
    return {**record_json(shown), "attributes": attributes}


def object_json(named: NamedObject) -> ObjectJson:
    """Return an object."""
    return {"id": named.id, "name": named.words}


def subject_json(name: RecordName) -> RecordNameJson:
    """Return the record that a decision is about."""
    return {"source": name.source_id, "kind": name.kind.value, "external_id": name.external_id}


def outcome_json(connection: Connection, action: str, kind: Kind, decided: Decided) -> OutcomeJson:
    """Return the outcome of a decision about a record or objects of the kind."""
    linked = None
    if decided.object_id is not None:
        linked = object_json(NamedObject(decided.object_id, review_queue.words(connection, kind, decided.object_id)))
    return {
        "action": action,
        "object": linked,
        "change_number": decided.change_number,
        "problems": list(decided.problems),
    }

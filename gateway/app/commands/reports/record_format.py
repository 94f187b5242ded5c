"""Records of sources as people name them, and how they are shown to them."""

from __future__ import annotations

from typing import Any

import click

from gateway.model.attributes import shown as readable
from gateway.model.errors import Conflict, NotFound
from gateway.model.objects import Kind
from gateway.model.records import Record
from gateway.store.engine.database import Connection
from gateway.store.records import unlinked_records
from gateway.sync.review.link_decisions import RecordName
from gateway.sync.review.review_queue import Named, Shown

COLUMNS = ("source", "kind", "record", "situation", "candidates", "reason")


def find(connection: Connection, source: str, text: str, kind: str | None) -> Record:
    """The record of the source that is meant by its id there, its DN or its login name. Raises NotFound, Conflict."""
    found = unlinked_records.find(connection, source, text, None if kind is None else Kind(kind))
    if not found:
        raise NotFound(f"source {source!r} has no record {text!r}: give its id there, its DN or its login name")
    if len(found) > 1:
        several = ", ".join(f"{record.kind} {record.external_id}" for record in found)
        raise Conflict(f"source {source!r} has several records {text!r}: give --kind and the id of one of them: {several}")
    return found[0]


def name_of(record: Record) -> RecordName:
    """What the record is called at its source."""
    return RecordName(record.source_id, record.kind, record.external_id)


def facts(shown: Shown) -> dict[str, Any]:
    """The record as JSON shows it."""
    record = shown.record
    return {
        "source": record.source_id,
        "kind": record.kind.value,
        "external_id": record.external_id,
        "dn": record.dn,
        "situation": record.situation.value,
        "reason": record.reason,
        "object": None if shown.linked_to is None else named(shown.linked_to),
        "decided_by": record.decided_by,
        "candidates": [named(candidate) for candidate in shown.candidates],
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


def attributes(shown: Shown) -> dict[str, list[str]]:
    """What the record says, as people may read it."""
    return {name: readable(name, values) for name, values in shown.record.attributes.items()}


def named(thing: Named) -> dict[str, str]:
    """An object as JSON shows it."""
    return {"id": thing.id, "name": thing.words}


def line(row: dict[str, Any]) -> list[str]:
    """The facts in the order of COLUMNS."""
    candidates = ", ".join(candidate["name"] for candidate in row["candidates"])
    return [row["source"], row["kind"], row["dn"] or row["external_id"], row["situation"], candidates, row["reason"]]


def show(facts: dict[str, Any]) -> None:
    """The facts and the attributes of one record in words."""
    click.echo(f"{facts['kind']} record {facts['external_id']} of source {facts['source']}")
    belongs = facts["object"]["name"] if facts["object"] else "nothing"
    lines = {
        "DN": facts["dn"],
        "situation": facts["situation"],
        "belongs to": f"{belongs}, by {facts['decided_by']}" if facts["object"] else belongs,
        "may be": ", ".join(f"{one['name']} ({one['id']})" for one in facts["candidates"]),
        "reason": facts["reason"],
    }
    for heading, text in lines.items():
        if text:
            click.echo(f"  {heading + ':':<12}{text}")
    for decision in facts["decisions"]:
        click.echo(
            f"  {'decided:':<12}{decision['verdict']} {decision['object_id']}, {decision['by']}, {decision['at']:%Y-%m-%d}"
        )
    for name, values in facts["attributes"].items():
        click.echo(f"  {name}: {', '.join(values)}")

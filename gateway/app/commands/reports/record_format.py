"""Records of sources: finding one by what a person types, and showing it in words. Their JSON is that of the admin API
(frontends/admin/link_format.py)."""

from __future__ import annotations

from gateway.app.commands.reports.output import print_line
from gateway.frontends.admin.link_format import RecordJson, RecordWithAttributesJson
from gateway.model.errors import Conflict, NotFound
from gateway.model.objects import Kind
from gateway.model.records import Record
from gateway.store.engine.database import Connection
from gateway.store.records import unlinked_records
from gateway.sync.review.link_decisions import RecordName

COLUMNS = ("source", "kind", "record", "situation", "candidates", "reason")


def find(connection: Connection, source: str, text: str, kind: str | None) -> Record:
    """Return the record of the source that has this id there, this DN or this login name. Raises NotFound, Conflict."""
    found = unlinked_records.find(connection, source, text, None if kind is None else Kind(kind))
    if not found:
        raise NotFound(f"source {source!r} has no record {text!r}: give its id there, its DN or its login name")
    if len(found) > 1:
        several = ", ".join(f"{record.kind} {record.external_id}" for record in found)
        raise Conflict(f"source {source!r} has several records {text!r}: give --kind and the id of one of them: {several}")
    return found[0]


def name_of(record: Record) -> RecordName:
    """Return the record's name at its source."""
    return RecordName(record.source_id, record.kind, record.external_id)


def line(row: RecordJson) -> list[str]:
    """Return the record's cells in the order of COLUMNS."""
    candidates = ", ".join(candidate["name"] for candidate in row["candidates"])
    return [row["source"], row["kind"], row["dn"] or row["external_id"], row["situation"], candidates, row["reason"]]


def show(facts: RecordWithAttributesJson) -> None:
    """Print one record with its attributes."""
    print_line(f"{facts['kind']} record {facts['external_id']} of source {facts['source']}")
    linked = facts["object"]
    lines = {
        "DN": facts["dn"],
        "situation": facts["situation"],
        "belongs to": f"{linked['name']}, by {facts['decided_by']}" if linked else "nothing",
        "may be": ", ".join(f"{one['name']} ({one['id']})" for one in facts["candidates"]),
        "reason": facts["reason"],
    }
    for heading, text in lines.items():
        if text:
            print_line(f"  {heading + ':':<12}{text}")
    for decision in facts["decisions"]:
        print_line(
            f"  {'decided:':<12}{decision['verdict']} {decision['object_id']}, {decision['by']}, {decision['at']:%Y-%m-%d}"
        )
    for name, values in facts["attributes"].items():
        print_line(f"  {name}: {', '.join(values)}")

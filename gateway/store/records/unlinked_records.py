"""Unlinked records: those without an object, as an administrator reviews them; and records found by any name of theirs."""

import contextlib
from collections.abc import Collection

from sqlalchemy import Connection, bindparam, literal_column, select, true

from gateway.model.ldap import dn
from gateway.model.objects import Kind
from gateway.model.records import Record, Situation
from gateway.store.engine.any_of import any_of
from gateway.store.engine.normalized_keys import name_key
from gateway.store.records import record_lookup, record_rows, records
from gateway.store.records.record_rows import RecordRow
from gateway.store.tables.records import records as table

LOOSE = (Situation.DISPUTED, Situation.UNLINKED, Situation.UNMATCHED)
"""The situations that an administrator reviews."""

_PAGE = (
    select(table)
    .where(
        table.c.situation != literal_column("'linked'"),  # written out, so that the partial index is taken
        any_of(table.c.situation, "situations"),
        table.c.id > bindparam("after"),
    )
    .order_by(table.c.id)
    .limit(bindparam("most"))
)
_OF_SOURCE = table.c.source_id == bindparam("source")
_IS_PROBLEM = table.c.reason != literal_column("''")


def page(
    connection: Connection,
    situations: Collection[Situation],
    source_id: str | None,
    after: int,
    limit: int,
    *,
    settled: bool = False,
) -> list[tuple[int, Record]]:
    """Return at most `limit` records in one of the situations whose ids follow `after` (0 to begin), each with its id. With
    `settled` also those that need no review: that are ignored, or that a person has decided about."""
    statement = _PAGE.where(true() if settled else _IS_PROBLEM)
    if source_id is not None:
        statement = statement.where(_OF_SOURCE)
    parameters = {"situations": [situation.value for situation in situations], "after": after, "most": limit}
    rows = connection.execute(statement, {**parameters, **({} if source_id is None else {"source": source_id})})
    return [(row.id, records.of_row(RecordRow._make(row))) for row in rows]


def find(connection: Connection, source_id: str, text: str, kind: Kind | None = None) -> list[Record]:
    """Return the source's records that `text` names: those with this external id, else with this DN, else with this login
    name."""
    kinds = tuple(Kind) if kind is None else (kind,)
    found = record_lookup.at_external_id(connection, source_id, kinds, (text,))
    with contextlib.suppress(dn.InvalidDN):
        found = found or (record_lookup.at_dn(connection, source_id, (dn.key(text),)) if text else [])
    found = found or record_lookup.at_login(connection, source_id, (name_key(text),))
    wanted = {target.id for _, target in found if kind is None or target.kind == kind.value}
    return [records.of_row(row) for row in record_rows.by_id(connection, wanted).values()]

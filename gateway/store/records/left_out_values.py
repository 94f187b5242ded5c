"""Left-out values: those that sources reported of records and that could not be kept because they are not text; each a sentence
for the administrator, until the source reports another one."""

from collections.abc import Collection, Mapping

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, select

from gateway.model.records import Record
from gateway.store.engine import bulk
from gateway.store.engine.any_of import any_of
from gateway.store.records import records as model
from gateway.store.records.record_rows import RecordRow
from gateway.store.tables.records import left_out_values, records

_OF_SOURCE = left_out_values.c.source_id == bindparam("source")
_COUNT = select(func.count()).select_from(left_out_values).where(_OF_SOURCE)
_NEXT = (
    select(records, left_out_values.c.sentences)
    .select_from(left_out_values.join(records, records.c.id == left_out_values.c.record))
    .where(_OF_SOURCE, left_out_values.c.record > bindparam("after"))
    .order_by(left_out_values.c.record)
    .limit(bindparam("most"))
)
_FORGET = delete(left_out_values).where(_OF_SOURCE, any_of(left_out_values.c.record, "ids", numbers=True))


def count(connection: Connection, source_id: str) -> int:
    """Return the number of the source's records of which values were left out."""
    return int(connection.execute(_COUNT, {"source": source_id}).scalar_one())


def after(
    connection: Connection, source_id: str, after: int = 0, limit: int = 100
) -> list[tuple[int, Record, tuple[str, ...]]]:
    """Return the source's records of which values were left out, each with its id, which is the next `after`, and a sentence
    for each value."""
    rows = connection.execute(_NEXT, {"source": source_id, "after": after, "most": limit})
    return [
        (row.id, model.of_row(RecordRow._make(row[:-1])), msgspec.json.decode(row.sentences, type=tuple[str, ...]))
        for row in rows
    ]


# ---- writing: for gateway/sync, under the lock of the change log


def replace(
    connection: Connection, source_id: str, reported: Collection[int], sentences: Mapping[int, tuple[str, ...]]
) -> None:
    """Store the sentences by record; of the other records that were `reported` nothing was left out."""
    if reported and count(connection, source_id):
        connection.execute(_FORGET, {"source": source_id, "ids": reported})
    rows = [(source_id, record_id, msgspec.json.encode(said).decode()) for record_id, said in sentences.items()]
    bulk.insert(connection, left_out_values, rows)

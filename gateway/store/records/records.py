"""Records as model values: the last report of each source about each of its objects, and the object it is linked to.

For all readers but gateway/sync, which works on `record_rows`."""

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, func, literal_column, select

from gateway.model.objects import Kind
from gateway.model.records import Account, Record, Situation
from gateway.store.engine.any_of import any_of
from gateway.store.engine.column_codecs import decode_attributes, decode_strings, optional_time_of
from gateway.store.records import record_rows
from gateway.store.records.record_rows import RecordRow
from gateway.store.tables.operations import sources
from gateway.store.tables.records import records

_OF_SOURCE = records.c.source_id == bindparam("source")
_OF_KIND = records.c.kind == bindparam("kind")
# Written out: a planner takes a partial index only for a condition that it can read.
_NOT_LINKED = records.c.situation != literal_column("'linked'")
# A record that is as it is to be (ignored, or decided by a person) has no reason.
_IS_PROBLEM = records.c.reason != literal_column("''")
_THERE = records.c.situation != Situation.DELETED.value
_COUNT_LINKED = select(func.count()).where(_OF_SOURCE, _OF_KIND, _THERE, records.c.object_id.is_not(None))
_COUNT = select(func.count()).where(_OF_SOURCE, _OF_KIND, _THERE)
_PROBLEMS = (
    select(records)
    .where(_OF_SOURCE, _NOT_LINKED, _IS_PROBLEM, records.c.id > bindparam("after"))
    .order_by(records.c.id)
    .limit(bindparam("most"))
)
_COUNT_PROBLEMS = (
    select(records.c.situation, func.count()).where(_OF_SOURCE, _NOT_LINKED, _IS_PROBLEM).group_by(records.c.situation)
)
_AT_DN = (
    select(records.c.object_id)
    .where(
        records.c.source_id.in_(select(sources.c.id)),  # the index of names begins with the source
        records.c.dn_key == bindparam("key"),
        _OF_KIND,
        records.c.object_id.is_not(None),
    )
    .order_by(records.c.id)
)
_AUTHOR = func.coalesce(records.c.decided_by, "")
_ACCOUNTS = (
    select(records.c.source_id, records.c.external_id, records.c.dn, _AUTHOR)
    .where(records.c.object_id == bindparam("object"), records.c.kind == Kind.USER.value, records.c.gone_at.is_(None))
    .order_by(records.c.decided_at, records.c.id)
)

_ACCOUNTS_AMONG = (
    select(records.c.object_id, records.c.source_id, records.c.external_id, records.c.dn, _AUTHOR)
    .where(any_of(records.c.object_id, "objects"), records.c.kind == Kind.USER.value, records.c.gone_at.is_(None))
    .order_by(records.c.decided_at, records.c.id)
)


def get(connection: Connection, source_id: str, kind: Kind, external_id: str) -> Record | None:
    """Return the source's record of this external id, or None."""
    found = record_rows.heads(connection, source_id, kind, (external_id,))
    rows = record_rows.by_id(connection, [head.id for head in found.values()])
    return next((of_row(row) for row in rows.values()), None)


def of_object(connection: Connection, object_id: str) -> list[Record]:
    """Return the records linked to an object, in the order in which they were linked."""
    return [of_row(row) for row in record_rows.linked_to(connection, (object_id,))]


def accounts(connection: Connection, user_id: str) -> list[Account]:
    """Return the user's accounts, in the order in which they were linked: the sources that may verify a password. A leaver has
    none."""
    return [Account(*row) for row in connection.execute(_ACCOUNTS, {"object": user_id})]


def accounts_by_user(connection: Connection, user_ids: Collection[str]) -> dict[str, list[Account]]:
    """Return the accounts of several users at once; a user without any is left out."""
    found: dict[str, list[Account]] = {}
    for user_id, *account in connection.execute(_ACCOUNTS_AMONG, {"objects": user_ids}):
        found.setdefault(user_id, []).append(Account(*account))
    return found


def objects_at_dn(connection: Connection, kind: Kind, dn_key: str) -> list[str]:
    """Return the ids of the objects of a kind that any source has at this DN, given as DN key."""
    rows = connection.execute(_AT_DN, {"kind": kind.value, "key": dn_key})
    return list(dict.fromkeys(rows.scalars()))


def problems(connection: Connection, source_id: str, after: int = 0, limit: int = 100) -> list[tuple[int, Record]]:
    """Return the source's records that are not (or no longer rightly) objects, each with its id, which is the next `after`."""
    rows = connection.execute(_PROBLEMS, {"source": source_id, "after": after, "most": limit})
    return [(row.id, of_row(RecordRow._make(row))) for row in rows]


def count_problems(connection: Connection, source_id: str) -> dict[Situation, int]:
    """Return the number of problem records of a source by situation."""
    rows = connection.execute(_COUNT_PROBLEMS, {"source": source_id})
    return {Situation(situation): number for situation, number in rows}


def count(connection: Connection, source_id: str, kind: Kind) -> int:
    """Return the number of the source's records of this kind; those that are gone do not count."""
    return int(connection.execute(_COUNT, {"source": source_id, "kind": kind.value}).scalar_one())


def count_linked(connection: Connection, source_id: str, kind: Kind) -> int:
    """Return the number of the source's records of this kind that are linked; those that are gone do not count."""
    return int(connection.execute(_COUNT_LINKED, {"source": source_id, "kind": kind.value}).scalar_one())


def of_row(row: RecordRow) -> Record:
    """Return the model value of a row."""
    return Record(
        row.source_id,
        Kind(row.kind),
        row.external_id,
        row.dn,
        decode_attributes(row.attributes),
        Situation(row.situation),
        row.reason,
        gone_at=optional_time_of(row.gone_at),
        object_id=row.object_id,
        decided_by=row.decided_by or "",
        candidates=decode_strings(row.candidates),
    )

"""The records of an object that contribute to it. Pure."""

from collections.abc import Sequence

from gateway.model.records import DECIDED_BY_ADDITION, Situation
from gateway.store.records.record_rows import RecordRow


def select(rows: Sequence[RecordRow]) -> tuple[Sequence[RecordRow], bool]:
    """Return the records that contribute: those that are present, without one that lost its name, which says nothing until it
    has one again. And whether no source has the object any more."""
    if len(rows) == 1 and rows[0].gone_at is None:  # nearly all, of a first load
        row = rows[0]
        return (() if row.situation == Situation.UNMATCHED.value else rows), row.decided_by == DECIDED_BY_ADDITION
    there = present(rows)
    return [row for row in there if row.situation != Situation.UNMATCHED.value], _is_left(rows)


def present(rows: Sequence[RecordRow]) -> Sequence[RecordRow]:
    """Return the records of an object without those of leavers; all of them when it has no other but additions: then it stays
    as it was left."""
    return rows if len(rows) == 1 or _is_left(rows) else [row for row in rows if row.gone_at is None]


def _is_left(rows: Sequence[RecordRow]) -> bool:
    return not any(row.gone_at is None and row.decided_by != DECIDED_BY_ADDITION for row in rows)

"""The records of an object that contribute to it. Pure."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from gateway.model.objects import Attributes
from gateway.model.records import DECIDED_BY_ADDITION, Situation
from gateway.store.records.record_rows import RecordRow
from gateway.sync.rules.authority import ENABLED, Contribution

AttributesOf: TypeAlias = Callable[[RecordRow], Attributes]


def select(rows: Sequence[RecordRow]) -> tuple[Sequence[RecordRow], bool]:
    """Return the records that contribute: those that are present, without one that lost its name, which says nothing until it
    has one again. And whether no source has the object any more."""
    if len(rows) == 1 and rows[0].gone_at is None:  # nearly all, of a first load
        row = rows[0]
        return (() if row.situation == Situation.UNMATCHED.value else rows), row.decided_by == DECIDED_BY_ADDITION
    there = present(rows)
    return [row for row in there if row.situation != Situation.UNMATCHED.value], _is_left(rows)


def reports(rows: Sequence[RecordRow], contributing: Sequence[RecordRow], attributes_of: AttributesOf) -> list[Contribution]:
    """Return what the records of an object report. `contributing`: of `rows`, as `select` returns them. One that lost its name
    still says whether the user is enabled: else others would enable whom its source has disabled."""
    if len(contributing) == len(rows):
        return [Contribution(row.source_id, attributes_of(row)) for row in rows]
    ids, said = {row.id for row in contributing}, []
    for row in rows:
        if row.id in ids:
            said.append(Contribution(row.source_id, attributes_of(row)))
        elif row.gone_at is None and row.situation == Situation.UNMATCHED.value:
            status = {name: values for name, values in attributes_of(row).items() if name == ENABLED}
            said.append(Contribution(row.source_id, status))
    return said


def present(rows: Sequence[RecordRow]) -> Sequence[RecordRow]:
    """Return the records of an object without those of leavers; all of them when it has no other but additions: then it stays
    as it was left."""
    return rows if len(rows) == 1 or _is_left(rows) else [row for row in rows if row.gone_at is None]


def _is_left(rows: Sequence[RecordRow]) -> bool:
    return not any(row.gone_at is None and row.decided_by != DECIDED_BY_ADDITION for row in rows)
